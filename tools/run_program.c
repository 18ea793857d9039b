/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"
#include "tools/run_program.h"

#include <elf.h>
#include <err.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LIBRARY "librumphijack.so.0"
#define SCRIPTS_MAX 5

char *
run_beside(const char *path)
{
	char self[PATH_MAX], *joined;
	ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (length == -1)
		err(EXIT_FAILURE, "/proc/self/exe");
	self[length] = '\0';
	*strrchr(self, '/') = '\0';
	if (asprintf(&joined, "%s/%s", self, path) < 0)
		err(EXIT_FAILURE, NULL);
	return joined;
}

const char *
run_library(void)
{
	static char *library;

	if (library != NULL)
		return library;
	/* A build tree, as long as nothing is installed. */
	library = run_beside("../.libs/" LIBRARY);
	if (access(library, R_OK) == 0)
		return library;
	free(library);
	library = strdup(RUN_LIBDIR "/" LIBRARY);
	if (library == NULL || access(library, R_OK) != 0)
		err(EXIT_FAILURE, "%s", RUN_LIBDIR "/" LIBRARY);
	return library;
}

/* Finds a program as execvp does. False: it is not there, or lies in the rump kernel, where one cannot look
 * yet. */
static bool
look_up(const char *program, char *found)
{
	const char *path = getenv("PATH");

	if (strchr(program, '/') != NULL) {
		snprintf(found, PATH_MAX, "%s", program);
		return access(found, X_OK) == 0;
	}
	for (path = path != NULL ? path : "/bin:/usr/bin"; *path != '\0';) {
		size_t length = strcspn(path, ":");

		snprintf(found, PATH_MAX, "%.*s/%s", (int)length, path, program);
		if (access(found, X_OK) == 0)
			return true;
		path += length + (path[length] == ':');
	}
	return false;
}

static bool
find_header(int fd, const Elf64_Ehdr *elf, uint32_t type, Elf64_Phdr *header)
{
	for (unsigned int i = 0; i < elf->e_phnum; i++) {
		if (pread(fd, header, sizeof(*header), (off_t)(elf->e_phoff + i * sizeof(*header))) !=
		    sizeof(*header))
			return false;
		if (header->p_type == type)
			return true;
	}
	return false;
}

/* Without any, a program has no C library, whose thread-local storage it would have to leave alone. */
static bool
needs_libraries(int fd, const Elf64_Ehdr *elf)
{
	Elf64_Phdr header;
	Elf64_Dyn entry;

	if (!find_header(fd, elf, PT_DYNAMIC, &header))
		return false;
	for (uint64_t at = 0; at < header.p_filesz; at += sizeof(entry)) {
		if (pread(fd, &entry, sizeof(entry), (off_t)(header.p_offset + at)) != sizeof(entry))
			return false;
		if (entry.d_tag == DT_NEEDED)
			return true;
	}
	return false;
}

/* Looks at a file; of a script it is the interpreter that counts, whose name goes to found. */
static const char *
judge(int fd, char *found, bool *script)
{
	union {
		Elf64_Ehdr elf;
		char line[256];
	} head;
	ssize_t n = pread(fd, &head, sizeof(head) - 1, 0);
	Elf64_Phdr header;
	struct stat st;

	*script = n > 2 && memcmp(head.line, "#!", 2) == 0;
	if (*script) {
		head.line[n] = '\0';
		snprintf(found, PATH_MAX, "%.*s",
		    (int)strcspn(head.line + 2 + strspn(head.line + 2, " \t"), " \t\n"),
		    head.line + 2 + strspn(head.line + 2, " \t"));
		return NULL;
	}
	if (fstat(fd, &st) == 0 && st.st_mode & (S_ISUID | S_ISGID) && geteuid() != 0)
		return "it changes the user or group that it runs as; the loader preloads nothing into such "
		       "programs";
	if (n < (ssize_t)sizeof(head.elf) || memcmp(head.elf.e_ident, ELFMAG, SELFMAG) != 0)
		return NULL;
	if (head.elf.e_ident[EI_CLASS] != ELFCLASS64 || head.elf.e_machine != EM_X86_64)
		return "it is for another kind of machine";
	if (!find_header(fd, &head.elf, PT_INTERP, &header))
		return "it is linked statically; only programs with a loader can be hijacked";
	if (!needs_libraries(fd, &head.elf))
		return "it does without the C library, which this needs";
	return NULL;
}

const char *
run_why_not(const char *program)
{
	char found[PATH_MAX];
	const char *why = NULL;
	bool script = true;

	if (!look_up(program, found))
		return NULL;
	for (int i = 0; script && i < SCRIPTS_MAX; i++) {
		int fd = open(found, O_RDONLY | O_CLOEXEC);

		if (fd == -1)
			return NULL;
		why = judge(fd, found, &script);
		(void)close(fd);
	}
	return why;
}
