/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A process's memory, the caller's own included, by process_vm_readv(2) and process_vm_writev(2): a range
 * that is not there gives -EFAULT instead of a signal.
 */
#ifndef SP_VM_H
#define SP_VM_H

#include <stddef.h>
#include <sys/types.h>

#include "sp/wire.h"

/* Copies all of the range. Returns 0; -EFAULT; or what the system call says: -EPERM, -ESRCH, -ENOSYS. */
int sp_vm_read(pid_t pid, sp_addr_t addr, void *dst, size_t len);
int sp_vm_write(pid_t pid, sp_addr_t addr, const void *src, size_t len);

/*
 * Copies a string of at most *len bytes, its NUL included; *len becomes its length with the NUL.
 * -ENAMETOOLONG when there is no NUL within *len bytes, which have been copied then.
 */
int sp_vm_read_string(pid_t pid, sp_addr_t addr, char *dst, size_t *len);

#endif
