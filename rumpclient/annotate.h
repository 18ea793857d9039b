/* SPDX-License-Identifier: BSD-2-Clause */
/* What valgrind cannot see by itself: memory that is written through process_vm_writev(2). */
#ifndef RUMPCLIENT_ANNOTATE_H
#define RUMPCLIENT_ANNOTATE_H

#include "config.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef HAVE_VALGRIND
#include <valgrind/memcheck.h>
#include <valgrind/valgrind.h>
#endif

static inline void
rc_annotate_written(uint64_t addr, size_t len)
{
#ifdef HAVE_VALGRIND
	VALGRIND_MAKE_MEM_DEFINED((void *)(uintptr_t)addr, len);
#else
	(void)addr;
	(void)len;
#endif
}

/* Whether what another process writes goes unnoticed. */
static inline bool
rc_annotate_needed(void)
{
#ifdef HAVE_VALGRIND
	return RUNNING_ON_VALGRIND != 0;
#else
	return false;
#endif
}

#endif
