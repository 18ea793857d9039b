/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Telling the kernel which of its components are in this process, and which symbols they define.
 *
 * Theory of operation. The objects are those that dl_iterate_phdr(3) lists, gone through from the last to
 * the first, which brings dependencies before their users more often than not. What an object defines is
 * read from its own dynamic symbol table, never asked of dlsym(3), which would also find what belongs to
 * another object. Nothing in an object is believed beyond what its program headers say is mapped.
 * An object without a dynamic section, a static program above all, has nothing to say and is passed over.
 */
#include "config.h"

#include <elf.h>
#include <link.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <rump/rumpuser.h>

struct object {
	uintptr_t base;
	const ElfW(Phdr) * headers;
	size_t header_count;
	bool speaks; /* its symbols go into the kernel's table */

	const ElfW(Sym) * symbols;
	size_t symbol_count;
	const char *names;
	size_t names_size;
};

struct objects {
	struct object *list;
	size_t count, room;
	bool failed;
};

/* What the kernel gets, and keeps. */
struct tables {
	ElfW(Sym) * symbols;
	size_t symbol_count;
	char *names;
	size_t names_size;
};

static int
note_object(struct dl_phdr_info *info, size_t size, void *arg)
{
	struct objects *objects = arg;
	const char *name, *slash;

	(void)size;
	if (objects->count == objects->room) {
		size_t room = objects->room == 0 ? 64 : objects->room * 2;
		struct object *list = reallocarray(objects->list, room, sizeof(*list));

		if (list == NULL) {
			objects->failed = true;
			return 1;
		}
		objects->list = list;
		objects->room = room;
	}
	name = info->dlpi_name != NULL ? info->dlpi_name : "";
	slash = strrchr(name, '/');
	objects->list[objects->count] = (struct object){
	    .base = info->dlpi_addr,
	    .headers = info->dlpi_phdr,
	    .header_count = info->dlpi_phnum,
	    /* The first one is the program. */
	    .speaks = objects->count == 0 || strstr(slash != NULL ? slash : name, "librump") != NULL,
	};
	objects->count++;
	return 0;
}

/* The end of the object's readable segment that holds address, or 0. */
static uintptr_t
segment_end(const struct object *object, uintptr_t address)
{
	for (size_t i = 0; i < object->header_count; i++) {
		const ElfW(Phdr) *header = &object->headers[i];
		uintptr_t begin = object->base + header->p_vaddr;

		if (header->p_type == PT_LOAD && (header->p_flags & PF_R) != 0 && address >= begin &&
		    address - begin < header->p_memsz)
			return begin + header->p_memsz;
	}
	return 0;
}

/*
 * An address from the dynamic section: the dynamic linker has made most of them absolute, but leaves some
 * (in read-only sections, of the vdso) as they are in the file. NULL unless size bytes are mapped there.
 */
static const void *
mapped(const struct object *object, uintptr_t address, size_t size)
{
	uintptr_t end = segment_end(object, address);

	if (end == 0) {
		address += object->base;
		end = segment_end(object, address);
	}
	return end != 0 && end - address >= size ? (const void *)address : NULL;
}

/* How many symbols a DT_HASH table says there are. */
static size_t
count_by_hash(const struct object *object, uintptr_t address)
{
	const uint32_t *hash = mapped(object, address, 2 * sizeof(*hash));

	return hash != NULL ? hash[1] : 0;
}

/*
 * A DT_GNU_HASH table does not say how many symbols there are. They are sorted by bucket, so the last one is
 * at the end of the chain of the bucket that begins last. No bucket begins at all in an empty table: what
 * symbols there are is undefined, and nobody's business.
 */
