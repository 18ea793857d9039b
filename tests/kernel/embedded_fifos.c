/* SPDX-License-Identifier: BSD-2-Clause */
/* Fifos of the embedded kernel's file system, which NetBSD's in-memory ones do not have by themselves. */
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <time.h>
#include <rump/rump.h>
#include <rump/rump_syscalls.h>
#include "tests/kernel/expect.h"

#define LIMIT_SECONDS 60

static void
fifo_ends(void)
{
	char buf[32];
	int r, w;

	EXPECT(rump_sys_mkfifo("/p", 0640) == 0);
	EXPECT_ERROR(rump_sys_open("/p", RUMP_O_WRONLY | RUMP_O_NONBLOCK), ENXIO);
	r = rump_sys_open("/p", RUMP_O_RDONLY | RUMP_O_NONBLOCK);
	EXPECT(r >= 0);
	EXPECT(rump_sys_read(r, buf, 1) == 0);
	w = rump_sys_open("/p", RUMP_O_WRONLY | RUMP_O_NONBLOCK | RUMP_O_NOSIGPIPE);
	EXPECT(w >= 0);
	EXPECT_ERROR(rump_sys_read(r, buf, 1), EAGAIN);
	EXPECT(rump_sys_write(w, "hello", 5) == 5);
	EXPECT(rump_sys_read(r, buf, 3) == 3 && memcmp(buf, "hel", 3) == 0);
	EXPECT(rump_sys_read(r, buf, 10) == 2);
	EXPECT_ERROR(rump_sys_read(w, buf, 1), EBADF);
	EXPECT_ERROR(rump_sys_write(r, buf, 1), EBADF);
	EXPECT_ERROR(rump_sys_lseek(r, 0, RUMP_SEEK_CUR), ESPIPE);
	EXPECT_ERROR(rump_sys_pread(r, buf, 1, 0), ESPIPE);
	rump_sys_write(w, "last", 4);
	rump_sys_close(w);
	EXPECT(rump_sys_read(r, buf, 10) == 4);
	EXPECT(rump_sys_read(r, buf, 10) == 0);
	w = rump_sys_open("/p", RUMP_O_WRONLY | RUMP_O_NONBLOCK | RUMP_O_NOSIGPIPE);
	rump_sys_close(r);
	EXPECT_ERROR(rump_sys_write(w, "x", 1), EPIPE);
	rump_sys_close(w);
	rump_sys_unlink("/p");
}

static void
fifo_fills(void)
{
	static char big[100000];
	int r, w, got;

	rump_sys_mkfifo("/p", 0640);
	r = rump_sys_open("/p", RUMP_O_RDWR | RUMP_O_NONBLOCK);
	w = rump_sys_open("/p", RUMP_O_WRONLY | RUMP_O_NONBLOCK);
	got = (int)rump_sys_write(w, big, sizeof(big));
	EXPECT(got >= 4096 && got < (int)sizeof(big));
	EXPECT_ERROR(rump_sys_write(w, big, 1), EAGAIN);
	EXPECT(rump_sys_read(r, big, 100) == 100);
	EXPECT_ERROR(rump_sys_write(w, big, 101), EAGAIN);
	EXPECT(rump_sys_write(w, big, 100) == 100);
	rump_sys_close(r);
	rump_sys_close(w);
	/* Nobody has it open: it is empty again. */
	r = rump_sys_open("/p", RUMP_O_RDONLY | RUMP_O_NONBLOCK);
	EXPECT(rump_sys_read(r, big, 100) == 0);
	rump_sys_close(r);
	rump_sys_unlink("/p");
}

static void *
write_through(void *arg)
{
	static char big[200000];
	int w = rump_sys_open("/p", RUMP_O_WRONLY);

	(void)arg;
	memset(big, 'x', sizeof(big));
	if (rump_sys_write(w, big, sizeof(big)) != (ssize_t)sizeof(big))
		failed = "the whole is written";
	rump_sys_close(w);
	return NULL;
}

static void
fifo_blocks(void)
{
	char buf[1000];
	pthread_t thread;
	long total = 0, got;
	int r;

	rump_sys_mkfifo("/p", 0640);
	pthread_create(&thread, NULL, write_through, NULL);
	r = rump_sys_open("/p", RUMP_O_RDONLY);
	EXPECT(r >= 0);
	while ((got = rump_sys_read(r, buf, sizeof(buf))) > 0) {
		EXPECT(buf[0] == 'x' && buf[got - 1] == 'x');
		total += got;
	}
	EXPECT(total == 200000);
	pthread_join(thread, NULL);
	rump_sys_close(r);
	rump_sys_unlink("/p");
}

