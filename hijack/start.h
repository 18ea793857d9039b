/* SPDX-License-Identifier: BSD-2-Clause */
/* What the process was started with. Written once, before anything else runs. */
#ifndef HIJACK_START_H
#define HIJACK_START_H

#include <time.h>

#include "hijack/config.h"

struct hijack_start {
	struct hijack_config config;
	const char *server; /* RUMP_SERVER; NULL: nothing is hijacked */
	time_t retry;       /* RUMPHIJACK_RETRYCONNECT, as rumpclient_setconnretry takes it */
};

extern struct hijack_start hijack_start;

/* Reads the environment. What is wrong with it is reported; a value that cannot be understood ends the
 * program. */
void hijack_start_read(char *const *environment);

/* A variable's value, NULL when it is not set. */
const char *hijack_start_variable(char *const *environment, const char *name);

#endif
