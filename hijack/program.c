/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Theory of operation
 *
 * A program that lies in the rump kernel is copied to a memory file, which the host executes; a script is
 * read for its interpreter, which is executed, wherever that lies, with the script's own path, as the host's
 * kernel would do.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "hijack/copy.h"
#include "hijack/descriptor.h"
#include "hijack/exec.h"
#include "hijack/files.h"
#include "hijack/handover.h"
#include "hijack/path.h"
#include "hijack/reconnect.h"
#include "hijack/report.h"
#include "hijack/rump.h"
#include "hijack/run_path.h"
#include "hijack/script.h"
#include "hijack/shared_map.h"
#include "hijack/start.h"
#include "rumpclient/client.h"

#define SCRIPTS_MAX 5 /* an interpreter may be a script */
#define PIECE 65536

/* What is to be executed, and room for finding it: not on the stack, of which a child of posix_spawn has
 * little. */
struct program {
	char path[PATH_MAX];      /* for the host */
	char **arguments;         /* NULL: the program's own */
	char **made[SCRIPTS_MAX]; /* by each script on the way, each with parts of the one before */
	size_t scripts;
	int file; /* a memory file of the program, or -1 */
	char script[PATH_MAX];
	char host_path[PATH_MAX];
	struct hijack_place place;
	struct hijack_place elsewhere;
};

/* Its name is what /proc/self/exe of the program is made of. Linux takes no longer ones. */
static int
memory_file(struct program *program, const char *name)
{
	char *path = program->host_path;
	int file = -1;

	snprintf(path, PATH_MAX, "%s", name);
	if (hijack_path_absolute(path) == 0 && hijack_path_real(path, &program->elsewhere) == 0)
		file = memfd_create(path, MFD_CLOEXEC);
	return file >= 0 ? file : memfd_create("program", MFD_CLOEXEC);
}

static int
copy_to_memory(struct program *program, int rump, const char *name)
{
	int file = memory_file(program, name);
	char *buffer = malloc(PIECE);
	long n = buffer != NULL && file >= 0 ? 0 : -ENOMEM;
	int64_t done = 0;

	while (n == 0) {
		n = HIJACK_RUMP(pread, (uint64_t)rump, hijack_slot(buffer), PIECE, 0, (uint64_t)done);
		if (n <= 0)
			break;
		done += n;
		n = write(file, buffer, (size_t)n) == n ? 0 : -EIO;
	}
	free(buffer);
	if (n < 0 && file >= 0)
		(void)close(file);
	return n < 0 ? (int)n : file;
}

static long
open_program(const struct hijack_place *place)
{
	struct rump_stat st;
	long fd, error;

	if (place->shadow >= 0)
		return HIJACK_RUMP(fcntl, (uint64_t)hijack_fd(place->shadow), RUMP_F_DUPFD_CLOEXEC, 0);
	error = HIJACK_RUMP(
	    faccessat, (uint64_t)place->directory, hijack_slot(place->path), X_OK, RUMP_AT_EACCESS);
	if (error != 0)
		return error;
	fd = HIJACK_RUMP(
	    openat, (uint64_t)place->directory, hijack_slot(place->path), RUMP_O_RDONLY | RUMP_O_CLOEXEC, 0);
	if (fd < 0)
		return fd;
	error = HIJACK_RUMP(__fstat50, (uint64_t)fd, hijack_slot(&st));
	/* Root may execute what somebody may execute. */
	if (error == 0 && ((st.st_mode & RUMP_S_IFMT) != RUMP_S_IFREG || !(st.st_mode & 0111)))
		error = -EACCES;
	if (error != 0)
		(void)HIJACK_RUMP(close, (uint64_t)fd);
	return error != 0 ? error : fd;
}

static long
open_to_execute(struct program *program, const struct hijack_place *place)
{
	long fd = open_program(place);

	program->elsewhere = *place;

	/* A link may have a target with the prefix. */
	return fd == -ENOENT && hijack_path_through_links(&program->elsewhere, true) == 1
		   ? open_program(&program->elsewhere)
		   : fd;
}

/* What a first line makes of the program: 1, 0 when it is no script's, or -ENOMEM. */
static int
interpret(struct program *program, char *line, ssize_t length, const char *script, char *const *arguments)
{
	char *interpreter, *argument, **made;

	if (!hijack_script_parse(line, length, &interpreter, &argument))
		return 0;
	made = hijack_script_arguments(interpreter, argument, script, arguments);
	if (made == NULL)
		return -ENOMEM;
	program->arguments = program->made[program->scripts++] = made;
	snprintf(program->path, sizeof(program->path), "%s", interpreter);
	return 1;
}

