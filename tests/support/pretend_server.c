/* SPDX-License-Identifier: BSD-2-Clause */
/* usage: pretend_server URL: serves the pretended kernel's system calls. Says "ready" when it does. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/pretend_kernel.h"

int
main(int argc, char **argv)
{
	bool plain = argc > 2 && strcmp(argv[2], "uninterruptible") == 0;
	int error;

	if (argc < 2) {
		fprintf(stderr, "usage: pretend_server URL [uninterruptible]\n");
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	pretend_start(!plain);
	error = rumpuser_sp_init(argv[1], "NetBSD", "7.99.34", "amd64");
	if (error != 0) {
		printf("error %d\n", error);
		return 1;
	}
	printf("ready\n");
	fflush(stdout);
	for (;;)
		pause();
}
