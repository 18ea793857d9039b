/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>
#include <rump/rumpuser.h>
#include "kernel/base/boot.h"
#include "kernel/base/lock.h"
#include "kernel/base/log.h"
#include "kernel/base/print.h"

/* The last messages, oldest first; what does not fit pushes out the oldest half. */
static rumpk_mutex lock;
static char buffer[8192];
static size_t length;
static bool verbose;

void
rumpk_log_init(void)
{
	rumpk_mutex_init(&lock);
}

void
rumpk_log_setverbose(bool on)
{
	verbose = on;
}

size_t
rumpk_log_get(char *buf, size_t len)
{
	size_t n;

	rumpk_lock(lock);
	n = length < len ? length : len;
	memcpy(buf, buffer, n);
	rumpk_unlock(lock);
	return n;
}

static void
keep(const char *text, size_t len)
{
	rumpk_lock(lock);
	if (length + len > sizeof(buffer)) {
		memmove(buffer, buffer + sizeof(buffer) / 2, sizeof(buffer) / 2);
		length = length > sizeof(buffer) / 2 ? length - sizeof(buffer) / 2 : 0;
	}
	memcpy(buffer + length, text, len);
	length += len;
	rumpk_unlock(lock);
}

__attribute__((format(printf, 2, 0))) static void
tell(bool aloud, const char *format, va_list ap)
{
	char text[256];
	int len = rumpk_vsnprintf(text, sizeof(text), format, ap);

	keep(text, (size_t)len < sizeof(text) ? (size_t)len : sizeof(text) - 1);
	if (aloud)
		rumpuser_dprintf("%s", text);
}

void
rumpk_log(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	tell(verbose, format, ap);
	va_end(ap);
}

void
rumpk_warn(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	tell(true, format, ap);
	va_end(ap);
}
