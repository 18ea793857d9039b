/* SPDX-License-Identifier: BSD-2-Clause */
/* What rump_server and rump_allserver have in common: everything. */
#ifndef RUMP_SERVER_SERVER_H
#define RUMP_SERVER_SERVER_H

#include <stdbool.h>

/* The whole program. all: every component there is is loaded, not only those that -l names. */
int server_main(int argc, char **argv, bool all);

#endif
