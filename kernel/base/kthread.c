/* SPDX-License-Identifier: BSD-2-Clause */
#include <rump/rumpuser.h>
#include "kernel/base/mem.h"
#include "kernel/base/proc.h"

struct start {
	void (*f)(void *);
	void *arg;
	struct lwp *lwp;
};

static void *
thread_main(void *cookie)
{
	struct start start = *(struct start *)cookie;

	rumpk_free(cookie, sizeof(start));
	rumpk_lwp_switch(start.lwp);
	start.f(start.arg);
	rumpk_lwp_release();
	return NULL;
}

int
rumpk_kthread_create(void (*f)(void *), void *arg, const char *name)
{
	struct start *start = rumpk_alloc(sizeof(*start));
	int error;

	if (start == NULL)
		return RUMP_ENOMEM;
	start->f = f;
	start->arg = arg;
	rumpk_lock(rumpk_proc0->lock);
	start->lwp = rumpk_lwp_create(rumpk_proc0);
	rumpk_unlock(rumpk_proc0->lock);
	if (start->lwp == NULL) {
		rumpk_free(start, sizeof(*start));
		return RUMP_ENOMEM;
	}
	error = rumpuser_thread_create(thread_main, start, name, 0, 0, -1, NULL);
	if (error != 0) {
		rumpk_lwp_abandon(start->lwp);
		rumpk_free(start, sizeof(*start));
	}
	return error;
}
