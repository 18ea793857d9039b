/* SPDX-License-Identifier: BSD-2-Clause */
/* SIGIO for whoever asks for it: O_ASYNC, and the owner that F_SETOWN gives a pipe's end or a socket, who
 * gets SIGURG too. */
#ifndef KERNEL_BASE_SIGIO_H
#define KERNEL_BASE_SIGIO_H

#include <stdatomic.h>
#include "kernel/base/notify.h"

struct rumpk_sigio;

/* What an object has of it: nothing until somebody asks. Zeroed memory is that. */
typedef _Atomic(struct rumpk_sigio *) rumpk_sigio_slot;

/*
 * The ioctls FIOASYNC, FIOSETOWN, TIOCSPGRP, SIOCSPGRP and their like that get. While it is on, what comes to
 * the list that is of interest signals the owner: a process, or the group of minus the number. Returns 0 or
 * an errno, ENOTTY for other commands. No lock may be held.
 */
RUMPK_EXPORT int rumpk_sigio_ioctl(rumpk_sigio_slot *slot, struct rumpk_notelist *list, uint32_t interest,
    unsigned long cmd, int32_t *value);

/* Has one object do as another one does, as a connection does after its listener. Returns 0 or ENOMEM. */
RUMPK_EXPORT int rumpk_sigio_inherit(
    rumpk_sigio_slot *slot, struct rumpk_notelist *list, uint32_t interest, rumpk_sigio_slot *from);

/* Urgent data have come: the owner is told in any case. Locks may be held. */
RUMPK_EXPORT void rumpk_sigio_urgent(rumpk_sigio_slot *slot);

/* Nobody has the object open any more, but somebody may again. */
RUMPK_EXPORT void rumpk_sigio_reset(rumpk_sigio_slot *slot, struct rumpk_notelist *list);

/* Before the list goes, when nobody else can use the object. No lock may be held. */
RUMPK_EXPORT void rumpk_sigio_fini(rumpk_sigio_slot *slot, struct rumpk_notelist *list);

#endif
