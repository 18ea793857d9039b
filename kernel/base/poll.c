/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Theory of operation: the first pass over the files only looks. When nothing holds and the caller
 * wants to wait, a second pass puts a watch on each file before it looks again, so that no change
 * goes unseen; watches wake the poller, and it looks once more.
 */
#include "kernel/base/poll.h"
#include "kernel/base/boot.h"
#include "kernel/base/clock.h"
#include "kernel/base/lwp.h"
#include "kernel/base/mem.h"
#include "kernel/base/notify.h"
#include "kernel/base/print.h"
#include "kernel/base/sleep.h"

/* A file may put up to this many watches for one poll. */
#define WATCHES 2

struct pollwatch {
	struct rumpk_watch watch;
	struct rumpk_notelist *list;
	struct rumpk_poll *poll;
};

struct rumpk_poll {
	rumpk_mutex lock;
	struct rumpk_waitq wq;
	bool fired;
	struct pollwatch *watches;
	size_t nwatches, room;
	struct file **files;
	void *pool_link;
};

static int
poll_ctor(void *object)
{
	struct rumpk_poll *rp = object;

	rumpk_mutex_init(&rp->lock);
	return 0;
}

static struct rumpk_pool pool = RUMPK_POOL_INIT("poll", struct rumpk_poll, pool_link, poll_ctor);

void
rumpk_poll_init(void)
{
	rumpk_pool_init(&pool);
	rumpk_pollcalls_init();
	rumpk_select_init();
}

static void
poll_fire(struct rumpk_watch *watch, uint32_t what)
{
	struct rumpk_poll *rp = ((struct pollwatch *)watch)->poll;

	(void)what;
	rumpk_lock(rp->lock);
	rp->fired = true;
	rumpk_waitq_wake(&rp->wq);
	rumpk_unlock(rp->lock);
}

void
rumpk_poll_watch(struct rumpk_poll *rp, struct rumpk_notelist *list, uint32_t what)
{
	struct pollwatch *w = &rp->watches[rp->nwatches];

	RUMPK_ASSERT(rp->nwatches < rp->room);
	rp->nwatches++;
	w->list = list;
	w->poll = rp;
	w->watch.interest = what;
	w->watch.fire = poll_fire;
	rumpk_watch_add(list, &w->watch);
}

static int
look(struct file *fp, int events, struct rumpk_poll *rp)
{
	int always = RUMP_POLLIN | RUMP_POLLRDNORM | RUMP_POLLOUT | RUMP_POLLWRNORM;

	return fp->ops->poll != NULL ? fp->ops->poll(fp, events, rp) : events & always;
}

/* Looks at every entry; with rp, watches too, and keeps the files in rp->files. */
static size_t
scan(struct lwp *l, struct rumpk_pollent *ents, size_t n, struct rumpk_poll *rp)
{
	size_t ready = 0;

	for (size_t i = 0; i < n; i++) {
		struct file *fp;

		ents[i].revents = 0;
		if (ents[i].fd < 0)
			continue;
		fp = rumpk_fd_get(l, ents[i].fd);
		if (fp == NULL) {
			ents[i].revents = RUMP_POLLNVAL;
		} else {
			ents[i].revents = look(fp, ents[i].events, rp);
			if (rp != NULL)
				rp->files[i] = fp;
			else
				rumpk_file_rele(fp);
		}
		ready += ents[i].revents != 0;
	}
	return ready;
}

/* With the watches in place: the files as they are now. */
static size_t
rescan(struct rumpk_pollent *ents, size_t n, struct rumpk_poll *rp)
{
	size_t ready = 0;

	for (size_t i = 0; i < n; i++) {
		if (rp->files[i] != NULL)
			ents[i].revents = look(rp->files[i], ents[i].events, NULL);
		ready += ents[i].revents != 0;
	}
	return ready;
}

static int
wait_fired(struct rumpk_poll *rp, int64_t deadline)
{
	int error = 0;

	rumpk_lock(rp->lock);
	while (!rp->fired && error == 0)
		error = rumpk_waitq_sleep(&rp->wq, rp->lock, 0, deadline);
	rp->fired = false;
	rumpk_unlock(rp->lock);
	return error;
}

static void
unwatch(struct rumpk_poll *rp, size_t n)
{
	for (size_t i = 0; i < rp->nwatches; i++)
		rumpk_watch_remove(rp->watches[i].list, &rp->watches[i].watch);
	for (size_t i = 0; i < n; i++)
		if (rp->files[i] != NULL)
			rumpk_file_rele(rp->files[i]);
}

static struct rumpk_poll *
poller_get(size_t n)
{
	struct rumpk_poll *rp = rumpk_pool_get(&pool);

	if (rp == NULL)
		return NULL;
	rp->fired = false;
	rp->nwatches = 0;
	rp->room = n * WATCHES;
	rp->watches = rumpk_alloc(rp->room * sizeof(*rp->watches));
	rp->files = rumpk_zalloc(n * sizeof(*rp->files));
	if (rp->watches != NULL && rp->files != NULL)
		return rp;
	rumpk_free(rp->watches, rp->room * sizeof(*rp->watches));
	rumpk_free(rp->files, n * sizeof(*rp->files));
	rumpk_pool_put(&pool, rp);
	return NULL;
}

static void
poller_put(struct rumpk_poll *rp, size_t n)
{
	rumpk_free(rp->watches, rp->room * sizeof(*rp->watches));
	rumpk_free(rp->files, n * sizeof(*rp->files));
	rumpk_pool_put(&pool, rp);
}

int
rumpk_poll_wait(struct lwp *l, struct rumpk_pollent *ents, size_t n, int64_t deadline, size_t *ready)
{
	struct rumpk_poll *rp;
	int error = 0;

	*ready = scan(l, ents, n, NULL);
	if (*ready > 0 || deadline == 0)
		return 0;
	rp = poller_get(n);
	if (rp == NULL)
		return RUMP_ENOMEM;
	*ready = scan(l, ents, n, rp);
	while (*ready == 0 && error == 0) {
		error = wait_fired(rp, deadline);
		*ready = rescan(ents, n, rp);
	}
	unwatch(rp, n);
	poller_put(rp, n);
	return *ready > 0 || error == RUMP_EWOULDBLOCK ? 0 : error;
}