static void
fifo_is_waited_for(void)
{
	struct rump_timespec zero = {.tv_sec = 0};
	struct rump_kevent kev = {.filter = RUMP_EVFILT_READ, .flags = RUMP_EV_ADD};
	struct rump_pollfd p = {.events = RUMP_POLLIN};
	int r, w, kq = rump_sys_kqueue();

	rump_sys_mkfifo("/p", 0640);
	r = rump_sys_open("/p", RUMP_O_RDONLY | RUMP_O_NONBLOCK);
	w = rump_sys_open("/p", RUMP_O_WRONLY);
	p.fd = r;
	kev.ident = (uintptr_t)r;
	EXPECT(rump_sys_kevent(kq, &kev, 1, NULL, 0, NULL) == 0);
	EXPECT(rump_sys_poll(&p, 1, 0) == 0);
	EXPECT(rump_sys_kevent(kq, NULL, 0, &kev, 1, &zero) == 0);
	rump_sys_write(w, "xyz", 3);
	EXPECT(rump_sys_poll(&p, 1, 0) == 1 && (p.revents & RUMP_POLLIN));
	EXPECT(rump_sys_kevent(kq, NULL, 0, &kev, 1, &zero) == 1 && kev.data == 3);
	rump_sys_close(w);
	EXPECT(rump_sys_poll(&p, 1, 0) == 1 && (p.revents & RUMP_POLLHUP));
	EXPECT(rump_sys_kevent(kq, NULL, 0, &kev, 1, &zero) == 1 && (kev.flags & RUMP_EV_EOF));
	rump_sys_close(r);
	rump_sys_close(kq);
	rump_sys_unlink("/p");
}

static sigset_t signals;

/* SIGIO has come, or does. */
static bool
signalled(void)
{
	return sigtimedwait(&signals, NULL, &(struct timespec){.tv_sec = LIMIT_SECONDS}) == SIGIO;
}

static long
owner_of(int fd)
{
	return rump_sys_fcntl(fd, RUMP_F_GETOWN, NULL);
}

static void
own(int fd)
{
	EXPECT(rump_sys_fcntl(fd, RUMP_F_SETOWN, (void *)(intptr_t)rump_sys_getpid()) == 0);
	EXPECT(rump_sys_ioctl(fd, RUMP_FIOASYNC, &(int32_t){1}) == 0);
	EXPECT(owner_of(fd) == rump_sys_getpid());
}

static void
fifo_signals_its_ends(void)
{
	static char big[100000];
	int r, w;

	rump_sys_mkfifo("/p", 0640);
	r = rump_sys_open("/p", RUMP_O_RDONLY | RUMP_O_NONBLOCK);
	w = rump_sys_open("/p", RUMP_O_WRONLY | RUMP_O_NONBLOCK);
	own(r);
	EXPECT(owner_of(w) == 0);
	rump_sys_write(w, "x", 1);
	EXPECT(signalled());
	EXPECT(rump_sys_ioctl(r, RUMP_FIOASYNC, &(int32_t){0}) == 0);
	while (rump_sys_write(w, big, sizeof(big)) > 0)
		continue;
	own(w);
	rump_sys_read(r, big, sizeof(big));
	EXPECT(signalled());
	EXPECT(rump_sys_ioctl(w, RUMP_FIOASYNC, &(int32_t){0}) == 0);
	own(r);
	rump_sys_close(w);
	EXPECT(signalled());
	rump_sys_close(r);
	r = rump_sys_open("/p", RUMP_O_RDONLY | RUMP_O_NONBLOCK);
	EXPECT(owner_of(r) == 0);
	rump_sys_close(r);
	rump_sys_unlink("/p");
}

int
main(void)
{
	/* Of all threads, so that it waits for who wants it. */
	sigemptyset(&signals);
	sigaddset(&signals, SIGIO);
	pthread_sigmask(SIG_BLOCK, &signals, NULL);
	if (rump_init() != 0)
		return 1;
	printf("1..5\n");
	test("a fifo has two ends", fifo_ends);
	test("a fifo fills and empties", fifo_fills);
	test("a fifo blocks", fifo_blocks);
	test("a fifo can be waited for", fifo_is_waited_for);
	test("a fifo signals the owners of its ends", fifo_signals_its_ends);
	return failures != 0;
}
