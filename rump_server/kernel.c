/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"
#include "rump_server/kernel.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rump/rumpuser.h>

#include "abi/errno.h"

bool
kernel_provides(const char *symbol)
{
	return dlsym(RTLD_DEFAULT, symbol) != NULL;
}

const char *
kernel_strerror(int netbsd_errno)
{
	return strerror(abi_errno_to_host(netbsd_errno));
}

int
kernel_load(const struct solution *solution, struct complaint *complaint)
{
	for (size_t i = 0; i < solution->count; i++) {
		/* Lazily: components use functions of others that come later, and some that nothing defines.
		 */
		if (dlopen(solution->order[i]->path, RTLD_LAZY | RTLD_GLOBAL) == NULL)
			return complain(complaint, "cannot load a component: %s", dlerror());
	}
	return 0;
}

int
kernel_resolve(struct kernel *kernel, struct complaint *complaint)
{
	/* POSIX lets dlsym()'s result be stored through such a pointer. */
	const struct {
		const char *name;
		void *place;
		bool vfs; /* is there only with a file system, and only needed with one */
	} symbols[] = {
	    {"rump_daemonize_begin", &kernel->daemonize_begin, false},
	    {"rump_daemonize_done", &kernel->daemonize_done, false},
	    {"rump_init", &kernel->init, false},
	    {"rump_init_server", &kernel->init_server, false},
	    {"rump___sysimpl_reboot", &kernel->sys_reboot, false},
	    {"rump_pub_etfs_register_withsize", &kernel->etfs_register_withsize, true},
	    {"rump_pub_etfs_remove", &kernel->etfs_remove, true},
	    {"rump___sysimpl_modctl", &kernel->sys_modctl, true},
	    {"rump___sysimpl_mkdir", &kernel->sys_mkdir, true},
	    {"rump___sysimpl_mount50", &kernel->sys_mount, true},
	};
	bool vfs = dlsym(RTLD_DEFAULT, "rump_pub_etfs_register_withsize") != NULL;

	for (size_t i = 0; i < sizeof(symbols) / sizeof(symbols[0]); i++) {
		void *found = dlsym(RTLD_DEFAULT, symbols[i].name);

		if (found == NULL && (vfs || !symbols[i].vfs))
			return complain(complaint, "the kernel has no %s: not a rump kernel's component",
			    symbols[i].name);
		memcpy(symbols[i].place, &found, sizeof(found));
	}
	return 0;
}

const char *
kernel_directory(void)
{
	static char directory[PATH_MAX];
	size_t length;
	Dl_info info;
	char *slash;

	/* A build tree keeps all libraries in one directory; an installation gives components one of their
	 * own. */
	if (dladdr((void *)(uintptr_t)rumpuser_init, &info) == 0 ||
	    realpath(info.dli_fname, directory) == NULL || (slash = strrchr(directory, '/')) == NULL)
		return PKGLIBDIR;
	*slash = '\0';
	length = (size_t)(slash - directory);
	if (length >= 6 && strcmp(slash - 6, "/.libs") == 0)
		return directory;
	if (snprintf(slash, sizeof(directory) - length, "/" PACKAGE) < (int)(sizeof(directory) - length) &&
	    access(directory, X_OK) == 0)
		return directory;
	return PKGLIBDIR;
}
