/* SPDX-License-Identifier: BSD-2-Clause */
/* Frames to a client. Any thread sends; none blocks on the socket. */
#ifndef LIBRUMPUSER_SP_OUTPUT_H
#define LIBRUMPUSER_SP_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "sp/wire.h"

struct sp_client;
struct sp_output;

/* Beyond this much in a client's queue, who sends much to it waits for it to read, and it is not read from.
 */
#define OUTPUT_QUEUE_MAX (1u << 20)
#define OUTPUT_MUCH 4096

void output_init(struct sp_output *out);
void output_fini(struct sp_output *out);

/* Throws away what is queued, and makes every send fail from now on. */
void output_close(struct sp_output *out);
bool output_is_closed(struct sp_output *out);

/*
 * Sends a frame of up to OUTPUT_PARTS_MAX parts; iov is used up. A long one waits while the client's queue is
 * full, without a CPU of the kernel and without locks. False when the client is gone.
 */
#define OUTPUT_PARTS_MAX 4
bool output_send(struct sp_client *c, struct iovec *iov, int count);

/* The same for a body in one piece; body may be NULL when len is 0. */
bool output_frame(struct sp_client *c, enum sp_class class, uint16_t type, uint32_t u, uint64_t reqno,
    const void *body, size_t len);

/* An error frame. */
bool output_error(struct sp_client *c, uint64_t reqno, enum sp_error code);

/* A response without a body, with a descriptor, which it takes over. In place of it may come an error frame.
 */
void output_descriptor(struct sp_client *c, uint16_t type, uint64_t reqno, int fd);

/* Waits while the client's queue is full. In a worker. */
void output_await_room(struct sp_client *c);

/* The socket has room, says the loop. Returns 1 when there is more to send, 0 when not, -errno when it is
 * broken. */
int output_flush(struct sp_client *c);

/* Waits until everything has been sent, or for so many milliseconds. For the end of the server. */
void output_linger(struct sp_client *c, int milliseconds);

#endif
