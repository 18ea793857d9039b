/* SPDX-License-Identifier: BSD-2-Clause */
/* A static program: there is nothing to tell the kernel, and nothing to stumble over. */
#include "config.h"

#include <stdarg.h>
#include <stdio.h>

#include <rump/rumpuser.h>

static int calls;

void
rumpuser_dprintf(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	calls++;
}

static void
modinit(const struct modinfo *const *modules, size_t count)
{
	(void)modules;
	(void)count;
	calls++;
}

static int
symload(void *symtab, uint64_t symbytes, char *strtab, uint64_t strbytes)
{
	(void)symtab;
	(void)symbytes;
	(void)strtab;
	(void)strbytes;
	calls++;
	return 0;
}

static void
compload(const struct rump_component *component)
{
	(void)component;
	calls++;
}

int
main(void)
{
	rumpuser_dl_bootstrap(modinit, symload, compload);
	return calls;
}
