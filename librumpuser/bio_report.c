/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Telling the kernel what is done.
 *
 * Theory of operation. What has finished together is reported together. Where the reporting thread and
 * the kernel's threads have one CPU, the first report wakes a thread of the kernel's that preempts the
 * reporting one, submits its next request, and sleeps until another report, and so on: two context switches
 * a request, which cost more than the requests do. So who submits on the CPU where several reports are
 * still to be made, and are not being made now, since this thread runs there, sleeps until they have been. A
 * deadline for that would cost as much as it spares. There is none: the reporting thread may have to wait
 * for what the submitter holds, but before it sleeps it wakes the submitters.
 */
#include "config.h"

#include <sched.h>

#include "librumpuser/bio.h"
#include "librumpuser/hyp.h"

/*
 * How many requests are worth a report of their own where the kernel's threads have another CPU, and
 * should have something to do there while this one goes on.
 */
#define SHARE 4

/* With fewer reports to come, sleeping costs more than it spares. */
#define WORTH_SLEEPING 4

#define NOWHERE (-1)

static struct {
	_Atomic int cpu;           /* where a thread has several reports to make, or NOWHERE */
	_Atomic uint32_t turn;     /* goes up when they are made and somebody sleeps */
	_Atomic uint32_t sleepers; /* in bio_let_report_end() */
} interrupted = {.cpu = NOWHERE};

void
bio_let_report_end(void)
{
	uint32_t turn;

	if (host_likely(atomic_load_explicit(&interrupted.cpu, memory_order_relaxed) == NOWHERE) ||
	    atomic_load_explicit(&interrupted.cpu, memory_order_relaxed) != sched_getcpu())
		return;
	turn = atomic_load(&interrupted.turn);
	atomic_fetch_add(&interrupted.sleepers, 1);
	/* Where another thread reports as well, the one whose CPU was seen wakes all sleepers when it ends.
	 */
	if (atomic_load(&interrupted.cpu) != NOWHERE)
		(void)host_wait(&interrupted.turn, turn, NULL);
	atomic_fetch_sub(&interrupted.sleepers, 1);
}

/* Submitters need not wait any more. */
static void
let_submitters_go(void)
{
	atomic_store(&interrupted.cpu, NOWHERE);
	if (atomic_load(&interrupted.sleepers) == 0)
		return;
	atomic_fetch_add(&interrupted.turn, 1);
	host_wake(&interrupted.turn, HOST_WAKE_ALL);
}

static void
make_reports(const struct bio_result *results, unsigned count)
{
	bool several = count > WORTH_SLEEPING;

	if (several) {
		annotate_atomic(&interrupted, sizeof(interrupted));
		host_before_sleep = let_submitters_go;
		atomic_store(&interrupted.cpu, sched_getcpu());
	}
	for (unsigned i = 0; i < count; i++) {
		if (several && i == count - WORTH_SLEEPING)
			atomic_store(&interrupted.cpu, NOWHERE);
		results[i].done(results[i].arg, results[i].moved, results[i].error);
	}
}

bool
bio_report_due(const struct bio_list *finished)
{
	return finished->count >= (host_spins > 0 ? SHARE : BIO_BATCH);
}

void
bio_report(struct bio_list *finished)
{
	struct bio_result results[BIO_BATCH];

	while (finished->count > 0) {
		unsigned count = bio_release(finished, results, BIO_BATCH);

		hyp.hyp_schedule();
		make_reports(results, count);
		hyp.hyp_unschedule();
		host_will_sleep();
	}
}
