/* SPDX-License-Identifier: BSD-2-Clause */
/* What a client wants done in the kernel: system calls, and the copy of its process that PREFORK makes. */
#ifndef LIBRUMPUSER_SP_CALL_H
#define LIBRUMPUSER_SP_CALL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "librumpuser/host.h"
#include "librumpuser/sp_pool.h"
#include "sp/frame.h"
#include "sp/limits.h"
#include "sp/signature.h"

struct lwp;
struct sp_attached;
struct sp_client;

struct client_call {
	struct job job;
	struct sp_client *client;
	struct sp_header header;
	int64_t args[SP_SLOTS_MAX];
	struct sp_attached *attached; /* what came along, NULL with a SYSCALL */
	enum sp_bulk_kind bulk;
	struct lwp *lwp;
	uint32_t lwps_generation;
	/* With INTERRUPT, under the client's lock. */
	TAILQ_ENTRY(client_call) entries;
	bool listed;
	bool running;
	bool interrupted;
	unsigned pins; /* keep the lwp as it is */
};

/* The call that the calling thread runs, or NULL. */
extern HOST_TLS struct client_call *call_current;

/*
 * Takes a SYSCALL, CALL or PREFORK request in. Returns the call, to be given to call_run() or pool_submit(),
 * or NULL when the request was answered with an error, or the client is not there any more.
 */
struct client_call *call_accept(struct sp_client *c, const struct sp_frame *frame);

/*
 * Runs it in the calling worker, answers, and frees it. reader: for the thread that received it, which is
 * told whether to stay with the client (input_stay()).
 */
bool call_run(struct client_call *call, bool reader);

/* Ends the call of that number, when it is under way. */
void call_interrupt(struct sp_client *c, uint64_t reqno);

/* Answers a system call. */
void call_answer(struct client_call *call, int error, const long retval[2]);

#endif
