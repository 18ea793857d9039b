/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Theory of operation
 *
 * Dispatch makes every call of a thread a fifth slower, those of the gate too. Most programs have no system
 * call instruction but the C library's and the loader's, which are rewritten; so dispatch stays off until
 * there is executable code that may have one (code.c, init.c).
 *
 * The kernel turns it on for the calling thread only. The others get a SIGSYS that their handler knows by its
 * value and answers by turning it on for its own thread. A signal is handled before the thread it is sent to
 * returns from the kernel. One that runs at the time, on another processor, is brought there by membarrier:
 * when that returns, no thread has dispatch off and runs. Threads made meanwhile either find the flag set or
 * are in the list already, because the flag is set first.
 *
 * What may sleep in a call that is never restarted, as poll, sees EINTR, once in the life of the program.
 */
#include "hijack/arm.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/membarrier.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "hijack/gate.h"
#include "hijack/report.h"
#include "hijack/thread.h"
#include "hijack/trap.h"

#define LIST_SIZE (1 << 18) /* as many threads as anybody has, so that one call reads them all */
#define TRIES 1000          /* while the host is short of memory for signals */
#define THREAD_NUMBERS (1 << 22)

struct entry {
	uint64_t inode;
	int64_t offset;
	uint16_t size;
	uint8_t type;
	char name[];
};

bool hijack_armed, hijack_threaded;

/* What the signal carries. */
static void *
token(void)
{
	return (void *)(uintptr_t)&hijack_armed;
}

static int
number(const char *text)
{
	int value = 0;

	if (*text < '1' || *text > '9')
		return 0;
	for (; *text >= '0' && *text <= '9'; text++)
		value = value * 10 + (*text - '0');
	return value;
}

static void
send(int pid, int thread)
{
	siginfo_t info = {.si_signo = SIGSYS, .si_code = SI_QUEUE};
	long error = -EAGAIN;

	info.si_pid = pid;
	info.si_value.sival_ptr = token();
	for (int try = 0; try < TRIES && error == -EAGAIN; try++) {
		error = hijack_own(SYS_rt_tgsigqueueinfo, pid, thread, SIGSYS, (long)&info, 0, 0);
		if (error == -EAGAIN)
			(void)hijack_own(SYS_sched_yield, 0, 0, 0, 0, 0, 0);
	}
}

static void
each_in(const uint8_t *list, long size, int pid, int self)
{
	for (long at = 0; at < size;) {
		const struct entry *entry = (const struct entry *)(list + at);
		int thread = number(entry->name);

		if (thread > 0 && thread != self)
			send(pid, thread);
		at += entry->size;
	}
}

/* False: there is no list. */
static bool
each_listed(int pid, int self)
{
	long list, size, fd;

	fd = hijack_own(SYS_open, (long)"/proc/self/task", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0, 0, 0, 0);
	if (fd < 0)
		return false;
	list = hijack_own(SYS_mmap, 0, LIST_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (list < 0 && list > -4096) {
		(void)hijack_own(SYS_close, fd, 0, 0, 0, 0, 0);
		return false;
	}
	do {
		size = hijack_own(SYS_getdents64, fd, list, LIST_SIZE, 0, 0, 0);
		each_in((const uint8_t *)list, size, pid, self);
	} while (size > 0);
	(void)hijack_own(SYS_munmap, list, LIST_SIZE, 0, 0, 0, 0);
	(void)hijack_own(SYS_close, fd, 0, 0, 0, 0, 0);
	return true;
}

void
hijack_arm_threads(void)
{
	int pid = (int)hijack_own(SYS_getpid, 0, 0, 0, 0, 0, 0);
	int self = (int)hijack_own(SYS_gettid, 0, 0, 0, 0, 0, 0);

	(void)hijack_trap_arm();
	if (!hijack_threaded)
		return;
	/* Without /proc, all numbers that a thread may have: a second or so, once. */
	if (!each_listed(pid, self)) {
		for (int thread = 1; thread < THREAD_NUMBERS; thread++) {
			if (thread != self)
				send(pid, thread);
		}
	}
	(void)hijack_own(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0, 0, 0, 0);
	(void)hijack_own(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0, 0, 0, 0);
}

void
hijack_arm(const char *why)
{
	if (!hijack_trap_works || __atomic_exchange_n(&hijack_armed, true, __ATOMIC_SEQ_CST))
		return;
	hijack_arm_threads();
	if (hijack_verbose)
		hijack_report("dispatch of other calls is on: %s", why);
}

bool
hijack_arm_signal(const siginfo_t *info)
{
	if (info->si_code != SI_QUEUE || info->si_value.sival_ptr != token())
		return false;
	(void)hijack_trap_arm();
	return true;
}
