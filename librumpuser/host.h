/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Everything that librumpuser asks of the host's scheduler, clocks and entropy. No other file of
 * librumpuser calls futex(2), pthread_create(3), clock_gettime(2), getrandom(2) or their kin: another
 * implementation of this header decides who runs when, what time it is, and what fails.
 *
 * Times are absolute on the monotonic clock wherever a deadline is meant. Errors are -errno of the host.
 */
#ifndef LIBRUMPUSER_HOST_H
#define LIBRUMPUSER_HOST_H

#include <poll.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/single_threaded.h>
#include <sys/types.h>
#include <time.h>

/* Also what is declared alone: it is reached directly, not through the table that lets others take its place.
 */
#pragma GCC visibility push(hidden)

struct lwp;

#define HOST_TLS __thread __attribute__((tls_model("initial-exec")))
#define host_likely(x) __builtin_expect(!!(x), 1)
#define host_unlikely(x) __builtin_expect(!!(x), 0)

/* Waiting and waking. */

#define HOST_WAKE_ALL INT32_MAX

/*
 * Sleeps while *word is value, until host_wake() or the deadline (NULL: none). Returns 0, also without any
 * wake-up at all (a signal, for one), or -ETIMEDOUT: look at the word again in either case.
 */
int host_wait(const _Atomic uint32_t *word, uint32_t value, const struct timespec *deadline);

/* Wakes up to count sleepers on word, the longest sleeping first, and returns how many. The word may be gone.
 */
int host_wake(const _Atomic uint32_t *word, int count);

/*
 * The same for sleepers of several groups on one word, each waking those of its groups alone. groups: a set
 * of bits, not empty. There is no deadline.
 */
int host_wait_among(const _Atomic uint32_t *word, uint32_t value, uint32_t groups);
int host_wake_among(const _Atomic uint32_t *word, int count, uint32_t groups);

/* Waits for descriptors as ppoll(2) does. Returns the number of ready ones, 0 at the deadline, or -errno. */
int host_poll(struct pollfd *fds, nfds_t count, const struct timespec *deadline);

/*
 * Waits for one event of an epoll set, for so many milliseconds (-1: for ever). Returns 1, 0 when there was
 * none in time or a signal came, or -errno.
 */
struct epoll_event;
int host_epoll_wait(int fd, struct epoll_event *event, int milliseconds);

/*
 * What the calling thread has to do before it next sleeps, or NULL. It is called once, by whatever of the
 * above comes first. Who sets it takes it back when there is nothing left to do.
 */
extern HOST_TLS void (*host_before_sleep)(void);

static inline void
host_will_sleep(void)
{
	void (*before)(void) = host_before_sleep;

	if (host_likely(before == NULL))
		return;
	host_before_sleep = NULL;
	before();
}

/* How often to look again at a word before sleeping on it: 0 where the process has one CPU. */
extern unsigned host_spins;

/* One look's pause. */
static inline void
host_relax(void)
{
	__builtin_ia32_pause();
}

/* What is looked up most often about the calling thread. */
struct host_self {
	struct lwp *lwp; /* the kernel's thread that it is, or NULL; rumpuser_curlwpop() sets it */
	uint32_t id;     /* host_id(), or 0 before it is first asked for */
};
extern HOST_TLS struct host_self host_self;

/* The calling thread's number: not 0, less than 2^31, and no other living thread's. */
uint32_t host_id_find(void);

static inline uint32_t
host_id(void)
{
	return host_likely(host_self.id != 0) ? host_self.id : host_id_find();
}

/* Threads. */

struct host_thread;

/*
 * Starts a thread that runs function(arg), named name (cut off at 15 characters; NULL: no name). Signals
 * other than those of faults are blocked in it, so that a program's handlers run in the program's threads.
 * With a threadp the thread is to be joined, and the handle freed by that; with NULL it is on its own.
 * Returns 0, or -EAGAIN when the host is short of threads, -ENOMEM when it is short of memory.
 */
int host_thread_start(struct host_thread **threadp, void *(*function)(void *), void *arg, const char *name);

/* Waits for the thread's end and returns 0, or -errno. */
int host_thread_join(struct host_thread *thread);

/* Ends the calling thread. */
_Noreturn void host_thread_exit(void);

/* Gives up the CPU once: others that are ready run first. */
void host_yield(void);

/* Whether the calling thread is the process's only one: what nobody else can see needs no atomic operation.
 */
static inline bool
host_alone(void)
{
	return __libc_single_threaded;
}

/* Clocks. */

/* Wall time, and time that never jumps. */
void host_clock_wall(struct timespec *now);
void host_clock_monotonic(struct timespec *now);

/* Sleeps until the monotonic clock has reached the deadline, whatever signals arrive. */
void host_sleep_until(const struct timespec *deadline);

/*
 * The monotonic time that lies sec and nsec from now; what lies in the past becomes now, and what no timespec
 * can hold becomes the last moment that one can.
 */
void host_deadline(struct timespec *deadline, int64_t sec, int64_t nsec);

/* Time that never jumps, as one number. */
int64_t host_nanoseconds(void);

/* Entropy. */

/*
 * Fills buf with random bytes, unpredictable to others. Returns how many there are, at least 1 for a len of
 * at least 1, or -errno: -EAGAIN when nowait is set and the host has none yet.
 */
ssize_t host_random(void *buf, size_t len, bool nowait);

/* What cannot go on: says why on stderr and aborts. */
_Noreturn void host_fatal(const char *format, ...) __attribute__((format(printf, 1, 2)));

#pragma GCC visibility pop

#endif
