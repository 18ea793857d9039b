/* SPDX-License-Identifier: BSD-2-Clause */
/* The threads that read from clients and run their calls. */
#ifndef LIBRUMPUSER_SP_POOL_H
#define LIBRUMPUSER_SP_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "librumpuser/host.h"
#include "librumpuser/sp_bulk.h"

#define WORKER_BUFFER 65536

struct lwp;

struct worker {
	struct lwp *lwp; /* the kernel's thread that this one is between calls */
	bool busy;
	uint8_t *buffer; /* WORKER_BUFFER bytes to receive into */
	struct sp_bulk bulk;
};

/* The calling thread's, NULL in threads that are not of the pool. */
extern HOST_TLS struct worker *worker_self;

struct job {
	STAILQ_ENTRY(job) entries;
	void (*run)(struct job *job); /* called in a worker; frees the job */
};

/*
 * Starts the first workers, who do nothing before pool_open(). Returns 0, or -errno and leaves nothing
 * behind. In place of pool_open(), pool_abandon() undoes it. The calling thread may hold the kernel's CPU.
 */
int pool_start(void);
void pool_open(void);
void pool_abandon(void);

/* Has a worker call pool_event() whenever fd has become readable (edge-triggered), until it is closed. */
int pool_watch(int fd, uint64_t id);
void pool_unwatch(int fd);

/* Has nobody called for what comes from now on, and again for what is there then. */
void pool_mute(int fd, uint64_t id);
void pool_unmute(int fd, uint64_t id);

/* Whether a job waits for a worker. */
bool pool_wanted(void);

/* What a client's readiness leads to; not the pool's to define. ended: the other side sends no more. */
void pool_event(uint64_t id, bool ended);

/* Runs a job soon, in a worker. */
void pool_submit(struct job *job);

/*
 * A worker is about to do what may take long or sleep, and has finished with it. In between there is another
 * to take its place. pool_busy() returns false when there is none and none can be had: then do not.
 */
bool pool_busy(void);

/*
 * The same for a call of a client's, which is over soon, most likely. Where there is one CPU, others wait for
 * that, until host_will_sleep() or for a moment.
 */
bool pool_calls(void);
void pool_free(void);

#endif
