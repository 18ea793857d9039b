/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "librumpuser/host.h"

#define NAME_SIZE 16

/* Made by the starter; freed by the joiner, or by the thread itself at its end where there is none. */
struct host_thread {
	pthread_t handle;
	void *(*function)(void *);
	void *arg;
	bool joined;
	char name[NAME_SIZE];
	jmp_buf end;
};

static HOST_TLS struct host_thread *self;

static void *
thread_main(void *arg)
{
	struct host_thread *thread = arg;

	self = thread;
	if (thread->name[0] != '\0')
		(void)pthread_setname_np(pthread_self(), thread->name);
	if (setjmp(thread->end) == 0)
		(void)thread->function(thread->arg);
	/* Read anew: what was local before setjmp() may not have survived. */
	thread = self;
	if (!thread->joined)
		free(thread);
	return NULL;
}

/* Everything but what a thread does to itself by its own instructions. */
static void
signals_of_others(sigset_t *set)
{
	static const int own[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGABRT};

	(void)sigfillset(set);
	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		(void)sigdelset(set, own[i]);
}

int
host_thread_start(struct host_thread **threadp, void *(*function)(void *), void *arg, const char *name)
{
	struct host_thread *thread = calloc(1, sizeof(*thread));
	pthread_attr_t attributes;
	sigset_t block, before;
	int error;

	if (thread == NULL)
		return -ENOMEM;
	thread->function = function;
	thread->arg = arg;
	thread->joined = threadp != NULL;
	if (name != NULL)
		memcpy(thread->name, name, strnlen(name, NAME_SIZE - 1));
	error = pthread_attr_init(&attributes);
	if (error != 0)
		goto out;
	(void)pthread_attr_setdetachstate(
	    &attributes, thread->joined ? PTHREAD_CREATE_JOINABLE : PTHREAD_CREATE_DETACHED);
	signals_of_others(&block);
	(void)pthread_sigmask(SIG_BLOCK, &block, &before);
	/* A thread on its own may have freed the structure by the time this returns. */
	pthread_t handle;
	error = pthread_create(&handle, &attributes, thread_main, thread);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	(void)pthread_attr_destroy(&attributes);
	if (error == 0 && threadp != NULL) {
		thread->handle = handle;
		*threadp = thread;
	}
out:
	if (error != 0)
		free(thread);
	return -error;
}

int
host_thread_join(struct host_thread *thread)
{
	int error = pthread_join(thread->handle, NULL);

	if (error == 0)
		free(thread);
	return -error;
}

/*
 * Not pthread_exit(), which loads libgcc_s for unwinding, and ends the process when that fails because
 * no descriptor is free. Threads that were started elsewhere have nothing else.
 */
void
host_thread_exit(void)
{
	if (self != NULL)
		longjmp(self->end, 1);
	pthread_exit(NULL);
}

void
host_yield(void)
{
	(void)sched_yield();
}