static size_t
count_by_gnu_hash(const struct object *object, uintptr_t address)
{
	const uint32_t *head = mapped(object, address, 4 * sizeof(*head)), *buckets, *chain;
	uint32_t bucket_count, first, bloom_words, last = 0;
	size_t bloom_size;

	if (head == NULL)
		return 0;
	bucket_count = head[0];
	first = head[1];
	bloom_words = head[2];
	bloom_size = (size_t)bloom_words * sizeof(ElfW(Addr));
	buckets = mapped(object, (uintptr_t)(head + 4) + bloom_size, bucket_count * sizeof(*buckets));
	if (buckets == NULL)
		return 0;
	for (uint32_t i = 0; i < bucket_count; i++)
		if (buckets[i] > last)
			last = buckets[i];
	if (last < first || last == 0)
		return 0;
	for (chain = buckets + bucket_count + (last - first);; chain++, last++) {
		if (mapped(object, (uintptr_t)chain, sizeof(*chain)) == NULL)
			return 0;
		if (*chain & 1)
			return (size_t)last + 1;
	}
}

/* Finds the object's symbols. Leaves symbol_count 0 where there are none, or none that can be trusted. */
static void
find_symbols(struct object *object)
{
	uintptr_t symbols = 0, names = 0, hash = 0, gnu_hash = 0;
	size_t entry_size = sizeof(ElfW(Sym)), bytes, count;
	const ElfW(Dyn) *dynamic = NULL, *end = NULL;

	for (size_t i = 0; i < object->header_count; i++)
		if (object->headers[i].p_type == PT_DYNAMIC) {
			dynamic = mapped(
			    object, object->base + object->headers[i].p_vaddr, object->headers[i].p_memsz);
			end = dynamic + object->headers[i].p_memsz / sizeof(*dynamic);
		}
	if (dynamic == NULL)
		return;
	for (; dynamic < end && dynamic->d_tag != DT_NULL; dynamic++) {
		switch (dynamic->d_tag) {
		case DT_SYMTAB:
			symbols = dynamic->d_un.d_ptr;
			break;
		case DT_STRTAB:
			names = dynamic->d_un.d_ptr;
			break;
		case DT_STRSZ:
			object->names_size = dynamic->d_un.d_val;
			break;
		case DT_SYMENT:
			entry_size = dynamic->d_un.d_val;
			break;
		case DT_HASH:
			hash = dynamic->d_un.d_ptr;
			break;
		case DT_GNU_HASH:
			gnu_hash = dynamic->d_un.d_ptr;
			break;
		default:
			break;
		}
	}
	if (symbols == 0 || names == 0 || object->names_size == 0 || entry_size != sizeof(ElfW(Sym)))
		return;
	count = hash != 0       ? count_by_hash(object, hash)
		: gnu_hash != 0 ? count_by_gnu_hash(object, gnu_hash)
				: 0;
	if (__builtin_mul_overflow(count, sizeof(ElfW(Sym)), &bytes))
		return;
	object->symbols = mapped(object, symbols, bytes);
	object->names = mapped(object, names, object->names_size);
	if (object->symbols == NULL || object->names == NULL || object->names[object->names_size - 1] != '\0')
		return;
	object->symbol_count = count;
}

/* The symbol's name when the object defines it as something with an address, or NULL. */
static const char *
defined_name(const struct object *object, const ElfW(Sym) * symbol)
{
	unsigned type = ELF64_ST_TYPE(symbol->st_info);

	/* A thread-local one has no address of its own, an indirect function's is not its own. */
	if (symbol->st_shndx == SHN_UNDEF || symbol->st_value == 0 || type == STT_TLS ||
	    type == STT_GNU_IFUNC)
		return NULL;
	return symbol->st_name < object->names_size ? object->names + symbol->st_name : NULL;
}

static uintptr_t
symbol_address(const struct object *object, const ElfW(Sym) * symbol)
{
	return symbol->st_shndx == SHN_ABS ? symbol->st_value : object->base + symbol->st_value;
}

static bool
is_kernels(const char *name)
{
	return strncmp(name, "rump", 4) == 0 || strncmp(name, "RUMP", 4) == 0 || strncmp(name, "__", 2) == 0;
}

