/* SPDX-License-Identifier: BSD-2-Clause */
#include "kernel/base/cred.h"
#include <string.h>
#include "kernel/base/boot.h"
#include "kernel/base/lock.h"
#include "kernel/base/mem.h"
#include "kernel/base/print.h"

#define BUCKETS 256

struct known {
	struct rumpk_cred cred;
	struct known *next;
};

static const struct rumpk_cred root_cred;
const struct rumpk_cred *const rumpk_cred_root = &root_cred;

static rumpk_mutex lock;
static struct known *known[BUCKETS];
static unsigned count;

void
rumpk_cred_init(void)
{
	rumpk_mutex_init(&lock);
}

bool
rumpk_cred_ismember(const struct rumpk_cred *cred, uint32_t gid)
{
	if (cred->egid == gid)
		return true;
	for (uint32_t i = 0; i < cred->ngroups; i++)
		if (cred->groups[i] == gid)
			return true;
	return false;
}

static unsigned
hash(const struct rumpk_cred *cred)
{
	const uint32_t *word = (const uint32_t *)(const void *)cred;
	uint32_t h = 2166136261u;

	for (size_t i = 0; i < sizeof(*cred) / sizeof(*word); i++)
		h = (h ^ word[i]) * 16777619u;
	return h % BUCKETS;
}

static struct known *
find(const struct rumpk_cred *cred, unsigned bucket)
{
	struct known *k = known[bucket];

	while (k != NULL && memcmp(&k->cred, cred, sizeof(*cred)) != 0)
		k = k->next;
	return k;
}

const struct rumpk_cred *
rumpk_cred_intern(const struct rumpk_cred *model)
{
	struct rumpk_cred cred = *model;
	struct known *k;
	unsigned bucket;

	RUMPK_ASSERT(cred.ngroups <= RUMPK_NGROUPS);
	/* Equal identities have to be equal as memory. */
	memset(cred.groups + cred.ngroups, 0, (RUMPK_NGROUPS - cred.ngroups) * sizeof(*cred.groups));
	if (memcmp(&cred, &root_cred, sizeof(cred)) == 0)
		return &root_cred;
	bucket = hash(&cred);
	rumpk_lock(lock);
	k = find(&cred, bucket);
	if (k == NULL && count < RUMPK_CRED_MAX && (k = rumpk_alloc(sizeof(*k))) != NULL) {
		k->cred = cred;
		k->next = known[bucket];
		known[bucket] = k;
		count++;
	}
	rumpk_unlock(lock);
	return k != NULL ? &k->cred : NULL;
}
