/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Theory of operation
 *
 * Only what the dynamic loader itself uses is read: program headers, the dynamic section and what it points
 * to. Section headers may be stripped. Addresses in the dynamic section are virtual; bytes_at() finds them in
 * the file by way of the loadable segments, and is the one place where a range becomes a pointer.
 *
 * The symbol table has no length. Symbols that a library needs are found through its relocations, those that
 * it defines through its hash table; either gives an index, which is held against the end of the file.
 */
#include "config.h"
#include "rump_server/elf.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* What an address range of the loaded library is in the file; NULL when it is not, or not wholly, in it. */
static const void *
bytes_at(const struct elf_image *image, uint64_t address, uint64_t length, size_t alignment, size_t *rest)
{
	for (size_t i = 0; i < image->nsegments; i++) {
		const Elf64_Phdr *segment = &image->segments[i];
		uint64_t within, available, offset;

		if (segment->p_type != PT_LOAD || address < segment->p_vaddr)
			continue;
		within = address - segment->p_vaddr;
		if (within >= segment->p_filesz)
			continue;
		available = segment->p_filesz - within;
		if (__builtin_add_overflow(segment->p_offset, within, &offset) || offset >= image->size)
			return NULL;
		if (available > image->size - offset)
			available = image->size - offset;
		if (length > available || (uintptr_t)(image->data + offset) % alignment != 0)
			return NULL;
		if (rest != NULL)
			*rest = available;
		return image->data + offset;
	}
	return NULL;
}

const char *
elf_string(const struct elf_image *image, uint64_t offset)
{
	return offset < image->strings_size ? image->strings + offset : NULL;
}

static int
map_file(struct elf_image *image, const char *path, const char **why)
{
	struct stat status;
	void *data;
	int fd, error;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd == -1 || fstat(fd, &status) == -1) {
		error = errno;
		*why = strerror(error);
		if (fd != -1)
			close(fd);
		return -error;
	}
	if (!S_ISREG(status.st_mode) || status.st_size < (off_t)sizeof(Elf64_Ehdr)) {
		close(fd);
		*why = "not a shared library";
		return -ENOEXEC;
	}
	data = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	error = errno;
	close(fd);
	if (data == MAP_FAILED) {
		*why = strerror(error);
		return -error;
	}
	image->data = data;
	image->size = (size_t)status.st_size;
	return 0;
}

static const char *
check_header(struct elf_image *image)
{
	const Elf64_Ehdr *header = (const void *)image->data;
	uint64_t bytes;

	if (memcmp(header->e_ident, ELFMAG, SELFMAG) != 0)
		return "not a shared library";
	if (header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_ident[EI_DATA] != ELFDATA2LSB ||
	    header->e_machine != EM_X86_64)
		return "built for another machine";
	if (header->e_type != ET_DYN)
		return "not a shared library";
	bytes = (uint64_t)header->e_phnum * sizeof(Elf64_Phdr);
	if (header->e_phentsize != sizeof(Elf64_Phdr) || header->e_phoff % sizeof(uint64_t) != 0 ||
	    header->e_phoff > image->size || bytes > image->size - header->e_phoff)
		return "damaged: its program headers are not in the file";
	image->segments = (const void *)(image->data + header->e_phoff);
	image->nsegments = header->e_phnum;
	return NULL;
}

/* The loader maps what lies beyond the end of a file, and the process dies of SIGBUS when that is touched. */
static const char *
check_segments(const struct elf_image *image)
{
	for (size_t i = 0; i < image->nsegments; i++) {
		const Elf64_Phdr *segment = &image->segments[i];

		if (segment->p_type == PT_LOAD &&
		    (segment->p_offset > image->size || segment->p_filesz > image->size - segment->p_offset))
			return "truncated: its segments are not in the file";
	}
	return NULL;
}

static const char *
find_dynamic(struct elf_image *image)
{
	for (size_t i = 0; i < image->nsegments; i++) {
		const Elf64_Phdr *segment = &image->segments[i];

		if (segment->p_type != PT_DYNAMIC)
			continue;
		image->dynamic = bytes_at(image, segment->p_vaddr, segment->p_filesz, sizeof(uint64_t), NULL);
		if (image->dynamic == NULL)
			return "damaged: its dynamic section is not in the file";
		image->ndynamic = segment->p_filesz / sizeof(Elf64_Dyn);
		return NULL;
	}
	return "not a shared library that can be loaded: it has no dynamic section";
}

