/* SPDX-License-Identifier: BSD-2-Clause */
/* Regular files: contents, size and holes. */
#include "kernel/fs/memfs/memfs.h"

static uint64_t
page_of(int64_t offset)
{
	return (uint64_t)offset >> RUMPK_PAGE_SHIFT;
}

static size_t
within(int64_t offset)
{
	return (size_t)offset & (RUMPK_PAGE_SIZE - 1);
}

static size_t
smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* What there could ever be memory for: a process's address space. */
#define SIZE_EVER (UINT64_C(1) << 47)

/* Whether a file is not to grow to that size: no mount has files, be they holes, larger than its limit. */
static bool
too_large(const struct memfs_node *node, int64_t size)
{
	uint64_t limit = __atomic_load_n(&memfs_of(node)->max_bytes, __ATOMIC_RELAXED);

	if (limit == 0 || limit > SIZE_EVER)
		limit = SIZE_EVER;
	return size > node->vn.v_size && (uint64_t)size > limit;
}

static void
count_blocks(struct memfs_node *node)
{
	node->vn.v_blocks = (int64_t)(node->pages.count * (RUMPK_PAGE_SIZE / RUMP_S_BLKSIZE));
}

int
memfs_read(struct vnode *vp, struct rumpk_uio *uio, int ioflag)
{
	struct memfs_node *node = memfs_node(vp);

	(void)ioflag;
	while (uio->resid > 0 && uio->offset < vp->v_size) {
		size_t start = within(uio->offset), len = smaller(uio->resid, RUMPK_PAGE_SIZE - start);
		char *page = pages_find(&node->pages, page_of(uio->offset));

		if ((uint64_t)(vp->v_size - uio->offset) < len)
			len = (size_t)(vp->v_size - uio->offset);
		if (page != NULL)
			rumpk_uiomove(page + start, len, uio);
		else
			rumpk_uiozero(len, uio);
	}
	return 0;
}

int
memfs_write(struct vnode *vp, struct rumpk_uio *uio, int ioflag)
{
	struct memfs_node *node = memfs_node(vp);
	struct memfs *fs = memfs_of(node);
	int error = 0;

	(void)ioflag;
	/* What follows in the same write runs out of room page by page. */
	if (uio->resid > 0 && too_large(node, uio->offset))
		return RUMP_ENOSPC;
	while (uio->resid > 0 && error == 0) {
		size_t start = within(uio->offset), len = smaller(uio->resid, RUMPK_PAGE_SIZE - start);
		void *page;

		error = pages_make(fs, &node->pages, page_of(uio->offset), len < RUMPK_PAGE_SIZE, &page);
		if (error != 0)
			break;
		rumpk_uiomove((char *)page + start, len, uio);
		if (uio->offset > vp->v_size)
			__atomic_store_n(&vp->v_size, uio->offset, __ATOMIC_RELAXED);
	}
	count_blocks(node);
	return error;
}

/* Zeros from `from` to `to`, which lie in one page, where there is one. */
static void
clear_part(struct memfs_node *node, int64_t from, int64_t to)
{
	char *page = pages_find(&node->pages, page_of(from));

	if (page != NULL)
		memset(page + within(from), 0, (size_t)(to - from));
}

int
memfs_file_truncate(struct memfs_node *node, int64_t size)
{
	if (too_large(node, size))
		return RUMP_ENOSPC;
	if (size < node->vn.v_size) {
		uint64_t first = page_of(size) + (within(size) != 0);

		if (within(size) != 0)
			clear_part(node, size, (int64_t)(first << RUMPK_PAGE_SHIFT));
		pages_drop(memfs_of(node), &node->pages, first, UINT64_MAX);
	}
	__atomic_store_n(&node->vn.v_size, size, __ATOMIC_RELAXED);
	count_blocks(node);
	return 0;
}

int
memfs_allocate(struct vnode *vp, int64_t offset, int64_t len)
{
	struct memfs_node *node = memfs_node(vp);
	int error = 0;
	void *page;

	if (too_large(node, offset + len))
		return RUMP_ENOSPC;
	for (uint64_t i = page_of(offset); error == 0 && i <= page_of(offset + len - 1); i++)
		error = pages_make(memfs_of(node), &node->pages, i, true, &page);
	if (error == 0 && offset + len > vp->v_size)
		__atomic_store_n(&vp->v_size, offset + len, __ATOMIC_RELAXED);
	count_blocks(node);
	return error;
}

int
memfs_discard(struct vnode *vp, int64_t offset, int64_t len)
{
	struct memfs_node *node = memfs_node(vp);
	int64_t end = len > vp->v_size - offset ? vp->v_size : offset + len, first, last;

	if (end <= offset)
		return 0;
	first = (offset + RUMPK_PAGE_SIZE - 1) & ~(int64_t)(RUMPK_PAGE_SIZE - 1);
	last = end & ~(int64_t)(RUMPK_PAGE_SIZE - 1);
	/* The last page goes as a whole: nothing of the file lies behind. */
	if (end == vp->v_size && end > last && first <= last)
		end = last += RUMPK_PAGE_SIZE;
	if (first > last) {
		clear_part(node, offset, end);
		return 0;
	}
	if (first > offset)
		clear_part(node, offset, first);
	if (end > last)
		clear_part(node, last, end);
	pages_drop(memfs_of(node), &node->pages, page_of(first), page_of(last));
	count_blocks(node);
	return 0;
}
