/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "sp/turn.h"

#include "sp/look.h"

void
sp_turn_init(struct sp_turn *turn)
{
	turn->possible = sp_one_cpu();
	atomic_store_explicit(&turn->losses, 0, memory_order_relaxed);
	atomic_store_explicit(&turn->rest, SP_TURN_REST_UNPAID, memory_order_relaxed);
}

void
sp_turn_end(struct sp_turn *turn, int64_t nanoseconds, bool paid)
{
	uint32_t losses = 0;
	uint32_t rest = paid ? 0 : SP_TURN_REST_UNPAID;

	if (nanoseconds > SP_TURN_LONG_NS) {
		losses = atomic_load_explicit(&turn->losses, memory_order_relaxed) * 4 + 3;
		losses = losses < SP_TURN_REST_FIRST  ? SP_TURN_REST_FIRST
			 : losses > SP_TURN_REST_MOST ? SP_TURN_REST_MOST
						      : losses;
		rest = losses;
	}
	atomic_store_explicit(&turn->losses, losses, memory_order_relaxed);
	atomic_store_explicit(&turn->rest, rest, memory_order_relaxed);
}
