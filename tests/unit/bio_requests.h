/* SPDX-License-Identifier: BSD-2-Clause */
/* Block I/O requests of a test: made, waited for, and looked at. */
#ifndef TESTS_UNIT_BIO_REQUESTS_H
#define TESTS_UNIT_BIO_REQUESTS_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include <rump/rumpuser.h>

#define BLOCK 4096
#define BLOCKS 512
#define READ RUMPUSER_BIO_READ
#define WRITE RUMPUSER_BIO_WRITE
#define SYNC RUMPUSER_BIO_SYNC

/* One request and what became of it. */
struct io {
	unsigned char *data;
	size_t transferred;
	int error;
	bool in_submitter; /* done was called by the thread that submitted */
	bool had_cpu;
	unsigned reports;
	pthread_t submitter;
	void (*then)(struct io *io); /* called by who reports, before the request counts as finished */
	int fd;
	unsigned left;
};

/* Starts a strict kernel, with this engine for block I/O: "threads" or "io_uring". */
void io_start(const char *engine);

/* At the end of the program. */
void io_end(void);

/* Whether the host says of this file what can be read without waiting. */
bool io_tells_what_is_cached(int fd);

void io_begin(struct io *io, int fd, int op, size_t len, off_t off);

/* Waits until every request that was begun is finished; or so many of them, each begun once. */
void io_finish(void);
void io_finish_these(const struct io *ios, size_t count);

/* One request, from beginning to end. */
struct io io_run(int fd, int op, void *data, size_t len, off_t off);

/* A file of so many blocks of generation 0, opened for block I/O. */
int io_file(size_t blocks, int mode);

/* Makes the host forget what it has of a file, so that reads wait for the device. */
void io_uncache(int fd);

/* What a block has in it tells its number and generation. */
void fill_block(unsigned char *block, size_t number, unsigned generation);
bool is_block(const unsigned char *block, size_t number, unsigned generation);

#endif
