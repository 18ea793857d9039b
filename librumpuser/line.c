/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Theory of operation: lines are cut from pages and never given back to the host; free ones are chained.
 * Where a tool watches, each comes from the allocator that it knows instead.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "librumpuser/annotate.h"
#include "librumpuser/host_lock.h"
#include "librumpuser/line.h"

#define PAGE 4096

#if defined(__SANITIZE_ADDRESS__) || defined(ANNOTATE_TSAN)
#define INSTRUMENTED true
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define INSTRUMENTED true
#endif
#endif
#ifndef INSTRUMENTED
#define INSTRUMENTED false
#endif

struct line {
	struct line *next;
};

static struct host_lock lock;
static struct line *unused;

static bool
watched(void)
{
	return INSTRUMENTED || annotate_on_valgrind;
}

/* With the lock. */
static void
cut_page(void)
{
	char *page = aligned_alloc(PAGE, PAGE);

	for (size_t at = 0; page != NULL && at < PAGE; at += LINE_SIZE) {
		struct line *line = (struct line *)(void *)(page + at);

		line->next = unused;
		unused = line;
	}
}

void *
line_get(void)
{
	struct line *line;

	if (watched()) {
		line = aligned_alloc(LINE_SIZE, LINE_SIZE);
	} else {
		host_lock_enter(&lock);
		if (unused == NULL)
			cut_page();
		line = unused;
		if (line != NULL)
			unused = line->next;
		host_lock_exit(&lock);
	}
	if (line != NULL)
		memset(line, 0, LINE_SIZE);
	return line;
}

void
line_put(void *mem)
{
	struct line *line = mem;

	if (line == NULL)
		return;
	if (watched()) {
		free(line);
		return;
	}
	host_lock_enter(&lock);
	line->next = unused;
	unused = line;
	host_lock_exit(&lock);
}