/* Makes a program inside one that the host can execute, or its interpreter the program: then it returns 1.
 * script: the path that the program was called by. */
static int
bring_out(
    struct program *program, const struct hijack_place *place, const char *script, char *const *arguments)
{
	char line[HIJACK_SCRIPT_LINE];
	long fd = open_to_execute(program, place), n;
	int error = 0;

	if (fd < 0)
		return (int)fd;
	n = HIJACK_RUMP(pread, (uint64_t)fd, hijack_slot(line), sizeof(line) - 1, 0, 0);
	error = n < 0 ? (int)n : interpret(program, line, n, script, arguments);
	if (error == 0) {
		program->file = copy_to_memory(program, (int)fd, script);
		if (program->file < 0)
			error = program->file;
		else
			snprintf(program->path, sizeof(program->path), "/proc/self/fd/%d", program->file);
	}
	(void)HIJACK_RUMP(close, (uint64_t)fd);
	return error;
}

/* An interpreter, which may be a script itself, until it is something that the host can execute. */
static int
find_interpreter(struct program *program)
{
	struct hijack_place *place = &program->place;
	int error = 1;

	while (error == 1) {
		if (program->scripts == SCRIPTS_MAX)
			return -ELOOP;
		error = hijack_path_find(AT_FDCWD, hijack_slot(program->path), true, place);
		if (error != 0 || !place->inside)
			return error;
		memcpy(program->script, program->path, sizeof(program->script));
		error = bring_out(program, place, program->script, program->arguments);
	}
	return error;
}

/* The path of a call's program; below a descriptor, one by which others find it as well. False: too long. */
static bool
call_path(const struct hijack_call *call, const char *given, char path[PATH_MAX])
{
	int length;

	if ((int)call->arg[0] == AT_FDCWD || given[0] == '/')
		length = snprintf(path, PATH_MAX, "%s", given);
	else
		length = snprintf(
		    path, PATH_MAX, "/dev/fd/%d%s%s", (int)call->arg[0], given[0] != '\0' ? "/" : "", given);
	return length < PATH_MAX;
}

/* An interpreter has to find a script by its descriptor, as on the host. */
static bool
is_reachable(const struct hijack_call *call, const char *given)
{
	return (int)call->arg[0] == AT_FDCWD || given[0] == '/' ||
	       hijack_handover_survives((uint32_t)call->arg[0]);
}

/* A program at a place inside: 0 when it can be executed, or -errno. */
static int
prepare_inside(const struct hijack_call *call, struct program *program, const struct hijack_place *place)
{
	bool reachable = is_reachable(call, program->path);
	int error;

	if (!call_path(call, program->path, program->script))
		return -ENAMETOOLONG;
	error = bring_out(program, place, program->script, (char *const *)call->arg[2]);
	if (error == 1)
		error = reachable ? find_interpreter(program) : -ENOENT;
	return error;
}

/* Finds out what to execute. Returns 0, 1 when it is what the program asked for, or -errno. */
static int
prepare(const struct hijack_call *call, struct program *program)
{
	struct hijack_place *place = &program->place;
	ssize_t length = hijack_copyinstr(program->path, (uint64_t)call->arg[1], sizeof(program->path));
	int error;

	place->inside = true;
	place->shadow = call->arg[0];
	if (length < 0)
		return (int)length;
	if (length == 0 && call->arg[4] & AT_EMPTY_PATH && hijack_fd(call->arg[0]) >= 0)
		return prepare_inside(call, program, place);
	if (length == 0 || (!hijack_path_concerns(call->arg[0], (uint64_t)call->arg[1]) &&
			       !hijack_path_has_links(call->arg[0], (uint64_t)call->arg[1])))
		return 1;
	error = hijack_path_find(call->arg[0], (uint64_t)call->arg[1], true, place);
	if (error != 0)
		return error;
	if (place->inside)
		return prepare_inside(call, program, place);
	if (!place->renamed)
		return 1;
	memcpy(program->path, place->path, sizeof(place->path));
	return 0;
}

