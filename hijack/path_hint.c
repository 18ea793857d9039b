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

long
hijack_path_shadow(const char *path)
{
	static const char *const standard[] = {"/dev/stdin", "/dev/stdout", "/dev/stderr"};
	const char *rest = after(path, "/dev/fd/"), *proc = after(path, "/proc/");
	long fd, pid;

	for (long i = 0; i < 3; i++) {
		if (strcmp(path, standard[i]) == 0)
			return hijack_fd(i) >= 0 ? i : -1;
	}
	if (rest == NULL && proc != NULL) {
		rest = after(proc, "self/fd/");
		if (rest == NULL)
			rest = after(proc, "thread-self/fd/");
		proc = number(proc, &pid);
		if (proc != NULL && pid == hijack_process()->pid)
			rest = after(proc, "/fd/");
	}
	rest = number(rest, &fd);
	return rest != NULL && *rest == '\0' && hijack_fd(fd) >= 0 ? fd : -1;
}

bool
hijack_path_concerns(long directory, uint64_t path)
{
	char text[PATH_MAX];

	if (hijack_start.server == NULL || hijack_copyinstr(text, path, sizeof(text)) < 0)
		return false;
	if (text[0] == '/' && hijack_process()->root_inside)
		return true;
	if (text[0] != '/') {
		if ((int)directory == AT_FDCWD ? hijack_process()->cwd_inside : hijack_fd(directory) >= 0)
			return true;
	}
	if (hijack_process()->fds != NULL && hijack_path_shadow(text) >= 0)
		return true;
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
