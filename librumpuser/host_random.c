/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include "librumpuser/host.h"

ssize_t
host_random(void *buf, size_t len, bool nowait)
{
	size_t done = 0;

	while (done < len) {
		ssize_t got = getrandom((char *)buf + done, len - done, nowait ? GRND_NONBLOCK : 0);

		if (got > 0)
			done += (size_t)got;
		else if (errno != EINTR)
			return done > 0 ? (ssize_t)done : -errno;
	}
	return (ssize_t)done;
}

void
host_fatal(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	(void)fputs("rumpuser: ", stderr);
	(void)vfprintf(stderr, format, arguments);
	(void)fputc('\n', stderr);
	va_end(arguments);
	abort();
}
