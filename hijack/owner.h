/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Owners of the rump kernel's descriptors: F_SETOWN, and the signals that come of it.
 *
 * Theory of operation
 *
 * The rump kernel sends a signal to a process's connection, which is only looked at when the process makes a
 * call, while a signal has to come when there is nothing else to do. So the owner that the rump kernel is
 * told is a process of its own, at the other end of a second connection, where nothing else ever arrives: the
 * host sends SIGSYS when something does (O_ASYNC), and its handler, which is this library's in any case,
 * reads the connection and sends the process what the rump kernel has sent. The second connection is made for
 * the first F_SETOWN, and closed in a child of fork, which owns nothing.
 */
#ifndef HIJACK_OWNER_H
#define HIJACK_OWNER_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

/* The second connection is this descriptor; -1: there is none. And which it is. */
void hijack_owner_listen(int fd);
int hijack_owner_listens(void);

/* In the handler of SIGSYS: whether the signal was this file's. Sends what has come. */
bool hijack_owner_signal(const siginfo_t *info);

/* fcntl's commands on a rump descriptor, with the program's argument: F_SETOWN, F_GETOWN, F_SETOWN_EX,
 * F_GETOWN_EX. */
long hijack_owner_fcntl(int rump, int command, uint64_t argument);

/* Whose it is: a process as the program knows it, or nobody (0). And the process itself, or nobody. */
long hijack_owner_get(int rump);
long hijack_owner_set(int rump, int process);

/* What Linux does not have a connection inherit from its listener. */
void hijack_owner_accepted(int rump);

/* In a child of fork. */
void hijack_owner_forked(void);

/* Whether a descriptor is the library's own, for this. */
bool hijack_owner_owns(int fd);

#endif
