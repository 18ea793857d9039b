/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Runs a program with a rump kernel behind some of its system calls.
 *
 * The loader runs a program without a preloaded library that it cannot load, and without any if the program
 * is static or gains privileges. So this program first looks at what it is to start, and then executes itself
 * with the library: if that is not active in the second run, it was not loaded, and nothing is started.
 */
#include "config.h"

#include <err.h>
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sp/url.h"
#include "tools/run_program.h"
#include "tools/run_server.h"

/* What the library answers to; see hijack/active.h. */
#include "hijack/active.h"

#define SECOND "RUMP_RUN__SECOND"
#define CANNOT_RUN 126
#define NOT_FOUND 127

static const char usage[] = "[-s url] [-p path] [--sockets=domains] [--ids=own|real] [--kernel=arguments] "
			    "program [argument ...]";

static const char help[] =
    "Runs a program whose files under /rump, and whose sockets, are a rump kernel's.\n"
    "\n"
    "  -s, --server=url      the server to use; RUMP_SERVER by default\n"
    "  -p, --path=path       where the rump kernel's files appear: /rump by default\n"
    "      --sockets=domains which sockets are the rump kernel's, as in inet:inet6 or "
    "all:nolocal; none for none\n"
    "      --ids=own|real    as whose the files of the rump kernel's root are shown: the "
    "caller's own, or root's\n"
    "      --kernel=args     start a server with these arguments, as in \"-lrumpvfs "
    "-lrumpfs_tmpfs\", for this\n"
    "                        program alone, and halt it afterwards\n"
    "      --help            show this text\n"
    "      --version         show the version\n";

static const struct option options[] = {
    {"server", required_argument, NULL, 's'},
    {"path", required_argument, NULL, 'p'},
    {"sockets", required_argument, NULL, 'S'},
    {"ids", required_argument, NULL, 'I'},
    {"kernel", required_argument, NULL, 'k'},
    {"help", no_argument, NULL, 'H'},
    {"version", no_argument, NULL, 'V'},
    {NULL, 0, NULL, 0},
};

static pid_t program;

struct settings {
	const char *server;
	const char *path;
	const char *sockets;
	const char *ids;
	const char *kernel;
};

static void
set(const char *name, const char *value)
{
	if (setenv(name, value, 1) != 0)
		err(EXIT_FAILURE, "%s", name);
}

/* The environment of a hijacked program. */
static void
set_environment(const struct settings *settings)
{
	const char *before = getenv("LD_PRELOAD");
	char *value;

	if (settings->server != NULL)
		set("RUMP_SERVER", settings->server);
	if (getenv("RUMP_SERVER") == NULL)
		errx(EXIT_FAILURE,
		    "no server: give -s url, set RUMP_SERVER, or have one started with --kernel");
	if (settings->path != NULL || settings->sockets != NULL || settings->ids != NULL) {
		if (asprintf(&value, "path=%s,socket=%s,ids=%s",
			settings->path != NULL ? settings->path : "/rump",
			settings->sockets != NULL ? settings->sockets : "all:nolocal",
			settings->ids != NULL ? settings->ids : "own") < 0)
			err(EXIT_FAILURE, NULL);
		set("RUMPHIJACK", value);
		free(value);
	}
	if (asprintf(&value, "%s%s%s", run_library(), before != NULL && *before != '\0' ? ":" : "",
		before != NULL ? before : "") < 0)
		err(EXIT_FAILURE, NULL);
	set("LD_PRELOAD", value);
	free(value);
}

/* In the second run: the library has to be there. */
static int
start_program(char **argv)
{
	(void)unsetenv(SECOND);
	if (prctl(HIJACK_ACTIVE_QUESTION, 0, 0, 0, 0) != HIJACK_ACTIVE_ANSWER)
		errx(EXIT_FAILURE, "%s was not loaded: %s", run_library(), argv[0]);
	execvp(argv[0], argv);
	warn("%s", argv[0]);
	return errno == ENOENT ? NOT_FOUND : CANNOT_RUN;
}

