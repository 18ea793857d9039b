/* SPDX-License-Identifier: BSD-2-Clause */
/* epoll sets with sockets of the rump kernel's among their members. */
#ifndef HIJACK_EPOLL_H
#define HIJACK_EPOLL_H

#include <stdbool.h>

/* A number is about to be closed or reused: it is no member and no set any more. */
void hijack_epoll_forget(long fd);

/* The program made this call on the descriptor: edges may count again. */
void hijack_epoll_used(long fd, long number, long result);

/* Whether the set has, or had, members that are not the host's. */
bool hijack_epoll_has_members(int fd);

/* A child of fork has copies of the sets, and eventfds that it must not share. */
void hijack_epoll_forked(void);

/* Whether the number is an eventfd of the library's. */
bool hijack_epoll_owns(int fd);

#endif
