/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"
#include "rump_server/complaint.h"

#include <stdarg.h>
#include <stdio.h>

int
complain(struct complaint *c, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(c->text, sizeof(c->text), format, args);
	va_end(args);
	return -1;
}