static int
execute_again(char **argv)
{
	set(SECOND, "1");
	execv("/proc/self/exe", argv);
	err(EXIT_FAILURE, "/proc/self/exe");
}

/* Waits for the program while it has the terminal's signals to itself. */
static int
wait_for(pid_t child)
{
	int status;

	(void)signal(SIGINT, SIG_IGN);
	(void)signal(SIGQUIT, SIG_IGN);
	while (waitpid(child, &status, 0) == -1) {
		if (errno != EINTR)
			err(EXIT_FAILURE, "waitpid");
	}
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/* What would end this program and leave the server behind is the program's to heed. */
static void
pass_on(int sig)
{
	(void)kill(program, sig);
}

static int
run_with_kernel(struct settings *settings, char **argv)
{
	const struct sigaction action = {.sa_handler = pass_on};
	struct run_server server;
	sigset_t ending, before;
	int result;

	sigemptyset(&ending);
	sigaddset(&ending, SIGHUP);
	sigaddset(&ending, SIGTERM);
	run_server_start(&server, settings->kernel);
	(void)sigprocmask(SIG_BLOCK, &ending, &before);
	program = fork();
	if (program == -1) {
		warn("fork");
		run_server_stop(&server);
		return EXIT_FAILURE;
	}
	if (program == 0) {
		(void)sigprocmask(SIG_SETMASK, &before, NULL);
		settings->server = server.url;
		set_environment(settings);
		_exit(execute_again(argv));
	}
	if (sigaction(SIGHUP, &action, NULL) == -1 || sigaction(SIGTERM, &action, NULL) == -1)
		warn("sigaction");
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
	result = wait_for(program);
	run_server_stop(&server);
	return result;
}

_Noreturn static void
print(FILE *to, int status, const char *text)
{
	fprintf(to, "usage: %s %s\n%s", program_invocation_short_name, usage, text);
	exit(fflush(to) == 0 ? status : EXIT_FAILURE);
}

/* Ends the program when options go together that cannot, or the server's URL is none. */
static void
check(const struct settings *settings)
{
	char error[SP_URL_ERROR_MAX];
	struct sp_url url;

	if (settings->server == NULL)
		return;
	if (settings->kernel != NULL)
		errx(EXIT_FAILURE, "-s %s: --kernel starts a server of its own; give one of them",
		    settings->server);
	if (sp_url_parse(&url, settings->server, error) != 0)
		errx(EXIT_FAILURE, "-s %s", error);
}

int
main(int argc, char **argv)
{
	struct settings settings = {0};
	const char *why;
	int option;

	while ((option = getopt_long(argc, argv, "+s:p:", options, NULL)) != -1) {
		switch (option) {
		case 's':
			settings.server = optarg;
			break;
		case 'p':
			settings.path = optarg;
			break;
		case 'S':
			settings.sockets = optarg;
			break;
		case 'I':
			settings.ids = optarg;
			break;
		case 'k':
			settings.kernel = optarg;
			break;
		case 'H':
			print(stdout, EXIT_SUCCESS, help);
		case 'V':
			printf("%s (%s) %s\n", program_invocation_short_name, PACKAGE_NAME, PACKAGE_VERSION);
			return EXIT_SUCCESS;
		default:
			print(stderr, EXIT_FAILURE, "");
		}
	}
	if (optind == argc)
		print(stderr, EXIT_FAILURE, "");
	if (getenv(SECOND) != NULL)
		return start_program(argv + optind);
	check(&settings);
	why = run_why_not(argv[optind]);
	if (why != NULL)
		errx(CANNOT_RUN, "%s: %s", argv[optind], why);
	if (settings.kernel != NULL)
		return run_with_kernel(&settings, argv);
	set_environment(&settings);
	run_server_expect(getenv("RUMP_SERVER"));
	return execute_again(argv);
}
