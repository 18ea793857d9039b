/* SPDX-License-Identifier: BSD-2-Clause */
/* Calls into the rump kernel, on behalf of the calling process. */
#ifndef HIJACK_RUMP_H
#define HIJACK_RUMP_H

#include <stddef.h>
#include <stdint.h>

#include <rump/rumpdefs.h>

#include "hijack/dispatch.h"
#include "hijack/thread.h"

/* The calls that a rump kernel offers. */
enum hijack_rump_number {
#define HIJACK_OFFERED_0(number, name)
#define HIJACK_OFFERED_1(number, name) HIJACK_RUMP_##name = number,
#define RUMP_SYSCALL(number, name, slots, offered) HIJACK_OFFERED_##offered(number, name)
#include "abi/syscalls.def"
#undef RUMP_SYSCALL
#undef HIJACK_OFFERED_1
#undef HIJACK_OFFERED_0
};

/*
 * Makes a system call of the rump kernel, connecting first if the process is not yet. Returns its value, or
 * -errno of the host; *second, unless NULL, is what calls with two values return beside. Pointers in the
 * slots may be the program's: the rump kernel says EFAULT for bad ones.
 */
long hijack_rump_call(enum hijack_rump_number number, const uint64_t *slots, size_t count, long *second);

/* The same with the arguments as they come. */
#define HIJACK_RUMP(name, ...) \
	hijack_rump_call(HIJACK_RUMP_##name, (const uint64_t[]){__VA_ARGS__}, \
	    sizeof((const uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t), NULL)

static inline uint64_t
hijack_slot(const void *pointer)
{
	return (uint64_t)(uintptr_t)pointer;
}

/* The connection's state around calls that make processes; see processes.c. */
struct rumpclient;

/* Connects with what an exec handed over, at start-up. Returns 0 or -errno. */
int hijack_rump_take_over(void);

/* The process's context, connecting if need be. NULL: *error says why, and the user has been told. */
struct rumpclient *hijack_rump_context(int *error);

/* One more context of the process's, another process in the rump kernel. NULL with errno. */
struct rumpclient *hijack_rump_second(void);

/* Connects if it can, without a word. */
hijack_call_fn hijack_beyond_connect;

/* One of the library's own descriptors: to the program it is not there. */
bool hijack_rump_owns(int fd);

#endif