/* The value of an entry, or absent. */
static uint64_t
dynamic_value(const struct elf_image *image, int64_t tag, uint64_t absent)
{
	for (size_t i = 0; i < image->ndynamic && image->dynamic[i].d_tag != DT_NULL; i++) {
		if (image->dynamic[i].d_tag == tag)
			return image->dynamic[i].d_un.d_val;
	}
	return absent;
}

/* Finds the table that the entry addresses; false when there is one, but it is not in the file. */
static bool
find_table(const struct elf_image *image, int64_t tag, uint64_t length, size_t alignment, const void **table,
    size_t *rest)
{
	uint64_t address = dynamic_value(image, tag, UINT64_MAX);

	*table = NULL;
	if (address == UINT64_MAX || length == 0)
		return true;
	*table = bytes_at(image, address, length, alignment, rest);
	return *table != NULL;
}

static const char *
find_tables(struct elf_image *image)
{
	uint64_t rela = dynamic_value(image, DT_RELASZ, 0), plt = dynamic_value(image, DT_PLTRELSZ, 0);
	const void *table;
	size_t rest = 0;

	image->strings_size = dynamic_value(image, DT_STRSZ, 0);
	if (!find_table(image, DT_STRTAB, image->strings_size, 1, &table, NULL) || table == NULL)
		return "damaged: its string table is not in the file";
	image->strings = table;
	if (image->strings[image->strings_size - 1] != '\0')
		return "damaged: its string table has no end";
	if (!find_table(image, DT_SYMTAB, sizeof(Elf64_Sym), sizeof(uint64_t), &table, &rest) ||
	    table == NULL)
		return "damaged: its symbol table is not in the file";
	image->symbols = table;
	image->nsymbols = rest / sizeof(Elf64_Sym);
	if (!find_table(image, DT_RELA, rela, sizeof(uint64_t), &table, NULL))
		return "damaged: its relocations are not in the file";
	image->relocations = table;
	image->nrelocations = table == NULL ? 0 : rela / sizeof(Elf64_Rela);
	if (!find_table(image, DT_JMPREL, plt, sizeof(uint64_t), &table, NULL))
		return "damaged: its relocations are not in the file";
	image->plt_relocations = table;
	image->nplt_relocations = table == NULL ? 0 : plt / sizeof(Elf64_Rela);
	if (!find_table(image, DT_GNU_HASH, 4 * sizeof(uint32_t), sizeof(uint64_t), &table, &rest))
		return "damaged: its hash table is not in the file";
	image->gnu_hash = table;
	image->gnu_words = table == NULL ? 0 : rest / sizeof(uint32_t);
	if (!find_table(image, DT_HASH, 2 * sizeof(uint32_t), sizeof(uint32_t), &table, &rest))
		return "damaged: its hash table is not in the file";
	image->sysv_hash = table;
	image->sysv_words = table == NULL ? 0 : rest / sizeof(uint32_t);
	return NULL;
}

static void
find_flags(struct elf_image *image)
{
	image->soname = elf_string(image, dynamic_value(image, DT_SONAME, UINT64_MAX));
	image->bind_now = dynamic_value(image, DT_BIND_NOW, UINT64_MAX) != UINT64_MAX ||
			  (dynamic_value(image, DT_FLAGS, 0) & DF_BIND_NOW) != 0 ||
			  (dynamic_value(image, DT_FLAGS_1, 0) & DF_1_NOW) != 0;
}

int
elf_open(struct elf_image *image, const char *path, const char **why)
{
	int error;

	memset(image, 0, sizeof(*image));
	error = map_file(image, path, why);
	if (error != 0)
		return error;
	*why = check_header(image);
	if (*why == NULL)
		*why = check_segments(image);
	if (*why == NULL)
		*why = find_dynamic(image);
	if (*why == NULL)
		*why = find_tables(image);
	if (*why != NULL)
		return -ENOEXEC;
	find_flags(image);
	return 0;
}

void
elf_close(struct elf_image *image)
{
	if (image->data != NULL)
		munmap((void *)(uintptr_t)image->data, image->size);
	memset(image, 0, sizeof(*image));
}

const char *
elf_next_needed(const struct elf_image *image, size_t *cursor)
{
	while (*cursor < image->ndynamic && image->dynamic[*cursor].d_tag != DT_NULL) {
		const Elf64_Dyn *entry = &image->dynamic[(*cursor)++];
		const char *name = entry->d_tag == DT_NEEDED ? elf_string(image, entry->d_un.d_val) : NULL;

		if (name != NULL)
			return name;
	}
	return NULL;
}
