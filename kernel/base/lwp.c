/* SPDX-License-Identifier: BSD-2-Clause */
#include "kernel/base/lwp.h"
#include <rump/rumpuser.h>
#include "kernel/base/boot.h"
#include "kernel/base/mem.h"
#include "kernel/base/print.h"
#include "kernel/base/proc.h"
#include "kernel/base/sleep_impl.h"

/* Initial-exec, although the library is loaded at run time: every system call starts with it, and it is
 * small. */
#define TLS __thread __attribute__((__tls_model__("initial-exec")))

static TLS struct lwp *current;
static TLS struct lwp implicit;
static _Atomic(uint32_t) next_shard;

static struct rumpk_pool pool = RUMPK_POOL_INIT("lwp", struct lwp, pool_link, NULL);

void
rumpk_lwp_init(void)
{
	rumpk_pool_init(&pool);
}

static struct lwp *
use_implicit(void)
{
	if (implicit.proc == NULL) {
		implicit.proc = rumpk_proc1;
		implicit.implicit = true;
		implicit.shard = atomic_fetch_add_explicit(&next_shard, 1, memory_order_relaxed);
	}
	current = &implicit;
	return current;
}

struct lwp *
rumpk_curlwp(void)
{
	struct lwp *l = current;

	return __builtin_expect(l != NULL, 1) ? l : use_implicit();
}

struct lwp *
rumpk_lwp_explicit(void)
{
	struct lwp *l = current;

	return l == NULL || l->implicit ? NULL : l;
}

/* Changes what the thread runs as; NULL for its implicit lwp. */
static void
set_current(struct lwp *l)
{
	struct lwp *old = rumpk_lwp_explicit();

	if (old != NULL) {
		old->running = false;
		rumpuser_curlwpop(RUMPUSER_LWP_CLEAR, old);
	}
	if (l == NULL) {
		use_implicit();
		return;
	}
	current = l;
	l->running = true;
	rumpuser_curlwpop(RUMPUSER_LWP_SET, l);
}

struct lwp *
rumpk_lwp_create(struct proc *p)
{
	struct lwp *l = rumpk_pool_get(&pool);

	if (l == NULL)
		return NULL;
	l->proc = p;
	l->lid = ++p->next_lid;
	l->shard = atomic_fetch_add_explicit(&next_shard, 1, memory_order_relaxed);
	atomic_store_explicit(&l->interrupted, false, memory_order_relaxed);
	l->implicit = false;
	l->running = false;
	l->sleeper = NULL;
	p->nlwps++;
	rumpuser_curlwpop(RUMPUSER_LWP_CREATE, l);
	return l;
}

void
rumpk_lwp_switch(struct lwp *l)
{
	if (l != NULL && l == rumpk_lwp_explicit())
		rumpk_panic("lwp %d.%d is running already", l->proc->pid, l->lid);
	set_current(l);
}

void
rumpk_lwp_release(void)
{
	struct lwp *l = rumpk_lwp_explicit();
	struct proc *p;
	bool last;

	if (l == NULL)
		rumpk_panic("release of an lwp that the thread does not have");
	p = l->proc;
	rumpk_lock(p->lock);
	last = p->nlwps == 1;
	if (!last)
		p->nlwps--;
	rumpk_unlock(p->lock);
	/* The last one closes the descriptors itself: they may be closed by a running lwp only. */
	if (last)
		rumpk_proc_exit(p);
	set_current(NULL);
	rumpuser_curlwpop(RUMPUSER_LWP_DESTROY, l);
	l->proc = NULL;
	rumpk_pool_put(&pool, l);
	if (last)
		rumpk_proc_rele(p);
}

void
rumpk_lwp_abandon(struct lwp *l)
{
	struct proc *p = l->proc;

	rumpk_lock(p->lock);
	p->nlwps--;
	rumpk_unlock(p->lock);
	rumpuser_curlwpop(RUMPUSER_LWP_DESTROY, l);
	rumpk_pool_put(&pool, l);
}

void
rumpk_lwp_interrupt(struct lwp *l)
{
	struct proc *p = l->proc;

	rumpk_lock(p->lock);
	atomic_store_explicit(&l->interrupted, true, memory_order_relaxed);
	if (l->sleeper != NULL)
		rumpk_sleeper_wake(l->sleeper);
	rumpk_unlock(p->lock);
}
