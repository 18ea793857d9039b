/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>

#include "hijack/copy.h"
#include "hijack/descriptor.h"
#include "hijack/gate.h"
#include "hijack/mem.h"
#include "hijack/path.h"
#include "hijack/start.h"

/* What follows a prefix, NULL when the string does not begin with it. */
static const char *
after(const char *string, const char *prefix)
{
	size_t length = strlen(prefix);

	return string != NULL && strncmp(string, prefix, length) == 0 ? string + length : NULL;
}

static const char *
number(const char *string, long *value)
{
	const char *start = string;

	*value = 0;
	while (string != NULL && *string >= '0' && *string <= '9' && *value < HIJACK_FDS)
		*value = *value * 10 + (*string++ - '0');
	return string != start ? string : NULL;
}

/* What follows a whole component; NULL: it goes on. */
static const char *
end_of_component(const char *rest)
{
	if (rest == NULL || (*rest != '\0' && *rest != '/'))
		return NULL;
	while (*rest == '/')
		rest++;
	return rest;
}

static bool
own_descriptor(const char *rest, struct hijack_own_name *own)
{
	own->kind = HIJACK_OWN_DESCRIPTOR;
	own->rest = end_of_component(number(rest, &own->fd));
	return own->rest != NULL && hijack_fd(own->fd) >= 0;
}

/* Below /proc, at the process itself. */
static const char *
own_process(const char *path)
{
	const char *rest = after(path, "self/");
	long pid;

	if (rest == NULL)
		rest = after(path, "thread-self/");
	if (rest == NULL) {
		rest = number(path, &pid);
		rest = pid == hijack_process()->pid ? after(rest, "/") : NULL;
	}
	return rest;
}

bool
hijack_path_own(const char *path, struct hijack_own_name *own)
{
	static const char *const standard[] = {"stdin", "stdout", "stderr"};
	const char *rest = after(path, "/dev/");

	if (hijack_process()->root_inside)
		return false;
	for (long i = 0; rest != NULL && i < 3; i++) {
		*own = (struct hijack_own_name){HIJACK_OWN_DESCRIPTOR, i, ""};
		if (strcmp(rest, standard[i]) == 0)
			return hijack_fd(i) >= 0;
	}
	if (rest != NULL)
		return own_descriptor(after(rest, "fd/"), own);
	rest = after(path, "/proc/");
	rest = rest != NULL ? own_process(rest) : NULL;
	if (rest == NULL)
		return false;
	own->kind = HIJACK_OWN_DIRECTORY;
	own->rest = end_of_component(after(rest, "cwd"));
	if (own->rest != NULL)
		return hijack_process()->cwd_inside;
	own->kind = HIJACK_OWN_PROGRAM;
	own->rest = "";
	return strcmp(rest, "exe") == 0 || own_descriptor(after(rest, "fd/"), own);
}

/* Whether a path names the list of the process's descriptors. */
static bool
lists_numbers(const char *path)
{
	const char *rest = after(path, "/proc/");

	rest = rest != NULL ? after(own_process(rest), "fd") : after(path, "/dev/fd");
	rest = end_of_component(rest);
	return rest != NULL && *rest == '\0';
}

bool
hijack_path_lists_interfaces(const char *path)
{
	const char *rest = after(path, "/proc/"), *own = rest != NULL ? own_process(rest) : NULL;

	if (!(hijack_start.config.sockets & HIJACK_DOMAIN_INET) || hijack_process()->root_inside)
		return false;
	rest = own != NULL ? own : rest;
	return rest != NULL && strcmp(rest, "net/dev") == 0;
}

const char *
hijack_path_of_memory(const char *path)
{
	const char *rest = after(path, "/memfd:");

	return rest != NULL && hijack_start.server != NULL &&
		       hijack_config_match(&hijack_start.config, rest) >= 0
		   ? rest
		   : path;
}

bool
hijack_path_concerns(long directory, uint64_t path)
{
	char text[PATH_MAX];
	struct hijack_own_name own;

	if (hijack_start.server == NULL || hijack_copyinstr(text, path, sizeof(text)) < 0)
		return false;
	if (text[0] == '/' && hijack_process()->root_inside)
		return true;
	if (text[0] != '/') {
		if ((int)directory == AT_FDCWD ? hijack_process()->cwd_inside : hijack_fd(directory) >= 0)
			return true;
	}
	if (text[0] == '/' && (hijack_path_own(text, &own) || hijack_path_lists_interfaces(text)))
		return true;
	if (lists_numbers(text))
		hijack_process()->lists_numbers = true;
	return !hijack_process()->root_inside && hijack_config_hint(&hijack_start.config, text);
}

bool
hijack_path_has_links(long directory, uint64_t path)
{
	struct open_how how = {.flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_NO_SYMLINKS};
	long fd;

	if (hijack_start.config.path == NULL || hijack_process()->sandboxed || hijack_process()->root_inside)
		return false;
	fd = hijack_own(SYS_openat2, directory, (long)path, (long)&how, sizeof(how), 0, 0);
	if (fd >= 0)
		(void)hijack_own(SYS_close, fd, 0, 0, 0, 0, 0);
	return fd == -ELOOP;
}
