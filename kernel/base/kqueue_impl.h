/* SPDX-License-Identifier: BSD-2-Clause */
/* kqueue(2) between its calls and its workings. */
#ifndef KERNEL_BASE_KQUEUE_IMPL_H
#define KERNEL_BASE_KQUEUE_IMPL_H

#include "kernel/base/file.h"
#include "kernel/base/kqueue.h"
#include "kernel/base/sleep.h"

struct kqueue;

extern const struct fileops rumpk_kqueue_ops;

/* NULL without memory. */
struct kqueue *rumpk_kqueue_create(void);

/* One change, as kevent(2) describes it: 0 or an errno. */
int rumpk_kqueue_register(struct lwp *l, struct kqueue *kq, const struct rump_kevent *kev);

/*
 * Up to max events; waits until there is one, or until the deadline (0: does not wait). 0, or EINTR
 * when there is none.
 */
int rumpk_kqueue_collect(struct lwp *l, struct kqueue *kq, struct rump_kevent *events, size_t max,
    int64_t deadline, size_t *count);

void rumpk_kevent_init(void);

#endif
