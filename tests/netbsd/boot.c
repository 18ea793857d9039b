/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Boots a rump kernel made of the given components and says which librumpuser it runs on:
 *
 *	boot /path/librump.so.0 [/path/librumpvfs.so.0 ...]
 *
 * The components are loaded in an order in which each finds the variables that it needs of others; functions
 * are bound when they are called, as some components name ones that nothing defines.
 */
#include "config.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Loads what can be loaded of paths and removes it from there. Returns how many are left. */
static int
load_some(char **paths, int count)
{
	int left = 0;

	for (int i = 0; i < count; i++) {
		if (dlopen(paths[i], RTLD_LAZY | RTLD_GLOBAL) == NULL)
			paths[left++] = paths[i];
	}
	return left;
}

static bool
load(char **paths, int count)
{
	while (count > 0) {
		int left = load_some(paths, count);

		if (left == count) {
			(void)dlopen(paths[0], RTLD_LAZY | RTLD_GLOBAL);
			fprintf(stderr, "boot: %s\n", dlerror());
			return false;
		}
		count = left;
	}
	return true;
}

int
main(int argc, char **argv)
{
	int (*init)(void);
	Dl_info librumpuser;
	int error;

	if (argc < 2) {
		fprintf(stderr, "usage: boot librump.so.0 [component ...]\n");
		return 2;
	}
	if (!load(&argv[1], argc - 1))
		return 1;
	init = (int (*)(void))dlsym(RTLD_DEFAULT, "rump_init");
	if (init == NULL) {
		fprintf(stderr, "boot: %s\n", dlerror());
		return 1;
	}
	error = init();
	if (error != 0) {
		fprintf(stderr, "boot: rump_init: error %d\n", error);
		return 1;
	}
	if (dladdr(dlsym(RTLD_DEFAULT, "rumpuser_init"), &librumpuser) == 0)
		return 1;
	printf("booted on %s\n", librumpuser.dli_fname);
	return fflush(stdout) == 0 ? 0 : 1;
}
