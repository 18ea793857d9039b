/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests of the server to a client, and waiting for their answers. */
#ifndef LIBRUMPUSER_SP_REQUEST_H
#define LIBRUMPUSER_SP_REQUEST_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "sp/frame.h"
#include "sp/wire.h"

struct sp_client;

/*
 * Asks for something: `words` (an sp_copy or sp_anonmmap), and after that data_len bytes of data. The
 * answer's body goes to answer[answer_len]; it is that long, or for a COPYINSTR at most. Returns its length,
 * or -EFAULT when the client says so; -ENOTCONN when it is gone, or is another program by now.
 *
 * Sleeps for as long as the client likes: without a CPU of the kernel.
 */
ssize_t request_make(struct sp_client *c, enum sp_type type, const void *words, size_t words_len,
    const void *data, size_t data_len, void *answer, size_t answer_len);

/* Sends a request that is not answered. Returns 0 or -ENOTCONN. */
int request_send(struct sp_client *c, enum sp_type type, const void *words, size_t words_len,
    const void *data, size_t data_len);

/* An answer came in. Returns 0, or -EBADMSG when it is none to what was asked. */
int request_answered(struct sp_client *c, const struct sp_frame *frame);

/* Has all requests fail that are under way; with the client's lock held. */
void request_fail_all(struct sp_client *c);

#endif
