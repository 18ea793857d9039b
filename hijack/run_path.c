/* SPDX-License-Identifier: BSD-2-Clause */
#include "hijack/run_path.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/syscall.h>

#include "hijack/gate.h"
#include "hijack/mem.h"
#include "hijack/start.h"
#include "hijack/thread.h"

#define SEGMENTS_MAX 28 /* all of this on a stack that may be small */
#define ENTRIES 32
#define DYNAMIC_MAX 65536 /* of a section, in a file that may say anything */
#define STRING_MAX 1024

struct program {
	long fd;
	Elf64_Phdr segment[SEGMENTS_MAX];
	size_t segments;
	uint64_t strings; /* where names are, in the file */
};

static bool
read_at(long fd, void *to, size_t size, uint64_t offset)
{
	return hijack_own(SYS_pread64, fd, (long)to, (long)size, (long)offset, 0, 0) == (long)size;
}

/* False: it is no program of this machine's with as many segments as programs have. */
static bool
read_segments(struct program *program, long fd)
{
	Elf64_Ehdr elf;

	program->fd = fd;
	if (!read_at(fd, &elf, sizeof(elf), 0) || memcmp(elf.e_ident, ELFMAG, SELFMAG) != 0 ||
	    elf.e_ident[EI_CLASS] != ELFCLASS64 || elf.e_machine != EM_X86_64 ||
	    elf.e_phentsize != sizeof(Elf64_Phdr) || elf.e_phnum > SEGMENTS_MAX)
		return false;
	program->segments = elf.e_phnum;
	return read_at(fd, program->segment, elf.e_phnum * sizeof(Elf64_Phdr), elf.e_phoff);
}

static const Elf64_Phdr *
find_segment(const struct program *program, uint32_t type)
{
	for (size_t i = 0; i < program->segments; i++) {
		if (program->segment[i].p_type == type)
			return &program->segment[i];
	}
	return NULL;
}

/* Whether a path, which may have names for the program's own place in it, is to be taken as it stands. */
static bool
is_plain(const char *path)
{
	if (path[0] != '/')
		return false;
	for (; *path != '\0'; path++) {
		if (path[0] == '/' && (path[1] == '/' || path[1] == '.'))
			return false;
	}
	return true;
}

/* A directory, which may be the current one by an empty name, or a library: without a slash that is looked
 * for elsewhere. */
static bool
may_be_inside(const char *path, bool library)
{
	const char *slash = path;

	while (library && *slash != '\0' && *slash != '/')
		slash++;
	if (library && *slash == '\0')
		return false;
	if (path[0] != '/' && path[0] != '$' && hijack_process()->cwd_inside)
		return true;
	return is_plain(path) ? hijack_config_match(&hijack_start.config, path) >= 0
			      : hijack_config_hint(&hijack_start.config, path);
}

bool
hijack_run_path_listed(char *list, bool libraries)
{
	for (char *end = list;; end++) {
		bool last = *end == '\0';

		if (!last && *end != ':' && *end != ';' && *end != ' ')
			continue;
		*end = '\0';
		if (may_be_inside(list, libraries))
			return true;
		if (last)
			return false;
		list = end + 1;
	}
}

/* Where an address of the program's is in the file; 0: nowhere. */
static uint64_t
file_offset(const struct program *program, uint64_t address)
{
	for (size_t i = 0; i < program->segments; i++) {
		const Elf64_Phdr *segment = &program->segment[i];

		if (segment->p_type == PT_LOAD && address >= segment->p_vaddr &&
		    address - segment->p_vaddr < segment->p_filesz)
			return segment->p_offset + (address - segment->p_vaddr);
	}
	return 0;
}

/* A string that an entry names. One that is too long is all that may be. */
static bool
string_may_be_inside(const struct program *program, const Elf64_Dyn *entry)
{
	char string[STRING_MAX];
	long n = hijack_own(SYS_pread64, program->fd, (long)string, sizeof(string) - 1,
	    (long)(program->strings + entry->d_un.d_val), 0, 0);

	if (n <= 0)
		return false;
	string[n] = '\0';
	return strlen(string) == sizeof(string) - 1 ||
	       hijack_run_path_listed(string, entry->d_tag == DT_NEEDED);
}

/* Whether what an entry of the dynamic section says is the answer. Where its strings are has to be known. */
static bool
entry_may_be_inside(const struct program *program, const Elf64_Dyn *entry)
{
	switch (entry->d_tag) {
	case DT_RPATH:
	case DT_RUNPATH:
	case DT_NEEDED:
		return string_may_be_inside(program, entry);
	default:
		return false;
	}
}

static bool
note_strings(struct program *program, const Elf64_Dyn *entry)
{
	if (entry->d_tag == DT_STRTAB)
		program->strings = file_offset(program, entry->d_un.d_ptr);
	return entry->d_tag == DT_STRTAB;
}

/* Looks for the entry that says so: where strings are, or else what they say. */
static bool
any_entry(struct program *program, const Elf64_Phdr *dynamic)
{
	Elf64_Dyn entry[ENTRIES];
	uint64_t done = 0;

	while (done < dynamic->p_filesz && done < DYNAMIC_MAX) {
		long n = hijack_own(SYS_pread64, program->fd, (long)entry, sizeof(entry),
		    (long)(dynamic->p_offset + done), 0, 0);

		for (long i = 0; i < n / (long)sizeof(*entry); i++) {
			if (entry[i].d_tag == DT_NULL)
				return false;
			if (program->strings != 0 ? entry_may_be_inside(program, &entry[i])
						  : note_strings(program, &entry[i]))
				return true;
		}
		if (n != sizeof(entry))
			return false;
		done += sizeof(entry);
	}
	return false;
}

bool
hijack_run_path_has_loader(long fd)
{
	struct program program;

	return read_segments(&program, fd) && find_segment(&program, PT_INTERP) != NULL;
}

bool
hijack_run_path_of(long directory, uint64_t path, long flags)
{
	struct program program = {.strings = 0};
	const Elf64_Phdr *dynamic = NULL;
	bool result = false;
	long fd = hijack_own(SYS_openat, directory, (long)path,
	    O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC | (flags & AT_SYMLINK_NOFOLLOW ? O_NOFOLLOW : 0), 0,
	    0, 0);

	if (fd == -ENOENT && flags & AT_EMPTY_PATH)
		fd = directory;
	if (fd < 0)
		return false;
	if (read_segments(&program, fd) && find_segment(&program, PT_INTERP) != NULL)
		dynamic = find_segment(&program, PT_DYNAMIC);
	if (dynamic != NULL && any_entry(&program, dynamic) && program.strings != 0)
		result = any_entry(&program, dynamic);
	if (fd != directory)
		(void)hijack_own(SYS_close, fd, 0, 0, 0, 0, 0);
	return result;
}
