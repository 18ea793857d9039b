/* SPDX-License-Identifier: BSD-2-Clause */
#include "librumpuser/sp_table.h"

#include <stdlib.h>

#include "librumpuser/host_lock.h"
#include "librumpuser/sp_client.h"

#define NO_SLOT UINT32_MAX
#define FIRST_SLOTS 64

/* A client's number is its slot and how often that has been taken. */
struct slot {
	struct sp_client *client;
	uint32_t generation;
	uint32_t next_free;
};

static struct host_lock table_lock;
static struct slot *slots;
static uint32_t slot_count;
static uint32_t first_free = NO_SLOT;
static unsigned clients;

/* Makes room. The number of slots stays far below those that epoll's data are told apart by. */
static bool
grow(void)
{
	uint32_t count = slot_count != 0 ? 2 * slot_count : FIRST_SLOTS;
	struct slot *bigger = realloc(slots, count * sizeof(*bigger));

	if (bigger == NULL)
		return false;
	for (uint32_t i = slot_count; i < count; i++)
		bigger[i] = (struct slot){.generation = 1, .next_free = i + 1 < count ? i + 1 : NO_SLOT};
	first_free = slot_count;
	slots = bigger;
	slot_count = count;
	return true;
}

bool
table_add(struct sp_client *c)
{
	bool added = false;
	uint32_t i;

	host_lock_enter(&table_lock);
	if (first_free != NO_SLOT || grow()) {
		i = first_free;
		first_free = slots[i].next_free;
		slots[i].client = client_ref(c);
		c->id = (uint64_t)slots[i].generation << 32 | i;
		clients++;
		added = true;
	}
	host_lock_exit(&table_lock);
	return added;
}

static struct slot *
slot_of(uint64_t id)
{
	uint32_t i = (uint32_t)id;

	if (i >= slot_count || slots[i].client == NULL || slots[i].generation != (uint32_t)(id >> 32))
		return NULL;
	return &slots[i];
}

bool
table_remove(struct sp_client *c)
{
	struct slot *s;

	host_lock_enter(&table_lock);
	s = slot_of(c->id);
	if (s != NULL) {
		s->client = NULL;
		s->generation = s->generation == UINT32_MAX - 1 ? 1 : s->generation + 1;
		s->next_free = first_free;
		first_free = (uint32_t)(s - slots);
		clients--;
	}
	host_lock_exit(&table_lock);
	return s != NULL;
}

struct sp_client *
client_find(uint64_t id)
{
	struct sp_client *c = NULL;
	struct slot *s;

	host_lock_enter(&table_lock);
	s = slot_of(id);
	if (s != NULL)
		c = client_ref(s->client);
	host_lock_exit(&table_lock);
	return c;
}

unsigned
client_count(void)
{
	unsigned count;

	host_lock_enter(&table_lock);
	count = clients;
	host_lock_exit(&table_lock);
	return count;
}

void
client_each(void (*function)(struct sp_client *c, void *arg), void *arg)
{
	host_lock_enter(&table_lock);
	for (uint32_t i = 0; i < slot_count; i++) {
		if (slots[i].client != NULL)
			function(slots[i].client, arg);
	}
	host_lock_exit(&table_lock);
}
