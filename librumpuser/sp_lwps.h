/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The lwps that a client keeps between calls, since making one costs as much as a short call. An lwp has the
 * credentials that its process had when it was made: after a call that changes them none is kept that was
 * made before.
 */
#ifndef LIBRUMPUSER_SP_LWPS_H
#define LIBRUMPUSER_SP_LWPS_H

#include <stdbool.h>
#include <stdint.h>

struct lwp;
struct sp_client;

/* One of the spares, or NULL. With the client's lock held. */
struct lwp *lwps_take(struct sp_client *c);

/* Puts one back that was taken, or made, in that generation. With the lock held. False: it is to be released.
 */
bool lwps_keep(struct sp_client *c, struct lwp *lwp, uint32_t generation);

/* Releases the spares, from outside the kernel and without the lock. */
void lwps_release_spares(struct sp_client *c);

/* The same, and none that is in use now will be kept. */
void lwps_outdate(struct sp_client *c);

/* Whether a call may leave other lwps of the process with outdated credentials. */
bool lwps_outdated_by(uint32_t call);

#endif
