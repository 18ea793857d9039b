/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "rumpclient/client.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

rc_hostcall_fn *rc_hostcall_hook;
_Thread_local struct rc_slot *rc_innermost;
_Thread_local volatile bool rc_raised;

/*
 * Memory that follows itself, so that a frame at the end of the ring lies in one piece. Duplicating the
 * mapping needs no descriptor; where that is not known (valgrind), a memory file does it.
 */
static uint8_t *
ring_new(void)
{
	uint8_t *ring = mmap(NULL, 2 * RC_RING_SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int fd;

	if (ring == MAP_FAILED)
		return NULL;
	if (mmap(ring, RC_RING_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0) ==
		ring &&
	    mremap(ring, 0, RC_RING_SIZE, MREMAP_MAYMOVE | MREMAP_FIXED, ring + RC_RING_SIZE) ==
		ring + RC_RING_SIZE)
		return ring;
	fd = memfd_create("rumpclient", MFD_CLOEXEC);
	if (fd != -1) {
		bool mapped = ftruncate(fd, RC_RING_SIZE) == 0;

		for (int half = 0; half < 2; half++)
			mapped = mapped &&
				 mmap(ring + (size_t)half * RC_RING_SIZE, RC_RING_SIZE,
				     PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0) != MAP_FAILED;
		(void)close(fd);
		if (mapped)
			return ring;
	}
	(void)munmap(ring, 2 * RC_RING_SIZE);
	return NULL;
}

/* How long to look for an answer before sleeping, in microseconds. */
static uint32_t
look_for(void)
{
	const char *wanted = getenv("RUMPCLIENT_LOOK");
	unsigned long microseconds = SP_LOOK_MICROSECONDS;

	if (wanted != NULL && *wanted >= '0' && *wanted <= '9')
		microseconds = strtoul(wanted, NULL, 10);
	return microseconds <= SP_LOOK_MICROSECONDS_MAX ? (uint32_t)microseconds : SP_LOOK_MICROSECONDS_MAX;
}

struct rumpclient *
rc_context_new(void)
{
	struct rumpclient *ctx = calloc(1, sizeof(*ctx));
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	if (ctx == NULL)
		return NULL;
	ctx->epoll = ctx->event = -1;
	atomic_store(&ctx->fd, -1);
	atomic_store(&ctx->state, RC_DOWN);
	ctx->alive = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (ctx->alive == MAP_FAILED) {
		free(ctx);
		return NULL;
	}
	(void)madvise(ctx->alive, page, MADV_WIPEONFORK);
	*ctx->alive = 1;
	sp_look_init(&ctx->look);
	sp_turn_init(&ctx->turn);
	ctx->look_for = look_for();
	ctx->ring = ring_new();
	if (ctx->ring == NULL || rc_slots_init(&ctx->slots) != 0) {
		rc_context_free(ctx);
		return NULL;
	}
	return ctx;
}

void
rc_context_free(struct rumpclient *ctx)
{
	int fd = atomic_exchange(&ctx->fd, -1);

	if (fd != -1)
		(void)close(fd);
	if (ctx->epoll != -1)
		(void)close(ctx->epoll);
	if (ctx->event != -1)
		(void)close(ctx->event);
	rc_slots_fini(&ctx->slots);
	if (ctx->longer != NULL)
		(void)munmap(ctx->longer, ctx->longer_len);
	if (ctx->ring != NULL)
		(void)munmap(ctx->ring, 2 * RC_RING_SIZE);
	(void)munmap(ctx->alive, (size_t)sysconf(_SC_PAGESIZE));
	free(ctx->environment);
	free(ctx);
}

void
rumpclient_set_hostcall(rc_hostcall_fn *fn)
{
	rc_hostcall_hook = fn;
}

struct rumpclient *
rumpclient_ctx_new(const char *text)
{
	struct rumpclient *ctx = rc_context_new();
	struct rc_link link;
	int error;

	if (ctx == NULL) {
		errno = ENOMEM;
		return NULL;
	}
	error = sp_url_parse(&ctx->url, text, NULL);
	if (error == 0)
		error = sp_url_make_absolute(&ctx->url);
	if (error == 0)
		error = rc_dial(&ctx->url, 0, &link);
	if (error == 0)
		error = rc_hello(&link, SP_GUEST, 1);
	if (error != 0) {
		rc_context_free(ctx);
		errno = -error;
		return NULL;
	}
	rc_adopt(ctx, &link, 2);
	return ctx;
}

void
rumpclient_ctx_free(struct rumpclient *ctx)
{
	if (ctx != NULL)
		rc_context_free(ctx);
}

void
rumpclient_ctx_setconnretry(struct rumpclient *ctx, time_t seconds)
{
	if (seconds >= RUMPCLIENT_RETRYCONN_DIE)
		atomic_store(&ctx->retry, seconds);
}

int
rumpclient_ctx_can_interrupt(struct rumpclient *ctx)
{
	return (ctx->capabilities & SP_CAP_INTERRUPT) != 0;
}
