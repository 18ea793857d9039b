/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What ThreadSanitizer, helgrind and DRD have to be told about locks that are not pthread's. Outside of these
 * tools the cost is a load and a branch that is not taken.
 *
 * Locks, in this order: annotate_wanted, taking the lock, annotate_taken; or annotate_tried, trying it,
 * annotate_try_ended; then annotate_releasing, releasing the lock, annotate_released. The last one does not
 * touch the lock, which may be gone by then. Locks whose memory is zeroed rather than initialized need no
 * annotate_created.
 *
 * Other order: what one thread did before annotate_before is over when another one comes out of
 * annotate_after with the same token, an address that means nothing else to the tools. annotate_own: whatever
 * others did to this memory by atomic operations, it is the calling thread's alone from now on.
 * annotate_atomic: a word that is used by atomic operations alone, before the first of them; once more does
 * no harm.
 */
#ifndef LIBRUMPUSER_ANNOTATE_H
#define LIBRUMPUSER_ANNOTATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__SANITIZE_THREAD__)
#define ANNOTATE_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define ANNOTATE_TSAN 1
#endif
#endif

#ifdef ANNOTATE_TSAN
#include <sanitizer/tsan_interface.h>
#endif

#pragma GCC visibility push(hidden)

enum annotate_kind { ANNOTATE_EXCLUSIVE, ANNOTATE_SHARED };
enum annotate_event { ANNOTATE_CREATED, ANNOTATE_DESTROYED, ANNOTATE_TAKEN, ANNOTATE_RELEASED };

/* Set before main() when the program runs on valgrind. */
extern bool annotate_on_valgrind;

/* Tells helgrind and DRD. size: of the lock, whose own words are not looked at for races. */
void annotate_tell_valgrind(void *lock, size_t size, enum annotate_event event, enum annotate_kind kind);

static inline void
annotate_valgrind(void *lock, size_t size, enum annotate_event event, enum annotate_kind kind)
{
	if (__builtin_expect(annotate_on_valgrind, false))
		annotate_tell_valgrind(lock, size, event, kind);
}

#ifdef ANNOTATE_TSAN
static inline unsigned
annotate_tsan_flags(enum annotate_kind kind)
{
	return kind == ANNOTATE_SHARED ? __tsan_mutex_read_lock : 0;
}
#endif

void annotate_tell_order(const void *token, bool before);
void annotate_tell_own(const void *memory, size_t size);
void annotate_tell_atomic(const void *word, size_t size);

static inline void
annotate_before(const void *token)
{
#ifdef ANNOTATE_TSAN
	__tsan_release((void *)(uintptr_t)token);
#endif
	if (__builtin_expect(annotate_on_valgrind, false))
		annotate_tell_order(token, true);
}

static inline void
annotate_after(const void *token)
{
#ifdef ANNOTATE_TSAN
	__tsan_acquire((void *)(uintptr_t)token);
#endif
	if (__builtin_expect(annotate_on_valgrind, false))
		annotate_tell_order(token, false);
}

static inline void
annotate_own(const void *memory, size_t size)
{
	if (__builtin_expect(annotate_on_valgrind, false))
		annotate_tell_own(memory, size);
}

static inline void
annotate_atomic(const void *word, size_t size)
{
	if (__builtin_expect(annotate_on_valgrind, false))
		annotate_tell_atomic(word, size);
}

static inline void
annotate_created(void *lock, size_t size)
{
#ifdef ANNOTATE_TSAN
	__tsan_mutex_create(lock, __tsan_mutex_not_static);
#endif
	annotate_valgrind(lock, size, ANNOTATE_CREATED, ANNOTATE_EXCLUSIVE);
}

static inline void
annotate_destroyed(void *lock, size_t size)
{
#ifdef ANNOTATE_TSAN
	__tsan_mutex_destroy(lock, __tsan_mutex_not_static);
#endif
	annotate_valgrind(lock, size, ANNOTATE_DESTROYED, ANNOTATE_EXCLUSIVE);
}

static inline void
annotate_wanted(void *lock, enum annotate_kind kind)
{
#ifdef ANNOTATE_TSAN
	__tsan_mutex_pre_lock(lock, annotate_tsan_flags(kind));
#endif
	(void)lock;
	(void)kind;
}

static inline void
annotate_taken(void *lock, enum annotate_kind kind)
{
#ifdef ANNOTATE_TSAN
	__tsan_mutex_post_lock(lock, annotate_tsan_flags(kind), 0);
#endif
	annotate_valgrind(lock, 0, ANNOTATE_TAKEN, kind);
}

static inline void
annotate_tried(void *lock, enum annotate_kind kind)
{
#ifdef ANNOTATE_TSAN
	__tsan_mutex_pre_lock(lock, annotate_tsan_flags(kind) | __tsan_mutex_try_lock);
#endif
	(void)lock;
	(void)kind;
}

static inline void
annotate_try_ended(void *lock, enum annotate_kind kind, bool taken)
{
#ifdef ANNOTATE_TSAN
	__tsan_mutex_post_lock(lock,
	    annotate_tsan_flags(kind) | __tsan_mutex_try_lock | (taken ? 0 : __tsan_mutex_try_lock_failed),
	    0);
#endif
	if (taken)
		annotate_valgrind(lock, 0, ANNOTATE_TAKEN, kind);
}

static inline void
annotate_releasing(void *lock, enum annotate_kind kind)
{
#ifdef ANNOTATE_TSAN
	__tsan_mutex_pre_unlock(lock, annotate_tsan_flags(kind));
#endif
	annotate_valgrind(lock, 0, ANNOTATE_RELEASED, kind);
}

static inline void
annotate_released(void *lock, enum annotate_kind kind)
{
#ifdef ANNOTATE_TSAN
	__tsan_mutex_post_unlock(lock, annotate_tsan_flags(kind));
#endif
	(void)lock;
	(void)kind;
}

#pragma GCC visibility pop

#endif
