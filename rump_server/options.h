/* SPDX-License-Identifier: BSD-2-Clause */
/* The command line of rump_server and rump_allserver. */
#ifndef RUMP_SERVER_OPTIONS_H
#define RUMP_SERVER_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "rump_server/complaint.h"

/* A value as the user gave it. It belongs to argv. */
struct option_value {
	const char *option; /* "-l" or "--library", for messages */
	const char *value;
};

struct option_list {
	struct option_value *items;
	size_t count;
};

enum option_action { ACTION_SERVE, ACTION_LIST, ACTION_HELP, ACTION_VERSION };

struct server_options {
	enum option_action action;
	bool foreground;
	bool verbose;
	const char *ncpu;      /* a number, or "host"; NULL when not given */
	uint64_t memory_limit; /* bytes; 0 when not given */
	struct option_list libraries, modules, drives, mounts;
	const char *url;
};

/* Returns 0, or -1 with a complaint. options_free() in any case. */
int options_parse(struct server_options *options, int argc, char **argv, struct complaint *complaint);
void options_free(struct server_options *options);

/* Prints how the program is called; and the whole text of --help. */
void options_print_usage(FILE *stream);
void options_print_help(FILE *stream);

#endif
