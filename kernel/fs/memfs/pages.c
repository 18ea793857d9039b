/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A file's pages: the first few in the node, the others in a tree of tables of 512 pointers, as high as the
 * largest index asks. Guarded by the vnode's lock: readers share it.
 */
#include "kernel/fs/memfs/memfs.h"

#define FANOUT_SHIFT 9
#define FANOUT (1u << FANOUT_SHIFT)

/* How many pages a tree of that height reaches, or UINT64_MAX. */
static uint64_t
reach(unsigned height)
{
	return height * FANOUT_SHIFT >= 64 ? UINT64_MAX : UINT64_C(1) << (height * FANOUT_SHIFT);
}

static unsigned
digit(uint64_t index, unsigned height)
{
	return (index >> ((height - 1) * FANOUT_SHIFT)) & (FANOUT - 1);
}

void *
pages_find(const struct pages *pages, uint64_t index)
{
	void *at = pages->tree;

	if (index < PAGES_DIRECT)
		return pages->direct[index];
	if (index >= reach(pages->height) || pages->height == 0)
		return NULL;
	for (unsigned height = pages->height; height > 0 && at != NULL; height--)
		at = ((void **)at)[digit(index, height)];
	return at;
}

/* Adds roots until the tree reaches index. */
static int
raise_tree(struct pages *pages, uint64_t index)
{
	void **root;

	while (pages->height == 0 || index >= reach(pages->height)) {
		if (pages->tree != NULL || pages->height == 0) {
			root = rumpk_zalloc(FANOUT * sizeof(void *));
			if (root == NULL)
				return RUMP_ENOSPC;
			root[0] = pages->tree;
			pages->tree = root;
		}
		pages->height++;
	}
	return 0;
}

/* Where the pointer to the page lies; tables on the way are made. */
static int
slot_of(struct pages *pages, uint64_t index, void ***slotp)
{
	void **slot;
	int error;

	if (index < PAGES_DIRECT) {
		*slotp = &pages->direct[index];
		return 0;
	}
	error = raise_tree(pages, index);
	if (error != 0)
		return error;
	slot = &pages->tree;
	for (unsigned height = pages->height; height > 0; height--) {
		if (*slot == NULL)
			*slot = rumpk_zalloc(FANOUT * sizeof(void *));
		if (*slot == NULL)
			return RUMP_ENOSPC;
		slot = &((void **)*slot)[digit(index, height)];
	}
	*slotp = slot;
	return 0;
}

int
pages_make(struct memfs *fs, struct pages *pages, uint64_t index, bool clear, void **pagep)
{
	void **slot;
	int error = slot_of(pages, index, &slot);

	if (error != 0)
		return error;
	if (*slot == NULL) {
		if (!memfs_charge(fs, RUMPK_PAGE_SIZE))
			return RUMP_ENOSPC;
		*slot = clear ? rumpk_zalloc(RUMPK_PAGE_SIZE) : rumpk_alloc(RUMPK_PAGE_SIZE);
		if (*slot == NULL) {
			memfs_uncharge(fs, RUMPK_PAGE_SIZE);
			return RUMP_ENOSPC;
		}
		pages->count++;
	}
	*pagep = *slot;
	return 0;
}

static void
drop_page(struct memfs *fs, struct pages *pages, void **slot)
{
	if (*slot == NULL)
		return;
	rumpk_free(*slot, RUMPK_PAGE_SIZE);
	memfs_uncharge(fs, RUMPK_PAGE_SIZE);
	*slot = NULL;
	pages->count--;
}

/*
 * Drops what of [from, to) lies under *slot, the root of a subtree of that height whose first index
 * is base; tables that this leaves empty go too. The recursion is as deep as the tree: at most six.
 */
static void
drop_under(struct memfs *fs, struct pages *pages, void **slot, unsigned height, uint64_t base, uint64_t from,
    uint64_t to)
{
	uint64_t step = height == 0 ? 1 : reach(height - 1);
	void **table = *slot;
	unsigned i, left;

	if (table == NULL)
		return;
	if (height == 0) {
		drop_page(fs, pages, slot);
		return;
	}
	i = from > base ? (unsigned)((from - base) / step) : 0;
	for (; i < FANOUT && base + i * step < to; i++)
		drop_under(fs, pages, &table[i], height - 1, base + i * step, from, to);
	for (left = 0; left < FANOUT && table[left] == NULL; left++)
		;
	if (left == FANOUT) {
		rumpk_free(table, FANOUT * sizeof(void *));
		*slot = NULL;
	}
}

void
pages_drop(struct memfs *fs, struct pages *pages, uint64_t from, uint64_t to)
{
	for (uint64_t i = from; i < PAGES_DIRECT && i < to; i++)
		drop_page(fs, pages, &pages->direct[i]);
	if (pages->height == 0 || from >= reach(pages->height) || to <= PAGES_DIRECT)
		return;
	drop_under(fs, pages, &pages->tree, pages->height, 0, from, to);
	if (pages->tree == NULL)
		pages->height = 0;
}