/* Adds the object's symbols to the tables; with tables->symbols NULL only counts what they need. */
static void
gather(const struct object *object, struct tables *tables)
{
	for (size_t i = 0; i < object->symbol_count; i++) {
		const ElfW(Sym) *symbol = &object->symbols[i];
		const char *name = defined_name(object, symbol);
		size_t length;

		if (name == NULL || !is_kernels(name))
			continue;
		length = strlen(name) + 1;
		if (tables->symbols != NULL) {
			ElfW(Sym) *copy = &tables->symbols[tables->symbol_count];

			*copy = *symbol;
			copy->st_name = (ElfW(Word))tables->names_size;
			copy->st_value = symbol_address(object, symbol);
			memcpy(tables->names + tables->names_size, name, length);
		}
		tables->symbol_count++;
		tables->names_size += length;
	}
}

static void
load_symbols(const struct objects *objects, rump_symload_fn symload)
{
	/* The name at offset 0 is the empty one, as in any ELF string table: the kernel skips symbols that
	 * have it. */
	struct tables tables = {.names_size = 1};

	for (size_t i = objects->count; i-- > 0;)
		if (objects->list[i].speaks)
			gather(&objects->list[i], &tables);
	if (tables.symbol_count == 0)
		return;
	tables.symbols = reallocarray(NULL, tables.symbol_count, sizeof(*tables.symbols));
	tables.names = malloc(tables.names_size);
	if (tables.symbols == NULL || tables.names == NULL) {
		rumpuser_dprintf("rumpuser: no memory for the kernel's symbols\n");
		free(tables.symbols);
		free(tables.names);
		return;
	}
	tables.names[0] = '\0';
	tables.names_size = 1;
	tables.symbol_count = 0;
	for (size_t i = objects->count; i-- > 0;)
		if (objects->list[i].speaks)
			gather(&objects->list[i], &tables);
	symload(
	    tables.symbols, tables.symbol_count * sizeof(*tables.symbols), tables.names, tables.names_size);
}

/* The array of pointers between two symbols of the object. Returns how many there are. */
static size_t
link_set(const struct object *object, const char *start_name, const char *stop_name, uintptr_t *array)
{
	uintptr_t start = 0, stop = 0;

	for (size_t i = 0; i < object->symbol_count; i++) {
		const char *name = defined_name(object, &object->symbols[i]);

		if (name == NULL || name[0] != '_')
			continue;
		if (strcmp(name, start_name) == 0)
			start = symbol_address(object, &object->symbols[i]);
		else if (strcmp(name, stop_name) == 0)
			stop = symbol_address(object, &object->symbols[i]);
	}
	if (start == 0 || stop <= start || mapped(object, start, stop - start) == NULL)
		return 0;
	*array = start;
	return (stop - start) / sizeof(void *);
}

void
rumpuser_dl_bootstrap(rump_modinit_fn modinit, rump_symload_fn symload, rump_compload_fn compload)
{
	struct objects objects = {0};

	(void)dl_iterate_phdr(note_object, &objects);
	if (objects.failed)
		rumpuser_dprintf("rumpuser: no memory for the list of components\n");
	for (size_t i = 0; i < objects.count; i++)
		find_symbols(&objects.list[i]);
	load_symbols(&objects, symload);

	for (size_t i = objects.count; i-- > 0;) {
		const struct object *object = &objects.list[i];
		uintptr_t array;
		size_t count;

		count = link_set(object, "__start_link_set_modules", "__stop_link_set_modules", &array);
		if (count > 0)
			modinit((const struct modinfo *const *)array, count);
		count = link_set(
		    object, "__start_link_set_rump_components", "__stop_link_set_rump_components", &array);
		for (size_t k = 0; k < count; k++)
			compload(((const struct rump_component *const *)array)[k]);
	}
	free(objects.list);
}
