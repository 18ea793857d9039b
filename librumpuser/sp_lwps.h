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

/* One of the spares, or NULL for: make one. It counts as used from now on. With the client's lock held. */
struct lwp *lwps_take(struct sp_client *c);

/*
 * Takes one back, of that generation, that is not current any more; in the kernel, without the lock. lwp is
 * NULL when none was made. More than one spare are kept only while so many are in use, since a process can
 * count its lwps: what is more is released.
 */
void lwps_put(struct sp_client *c, struct lwp *lwp, uint32_t generation);

/* Releases the spares; in the kernel, without the lock. */
void lwps_release_spares(struct sp_client *c);

/* The same, and none that is in use now will be kept. */
void lwps_outdate(struct sp_client *c);

/* Whether a call may leave other lwps of the process with outdated credentials. */
bool lwps_outdated_by(uint32_t call);

#endif
