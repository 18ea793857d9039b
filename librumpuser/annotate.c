/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "librumpuser/annotate.h"

bool annotate_on_valgrind;

#ifdef HAVE_VALGRIND
#include <valgrind/helgrind.h>
/* After helgrind.h: the two share their requests about locks, and differ in those about memory. */
#include <valgrind/drd.h>
#include <valgrind/valgrind.h>

__attribute__((constructor)) static void
annotate_start(void)
{
	annotate_on_valgrind = RUNNING_ON_VALGRIND != 0;
}

void
annotate_tell_valgrind(void *lock, size_t size, enum annotate_event event, enum annotate_kind kind)
{
	long exclusive = kind == ANNOTATE_EXCLUSIVE;

	switch (event) {
	case ANNOTATE_CREATED:
		VALGRIND_HG_DISABLE_CHECKING(lock, size);
		VALGRIND_DO_CLIENT_REQUEST_STMT(VG_USERREQ__DRD_START_SUPPRESSION, lock, size, 0, 0, 0);
		ANNOTATE_RWLOCK_CREATE(lock);
		break;
	case ANNOTATE_DESTROYED:
		ANNOTATE_RWLOCK_DESTROY(lock);
		VALGRIND_DO_CLIENT_REQUEST_STMT(VG_USERREQ__DRD_FINISH_SUPPRESSION, lock, size, 0, 0, 0);
		VALGRIND_HG_ENABLE_CHECKING(lock, size);
		break;
	case ANNOTATE_TAKEN:
		ANNOTATE_RWLOCK_ACQUIRED(lock, exclusive);
		break;
	case ANNOTATE_RELEASED:
		ANNOTATE_RWLOCK_RELEASED(lock, exclusive);
		break;
	}
}

void
annotate_tell_order(const void *token, bool before)
{
	if (before)
		ANNOTATE_HAPPENS_BEFORE(token);
	else
		ANNOTATE_HAPPENS_AFTER(token);
}

void
annotate_tell_own(const void *memory, size_t size)
{
	VALGRIND_HG_CLEAN_MEMORY(memory, size);
	VALGRIND_DO_CLIENT_REQUEST_STMT(VG_USERREQ__DRD_CLEAN_MEMORY, memory, size, 0, 0, 0);
}

void
annotate_tell_atomic(const void *word, size_t size)
{
	VALGRIND_HG_DISABLE_CHECKING(word, size);
	VALGRIND_DO_CLIENT_REQUEST_STMT(VG_USERREQ__DRD_START_SUPPRESSION, word, size, 0, 0, 0);
}
#else
void
annotate_tell_order(const void *token, bool before)
{
	(void)token;
	(void)before;
}

void
annotate_tell_own(const void *memory, size_t size)
{
	(void)memory;
	(void)size;
}

void
annotate_tell_atomic(const void *word, size_t size)
{
	(void)word;
	(void)size;
}

void
annotate_tell_valgrind(void *lock, size_t size, enum annotate_event event, enum annotate_kind kind)
{
	(void)lock;
	(void)size;
	(void)event;
	(void)kind;
}
#endif
