/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The server of a program: one that is there, or one for its life alone. All functions end this program when
 * they fail to do their work.
 */
#ifndef TOOLS_RUN_SERVER_H
#define TOOLS_RUN_SERVER_H

#include <limits.h>

struct run_server {
	char directory[64]; /* its socket's, temporary */
	char url[128];
};

/*
 * Ends this program when nobody serves the URL, unless RUMPHIJACK_RETRYCONNECT says that one is to be waited
 * for.
 */
void run_server_expect(const char *url);

/* Starts one with the arguments, which are split at spaces. */
void run_server_start(struct run_server *server, const char *arguments);

/* Halts it. */
void run_server_stop(const struct run_server *server);

#endif
