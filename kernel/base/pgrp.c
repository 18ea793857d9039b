/* SPDX-License-Identifier: BSD-2-Clause */
/* Process groups and sessions: all under the process list's lock. */
#include "kernel/base/mem.h"
#include "kernel/base/proc.h"

static struct pgrp *groups;

struct pgrp *
rumpk_pgrp_lookup(int32_t id)
{
	struct pgrp *pg = groups;

	while (pg != NULL && pg->id != id)
		pg = pg->next;
	return pg;
}

struct pgrp *
rumpk_pgrp_create(int32_t id, struct session *session)
{
	struct pgrp *pg = rumpk_zalloc(sizeof(*pg));

	if (pg == NULL)
		return NULL;
	if (session == NULL) {
		session = rumpk_zalloc(sizeof(*session));
		if (session == NULL) {
			rumpk_free(pg, sizeof(*pg));
			return NULL;
		}
		session->id = id;
	}
	session->ngroups++;
	pg->id = id;
	pg->session = session;
	pg->next = groups;
	groups = pg;
	return pg;
}

void
rumpk_pgrp_discard(struct pgrp *pg)
{
	struct pgrp **pp = &groups;

	while (*pp != pg)
		pp = &(*pp)->next;
	*pp = pg->next;
	if (--pg->session->ngroups == 0)
		rumpk_free(pg->session, sizeof(*pg->session));
	rumpk_free(pg, sizeof(*pg));
}

void
rumpk_pgrp_join(struct proc *p, struct pgrp *pg)
{
	p->pgrp = pg;
	p->pgrp_prev = NULL;
	p->pgrp_next = pg->members;
	if (pg->members != NULL)
		pg->members->pgrp_prev = p;
	pg->members = p;
}

void
rumpk_pgrp_leave(struct proc *p)
{
	struct pgrp *pg = p->pgrp;

	if (p->pgrp_prev != NULL)
		p->pgrp_prev->pgrp_next = p->pgrp_next;
	else
		pg->members = p->pgrp_next;
	if (p->pgrp_next != NULL)
		p->pgrp_next->pgrp_prev = p->pgrp_prev;
	p->pgrp = NULL;
	if (pg->session->leader == p)
		pg->session->leader = NULL;
	if (pg->members == NULL)
		rumpk_pgrp_discard(pg);
}
