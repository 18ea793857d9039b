/* SPDX-License-Identifier: BSD-2-Clause */
/* The symbols of a shared library: which it uses, which it defines. */
#include "config.h"
#include "rump_server/elf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The words that a GNU hash table begins with. */
enum { GNU_NBUCKETS, GNU_FIRST_SYMBOL, GNU_BLOOM_SIZE, GNU_BLOOM_SHIFT, GNU_HEADER };
/* The words that a System V hash table begins with. */
enum { SYSV_NBUCKETS, SYSV_NCHAINS, SYSV_HEADER };

static const char *
symbol_name(const struct elf_image *image, uint64_t index)
{
	return index < image->nsymbols ? elf_string(image, image->symbols[index].st_name) : NULL;
}

struct undefined_walk {
	const struct elf_image *image;
	uint8_t *seen; /* a bit a symbol and use */
	int (*visit)(void *, const char *, enum elf_use);
	void *arg;
};

static int
walk_relocations(struct undefined_walk *walk, const Elf64_Rela *table, size_t count, enum elf_use use)
{
	for (size_t i = 0; i < count; i++) {
		uint64_t index = ELF64_R_SYM(table[i].r_info);
		const Elf64_Sym *symbol;
		const char *name;
		int result;

		if (index == 0)
			continue;
		if (index >= walk->image->nsymbols)
			return -ENOEXEC;
		symbol = &walk->image->symbols[index];
		if (symbol->st_shndx != SHN_UNDEF || ELF64_ST_BIND(symbol->st_info) == STB_WEAK ||
		    (walk->seen[index] & (1U << use)) != 0)
			continue;
		walk->seen[index] |= (uint8_t)(1U << use);
		name = symbol_name(walk->image, index);
		if (name == NULL)
			return -ENOEXEC;
		result = walk->visit(walk->arg, name, use);
		if (result != 0)
			return result;
	}
	return 0;
}

int
elf_each_undefined(
    const struct elf_image *image, int (*visit)(void *arg, const char *name, enum elf_use use), void *arg)
{
	struct undefined_walk walk = {.image = image, .visit = visit, .arg = arg};
	enum elf_use calls = image->bind_now ? ELF_USE_DATA : ELF_USE_CALL;
	int result;

	walk.seen = calloc(image->nsymbols + 1, 1);
	if (walk.seen == NULL)
		return -ENOMEM;
	result = walk_relocations(&walk, image->relocations, image->nrelocations, ELF_USE_DATA);
	if (result == 0)
		result = walk_relocations(&walk, image->plt_relocations, image->nplt_relocations, calls);
	free(walk.seen);
	return result;
}

static uint32_t
gnu_hash(const char *name)
{
	uint32_t hash = 5381;

	for (const char *c = name; *c != '\0'; c++)
		hash = hash * 33 + (uint8_t)*c;
	return hash;
}

static uint32_t
sysv_hash(const char *name)
{
	uint32_t hash = 0;

	for (const char *c = name; *c != '\0'; c++) {
		hash = (hash << 4) + (uint8_t)*c;
		hash ^= (hash >> 24) & 0xf0;
		hash &= 0x0fffffff;
	}
	return hash;
}

struct elf_name
elf_name(const char *name)
{
	return (struct elf_name){.name = name, .gnu_hash = gnu_hash(name)};
}

static bool
is_definition(const struct elf_image *image, uint64_t index, const char *name)
{
	const Elf64_Sym *symbol;
	const char *found = symbol_name(image, index);

	if (found == NULL || strcmp(found, name) != 0)
		return false;
	symbol = &image->symbols[index];
	return symbol->st_shndx != SHN_UNDEF && ELF64_ST_BIND(symbol->st_info) != STB_LOCAL;
}

static bool
gnu_defines(const struct elf_image *image, const struct elf_name *name)
{
	const uint32_t *table = image->gnu_hash, hash = name->gnu_hash;
	uint32_t nbuckets = table[GNU_NBUCKETS], first = table[GNU_FIRST_SYMBOL],
		 bloom = table[GNU_BLOOM_SIZE];
	uint64_t buckets = GNU_HEADER + (uint64_t)bloom * 2, chains = buckets + nbuckets, word, index;

	if (nbuckets == 0 || bloom == 0 || (bloom & (bloom - 1)) != 0 || chains > image->gnu_words)
		return false;
	memcpy(&word, &table[GNU_HEADER + 2 * (size_t)((hash / 64) & (bloom - 1))], sizeof(word));
	if ((word >> (hash % 64) & word >> ((hash >> (table[GNU_BLOOM_SHIFT] % 32)) % 64) & 1) == 0)
		return false;
	index = table[buckets + hash % nbuckets];
	if (index < first)
		return false;
	/* A chain ends at an odd hash, or, in a damaged file, at the end of it. */
	for (uint64_t at = chains + (index - first); at < image->gnu_words; at++, index++) {
		if ((table[at] | 1) == (hash | 1) && is_definition(image, index, name->name))
			return true;
		if ((table[at] & 1) != 0)
			return false;
	}
	return false;
}

static bool
sysv_defines(const struct elf_image *image, const char *name)
{
	const uint32_t *table = image->sysv_hash;
	uint32_t nbuckets = table[SYSV_NBUCKETS], nchains = table[SYSV_NCHAINS], index;

	if (nbuckets == 0 || SYSV_HEADER + (uint64_t)nbuckets + nchains > image->sysv_words)
		return false;
	index = table[SYSV_HEADER + sysv_hash(name) % nbuckets];
	/* A damaged chain may be a loop: no chain is longer than the table. */
	for (uint32_t steps = 0; steps < nchains && index != 0 && index < nchains; steps++) {
		if (is_definition(image, index, name))
			return true;
		index = table[SYSV_HEADER + nbuckets + index];
	}
	return false;
}

bool
elf_defines(const struct elf_image *image, const struct elf_name *name)
{
	if (image->gnu_hash != NULL)
		return gnu_defines(image, name);
	return image->sysv_hash != NULL && sysv_defines(image, name->name);
}
