/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads that are trusted not to wait, and one that does: nothing else waits with it, however long it takes.
 */
#include "config.h"

#include "tests/unit/unit.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/unit/bio_requests.h"

/* One request, and those that its report submits: so they are all there when the next ones are taken. */
#define COUNT 32

/* Trust takes a few rounds; it may have to begin anew when the machine is busy. */
#define ROUNDS 2000

struct round {
	struct io ios[COUNT];
	unsigned char data[COUNT][BLOCK];
};

static struct round rounds[2];

static struct {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	int fd;
	bool wanted;      /* the next plain read of fd is to be held */
	const void *held; /* where that reads to, while it is held */
	unsigned plain;   /* reads */
	unsigned finished;
} gate = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER, .fd = -1};

static void
pass_gate(const void *data)
{
	pthread_mutex_lock(&gate.lock);
	gate.plain++;
	if (gate.wanted) {
		gate.wanted = false;
		gate.held = data;
		pthread_cond_broadcast(&gate.changed);
		while (gate.held != NULL)
			pthread_cond_wait(&gate.changed, &gate.lock);
	}
	pthread_mutex_unlock(&gate.lock);
}

static void
open_gate(void)
{
	pthread_mutex_lock(&gate.lock);
	gate.held = NULL;
	pthread_cond_broadcast(&gate.changed);
	pthread_mutex_unlock(&gate.lock);
}

/* In the place of libc's, for librumpuser as well. */
__attribute__((visibility("default"))) long
syscall(long number, ...)
{
	long arg[6], result;
	va_list list;

	va_start(list, number);
	for (int i = 0; i < 6; i++)
		arg[i] = va_arg(list, long);
	va_end(list);
	if (number == SYS_pread64 && (int)arg[0] == gate.fd)
		pass_gate((const void *)arg[1]);

	register long r10 __asm__("r10") = arg[3];
	register long r8 __asm__("r8") = arg[4];
	register long r9 __asm__("r9") = arg[5];
	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "0"(number), "D"(arg[0]), "S"(arg[1]), "d"(arg[2]), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	if (result < 0 && result > -4096) {
		errno = (int)-result;
		return -1;
	}
	return result;
}

static void
count(struct io *io)
{
	(void)io;
	pthread_mutex_lock(&gate.lock);
	gate.finished++;
	pthread_cond_broadcast(&gate.changed);
	pthread_mutex_unlock(&gate.lock);
}

static void
submit_others(struct io *io)
{
	for (size_t i = 1; i < COUNT; i++)
		io_begin(&io[i], io->fd, READ, BLOCK, (off_t)(i * BLOCK));
	count(io);
}

/* Reads every block of the file. Returns whether one of the reads is being held; all others are finished. */
static bool
run(struct round *round)
{
	bool held;

	gate.finished = 0;
	for (size_t i = 0; i < COUNT; i++)
		round->ios[i] = (struct io){
		    .data = round->data[i], .then = i == 0 ? submit_others : count, .fd = gate.fd};
	memset(round->data, 0, sizeof(round->data));
	io_begin(&round->ios[0], gate.fd, READ, BLOCK, 0);
	pthread_mutex_lock(&gate.lock);
	for (;;) {
		held = gate.held >= (void *)round->data[0] && gate.held <= (void *)round->data[COUNT - 1];
		if (gate.finished == COUNT - (held ? 1u : 0u))
			break;
		pthread_cond_wait(&gate.changed, &gate.lock);
	}
	pthread_mutex_unlock(&gate.lock);
	return held;
}

static void
check(const struct round *round)
{
	for (size_t i = 0; i < COUNT; i++) {
		assert_int_equal(round->ios[i].reports, 1);
		assert_int_equal(round->ios[i].error, 0);
		assert_int_equal(round->ios[i].transferred, BLOCK);
		assert_true(is_block(round->data[i], i, 0));
	}
}

static void
others_do_not_wait_with_it(void **state)
{
	enum { TURNS = 3 };
	int held = 0;

	(void)state;
	gate.fd = io_file(COUNT, RUMPUSER_OPEN_RDWR);
	if (!io_tells_what_is_cached(gate.fd)) {
		print_message("this file system does not say what is cached\n");
		goto out;
	}
	gate.wanted = true;
	for (int i = 0; i < ROUNDS && held < TURNS; i++) {
		bool waits = run(&rounds[0]);

		if (waits) {
			held++;
			/* Who reads now may not wait for anything: there is nobody left to keep watch. */
			gate.plain = 0;
			for (int k = 0; k < 10; k++) {
				assert_false(run(&rounds[1]));
				check(&rounds[1]);
			}
			assert_int_equal(gate.plain, 0);
			/* What is not in memory does not wait with it either. */
			io_uncache(gate.fd);
			assert_false(run(&rounds[1]));
			check(&rounds[1]);
			gate.wanted = true;
			open_gate();
		}
		io_finish();
		check(&rounds[0]);
	}
	if (gate.plain == 0 && held == 0)
		print_message("no read was trusted: is there no io_uring here?\n");
	else
		assert_int_equal(held, TURNS);
out:
	gate.wanted = false;
	assert_int_equal(rumpuser_close(gate.fd), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(others_do_not_wait_with_it),
	};
	int failed;

	io_start("io_uring");
	failed = cmocka_run_group_tests_name("bio, watch", tests, NULL, NULL);
	io_end();
	return failed;
}
