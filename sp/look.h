/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Looking for a peer's next frame, again and again, instead of sleeping until it comes.
 *
 * Theory of operation: to wake a thread on another core takes 16 to 50 microseconds on a virtual machine,
 * which is many times what a call takes. So who waits looks for a while first. A frame that comes meanwhile
 * has saved a wake-up; else a look was lost that was at most about as dear as the wake-up it was to save.
 * Where looks are lost they become rare by themselves: each one lost in a row doubles the waits that pass
 * without one.
 *
 * Between two ends on one core a look only keeps the other from what is looked for, until the host lets it
 * have the core for a while. That is seen from the time that passes between one try and the next, and counts
 * as lost whatever the next try finds.
 */
#ifndef SP_LOOK_H
#define SP_LOOK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* How long a look may take, unless its user has said otherwise. */
#define SP_LOOK_MICROSECONDS 50
#define SP_LOOK_MICROSECONDS_MAX 1000

/* Whoever does nothing else has tried again by then. */
#define SP_LOOK_PAUSE_NS 3000

/* Waits without a look, at most. */
#define SP_LOOK_REST 1023

/* Of one end of a connection. Who waits there uses it, one at a time; a signal handler may come in between.
 */
struct sp_look {
	_Atomic uint32_t rest;   /* waits to come that are to do without */
	_Atomic uint32_t losses; /* how many those were after the last look that was lost */
};

/* Whether the process may use one CPU only. */
bool sp_one_cpu(void);

/* Where the process may use one CPU only, the other end is probably there too: that is looked into later. */
void sp_look_init(struct sp_look *look);

/* Whether to look in this wait. */
static inline bool
sp_look_worth_it(struct sp_look *look)
{
	uint32_t rest = atomic_load_explicit(&look->rest, memory_order_relaxed);

	if (rest != 0)
		atomic_store_explicit(&look->rest, rest - 1, memory_order_relaxed);
	return rest == 0;
}

/* One look. Times are of a clock that never jumps, in nanoseconds. */
struct sp_look_times {
	int64_t end;
	int64_t last;
	bool in_vain; /* the first try was */
};

static inline struct sp_look_times
sp_look_begin(int64_t now, uint32_t microseconds)
{
	return (struct sp_look_times){now + microseconds * INT64_C(1000), now, false};
}

/* After a try in vain: whether to try again. */
static inline bool
sp_look_again(struct sp_look_times *times, int64_t now)
{
	bool alone = now - times->last <= SP_LOOK_PAUSE_NS;

	times->last = now;
	times->in_vain = true;
	return alone && now < times->end;
}

/* After the last try, for what it is worth to look the next time. */
void sp_look_end(struct sp_look *look, const struct sp_look_times *times, int64_t now, bool found);

#endif
