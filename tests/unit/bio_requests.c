/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "tests/unit/bio_requests.h"

#include "tests/unit/unit.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "tests/unit/faults.h"
#include "tests/unit/strict_kernel.h"

/* librumpuser has some until the process ends. */
const int unit_keeps_descriptors = 1;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static unsigned outstanding;
static char *path;

void
io_start(const char *engine)
{
	setenv("RUMPUSER_BIO", engine, 1);
	strict_kernel_start();
	path = faults_path("file");
}

void
io_end(void)
{
	free(path);
}

static void
done(void *arg, size_t transferred, int error)
{
	struct io *io = arg;
	void (*then)(struct io *) = io->then;

	pthread_mutex_lock(&lock);
	io->transferred = transferred;
	io->error = error;
	io->in_submitter = pthread_equal(pthread_self(), io->submitter);
	io->had_cpu = strict_kernel_has_cpu();
	io->reports++;
	pthread_mutex_unlock(&lock);
	if (then != NULL)
		then(io);
	pthread_mutex_lock(&lock);
	outstanding--;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
}

void
io_begin(struct io *io, int fd, int op, size_t len, off_t off)
{
	io->submitter = pthread_self();
	pthread_mutex_lock(&lock);
	outstanding++;
	pthread_mutex_unlock(&lock);
	rumpuser_bio(fd, op, io->data, len, off, done, io);
}

void
io_finish(void)
{
	pthread_mutex_lock(&lock);
	while (outstanding > 0)
		pthread_cond_wait(&changed, &lock);
	pthread_mutex_unlock(&lock);
}

void
io_finish_these(const struct io *ios, size_t count)
{
	pthread_mutex_lock(&lock);
	for (size_t i = 0; i < count; i++)
		while (ios[i].reports == 0)
			pthread_cond_wait(&changed, &lock);
	pthread_mutex_unlock(&lock);
}

struct io
io_run(int fd, int op, void *data, size_t len, off_t off)
{
	struct io io = {.data = data};

	io_begin(&io, fd, op, len, off);
	io_finish();
	assert_int_equal(io.reports, 1);
	assert_false(io.in_submitter);
	assert_true(io.had_cpu);
	return io;
}

void
fill_block(unsigned char *block, size_t number, unsigned generation)
{
	for (size_t i = 0; i < BLOCK; i++)
		block[i] = (unsigned char)(number * 31 + i * 7 + generation * 101 + i / 256);
}

bool
is_block(const unsigned char *block, size_t number, unsigned generation)
{
	unsigned char expected[BLOCK];

	fill_block(expected, number, generation);
	return memcmp(block, expected, BLOCK) == 0;
}

int
io_file(size_t blocks, int mode)
{
	unsigned char block[BLOCK];
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0644);

	assert_true(fd != -1);
	for (size_t i = 0; i < blocks; i++) {
		fill_block(block, i, 0);
		assert_int_equal(pwrite(fd, block, BLOCK, (off_t)(i * BLOCK)), BLOCK);
	}
	close(fd);
	assert_int_equal(rumpuser_open(path, mode | RUMPUSER_OPEN_BIO, &fd), 0);
	return fd;
}

void
io_uncache(int fd)
{
	fdatasync(fd);
	posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
}

bool
io_tells_what_is_cached(int fd)
{
	unsigned char block[BLOCK];
	struct iovec piece = {block, BLOCK};

	return preadv2(fd, &piece, 1, 0, RWF_NOWAIT) == BLOCK;
}
