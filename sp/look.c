/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "sp/look.h"

#include <sched.h>

/* Found out once: a program may have forbidden itself to ask later. */
bool
sp_one_cpu(void)
{
	static _Atomic int known;
	cpu_set_t cpus;

	if (atomic_load_explicit(&known, memory_order_relaxed) == 0) {
		bool one = sched_getaffinity(0, sizeof(cpus), &cpus) == 0 && CPU_COUNT(&cpus) == 1;

		atomic_store_explicit(&known, one ? 1 : -1, memory_order_relaxed);
	}
	return atomic_load_explicit(&known, memory_order_relaxed) == 1;
}

void
sp_look_init(struct sp_look *look)
{
	uint32_t losses = sp_one_cpu() ? SP_LOOK_REST / 4 : 0;

	atomic_store_explicit(&look->losses, losses, memory_order_relaxed);
	atomic_store_explicit(&look->rest, losses, memory_order_relaxed);
}

void
sp_look_end(struct sp_look *look, const struct sp_look_times *times, int64_t now, bool found)
{
	uint32_t losses = 0;

	if (found && !times->in_vain)
		return;
	if (!found || now - times->last > SP_LOOK_PAUSE_NS) {
		losses = atomic_load_explicit(&look->losses, memory_order_relaxed) * 2 + 1;
		losses = losses < SP_LOOK_REST ? losses : SP_LOOK_REST;
	}
	atomic_store_explicit(&look->losses, losses, memory_order_relaxed);
	atomic_store_explicit(&look->rest, losses, memory_order_relaxed);
}
