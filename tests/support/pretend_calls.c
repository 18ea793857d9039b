/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The system calls of the pretended kernel: enough of NetBSD's for the recorded conversations, and some of
 * its own from 490 on, which no table has, for what tests want to see.
 */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <rump/rumpdefs.h>

#include "tests/support/pretend_kernel.h"

#define CHUNK 4096

static uint8_t content[1 << 20];
static size_t content_len;
static _Atomic int computing; /* how many calls do nothing else */

static void *
priv(void)
{
	return pretend_curlwp->proc->priv;
}

static void *
address(int64_t addr)
{
	return (void *)(uintptr_t)addr;
}

static void
drop_file(struct pretend_file *f)
{
	if (f == NULL || --f->refs != 0)
		return;
	if (f->kind == PIPE_READ)
		f->pipe->readers--;
	if (f->kind == PIPE_WRITE)
		f->pipe->writers--;
	if (f->pipe != NULL && f->pipe->readers == 0 && f->pipe->writers == 0)
		free(f->pipe);
	free(f);
	pthread_cond_broadcast(&pretend_changed);
}

void
pretend_close_all(struct pretend_proc *p)
{
	if (--*p->fd_users != 0)
		return;
	for (int i = 0; i < PRETEND_FDS; i++)
		drop_file(p->fd[i]);
	free(p->fd);
	free(p->fd_users);
}

static struct pretend_file *
file_of(int64_t fd)
{
	return fd >= 0 && fd < PRETEND_FDS ? pretend_curlwp->proc->fd[fd] : NULL;
}

static int
new_file(int kind, struct pretend_pipe *pipe, long *fdp)
{
	struct pretend_file *f;

	for (int fd = 3; fd < PRETEND_FDS; fd++) {
		if (pretend_curlwp->proc->fd[fd] != NULL)
			continue;
		f = calloc(1, sizeof(*f));
		if (f == NULL)
			return RUMP_ENOMEM;
		f->refs = 1;
		f->kind = kind;
		f->pipe = pipe;
		pretend_curlwp->proc->fd[fd] = f;
		*fdp = fd;
		return 0;
	}
	return RUMP_EMFILE;
}

static int
call_open(const int64_t *args, long *retval)
{
	char path[1024];
	size_t len = sizeof(path);
	int error = rumpuser_sp_copyinstr(priv(), address(args[0]), path, &len);

	if (error != 0)
		return error;
	if (strcmp(path, "/none") == 0)
		return RUMP_ENOENT;
	pthread_mutex_lock(&pretend_lock);
	error = new_file(MEMORY, NULL, &retval[0]);
	pthread_mutex_unlock(&pretend_lock);
	return error;
}

static int
call_path(const int64_t *args)
{
	char path[1024];
	size_t len = sizeof(path);

	return rumpuser_sp_copyinstr(priv(), address(args[0]), path, &len);
}

static int
call_pipe(long *retval)
{
	struct pretend_pipe *pipe = calloc(1, sizeof(*pipe));
	int error;

	if (pipe == NULL)
		return RUMP_ENOMEM;
	pthread_mutex_lock(&pretend_lock);
	pipe->readers = pipe->writers = 1;
	error = new_file(PIPE_READ, pipe, &retval[0]);
	if (error == 0 && (error = new_file(PIPE_WRITE, pipe, &retval[1])) != 0) {
		pipe->writers = 0;
		drop_file(pretend_curlwp->proc->fd[retval[0]]);
		pretend_curlwp->proc->fd[retval[0]] = NULL;
	} else if (error != 0) {
		free(pipe);
	}
	pthread_mutex_unlock(&pretend_lock);
	return error;
}

/* In pieces of a page, as kernels do it. */
static int
copy_pieces(bool in, int64_t addr, uint8_t *bytes, size_t len)
{
	int error = 0;

	for (size_t at = 0; at < len && error == 0; at += CHUNK) {
		size_t n = len - at < CHUNK ? len - at : CHUNK;

		if (in)
			error = rumpuser_sp_copyin(priv(), address(addr + (int64_t)at), bytes + at, n);
		else
			error = rumpuser_sp_copyout(priv(), bytes + at, address(addr + (int64_t)at), n);
	}
	return error;
}

