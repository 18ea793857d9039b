/* SPDX-License-Identifier: BSD-2-Clause */
/* For programs of several tests that are told apart by name: a TAP line for each, with what does not hold. */
#ifndef TESTS_KERNEL_EXPECT_H
#define TESTS_KERNEL_EXPECT_H

#include <errno.h>
#include <stddef.h>
#include <stdio.h>

static int count, failures;
static const char *failed; /* the first of a test's expectations that does not hold */

#define EXPECT(condition) \
	do { \
		if (!(condition) && failed == NULL) \
			failed = #condition; \
	} while (0)
#define EXPECT_ERROR(call, error) EXPECT((call) == -1 && errno == (error))

static void
test(const char *name, void (*f)(void))
{
	failed = NULL;
	f();
	printf("%sok %d - %s\n", failed != NULL ? "not " : "", ++count, name);
	if (failed != NULL)
		printf("# does not hold: %s (errno %d)\n", failed, errno);
	failures += failed != NULL;
	fflush(stdout);
}

#endif
