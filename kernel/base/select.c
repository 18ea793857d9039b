/* SPDX-License-Identifier: BSD-2-Clause */
/* select and pselect: sets of descriptors, in words of 32 bits. */
#include <string.h>
#include "kernel/base/boot.h"
#include "kernel/base/clock.h"
#include "kernel/base/fdtable.h"
#include "kernel/base/lwp.h"
#include "kernel/base/mem.h"
#include "kernel/base/poll.h"
#include "kernel/base/sleep.h"
#include "kernel/base/syscall.h"

enum { READ, WRITE, EXCEPT, NSETS };

static const int asked[NSETS] = {
    RUMP_POLLIN | RUMP_POLLRDNORM, RUMP_POLLOUT | RUMP_POLLWRNORM, RUMP_POLLPRI | RUMP_POLLRDBAND};
static const int answers[NSETS] = {
    RUMP_POLLIN | RUMP_POLLRDNORM | RUMP_POLLHUP | RUMP_POLLERR,
    RUMP_POLLOUT | RUMP_POLLWRNORM | RUMP_POLLHUP | RUMP_POLLERR,
    RUMP_POLLPRI | RUMP_POLLRDBAND,
};

struct selection {
	int nd;
	size_t words;
	rumpk_uaddr uaddr[NSETS];
	/* NSETS sets of words each, one after the other: what is asked, and then what holds. */
	uint32_t *sets;
	struct rumpk_pollent *ents;
	size_t nents;
};

static bool
isset(const struct selection *sel, int set, int fd)
{
	return (sel->sets[(size_t)set * sel->words + (size_t)fd / 32] >> (fd % 32) & 1) != 0;
}

static int
get_sets(struct lwp *l, struct selection *sel)
{
	int error = 0;

	memset(sel->sets, 0, NSETS * sel->words * sizeof(*sel->sets));
	for (int i = 0; i < NSETS && error == 0; i++)
		if (sel->uaddr[i] != 0)
			error = rumpk_copyin(l, sel->uaddr[i], sel->sets + (size_t)i * sel->words,
			    sel->words * sizeof(*sel->sets));
	return error;
}

static void
to_ents(struct selection *sel)
{
	for (int fd = 0; fd < sel->nd; fd++) {
		int events = 0;

		for (int i = 0; i < NSETS; i++)
			if (isset(sel, i, fd))
				events |= asked[i];
		if (events == 0)
			continue;
		sel->ents[sel->nents].fd = fd;
		sel->ents[sel->nents++].events = events;
	}
}

/* The sets become what holds, with nothing beyond nd: the count of bits, or EBADF. */
static int
from_ents(struct selection *sel, long *count)
{
	*count = 0;
	memset(sel->sets, 0, NSETS * sel->words * sizeof(*sel->sets));
	for (size_t e = 0; e < sel->nents; e++) {
		const struct rumpk_pollent *ent = &sel->ents[e];

		if ((ent->revents & RUMP_POLLNVAL) != 0)
			return RUMP_EBADF;
		for (int i = 0; i < NSETS; i++) {
			if ((ent->events & asked[i]) == 0 || (ent->revents & answers[i]) == 0)
				continue;
			sel->sets[(size_t)i * sel->words + (size_t)ent->fd / 32] |= UINT32_C(1)
										    << (ent->fd % 32);
			++*count;
		}
	}
	return 0;
}

static int
run(struct lwp *l, struct selection *sel, int64_t deadline, long *retval)
{
	size_t ready;
	int error;

	error = get_sets(l, sel);
	if (error != 0)
		return error;
	to_ents(sel);
	error = rumpk_poll_wait(l, sel->ents, sel->nents, deadline, &ready);
	if (error == 0)
		error = from_ents(sel, retval);
	for (int i = 0; i < NSETS && error == 0; i++)
		if (sel->uaddr[i] != 0)
			error = rumpk_copyout(l, sel->sets + (size_t)i * sel->words, sel->uaddr[i],
			    sel->words * sizeof(*sel->sets));
	return error;
}

static int
do_select(struct lwp *l, rumpk_args args, int64_t deadline, long *retval)
{
	struct selection sel = {.nd = rumpk_arg_int(args, 0), .uaddr = {args[1], args[2], args[3]}};
	size_t setsize, entsize;
	int error = RUMP_ENOMEM;

	if (sel.nd < 0)
		return RUMP_EINVAL;
	/* What is beyond any descriptor is not looked at. */
	if (sel.nd > rumpk_fd_limit(l->proc))
		sel.nd = rumpk_fd_limit(l->proc);
	sel.words = ((size_t)sel.nd + 31) / 32;
	setsize = NSETS * sel.words * sizeof(*sel.sets);
	entsize = (size_t)sel.nd * sizeof(*sel.ents);
	sel.sets = rumpk_alloc(setsize);
	sel.ents = rumpk_alloc(entsize);
	if (sel.sets != NULL && sel.ents != NULL)
		error = run(l, &sel, deadline, retval);
	rumpk_free(sel.sets, setsize);
	rumpk_free(sel.ents, entsize);
	return error;
}

static int
sys_select(struct lwp *l, rumpk_args args, long *retval)
{
	struct rump_timeval tv;
	int64_t deadline = RUMPK_FOREVER;
	int error;

	if (args[4] != 0) {
		error = rumpk_copyin(l, args[4], &tv, sizeof(tv));
		if (error != 0)
			return error;
		if (tv.tv_sec < 0 || tv.tv_usec < 0 || tv.tv_usec >= 1000000)
			return RUMP_EINVAL;
		deadline = 0;
		if (tv.tv_sec != 0 || tv.tv_usec != 0) {
			const struct rump_timespec ts = {
			    .tv_sec = tv.tv_sec, .tv_nsec = tv.tv_usec * INT64_C(1000)};

			deadline = rumpk_deadline(rumpk_timespec_ns(&ts));
		}
	}
	return do_select(l, args, deadline, retval);
}

static int
sys_pselect(struct lwp *l, rumpk_args args, long *retval)
{
	struct rump_timespec ts;
	int64_t deadline = RUMPK_FOREVER;
	int error;

	if (args[4] != 0) {
		error = rumpk_copyin(l, args[4], &ts, sizeof(ts));
		if (error == 0)
			error = rumpk_timespec_check(&ts);
		if (error != 0)
			return error;
		deadline = ts.tv_sec == 0 && ts.tv_nsec == 0 ? 0 : rumpk_deadline(rumpk_timespec_ns(&ts));
	}
	return do_select(l, args, deadline, retval);
}

static const struct rumpk_syscall calls[] = {
    {RUMPK_SYS___select50, sys_select},
    {RUMPK_SYS___pselect50, sys_pselect},
};

void
rumpk_select_init(void)
{
	rumpk_syscall_register(calls, sizeof(calls) / sizeof(*calls));
}