static int
write_pipe(struct pretend_pipe *pipe, int64_t addr, size_t len)
{
	uint8_t bytes[sizeof(pipe->data)];
	int error;

	if (pipe->readers == 0) {
		rumpuser_sp_raise(priv(), RUMP_SIGPIPE);
		return RUMP_EPIPE;
	}
	if (len > sizeof(bytes))
		len = sizeof(bytes);
	error = rumpuser_sp_copyin(priv(), address(addr), bytes, len);
	if (error != 0)
		return error;
	pthread_mutex_lock(&pretend_lock);
	if (len > sizeof(bytes) - pipe->len)
		len = sizeof(bytes) - pipe->len;
	memcpy(pipe->data + pipe->len, bytes, len);
	pipe->len += len;
	pthread_cond_broadcast(&pretend_changed);
	pthread_mutex_unlock(&pretend_lock);
	return 0;
}

static int
call_write(const int64_t *args, int64_t offset, long *retval)
{
	struct pretend_file *f = file_of(args[0]);
	size_t len = (size_t)args[2];
	size_t at;
	int error;

	if (f == NULL || f->kind == PIPE_READ)
		return RUMP_EBADF;
	retval[0] = (long)len;
	if (f->kind == PIPE_WRITE)
		return write_pipe(f->pipe, args[1], len);
	at = offset >= 0 ? (size_t)offset : f->offset;
	if (at > sizeof(content) || len > sizeof(content) - at)
		return RUMP_EFBIG;
	error = copy_pieces(true, args[1], content + at, len);
	if (error != 0)
		return error;
	if (offset < 0)
		f->offset += len;
	if (at + len > content_len)
		content_len = at + len;
	return 0;
}

static int
read_pipe(struct pretend_pipe *pipe, int64_t addr, size_t len, long *retval)
{
	uint8_t bytes[sizeof(pipe->data)];
	bool awake = true;

	pthread_mutex_lock(&pretend_lock);
	while (awake && pipe->len == 0 && pipe->writers != 0)
		awake = pretend_sleep();
	len = len < pipe->len ? len : pipe->len;
	memcpy(bytes, pipe->data, len);
	memmove(pipe->data, pipe->data + len, pipe->len - len);
	pipe->len -= len;
	pthread_mutex_unlock(&pretend_lock);
	if (!awake)
		return RUMP_EINTR;
	retval[0] = (long)len;
	return copy_pieces(false, addr, bytes, len);
}

static int
call_read(const int64_t *args, int64_t offset, long *retval)
{
	struct pretend_file *f = file_of(args[0]);
	size_t len = (size_t)args[2], at;

	if (f == NULL || f->kind == PIPE_WRITE)
		return RUMP_EBADF;
	if (f->kind == PIPE_READ)
		return read_pipe(f->pipe, args[1], len, retval);
	at = offset >= 0 ? (size_t)offset : f->offset;
	at = at < content_len ? at : content_len;
	len = len < content_len - at ? len : content_len - at;
	if (offset < 0)
		f->offset += len;
	retval[0] = (long)len;
	return copy_pieces(false, args[1], content + at, len);
}

static int
call_close(int64_t fd)
{
	struct pretend_file *f = file_of(fd);

	if (f == NULL)
		return RUMP_EBADF;
	pthread_mutex_lock(&pretend_lock);
	pretend_curlwp->proc->fd[fd] = NULL;
	drop_file(f);
	pthread_mutex_unlock(&pretend_lock);
	return 0;
}

static int
call_dup2(const int64_t *args, long *retval)
{
	struct pretend_file *f = file_of(args[0]);

	if (f == NULL || args[1] < 0 || args[1] >= PRETEND_FDS)
		return RUMP_EBADF;
	pthread_mutex_lock(&pretend_lock);
	f->refs++;
	drop_file(pretend_curlwp->proc->fd[args[1]]);
	pretend_curlwp->proc->fd[args[1]] = f;
	pthread_mutex_unlock(&pretend_lock);
	retval[0] = args[1];
	return 0;
}

