/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"
#include "tools/run_server.h"

#include <err.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sp/url.h"
#include "tools/run_program.h"

#define ARGUMENTS_MAX 128

/* Runs one of this package's programs: beside this one, or where a build tree has it. */
static int
run(const char *const *places, char **argv)
{
	pid_t child = fork();
	int status;

	if (child == -1)
		err(EXIT_FAILURE, "fork");
	if (child == 0) {
		for (; *places != NULL; places++)
			execv(run_beside(*places), argv);
		err(EXIT_FAILURE, "%s", argv[0]);
	}
	while (waitpid(child, &status, 0) == -1) {
		if (errno != EINTR)
			err(EXIT_FAILURE, "waitpid");
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

/* For ever, or for a number of seconds. */
static bool
may_be_waited_for(void)
{
	const char *retry = getenv("RUMPHIJACK_RETRYCONNECT");

	return retry != NULL && (strcmp(retry, "inftime") == 0 || (*retry >= '1' && *retry <= '9'));
}

void
run_server_expect(const char *text)
{
	char error[SP_URL_ERROR_MAX];
	struct sp_url url;
	int type, fd;

	if (may_be_waited_for())
		return;
	if (sp_url_parse(&url, text, error) != 0)
		errx(EXIT_FAILURE, "RUMP_SERVER=%s", error);
	/* One that is far is found to be there or not when the program wants it: that may take long. */
	if (!sp_url_is_local(&url))
		return;
	/* A unix socket makes those wait whom its server has not accepted yet. */
	type = url.kind == SP_UNIX ? SOCK_STREAM | SOCK_NONBLOCK : SOCK_STREAM;
	fd = socket(url.address.any.sa_family, type | SOCK_CLOEXEC, 0);
	if (fd == -1 ||
	    (connect(fd, &url.address.any, url.address_len) != 0 && errno != EAGAIN && errno != EINTR))
		err(EXIT_FAILURE, "no rump kernel at %s", text);
	close(fd);
}

void
run_server_start(struct run_server *server, const char *arguments)
{
	static const char *const places[] = {"rump_server", "../rump_server/rump_server", NULL};
	const char *base = getenv("TMPDIR");
	char *words = strdup(arguments), *argv[ARGUMENTS_MAX + 3], *word;
	size_t count = 0;

	if (words == NULL)
		err(EXIT_FAILURE, NULL);
	/* A socket's address is short. */
	if (base == NULL || strlen(base) > sizeof(server->directory) - 24)
		base = "/tmp";
	snprintf(server->directory, sizeof(server->directory), "%s/rump_run.XXXXXX", base);
	if (mkdtemp(server->directory) == NULL)
		err(EXIT_FAILURE, "%s", server->directory);
	snprintf(server->url, sizeof(server->url), "unix://%s/server", server->directory);
	argv[count++] = (char *)(uintptr_t) "rump_server";
	for (word = strtok(words, " \t"); word != NULL; word = strtok(NULL, " \t")) {
		if (count > ARGUMENTS_MAX)
			errx(EXIT_FAILURE, "too many arguments for the server");
		argv[count++] = word;
	}
	argv[count++] = server->url;
	argv[count] = NULL;
	/* It says itself what is wrong, and returns once it is ready. */
	if (run(places, argv) != 0) {
		(void)rmdir(server->directory);
		errx(EXIT_FAILURE, "the server did not start");
	}
	free(words);
}

void
run_server_stop(const struct run_server *server)
{
	static const char *const places[] = {"rump_halt", NULL};
	char *argv[] = {(char *)(uintptr_t) "rump_halt", NULL}, path[160];

	(void)unsetenv("LD_PRELOAD");
	if (setenv("RUMP_SERVER", server->url, 1) != 0 || run(places, argv) != 0)
		warnx("the server at %s did not halt", server->url);
	snprintf(path, sizeof(path), "%s/server", server->directory);
	(void)unlink(path);
	(void)rmdir(server->directory);
}
