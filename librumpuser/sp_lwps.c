/* SPDX-License-Identifier: BSD-2-Clause */
#include "librumpuser/sp_lwps.h"

#include <stddef.h>

#include "librumpuser/sp_client.h"
#include "librumpuser/sp_kernel.h"
#include "sp/signature.h"

struct lwp *
lwps_take(struct sp_client *c)
{
	return c->spares != 0 ? c->spare[--c->spares] : NULL;
}

bool
lwps_keep(struct sp_client *c, struct lwp *lwp, uint32_t generation)
{
	if (c->state != CLIENT_RUNNING || c->spares == CLIENT_SPARES || generation != c->spares_generation)
		return false;
	c->spare[c->spares++] = lwp;
	return true;
}

static void
release_spares(struct sp_client *c, uint32_t generations)
{
	struct lwp *spare[CLIENT_SPARES];
	unsigned count;

	host_lock_enter(&c->lock);
	c->spares_generation += generations;
	count = c->spares;
	for (unsigned i = 0; i < count; i++)
		spare[i] = c->spare[i];
	c->spares = 0;
	host_lock_exit(&c->lock);
	if (count == 0)
		return;
	kernel_enter();
	for (unsigned i = 0; i < count; i++)
		kernel_release(spare[i]);
	kernel_leave();
}

void
lwps_release_spares(struct sp_client *c)
{
	release_spares(c, 0);
}

void
lwps_outdate(struct sp_client *c)
{
	release_spares(c, 1);
}

bool
lwps_outdated_by(uint32_t call)
{
	const struct sp_signature *s = sp_signature(call);

	/* Who knows what a call does that the table does not have. */
	return s == NULL || !s->offered || s->credentials;
}
