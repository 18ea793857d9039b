/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where directories were found.
 *
 * Theory of operation: a directory is noted when it is first found, in one that has been found before or is
 * the root; and never otherwise afterwards. So whatever an image says, the way up ends at the root.
 */
#include "kernel/base/mem.h"
#include "kernel/fs/squashfs/squashfs.h"

#define FIRST_ROOM 64

struct squash_parent {
	uint64_t ino; /* 0: free */
	uint64_t parent;
};

void
squash_parents_init(struct squash_parents *parents)
{
	rumpk_mutex_init(&parents->lock);
}

void
squash_parents_fini(struct squash_parents *parents)
{
	rumpk_free(parents->table, parents->room * sizeof(*parents->table));
	rumpk_mutex_destroy(&parents->lock);
}

/* Its place, or the free one where it would be. There is always one free. */
static struct squash_parent *
place_of(struct squash_parent *table, uint32_t room, uint64_t ino)
{
	uint32_t i = (uint32_t)((ino * UINT64_C(0x9e3779b97f4a7c15)) >> 32) & (room - 1);

	while (table[i].ino != 0 && table[i].ino != ino)
		i = (i + 1) & (room - 1);
	return &table[i];
}

/* At most half of it is in use. */
static int
make_room(struct squash_parents *parents)
{
	uint32_t room = parents->room == 0 ? FIRST_ROOM : parents->room * 2;
	struct squash_parent *table;

	if (parents->count < parents->room / 2)
		return 0;
	table = room > UINT32_C(1) << 30 ? NULL : rumpk_zalloc(room * sizeof(*table));
	if (table == NULL)
		return RUMP_ENOMEM;
	for (uint32_t i = 0; i < parents->room; i++)
		if (parents->table[i].ino != 0)
			*place_of(table, room, parents->table[i].ino) = parents->table[i];
	rumpk_free(parents->table, parents->room * sizeof(*table));
	parents->table = table;
	parents->room = room;
	return 0;
}

int
squash_parents_note(struct squash_parents *parents, uint64_t ino, uint64_t parent)
{
	int error;

	rumpk_lock(parents->lock);
	error = make_room(parents);
	if (error == 0) {
		struct squash_parent *place = place_of(parents->table, parents->room, ino);

		if (place->ino == 0) {
			*place = (struct squash_parent){ino, parent};
			parents->count++;
		}
	}
	rumpk_unlock(parents->lock);
	return error;
}

uint64_t
squash_parents_of(struct squash_parents *parents, uint64_t ino)
{
	uint64_t parent = 0;

	rumpk_lock(parents->lock);
	if (parents->room != 0)
		parent = place_of(parents->table, parents->room, ino)->parent;
	rumpk_unlock(parents->lock);
	return parent;
}
