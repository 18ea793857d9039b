/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef RUMPCLIENT_EXEC_H
#define RUMPCLIENT_EXEC_H

#include "rumpclient/client.h"

/* What the program before exec left: its connection. 0; -ENOENT: nothing; -EBADF: it is not there. */
int rc_exec_take(struct rc_link *link);

/* The server's URL as that program knew it, NULL when it did not say. Forgotten with rc_exec_done(). */
const char *rc_exec_url(void);
void rc_exec_done(void);

#endif
