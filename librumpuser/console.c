/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel's console is the process's stdout, a character at a time.
 *
 * Theory of operation. Characters go through stdio, so that they keep their order with what the program
 * around the kernel prints, and every newline flushes, so that a kernel that dies by a signal has said what
 * it had to say. The last few lines are kept as well: after rumpuser_daemonize_done() there is no stdout
 * that anybody sees, and a panic is still to be explained. They also are what one looks for in a core.
 */
#include "config.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <rump/rumpuser.h>

#include "librumpuser/console.h"
#include "librumpuser/host_lock.h"

#define TAIL_SIZE 2048

static struct {
	struct host_lock lock;
	size_t end; /* how many characters there have been; the next one goes to end % TAIL_SIZE */
	char text[TAIL_SIZE];
} tail;

void
rumpuser_putchar(int c)
{
	host_lock_enter(&tail.lock);
	tail.text[tail.end++ % TAIL_SIZE] = (char)c;
	host_lock_exit(&tail.lock);

	(void)putchar(c);
	if (c == '\n')
		(void)fflush(stdout);
}

void
rumpuser_dprintf(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	(void)vfprintf(stderr, format, arguments);
	va_end(arguments);
	(void)fflush(stderr);
}

void
console_flush(void)
{
	(void)fflush(stdout);
	(void)fflush(stderr);
}

/* The line that says panic, or else the last one that says anything. */
static const char *
last_words(char *text)
{
	char *words = text, *line, *next;

	for (line = text; line != NULL; line = next) {
		next = strchr(line, '\n');
		if (next != NULL)
			*next++ = '\0';
		line[strcspn(line, "\r")] = '\0';
		if (strncmp(line, "panic: ", 7) == 0)
			return line;
		if (*line != '\0')
			words = line;
	}
	return words;
}

void
console_last_words(char *buf, size_t size)
{
	char text[TAIL_SIZE + 1];
	size_t begin, length = 0;

	host_lock_enter(&tail.lock);
	begin = tail.end > TAIL_SIZE ? tail.end - TAIL_SIZE : 0;
	for (size_t i = begin; i < tail.end; i++)
		if (tail.text[i % TAIL_SIZE] != '\0')
			text[length++] = tail.text[i % TAIL_SIZE];
	host_lock_exit(&tail.lock);
	text[length] = '\0';
	(void)snprintf(buf, size, "%s", last_words(text));
}
