/* SPDX-License-Identifier: BSD-2-Clause */
/* The calls of kqueue(2). */
#include "kernel/base/boot.h"
#include "kernel/base/clock.h"
#include "kernel/base/kqueue_impl.h"
#include "kernel/base/lwp.h"
#include "kernel/base/mem.h"
#include "kernel/base/syscall.h"

/* So many are collected at a time; what is asked for beyond comes with the next call. */
#define EVENTS_MAX 1024
#define ON_STACK 8

static int
make(struct lwp *l, int flags, long *retval)
{
	struct kqueue *kq;
	struct file *fp;
	int fd, error;

	error = rumpk_fd_alloc(l, &fp, &fd);
	if (error != 0)
		return error;
	kq = rumpk_kqueue_create();
	if (kq == NULL) {
		rumpk_fd_abort(l, fp, fd);
		return RUMP_ENOMEM;
	}
	fp->ops = &rumpk_kqueue_ops;
	fp->data = kq;
	atomic_store_explicit(&fp->flags,
	    RUMPK_FREAD | RUMPK_FWRITE | ((uint32_t)flags & (RUMP_O_NONBLOCK | RUMP_O_NOSIGPIPE)),
	    memory_order_relaxed);
	rumpk_fd_publish(l, fp, fd, (flags & RUMP_O_CLOEXEC) != 0);
	*retval = fd;
	return 0;
}

static int
sys_kqueue(struct lwp *l, rumpk_args args, long *retval)
{
	(void)args;
	return make(l, 0, retval);
}

static int
sys_kqueue1(struct lwp *l, rumpk_args args, long *retval)
{
	return make(l, rumpk_arg_int(args, 0), retval);
}

/* A list of events in user memory, to be filled from the start. */
struct room {
	rumpk_uaddr at;
	size_t left;
	long count;
};

static int
put(struct lwp *l, struct room *room, const struct rump_kevent *events, size_t n)
{
	int error = rumpk_copyout(l, events, room->at, n * sizeof(*events));

	if (error == 0) {
		room->at += n * sizeof(*events);
		room->left -= n;
		room->count += (long)n;
	}
	return error;
}

/* One change; its error goes into the list, or, when there is no room, is the call's. */
static int
change(struct lwp *l, struct kqueue *kq, struct rump_kevent *kev, struct room *room)
{
	int error;

	kev->flags &= ~(uint32_t)RUMP_EV_SYSFLAGS;
	error = rumpk_kqueue_register(l, kq, kev);
	if (error == 0 && (kev->flags & RUMP_EV_RECEIPT) == 0)
		return 0;
	if (room->left == 0)
		return error;
	kev->flags = RUMP_EV_ERROR;
	kev->data = error;
	return put(l, room, kev, 1);
}

static int
changes(struct lwp *l, struct kqueue *kq, rumpk_uaddr list, size_t n, struct room *room)
{
	struct rump_kevent kev[ON_STACK];

	while (n > 0) {
		size_t some = n < ON_STACK ? n : ON_STACK;
		int error = rumpk_copyin(l, list, kev, some * sizeof(*kev));

		for (size_t i = 0; i < some && error == 0; i++)
			error = change(l, kq, &kev[i], room);
		if (error != 0)
			return error;
		list += some * sizeof(*kev);
		n -= some;
	}
	return 0;
}

/* The timeout as a deadline; none waits for ever, zero not at all. */
static int
get_deadline(struct lwp *l, rumpk_uaddr uaddr, int64_t *deadline)
{
	struct rump_timespec ts;
	int64_t ns;
	int error;

	*deadline = RUMPK_FOREVER;
	if (uaddr == 0)
		return 0;
	error = rumpk_copyin(l, uaddr, &ts, sizeof(ts));
	if (error == 0)
		error = rumpk_timespec_check(&ts);
	if (error != 0)
		return error;
	ns = rumpk_timespec_ns(&ts);
	*deadline = ns == 0 ? 0 : rumpk_deadline(ns);
	return 0;
}

static int
collect(struct lwp *l, struct kqueue *kq, struct room *room, int64_t deadline)
{
	struct rump_kevent few[ON_STACK], *events = few;
	size_t max = room->left < EVENTS_MAX ? room->left : EVENTS_MAX, n;
	int error;

	if (max > ON_STACK) {
		events = rumpk_alloc(max * sizeof(*events));
		if (events == NULL)
			return RUMP_ENOMEM;
	}
	error = rumpk_kqueue_collect(l, kq, events, max, deadline, &n);
	if (error == 0 && n > 0)
		error = put(l, room, events, n);
	if (events != few)
		rumpk_free(events, max * sizeof(*events));
	return error;
}

static int
sys_kevent(struct lwp *l, rumpk_args args, long *retval)
{
	struct room room = {.at = args[3], .left = args[4]};
	int64_t deadline;
	struct file *fp;
	int error;

	fp = rumpk_fd_get_type(l, rumpk_arg_int(args, 0), RUMPK_FT_KQUEUE, RUMP_EBADF, &error);
	if (fp == NULL)
		return error;
	error = get_deadline(l, args[5], &deadline);
	if (error == 0)
		error = changes(l, fp->data, args[1], args[2], &room);
	if (error == 0 && room.count == 0 && room.left > 0)
		error = collect(l, fp->data, &room, deadline);
	*retval = room.count;
	rumpk_file_rele(fp);
	return error;
}

static const struct rumpk_syscall calls[] = {
    {RUMPK_SYS_kqueue, sys_kqueue},
    {RUMPK_SYS_kqueue1, sys_kqueue1},
    {RUMPK_SYS___kevent50, sys_kevent},
};

void
rumpk_kevent_init(void)
{
	rumpk_syscall_register(calls, sizeof(calls) / sizeof(*calls));
}
