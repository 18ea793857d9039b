/* SPDX-License-Identifier: BSD-2-Clause */
/* Terminals of the rump kernel's; rump is a descriptor there. */
#ifndef HIJACK_TERMINAL_H
#define HIJACK_TERMINAL_H

#include <stdbool.h>
#include <stdint.h>

#include "hijack/dispatch.h"
#include "hijack/rump.h"

/* ioctl on what may be a terminal: -ENOTTY for what is none, and for requests that it does not know. */
hijack_call_fn hijack_inside_terminal;

/* A request of NetBSD's, with an argument of the library's. */
static inline long
hijack_terminal_control(int rump, uint64_t request, const void *argument)
{
	return HIJACK_RUMP(ioctl, (uint64_t)rump, request, hijack_slot(argument));
}

/* Whether it is either end of a pseudo-terminal. */
bool hijack_pty_is(int rump);

/* Changes the settings of a terminal, without the loss that NetBSD has of what a master has yet to read. */
long hijack_pty_set(int rump, const struct rump_termios *termios);

/*
 * What Linux's masters are asked, and how their slaves are opened. -ENOTTY: it is no master, or its slave has
 * no name as Linux's have. In the foreground there is nobody whom the program would know.
 */
long hijack_pty_number(int rump, uint64_t to);
long hijack_pty_unlock(int rump, uint64_t from);
long hijack_pty_open_slave(int rump, long flags);
long hijack_pty_foreground(int rump, uint64_t to);

/* Before the process ends: lets what it has written to pseudo-terminals be read. */
void hijack_pty_end(void);

#endif
