/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "tests/unit/signal_storm.h"

#include "tests/unit/unit.h"

#include <signal.h>
#include <unistd.h>

static atomic_uint handled;

static void
handle(int signo)
{
	(void)signo;
	atomic_fetch_add(&handled, 1);
}

static void *
send_signals(void *arg)
{
	struct signal_storm *storm = arg;

	while (!atomic_load(&storm->stop)) {
		unsigned before = atomic_load(&handled);

		pthread_kill(storm->target, SIGUSR1);
		/* One at a time, so that each interrupts something. */
		while (atomic_load(&handled) == before && !atomic_load(&storm->stop))
			usleep(50);
	}
	return NULL;
}

void
signal_storm_start(struct signal_storm *storm)
{
	struct sigaction action = {.sa_handler = handle};

	/* Without SA_RESTART. */
	assert_int_equal(sigaction(SIGUSR1, &action, NULL), 0);
	atomic_store(&handled, 0);
	atomic_store(&storm->stop, false);
	storm->target = pthread_self();
	assert_int_equal(pthread_create(&storm->thread, NULL, send_signals, storm), 0);
	/* Not before it blows: a busy machine may start the thread late. */
	while (atomic_load(&handled) == 0)
		usleep(50);
}

unsigned
signal_storm_stop(struct signal_storm *storm)
{
	atomic_store(&storm->stop, true);
	pthread_join(storm->thread, NULL);
	return atomic_load(&handled);
}
