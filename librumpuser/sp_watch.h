/* SPDX-License-Identifier: BSD-2-Clause */
/* Which worker waits for the clients, where the process has one CPU. */
#ifndef LIBRUMPUSER_SP_WATCH_H
#define LIBRUMPUSER_SP_WATCH_H

#include <stdbool.h>
#include <time.h>

/* Whether there is a watch. Where there is none, everybody waits, and the other calls here do nothing. */
bool watch_kept(void);

/* Decides about that. Returns 0 or -errno. watch_fini() undoes it once no worker is left. */
int watch_init(void);
void watch_fini(void);

/* Waits until the calling worker has the watch. False when the deadline (NULL: none) has come before. */
bool watch_await(const struct timespec *deadline);

/*
 * The one that has it is about to wait for clients, and has come back. watch_waits() returns false when the
 * watch has been taken from it.
 */
bool watch_waits(void);
void watch_returns(void);

/* Whether the calling worker has it. If it does, pass it on: before anything that may sleep. */
bool watch_held(void);
void watch_pass(void);

/* A descriptor that becomes readable when watch_check() is to be called, by one thread; or -1. */
int watch_timer(void);
void watch_check(void);

#endif
