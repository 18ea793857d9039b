/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_UNIT_SIGNAL_STORM_H
#define TESTS_UNIT_SIGNAL_STORM_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

/* Signals that another thread sends to the one that started them, one after the other, until they are
 * stopped. */
struct signal_storm {
	pthread_t thread, target;
	atomic_bool stop;
};

/* Returns when the first signal has been handled. */
void signal_storm_start(struct signal_storm *storm);

/* Returns how many signals have been handled. */
unsigned signal_storm_stop(struct signal_storm *storm);

#endif