/* 491: sleeps until the process ends, or somebody ends the call. */
static int
call_sleep(void)
{
	pthread_mutex_lock(&pretend_lock);
	while (pretend_sleep())
		;
	pthread_mutex_unlock(&pretend_lock);
	return RUMP_EINTR;
}

/* 492: the sum of the client's bytes; 493: fills them. */
static int
call_bytes(bool in, const int64_t *args, long *retval)
{
	size_t len = (size_t)args[1];
	uint8_t *bytes;
	int error;

	if (len > 1 << 24)
		return RUMP_E2BIG;
	bytes = malloc(len + 1);
	if (bytes == NULL)
		return RUMP_ENOMEM;
	memset(bytes, (int)args[2], len);
	error = copy_pieces(in, args[0], bytes, len);
	for (size_t i = 0; in && error == 0 && i < len; i++)
		retval[0] += bytes[i];
	free(bytes);
	return error;
}

/* 494: the length of a string. */
static int
call_string(const int64_t *args, long *retval)
{
	char text[1024];
	size_t len = (size_t)args[1] < sizeof(text) ? (size_t)args[1] : sizeof(text);
	int error = rumpuser_sp_copyinstr(priv(), address(args[0]), text, &len);

	retval[0] = error == 0 ? (long)len : 0;
	return error;
}

/* 497: writes two bytes in the middle of a range, and reads all of it back. */
static int
call_write_then_read(const int64_t *args, long *retval)
{
	uint8_t bytes[64] = {0xee, 0xff};
	size_t len = (size_t)args[1] < sizeof(bytes) ? (size_t)args[1] : sizeof(bytes);
	int error = rumpuser_sp_copyout(priv(), bytes, address(args[0] + 2), 2);

	if (error == 0)
		error = rumpuser_sp_copyin(priv(), address(args[0]), bytes, len);
	for (size_t i = 0; i < len; i++)
		retval[0] += bytes[i];
	return error;
}

/* 498: computes, without a hypercall, until another call (499) says that it is enough. */
static int
call_compute(void)
{
	atomic_fetch_add(&computing, 1);
	while (atomic_load(&computing) != 0 && !pretend_never_sleeps())
		continue;
	return 0;
}

static int
own_call(int number, const int64_t *args, long *retval)
{
	void *addr = NULL;
	long lwps;
	int error;

	switch (number) {
	case 490:
		pretend_count(&retval[0], &lwps, &retval[1]);
		retval[1] |= lwps << 32;
		return 0;
	case 491:
		return call_sleep();
	case 492:
	case 493:
		return call_bytes(number == 492, args, retval);
	case 494:
		return call_string(args, retval);
	case 495:
		return rumpuser_sp_raise(priv(), (int)args[0]);
	case 496:
		error = rumpuser_sp_anonmmap(priv(), (size_t)args[0], &addr);
		retval[0] = (long)(uintptr_t)addr;
		return error;
	case 497:
		return call_write_then_read(args, retval);
	case 498:
		return call_compute();
	case 499:
		retval[0] = atomic_exchange(&computing, 0);
		return 0;
	default:
		return RUMP_ENOSYS;
	}
}

int
pretend_syscall(int number, void *block, long *retval)
{
	const int64_t *args = block;

	switch (number) {
	case 3:
		return call_read(args, -1, retval);
	case 4:
		return call_write(args, -1, retval);
	case 5:
		return call_open(args, retval);
	case 6:
		return call_close(args[0]);
	case 10:
	case 136:
		return call_path(args);
	case 20:
		retval[0] = pretend_curlwp->proc->pid;
		retval[1] = 1;
		return 0;
	case 42:
		return call_pipe(retval);
	case 90:
		return call_dup2(args, retval);
	case 173:
		return call_read(args, args[4], retval);
	case 174:
		return call_write(args, args[4], retval);
	case 199:
		if (file_of(args[0]) == NULL)
			return RUMP_EBADF;
		retval[0] = (long)(file_of(args[0])->offset = (size_t)args[2]);
		return 0;
	case 208:
		rumpuser_sp_fini(priv());
		if (pretend_never_sleeps())
			return 0;
		exit(0);
	default:
		return own_call(number, args, retval);
	}
}
