/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Theory of operation
 *
 * The scanner is a module with the disassembler behind it. It is needed once for each build of libc, and at a
 * time when libc's own constructor has not run: to dlopen anything then would run that constructor early,
 * without the program's arguments and environment. So a child does it, which has the same memory, and leaves
 * its findings in a shared mapping. The child has no exit signal: the program learns nothing of it. Should
 * the scanner crash, the program goes on without it.
 */
#include "hijack/scanner.h"

#include <dlfcn.h>
#include <errno.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "hijack/gate.h"
#include "hijack/mem.h"
#include "hijack/report.h"

#define MODULE "librumphijack_scan.so"
#define PATH_SIZE 4096

struct findings {
	int error;
	uint32_t count;
	uint32_t left;
	struct hijack_site site[HIJACK_SITES_MAX];
};

/* The module is beside this library, in the package's directory beside it, or where it was to be installed.
 */
static hijack_scan_fn *
load(void)
{
	static const char *const beside[] = {"/" MODULE, "/rumpkit/" MODULE};
	char path[PATH_SIZE];
	Dl_info info;
	size_t length = 0;
	void *module = NULL;

	if (dladdr((const void *)hijack_gate_start, &info) != 0) {
		for (size_t i = 0; info.dli_fname[i] != '\0'; i++) {
			if (info.dli_fname[i] == '/')
				length = i;
		}
	}
	for (size_t i = 0; length > 0 && length < sizeof(path) - 64 && i < 2 && module == NULL; i++) {
		memcpy(path, info.dli_fname, length);
		memcpy(path + length, beside[i], strlen(beside[i]) + 1);
		module = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	}
	if (module == NULL)
		module = dlopen(HIJACK_PKGLIBDIR "/" MODULE, RTLD_NOW | RTLD_LOCAL);
	if (module == NULL) {
		if (hijack_verbose)
			hijack_report("no scanner: %s", dlerror());
		return NULL;
	}
	return (hijack_scan_fn *)dlsym(module, "hijack_scan_object");
}

static void
work(const struct hijack_object *object, struct findings *findings)
{
	struct hijack_sites sites = {.site = findings->site};
	hijack_scan_fn *scan = load();

	if (scan != NULL)
		findings->error = scan(object, &sites, HIJACK_SITES_MAX);
	else
		findings->error = -ENOENT;
	findings->count = sites.count;
	findings->left = sites.left;
}

int
hijack_scanner_run(const struct hijack_object *object, struct hijack_sites *sites)
{
	struct findings *findings;
	long pid, map, waited;

	map = hijack_own(
	    SYS_mmap, 0, sizeof(*findings), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (map < 0 && map > -4096)
		return (int)map;
	findings = (struct findings *)map;
	findings->error = -EIO;
	pid = hijack_own(SYS_clone, 0, 0, 0, 0, 0, 0);
	if (pid == 0) {
		work(object, findings);
		(void)hijack_own(SYS_exit_group, 0, 0, 0, 0, 0, 0);
	}
	do
		waited = pid > 0 ? hijack_own(SYS_wait4, pid, 0, __WALL, 0, 0, 0) : pid;
	while (waited == -EINTR);
	if (waited < 0 || findings->error != 0) {
		int error = waited < 0 ? (int)waited : findings->error;

		(void)hijack_own(SYS_munmap, map, sizeof(*findings), 0, 0, 0, 0);
		return error;
	}
	*sites = (struct hijack_sites){findings->site, findings->count, findings->left};
	return 0;
}
