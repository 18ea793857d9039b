/* SPDX-License-Identifier: BSD-2-Clause */
#include "hijack/report.h"

#include <stdarg.h>
#include <stddef.h>
#include <sys/syscall.h>

#include "hijack/gate.h"
#include "hijack/mem.h"

#define LINE 512

bool hijack_verbose;

struct line {
	char text[LINE];
	size_t used;
};

static void
put(struct line *line, const char *string, size_t length)
{
	if (length > sizeof(line->text) - line->used)
		length = sizeof(line->text) - line->used;
	memcpy(line->text + line->used, string, length);
	line->used += length;
}

static void
put_number(struct line *line, unsigned long value, unsigned int base)
{
	char digits[24];
	size_t n = sizeof(digits);

	do {
		digits[--n] = "0123456789abcdef"[value % base];
		value /= base;
	} while (value > 0);
	put(line, digits + n, sizeof(digits) - n);
}

static void
put_decimal(struct line *line, int value)
{
	if (value < 0)
		put(line, "-", 1);
	put_number(line, value < 0 ? -(unsigned long)value : (unsigned long)value, 10);
}

void
hijack_report(const char *format, ...)
{
	struct line line = {.used = 0};
	va_list list;

	va_start(list, format);
	put(&line, "librumphijack: ", 15);
	for (; *format != '\0'; format++) {
		if (*format != '%') {
			put(&line, format, 1);
		} else if (*++format == 's') {
			const char *string = va_arg(list, const char *);

			put(&line, string, strlen(string));
		} else if (*format == 'd') {
			put_decimal(&line, va_arg(list, int));
		} else {
			format++;
			put_number(&line, va_arg(list, unsigned long), 16);
		}
	}
	va_end(list);
	if (line.used == sizeof(line.text))
		line.used--;
	put(&line, "\n", 1);
	(void)hijack_own(SYS_write, 2, (long)line.text, (long)line.used, 0, 0, 0);
}
