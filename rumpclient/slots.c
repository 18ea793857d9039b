/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "rumpclient/slots.h"

#include <errno.h>
#include <sys/mman.h>

/* Not malloc: a signal handler's call may need it. */
static struct rc_slot *
table_new(unsigned int which)
{
	size_t count = rc_table_size(which);
	uint32_t first = 0;
	struct rc_slot *table =
	    mmap(NULL, count * sizeof(*table), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (table == MAP_FAILED)
		return NULL;
	for (unsigned int i = 0; i < which; i++)
		first += (uint32_t)rc_table_size(i);
	for (size_t i = 0; i < count; i++)
		table[i].index = first + (uint32_t)i;
	return table;
}

int
rc_slots_init(struct rc_slots *slots)
{
	struct rc_slot *table = table_new(0);

	if (table == NULL)
		return -ENOMEM;
	atomic_store(&slots->table[0], table);
	atomic_store(&slots->next, 1);
	return 0;
}

void
rc_slots_fini(struct rc_slots *slots)
{
	for (unsigned int i = 0; i < RC_TABLES; i++) {
		struct rc_slot *table = atomic_exchange(&slots->table[i], NULL);

		if (table != NULL)
			(void)munmap(table, rc_table_size(i) * sizeof(*table));
	}
}

static struct rc_slot *
table_add(struct rc_slots *slots, unsigned int which)
{
	struct rc_slot *expected = NULL;
	struct rc_slot *table = table_new(which);

	if (table == NULL)
		return NULL;
	if (!atomic_compare_exchange_strong(&slots->table[which], &expected, table)) {
		(void)munmap(table, rc_table_size(which) * sizeof(*table));
		table = expected;
	}
	return table;
}

struct rc_slot *
rc_slot_claim(struct rc_slots *slots, uint64_t *reqno)
{
	uint64_t number = atomic_fetch_add_explicit(&slots->next, 1, memory_order_relaxed);

	for (unsigned int i = 0; i < RC_TABLES; i++) {
		struct rc_slot *table = atomic_load_explicit(&slots->table[i], memory_order_acquire);
		struct rc_slot *slot;
		uint64_t none = 0;

		if (table == NULL && (table = table_add(slots, i)) == NULL)
			return NULL;
		slot = &table[number & (rc_table_size(i) - 1)];
		if (atomic_compare_exchange_strong_explicit(
			&slot->key, &none, number + 1, memory_order_acq_rel, memory_order_relaxed)) {
			*reqno = number;
			return slot;
		}
	}
	return NULL;
}

struct rc_slot *
rc_slot_at(struct rc_slots *slots, uint32_t index)
{
	unsigned int i = 0;

	while (index >= rc_table_size(i))
		index -= (uint32_t)rc_table_size(i++);
	return &atomic_load_explicit(&slots->table[i], memory_order_acquire)[index];
}

void
rc_slots_each(struct rc_slots *slots, void (*fn)(struct rc_slot *, void *), void *arg)
{
	for (unsigned int i = 0; i < RC_TABLES; i++) {
		struct rc_slot *table = atomic_load_explicit(&slots->table[i], memory_order_acquire);

		if (table == NULL)
			return;
		for (size_t j = 0; j < rc_table_size(i); j++)
			if (atomic_load_explicit(&table[j].key, memory_order_acquire) != 0)
				fn(&table[j], arg);
	}
}
