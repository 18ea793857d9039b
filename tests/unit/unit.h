/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What cmocka wants to see first, in one place; and a test of every test program: it leaves no descriptor
 * open, unless it defines unit_keeps_descriptors, and says there why.
 */
#ifndef TESTS_UNIT_UNIT_H
#define TESTS_UNIT_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

extern const int unit_keeps_descriptors __attribute__((weak));

#define UNIT_DESCRIPTORS 1024

static uint8_t unit_open_before[UNIT_DESCRIPTORS];
static pid_t unit_process;

__attribute__((constructor)) static void
unit_note_descriptors(void)
{
	unit_process = getpid();
	for (int fd = 0; fd < UNIT_DESCRIPTORS; fd++)
		unit_open_before[fd] = fcntl(fd, F_GETFD) != -1;
}

__attribute__((destructor)) static void
unit_compare_descriptors(void)
{
	int left = 0;

	if (&unit_keeps_descriptors != NULL)
		return;
	for (int fd = 0; fd < UNIT_DESCRIPTORS && getpid() == unit_process; fd++) {
		char link[32], target[256];
		ssize_t length;

		if (unit_open_before[fd] != 0 || fcntl(fd, F_GETFD) == -1)
			continue;
		snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
		length = readlink(link, target, sizeof(target) - 1);
		target[length < 0 ? 0 : length] = '\0';
		printf("# descriptor %d is left open: %s\n", fd, target);
		left++;
	}
	if (left > 0) {
		fflush(stdout);
		_exit(1);
	}
}

#endif
