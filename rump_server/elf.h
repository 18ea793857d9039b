/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads what the solver asks of a shared library: its name, the libraries and symbols that it needs, and
 * whether it defines a symbol. Works on any file: whatever a truncated, damaged or hostile one says is
 * checked before it is used.
 */
#ifndef RUMP_SERVER_ELF_H
#define RUMP_SERVER_ELF_H

#include <elf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct elf_image {
	const uint8_t *data; /* the whole file, mapped read-only */
	size_t size;
	const Elf64_Phdr *segments;
	size_t nsegments;
	const Elf64_Dyn *dynamic;
	size_t ndynamic;
	const Elf64_Sym *symbols; /* as many as fit in the file from here on; the format keeps no count */
	size_t nsymbols;
	const char *strings; /* ends with a NUL */
	size_t strings_size;
	const char *soname; /* NULL when there is none */
	const Elf64_Rela *relocations, *plt_relocations;
	size_t nrelocations, nplt_relocations;
	const uint32_t *gnu_hash, *sysv_hash; /* NULL when absent; 4-byte words, counted below */
	size_t gnu_words, sysv_words;
	bool bind_now; /* all symbols are bound when it is loaded */
};

/* How a symbol that a library does not define is used there. */
enum elf_use {
	ELF_USE_CALL, /* only called: bound at the first call */
	ELF_USE_DATA, /* bound when the library is loaded, so its definition has to be loaded earlier */
};

/*
 * Maps path. Returns 0, or -errno with *why pointing to a constant text. -ENOEXEC: not a shared library for
 * this machine, or damaged. The image is to be closed in any case.
 */
int elf_open(struct elf_image *image, const char *path, const char **why);
void elf_close(struct elf_image *image);

/* The string at an offset of the string table; NULL when it has no such offset. */
const char *elf_string(const struct elf_image *image, uint64_t offset);

/* The next library that image needs after *cursor, which starts at 0; NULL when there are no more. */
const char *elf_next_needed(const struct elf_image *image, size_t *cursor);

/*
 * Calls visit for each symbol that image uses without defining it, weak ones left out; once a symbol, or
 * twice when it is used both ways (data first). Stops when visit returns non-zero and returns that; else 0,
 * or -ENOEXEC when the relocations are damaged, or -ENOMEM.
 */
int elf_each_undefined(
    const struct elf_image *image, int (*visit)(void *arg, const char *name, enum elf_use use), void *arg);

/* A name with its hash, for looking in many images. */
struct elf_name {
	const char *name;
	uint32_t gnu_hash;
};
struct elf_name elf_name(const char *name);

/* Whether image defines the symbol for others. */
bool elf_defines(const struct elf_image *image, const struct elf_name *name);

#endif
