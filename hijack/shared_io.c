/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading from and writing to files that the process has mapped: its mappings are of the same contents. */
#include <stdint.h>

#include "hijack/descriptor.h"
#include "hijack/rump.h"
#include "hijack/shared_list.h"
#include "hijack/shared_map.h"

/* Descriptors of files that are not mapped, with how many changes there had been to mappings and descriptors
 * when they were seen. */
static uint64_t unmapped[64];

/* Never 0. */
static uint64_t
as_unmapped(int rump)
{
	uint32_t changes = __atomic_load_n(&hijack_mappings_made, __ATOMIC_RELAXED) +
			   __atomic_load_n(&hijack_process()->fds->changes, __ATOMIC_RELAXED);

	return ((uint64_t)rump + 1) << 32 | changes;
}

static bool
is_unmapped(int rump)
{
	return __atomic_load_n(&unmapped[rump % 64], __ATOMIC_RELAXED) == as_unmapped(rump);
}

/* A mapping of the file, if possible one that can write to it. */
static const struct mapping *
find_file(int rump)
{
	const struct mapping *found = NULL;
	uint64_t seen = as_unmapped(rump);
	struct rump_stat st;

	if (HIJACK_RUMP(__fstat50, (uint64_t)rump, hijack_slot(&st)) != 0 ||
	    (st.st_mode & RUMP_S_IFMT) != RUMP_S_IFREG)
		return NULL;
	for (const struct mapping *mapping = hijack_mappings; mapping != NULL; mapping = mapping->next) {
		if (mapping->inode == st.st_ino && mapping->device == st.st_dev &&
		    hijack_mapping_is_present(mapping) && (found == NULL || mapping->object.writes))
			found = mapping;
	}
	if (found == NULL)
		__atomic_store_n(&unmapped[rump % 64], seen, __ATOMIC_RELAXED);
	return found;
}

static int64_t
position(int rump)
{
	return HIJACK_RUMP(lseek, (uint64_t)rump, 0, 0, RUMP_SEEK_CUR);
}

void
hijack_shared_before_read(int rump, int64_t offset, size_t size)
{
	const struct mapping *mapping;
	uint64_t mask;
	int64_t end;

	if (is_unmapped(rump))
		return;
	hijack_mappings_lock(&mask);
	mapping = find_file(rump);
	if (mapping != NULL) {
		if (offset < 0)
			offset = position(rump);
		if (__builtin_add_overflow(offset, size, &end))
			end = INT64_MAX;
		hijack_object_lock(mapping->object.host);
		(void)hijack_object_write_back(&mapping->object, offset, end);
		hijack_object_unlock(mapping->object.host);
	}
	hijack_mappings_unlock(&mask);
}

void
hijack_shared_before_write(struct hijack_shared_write *state, int rump, int64_t offset)
{
	state->mapping = NULL;
	if (is_unmapped(rump))
		return;
	hijack_mappings_lock(&state->mask);
	state->rump = rump;
	state->offset = offset;
	state->mapping = find_file(rump);
	if (state->mapping != NULL)
		hijack_object_lock(state->mapping->object.host);
	else
		hijack_mappings_unlock(&state->mask);
}

void
hijack_shared_after_write(const struct hijack_shared_write *state, long result)
{
	const struct mapping *mapping = state->mapping;
	int64_t from = state->offset;

	if (mapping == NULL)
		return;
	(void)hijack_object_resize(&mapping->object);
	if (result > 0 && from < 0)
		from = position(state->rump) - result;
	if (result > 0)
		(void)hijack_object_take(&mapping->object, from, from + result);
	hijack_object_unlock(mapping->object.host);
	hijack_mappings_unlock(&state->mask);
}
