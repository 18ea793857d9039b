/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Taking turns on one CPU: giving it up once, and being ready to run again, instead of going to sleep.
 *
 * Theory of operation: who sleeps has to be woken, and where a server and its clients share one CPU, each
 * call means two such wake-ups. When several clients are at work these can be spared: each gives the CPU
 * up when it has sent its request, and the server when it has answered all requests that were there. Then the
 * server finds the requests of all when its turn comes again, and each client its answer.
 *
 * To a client that is alone it is no gain: the server sleeps, and has to be woken anyhow. A client knows that
 * it is alone from turns that are short, for nobody but the server runs meanwhile, and a server from whom it
 * hears. Then only one wait in some begins with a turn, to find out whether it is still so. And where
 * programs that compute have the CPU for long, to give it up costs more than to be woken: turns that are too
 * long become rare at once, and rarer with each that follows.
 */
#ifndef SP_TURN_H
#define SP_TURN_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* What a turn takes in which one peer has run, at most. Two clients gain little, and may count as one. */
#define SP_TURN_SHORT_NS 20000

/* What a turn may take in which many clients and their server have run. */
#define SP_TURN_LONG_NS 1000000

/* Waits without a turn after one that did not pay. */
#define SP_TURN_REST_UNPAID 15

/* The same after a first one that was too long, and after many in a row. */
#define SP_TURN_REST_FIRST 1023
#define SP_TURN_REST_MOST 65535

/* Of who waits, one at a time; a signal handler may come in between. */
struct sp_turn {
	bool possible;
	_Atomic uint32_t rest;   /* waits to come that are to do without */
	_Atomic uint32_t losses; /* how many those were after the last turn that was too long */
};

/* Turns are taken where the process may use one CPU only. */
void sp_turn_init(struct sp_turn *turn);

/* Whether this wait is to begin with a turn. */
static inline bool
sp_turn_worth_it(struct sp_turn *turn)
{
	uint32_t rest;

	if (!turn->possible)
		return false;
	rest = atomic_load_explicit(&turn->rest, memory_order_relaxed);
	if (rest != 0)
		atomic_store_explicit(&turn->rest, rest - 1, memory_order_relaxed);
	return rest == 0;
}

/* After a turn of so many nanoseconds. paid: it has spared others or this process a wake-up. */
void sp_turn_end(struct sp_turn *turn, int64_t nanoseconds, bool paid);

#endif
