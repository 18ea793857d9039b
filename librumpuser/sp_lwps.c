/* SPDX-License-Identifier: BSD-2-Clause */
#include "librumpuser/sp_lwps.h"

#include <stddef.h>

#include "librumpuser/sp_client.h"
#include "librumpuser/sp_kernel.h"
#include "sp/signature.h"

struct lwp *
lwps_take(struct sp_client *c)
{
	c->lwps_used++;
	return c->spares != 0 ? c->spare[--c->spares] : NULL;
}

/* How many spares there may be. */
static unsigned
allowed(const struct sp_client *c)
{
	if (c->lwps_used <= 1)
		return 1;
	return c->lwps_used < CLIENT_SPARES ? c->lwps_used : CLIENT_SPARES;
}

void
lwps_put(struct sp_client *c, struct lwp *lwp, uint32_t generation)
{
	struct lwp *excess[CLIENT_SPARES + 1];
	unsigned count = 0;

	host_lock_enter(&c->lock);
	c->lwps_used--;
	if (lwp != NULL && c->state == CLIENT_RUNNING && c->spares < allowed(c) &&
	    generation == c->spares_generation)
		c->spare[c->spares++] = lwp;
	else if (lwp != NULL)
		excess[count++] = lwp;
	while (c->spares > allowed(c))
		excess[count++] = c->spare[--c->spares];
	host_lock_exit(&c->lock);
	for (unsigned i = 0; i < count; i++)
		kernel_release(excess[i]);
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
	for (unsigned i = 0; i < count; i++)
		kernel_release(spare[i]);
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
