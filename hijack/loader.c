/* SPDX-License-Identifier: BSD-2-Clause */
#include "hijack/loader.h"

#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "hijack/gate.h"
#include "hijack/mem.h"
#include "hijack/report.h"

const char *
hijack_loader_find(const char *list, const char *name, size_t *length)
{
	while (*list != '\0') {
		const char *base = list, *end = list;

		for (; *end != '\0' && *end != ':' && *end != ' '; end++) {
			if (*end == '/')
				base = end + 1;
		}
		if (strncmp(base, name, strlen(name)) == 0) {
			*length = (size_t)(end - list);
			return list;
		}
		list = *end == '\0' ? end : end + 1;
	}
	return NULL;
}

/* Beside the library, in the package's directory beside it, or where it was to be installed. */
bool
hijack_loader_auditor(const char *library, char *path, size_t size)
{
	static const char *const places[] = {"/" HIJACK_LOADER_AUDITOR, "/rumpkit/" HIJACK_LOADER_AUDITOR,
	    HIJACK_PKGLIBDIR "/" HIJACK_LOADER_AUDITOR};
	size_t directory = 0;

	for (size_t i = 0; library[i] != '\0'; i++) {
		if (library[i] == '/')
			directory = i;
	}
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		size_t before = i < 2 ? directory : 0, length = strlen(places[i]);

		if ((i < 2 && directory == 0) || before + length >= size)
			continue;
		memcpy(path, library, before);
		memcpy(path + before, places[i], length + 1);
		if (hijack_own(SYS_access, (long)path, R_OK, 0, 0, 0, 0) == 0)
			return true;
	}
	if (hijack_verbose)
		hijack_report("%s is not there: the loader finds no libraries in the rump kernel",
		    HIJACK_LOADER_AUDITOR);
	return false;
}

/* With the colon behind it, or before. */
static void
cut(char *list, char *found, size_t length)
{
	if (found[length] == '\0' && found == list)
		length--;
	else if (found[length] == '\0')
		found--;
	length++;
	memmove(found, found + length, strlen(found + length) + 1);
}

/* Takes one entry out of the lists of that variable, and the variable with the last. */
static void
hide(char **environment, const char *variable, const char *entry)
{
	const size_t name = strlen(variable);

	while (*environment != NULL) {
		char *value = *environment + name;
		bool is_list = strncmp(*environment, variable, name) == 0;
		const char *found;
		size_t length;

		found = is_list ? hijack_loader_find(value, entry, &length) : NULL;
		if (found != NULL)
			cut(value, value + (found - value), length);
		if (found == NULL || *value != '\0') {
			environment++;
			continue;
		}
		for (char **rest = environment; *rest != NULL; rest++)
			rest[0] = rest[1];
	}
}

void
hijack_loader_hide(char **environment)
{
	hide(environment, HIJACK_LOADER_VARIABLE, HIJACK_LOADER_AUDITOR);
	hide(environment, HIJACK_LOADER_TUNABLES, HIJACK_LOADER_ROOM);
}
