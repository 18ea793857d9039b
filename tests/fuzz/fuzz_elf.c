/* SPDX-License-Identifier: BSD-2-Clause */
/* The reader of components on arbitrary files. */
#include "config.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "rump_server/elf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t touched;

static int
touch(void *arg, const char *name, enum elf_use use)
{
	const struct elf_image *image = arg;
	struct elf_name hashed = elf_name(name);

	(void)use;
	touched += strlen(name) + elf_defines(image, &hashed);
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int fd = -1;
	static char path[64];
	struct elf_name known = elf_name("rumpns_one_done");
	struct elf_image image;
	const char *why = NULL, *needed;
	size_t cursor = 0;

	if (fd == -1) {
		fd = memfd_create("component.so", MFD_CLOEXEC);
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	}
	if (ftruncate(fd, 0) == -1 || pwrite(fd, data, size, 0) != (ssize_t)size)
		abort();
	if (elf_open(&image, path, &why) == 0) {
		if (image.soname != NULL)
			touched += strlen(image.soname);
		while ((needed = elf_next_needed(&image, &cursor)) != NULL)
			touched += strlen(needed);
		elf_each_undefined(&image, touch, &image);
		touched += elf_defines(&image, &known);
	} else if (why == NULL) {
		abort();
	}
	elf_close(&image);
	return 0;
}
