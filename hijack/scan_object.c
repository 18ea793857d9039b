/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a loaded object says about its own code: addresses that symbols, the table of unwind entries and
 * relocations lead to. All of it is read from memory, before anything is changed there.
 */
#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hijack/scan.h"

#define RANGES_MAX 8

struct facts {
	const struct hijack_object *object;
	struct hijack_text text;
	struct hijack_range data[RANGES_MAX];
};

static void
know(struct facts *facts, uintptr_t address)
{
	uintptr_t at = address - (uintptr_t)facts->text.start;

	if (at < facts->text.size)
		facts->text.known[at / 8] |= (uint8_t)(1 << at % 8);
}

static void
from_relocations(struct facts *facts, const Elf64_Rela *rela, size_t size)
{
	for (size_t i = 0; i < size / sizeof(*rela); i++) {
		uint64_t type = ELF64_R_TYPE(rela[i].r_info);

		if (type == R_X86_64_RELATIVE || type == R_X86_64_IRELATIVE)
			know(facts, facts->object->base + (uintptr_t)rela[i].r_addend);
	}
}

/* Packed relative relocations: the pointers are in place, relocated already. */
static void
from_packed_relocations(struct facts *facts, const uint64_t *relr, size_t size)
{
	const uintptr_t *where = NULL;

	for (size_t i = 0; i < size / sizeof(*relr); i++) {
		if (!(relr[i] & 1)) {
			where = (const uintptr_t *)(facts->object->base + relr[i]);
			know(facts, *where++);
			continue;
		}
		for (size_t bit = 1; where != NULL && bit < 64; bit++) {
			if (relr[i] >> bit & 1)
				know(facts, where[bit - 1]);
		}
		if (where != NULL)
			where += 63;
	}
}

/* How many symbols there are is only said by the hash table. */
static size_t
symbol_count(const uint32_t *hash, const uint32_t *gnu)
{
	const uint32_t *buckets, *chains;
	uint32_t last = 0;

	if (hash != NULL)
		return hash[1];
	if (gnu == NULL)
		return 0;
	buckets = gnu + 4 + gnu[2] * 2UL;
	chains = buckets + gnu[0];
	for (uint32_t i = 0; i < gnu[0]; i++)
		last = buckets[i] > last ? buckets[i] : last;
	if (last < gnu[1])
		return gnu[1];
	while (!(chains[last - gnu[1]] & 1))
		last++;
	return last + 1;
}

static void
from_symbols(struct facts *facts, const Elf64_Sym *symbols, size_t count)
{
	for (size_t i = 0; symbols != NULL && i < count; i++) {
		if (symbols[i].st_shndx != SHN_UNDEF && symbols[i].st_shndx != SHN_ABS)
			know(facts, facts->object->base + symbols[i].st_value);
	}
}

/* ld.so relocates these pointers in most objects, but not in its own and not in the vdso. */
static uintptr_t
pointer(const struct facts *facts, const uint64_t *table, size_t tag)
{
	return table[tag] == 0 || table[tag] >= facts->object->base ? table[tag]
								    : facts->object->base + table[tag];
}

static void
from_dynamic(struct facts *facts, const Elf64_Dyn *dynamic)
{
	uint64_t value[DT_RELRENT + 1] = {0}, gnu_hash[1] = {0};

	for (; dynamic->d_tag != DT_NULL; dynamic++) {
		if (dynamic->d_tag > 0 && dynamic->d_tag <= DT_RELRENT)
			value[dynamic->d_tag] = dynamic->d_un.d_val;
		else if (dynamic->d_tag == DT_GNU_HASH)
			gnu_hash[0] = dynamic->d_un.d_val;
	}
	from_symbols(facts, (const Elf64_Sym *)pointer(facts, value, DT_SYMTAB),
	    symbol_count((const uint32_t *)pointer(facts, value, DT_HASH),
		(const uint32_t *)pointer(facts, gnu_hash, 0)));
	from_relocations(facts, (const Elf64_Rela *)pointer(facts, value, DT_RELA), value[DT_RELASZ]);
	if (value[DT_PLTREL] == DT_RELA)
		from_relocations(
		    facts, (const Elf64_Rela *)pointer(facts, value, DT_JMPREL), value[DT_PLTRELSZ]);
	from_packed_relocations(facts, (const uint64_t *)pointer(facts, value, DT_RELR), value[DT_RELRSZ]);
}

/* The sorted table of unwind entries: pairs of a function's start and its entry, relative to the header. */
static void
from_unwind_table(struct facts *facts, const uint8_t *header, size_t size)
{
	static const uint8_t usual[] = {
	    1, 0x1b, 0x03, 0x3b}; /* version; how pointer, count and table are encoded */
	uint32_t count;

	if (size < 12 || memcmp(header, usual, sizeof(usual)) != 0)
		return;
	memcpy(&count, header + 8, sizeof(count));
	for (size_t i = 0; i < count && 12 + 8 * (i + 1) <= size; i++) {
		int32_t offset;

		memcpy(&offset, header + 12 + 8 * i, sizeof(offset));
		know(facts, (uintptr_t)(header + offset));
	}
}

__attribute__((visibility("default"))) int
hijack_scan_object(const struct hijack_object *object, struct hijack_sites *sites, uint32_t max)
{
	struct facts facts = {.object = object, .text = {.start = object->text, .size = object->text_size}};
	const Elf64_Phdr *header = object->headers;
	int error;

	if (!object->rewritten) {
		sites->count = 0;
		sites->left = hijack_count_calls(object->text, object->text_size);
		return 0;
	}
	facts.text.data = facts.data;
	facts.text.known = calloc(object->text_size / 8 + 1, 1);
	if (facts.text.known == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < object->header_count; i++, header++) {
		uintptr_t start = object->base + header->p_vaddr;

		if (header->p_type == PT_LOAD && !(header->p_flags & PF_X) &&
		    facts.text.data_ranges < RANGES_MAX)
			facts.data[facts.text.data_ranges++] =
			    (struct hijack_range){start, start + header->p_filesz};
		else if (header->p_type == PT_DYNAMIC)
			from_dynamic(&facts, (const Elf64_Dyn *)start);
		else if (header->p_type == PT_GNU_EH_FRAME)
			from_unwind_table(&facts, (const uint8_t *)start, header->p_memsz);
	}
	error = hijack_scan_text(&facts.text, sites, max);
	free(facts.text.known);
	return error;
}
