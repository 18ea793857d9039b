/* SPDX-License-Identifier: BSD-2-Clause */
/* Messages of the kernel, formatted strings, and panic. */
#ifndef KERNEL_BASE_PRINT_H
#define KERNEL_BASE_PRINT_H

#include <stdarg.h>
#include <stddef.h>
#include "kernel/base/component.h"

/* A pure snprintf: %d %i %u %x %X %o %c %s %p %% with l, ll, z, j, width, precision, 0 and -. Returns as
 * snprintf does. */
RUMPK_EXPORT int rumpk_snprintf(char *buf, size_t size, const char *format, ...)
    __attribute__((__format__(__printf__, 3, 4)));
RUMPK_EXPORT int rumpk_vsnprintf(char *buf, size_t size, const char *format, va_list ap)
    __attribute__((__format__(__printf__, 3, 0)));

/* To the host's stderr, and kept for kern.msgbuf; without RUMP_VERBOSE only kept. */
RUMPK_EXPORT void rumpk_log(const char *format, ...) __attribute__((__format__(__printf__, 1, 2)));

/* The same, and always to stderr: what the kernel's owner has to know, such as a broken image. */
RUMPK_EXPORT void rumpk_warn(const char *format, ...) __attribute__((__format__(__printf__, 1, 2)));

/* Says why on stderr, and ends the host process with a core. For broken invariants only. */
RUMPK_EXPORT void rumpk_panic(const char *format, ...)
    __attribute__((__format__(__printf__, 1, 2), __noreturn__));

/* An invariant of the kernel, checked in every build. */
#define RUMPK_ASSERT(condition) \
	do { \
		if (__builtin_expect(!(condition), 0)) \
			rumpk_panic("%s:%d: %s does not hold", __FILE__, __LINE__, #condition); \
	} while (0)

#endif
