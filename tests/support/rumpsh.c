/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A client for tests: file system commands on the kernel of RUMP_SERVER, one connection for all of them.
 *
 * usage: rumpsh [command [argument...] [: command ...]]
 *
 * Without arguments commands are read from standard input, one a line. What a command finds is printed with
 * nothing that differs from run to run; one that fails prints "command path: error". The exit
 * status is 1 when the last command failed. "help" lists the commands.
 */
#include "config.h"

#include <err.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rump/rumpclient.h>

#include "tests/support/rumpsh.h"

#define WORDS_MAX 64

/* Runs one command of count words. Returns whether it succeeded. */
static bool
run(char **words, int count)
{
	for (size_t i = 0; i < commands_count; i++) {
		const struct command *command = &commands[i];

		if (strcmp(command->name, words[0]) != 0)
			continue;
		if (count != command->arguments + 1)
			errx(2, "usage: %s %s", command->name, command->usage);
		errno = 0;
		if (command->run(words) == 0)
			return true;
		printf("%s%s%s: %s\n", words[0], count > 1 ? " " : "", count > 1 ? words[1] : "",
		    strerror(errno));
		return false;
	}
	errx(2, "%s: no such command", words[0]);
}

static bool
run_arguments(int argc, char **argv)
{
	bool good = true;

	for (int start = 1, end; start < argc; start = end + 1) {
		for (end = start; end < argc && strcmp(argv[end], ":") != 0;)
			end++;
		if (end > start)
			good = run(argv + start, end - start);
	}
	return good;
}

static bool
run_input(void)
{
	char *line = NULL, *words[WORDS_MAX + 1], *rest, *word;
	size_t room = 0;
	bool good = true;

	while (getline(&line, &room, stdin) != -1) {
		int count = 0;

		for (rest = line; count < WORDS_MAX && (word = strsep(&rest, " \n")) != NULL;) {
			if (*word != '\0')
				words[count++] = word;
		}
		words[count] = NULL;
		if (count > 0)
			good = run(words, count);
		fflush(stdout);
	}
	free(line);
	return good;
}

int
main(int argc, char **argv)
{
	bool good;

	if (rumpclient_init() == -1)
		return 2;
	good = argc > 1 ? run_arguments(argc, argv) : run_input();
	return fflush(stdout) == 0 && good ? 0 : 1;
}
