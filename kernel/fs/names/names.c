/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>
#include "kernel/base/mem.h"
#include "kernel/fs/names/names.h"

#define FIRST_ENTRIES 16
#define FIRST_TEXT 256
#define NONE UINT32_MAX

struct entry {
	uint64_t ino;
	uint32_t hash;
	uint32_t text; /* offset in the text */
	uint32_t next; /* in its bucket, or NONE */
	uint16_t len;
	uint8_t type;
};

struct names {
	uint64_t ino, parent;
	bool fold;
	struct entry *entries;
	uint32_t count, room;
	char *text;
	uint32_t text_len, text_room;
	uint32_t *buckets;
	uint32_t nbuckets; /* a power of two */
};

static char
folded(const struct names *names, char c)
{
	return names->fold && c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static uint32_t
hash_of(const struct names *names, const char *text, size_t len)
{
	uint64_t hash = NAME_HASH_START;

	for (size_t i = 0; i < len; i++)
		hash = name_hash_add(hash, folded(names, text[i]));
	return name_hash_end(hash);
}

static bool
same(const struct names *names, const struct entry *entry, const struct name *name)
{
	const char *text = names->text + entry->text;

	if (entry->len != name->len)
		return false;
	if (!names->fold)
		return memcmp(text, name->text, name->len) == 0;
	for (uint32_t i = 0; i < name->len; i++)
		if (folded(names, text[i]) != folded(names, name->text[i]))
			return false;
	return true;
}

struct names *
names_create(uint64_t ino, uint64_t parent, bool fold)
{
	struct names *names = rumpk_zalloc(sizeof(*names));

	if (names != NULL) {
		names->ino = ino;
		names->parent = parent;
		names->fold = fold;
	}
	return names;
}

void
names_free(struct names *names)
{
	if (names == NULL)
		return;
	rumpk_free(names->entries, names->room * sizeof(*names->entries));
	rumpk_free(names->text, names->text_room);
	rumpk_free(names->buckets, names->nbuckets * sizeof(*names->buckets));
	rumpk_free(names, sizeof(*names));
}

/* Doubles an array until it has room for `wanted`. */
static int
grow(void **array, uint32_t *room, size_t each, uint32_t first, uint64_t wanted)
{
	uint64_t more = *room != 0 ? *room : first;
	void *moved;

	if (wanted <= *room)
		return 0;
	while (more < wanted)
		more *= 2;
	if (more > UINT32_MAX || (moved = rumpk_alloc(more * each)) == NULL)
		return RUMP_ENOMEM;
	if (*array != NULL)
		memcpy(moved, *array, *room * each);
	rumpk_free(*array, *room * each);
	*array = moved;
	*room = (uint32_t)more;
	return 0;
}

int
names_add(struct names *names, const char *text, uint16_t len, uint64_t ino, enum vtype type)
{
	void *entries = names->entries, *all = names->text;
	int error =
	    grow(&entries, &names->room, sizeof(struct entry), FIRST_ENTRIES, (uint64_t)names->count + 1);

	names->entries = entries;
	if (error == 0)
		error = grow(&all, &names->text_room, 1, FIRST_TEXT, (uint64_t)names->text_len + len);
	names->text = all;
	if (error != 0)
		return error;
	names->entries[names->count++] = (struct entry){
	    .ino = ino,
	    .hash = hash_of(names, text, len),
	    .text = names->text_len,
	    .next = NONE,
	    .len = len,
	    .type = rumpk_vtype_dirent(type),
	};
	memcpy(names->text + names->text_len, text, len);
	names->text_len += len;
	return 0;
}

int
names_finish(struct names *names)
{
	uint32_t nbuckets = 1;

	while (nbuckets < names->count && nbuckets < UINT32_C(1) << 31)
		nbuckets *= 2;
	names->buckets = rumpk_alloc(nbuckets * sizeof(*names->buckets));
	if (names->buckets == NULL)
		return RUMP_ENOMEM;
	names->nbuckets = nbuckets;
	for (uint32_t i = 0; i < nbuckets; i++)
		names->buckets[i] = NONE;
	/* From the last one, so that of equal names the first is found. */
	for (uint32_t i = names->count; i-- > 0;) {
		uint32_t *bucket = &names->buckets[names->entries[i].hash & (nbuckets - 1)];

		names->entries[i].next = *bucket;
		*bucket = i;
	}
	return 0;
}

int
names_find(const struct names *names, const struct name *name, uint64_t *ino)
{
	uint32_t hash;

	if (name->len == 2 && memcmp(name->text, "..", 2) == 0) {
		*ino = names->parent;
		return 0;
	}
	hash = names->fold ? hash_of(names, name->text, name->len) : name->hash;
	for (uint32_t i = names->buckets[hash & (names->nbuckets - 1)]; i != NONE;
	     i = names->entries[i].next) {
		if (names->entries[i].hash == hash && same(names, &names->entries[i], name)) {
			*ino = names->entries[i].ino;
			return 0;
		}
	}
	return RUMP_ENOENT;
}

int
names_readdir(const struct names *names, struct dirsink *sink, int64_t *offset)
{
	uint8_t directory = rumpk_vtype_dirent(VDIR);

	if (*offset < 0)
		return RUMP_EINVAL;
	for (; *offset < (int64_t)names->count + 2; ++*offset) {
		const struct entry *entry;
		bool taken;

		if (*offset == 0) {
			taken = rumpk_dirsink_emit(sink, names->ino, directory, ".", 1);
		} else if (*offset == 1) {
			taken = rumpk_dirsink_emit(sink, names->parent, directory, "..", 2);
		} else {
			entry = &names->entries[*offset - 2];
			taken = rumpk_dirsink_emit(
			    sink, entry->ino, entry->type, names->text + entry->text, entry->len);
		}
		if (!taken)
			break;
	}
	return 0;
}

void
names_slot_init(struct names_slot *slot)
{
	slot->names = NULL;
	rumpk_mutex_init(&slot->lock);
}

void
names_slot_fini(struct names_slot *slot)
{
	names_free(slot->names);
	rumpk_mutex_destroy(&slot->lock);
}

int
names_get(struct names_slot *slot, const struct vnode *dvp,
    int (*make)(const struct vnode *dvp, struct names **namesp), struct names **namesp)
{
	int error = 0;

	*namesp = __atomic_load_n(&slot->names, __ATOMIC_ACQUIRE);
	if (*namesp != NULL)
		return 0;
	rumpk_lock(slot->lock);
	*namesp = slot->names;
	if (*namesp == NULL && (error = make(dvp, namesp)) == 0)
		__atomic_store_n(&slot->names, *namesp, __ATOMIC_RELEASE);
	rumpk_unlock(slot->lock);
	return error;
}