/* The first line of a file of the host's, as interpret() has it. */
static int
interpret_host(struct program *program, const char *script, char *const *arguments)
{
	char line[HIJACK_SCRIPT_LINE];
	long fd = hijack_own(SYS_open, (long)script, O_RDONLY | O_NONBLOCK | O_CLOEXEC, 0, 0, 0, 0), n;

	if (fd < 0)
		return 0;
	n = hijack_own(SYS_pread64, fd, (long)line, sizeof(line) - 1, 0, 0, 0);
	(void)hijack_own(SYS_close, fd, 0, 0, 0, 0, 0);
	return n > 0 ? interpret(program, line, n, script, arguments) : 0;
}

/*
 * A script of the host's whose interpreter lies inside, or that of its interpreter does: the host does not
 * find that. Returns 0 when it can be executed, -ENOENT when it is none, or another -errno.
 */
static int
prepare_host_script(const struct hijack_call *call, struct program *program)
{
	char *const *arguments = (char *const *)call->arg[2];
	char *script = program->script;
	int error;

	if (!call_path(call, program->path, script) || !is_reachable(call, program->path))
		return -ENOENT;
	while (program->scripts < SCRIPTS_MAX) {
		error = interpret_host(program, script, arguments);
		if (error != 1)
			return error < 0 ? error : -ENOENT;
		if (hijack_path_concerns(AT_FDCWD, hijack_slot(program->path)))
			return find_interpreter(program);
		memcpy(script, program->path, sizeof(program->script));
		arguments = program->arguments;
	}
	return -ELOOP;
}

/* Whether libraries of the program's may lie inside: as a rule, those of one that does itself. */
static bool
needs_audit(const struct hijack_call *call, const struct program *program, bool unchanged)
{
	if (!hijack_exec_can_audit())
		return false;
	if (program->file != -1)
		return hijack_run_path_has_loader(program->file);
	return unchanged ? hijack_run_path_of(call->arg[0], (uint64_t)call->arg[1], call->arg[4])
			 : hijack_run_path_of(AT_FDCWD, hijack_slot(program->path), 0);
}

static long
execute(const struct hijack_call *call, struct program *program, bool unchanged)
{
	struct rumpclient *ctx = hijack_process()->context;
	char *state = hijack_handover_describe(hijack_process());
	char *const *arguments =
	    program->arguments != NULL ? program->arguments : (char *const *)call->arg[2];
	struct hijack_environment environment;
	char *path = program->host_path;
	long error = hijack_environment_build(
	    (uint64_t)call->arg[3], needs_audit(call, program, unchanged), state, &environment);

	if (error == 0 && state == NULL && unchanged) {
		struct hijack_call changed = *call;

		changed.arg[3] = (long)environment.entries;
		error = hijack_pass(&changed);
	} else if (error == 0) {
		memcpy(path, program->path, PATH_MAX);
		/* The descriptor itself, or something below it: the host knows both by a path as well. */
		if (unchanged && ((int)call->arg[0] != AT_FDCWD && path[0] != '/'))
			snprintf(path, PATH_MAX, "/proc/self/fd/%d%s%.4000s", (int)call->arg[0],
			    program->path[0] != '\0' ? "/" : "", program->path);
		if (state != NULL && !hijack_rump_is_lost(ctx))
			error = rumpclient_ctx_exec(ctx, path, arguments, environment.entries);
		else
			error = -ENOTCONN;
		if (error == -ENOTCONN)
			error = hijack_raw(
			    SYS_execve, (long)path, (long)arguments, (long)environment.entries, 0, 0, 0);
	}
	if (error != 0)
		hijack_environment_free(&environment);
	free(state);
	return error;
}

long
hijack_beyond_execveat(const struct hijack_call *call)
{
	struct program *program = calloc(1, sizeof(*program));
	int prepared;
	long error;

	if (program == NULL)
		return -ENOMEM;
	hijack_process()->executing = program;
	program->file = -1;
	error = prepared = prepare(call, program);
	if (prepared >= 0) {
		hijack_map_write_back();
		error = execute(call, program, prepared == 1);
	}
	if (prepared == 1 && error == -ENOENT) {
		error = prepare_host_script(call, program);
		if (error == 0)
			error = execute(call, program, false);
	}
	if (program->file != -1)
		(void)close(program->file);
	for (size_t i = 0; i < program->scripts; i++)
		free(program->made[i]);
	hijack_process()->executing = NULL;
	free(program);
	return error;
}
