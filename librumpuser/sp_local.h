/* SPDX-License-Identifier: BSD-2-Clause */
/* Copies from and to a client's memory without its help. */
#ifndef LIBRUMPUSER_SP_LOCAL_H
#define LIBRUMPUSER_SP_LOCAL_H

#include <stdbool.h>
#include <stddef.h>

#include "sp/wire.h"

struct sp_client;

/* Whether they are worth trying. */
bool local_is_usable(struct sp_client *c);

/* Return 0; -EFAULT when the client has no such memory; -EPERM when it has to be asked with a frame. */
int local_read(struct sp_client *c, sp_addr_t addr, void *dst, size_t len);
int local_write(struct sp_client *c, sp_addr_t addr, const void *src, size_t len);

/* local_write(), or else by a frame: 0 or -errno. Without a CPU of the kernel. Not in sp_local.c but in
 * sp_copy.c. */
int local_write_or_ask(struct sp_client *c, sp_addr_t addr, const void *src, size_t len);

/* As sp_vm_read_string(), or -EPERM as above. */
int local_read_string(struct sp_client *c, sp_addr_t addr, char *dst, size_t *len);

#endif
