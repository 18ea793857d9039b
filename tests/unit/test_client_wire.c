/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The recorded conversations, of ordinary programs (the others in errors.tsv were made by hand), with the
 * client's half played by this client and the server's by the recording: every frame that the client sends is
 * the recorded one, but for addresses, tickets and padding.
 *
 * The program "calls" runs in a child, which execs this test program again; that goes on as the recorded new
 * program. The server threads compare, in the test program itself.
 */
#include "config.h"

#include "tests/unit/unit.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <rump/rump_syscalls.h>
#include <rump/rumpclient.h>

#include "sp/frame.h"
#include "tests/unit/scripted.h"

#define FRAMES 128

struct recorded {
	int connection;
	char side;
	uint8_t bytes[256];
	size_t len;
};

struct recording {
	struct recorded frame[FRAMES];
	int count;
	char wrong[1024];
	_Atomic bool differed; /* set after `wrong` */
};

static struct scripted server;
static struct recording recording;

static void
load(const char *name)
{
	char path[512];
	char line[2048];
	FILE *table;

	memset(&recording, 0, sizeof(recording));
	snprintf(path, sizeof(path), "%s/tests/wire/%s",
	    getenv("RUMPKIT_SRCDIR") ? getenv("RUMPKIT_SRCDIR") : "..", name);
	table = fopen(path, "re");
	assert_non_null(table);
	while (fgets(line, sizeof(line), table) != NULL) {
		struct recorded *f = &recording.frame[recording.count];
		char hex[1024] = "";

		if (sscanf(line, "%d\t%c\t%1023[0-9a-f]", &f->connection, &f->side, hex) < 2)
			continue;
		assert_true(recording.count < FRAMES);
		for (f->len = 0; hex[2 * f->len] != '\0'; f->len++) {
			unsigned int byte;

			assert_int_equal(sscanf(&hex[2 * f->len], "%2x", &byte), 1);
			f->bytes[f->len] = (uint8_t)byte;
		}
		recording.count++;
	}
	(void)fclose(table);
	assert_true(recording.count > 10);
}

static void
differs(const struct recorded *f, const uint8_t *got, size_t len)
{
	char *at = recording.wrong;
	size_t left = sizeof(recording.wrong);

	if (recording.differed)
		return;
	at += snprintf(at, left, "connection %d, frame %d: got ", f->connection, (int)(f - recording.frame));
	for (size_t i = 0; i < len && i < 100; i++)
		at += snprintf(at, 3, "%02x", got[i]);
	recording.differed = true;
}

/* Which slots of a call are addresses in the recordings. */
static unsigned int
address_slots(uint32_t number)
{
	switch (number) {
	case 3: /* read, write, pread: the buffer */
	case 4:
	case 173:
		return 2;
	case 5: /* open, unlink, mkdir: the path; reboot's argument is NULL there */
	case 10:
	case 136:
		return 1;
	default:
		return 0;
	}
}

/*
 * Compares a request or an answer of the client's with the recorded one. The call's addresses are those of
 * this program, and are remembered for what the server then asks for.
 */
static bool
same(const struct recorded *f, uint8_t *got, size_t len, sp_addr_t *recorded_address, sp_addr_t *our_address)
{
	struct sp_header header;
	unsigned int skip;

	if (len != f->len)
		return false;
	memcpy(&header, got, sizeof(header));
	if (memcmp(got, f->bytes, sizeof(header)) != 0)
		return false;
	if (header.class == SP_REQUEST && header.type == SP_HANDSHAKE && header.u == SP_FORK)
		return true; /* the ticket: checked below, by whom it was given to */
	if (header.class != SP_REQUEST || header.type != SP_SYSCALL)
		return memcmp(got, f->bytes, len) == 0;
	skip = address_slots(header.u);
	for (size_t slot = 0; sizeof(header) + slot * 8 < len; slot++) {
		const uint8_t *ours = got + sizeof(header) + slot * 8;
		const uint8_t *theirs = f->bytes + sizeof(header) + slot * 8;

		if (skip & (1u << slot)) {
			memcpy(our_address, ours, 8);
			memcpy(recorded_address, theirs, 8);
		} else if (memcmp(ours, theirs, 8) != 0) {
			return false;
		}
	}
	return true;
}

static void
put_address(uint8_t *bytes, size_t len, sp_addr_t recorded_address, sp_addr_t our_address)
{
	struct sp_header header;
	sp_addr_t addr;

	if (len < sizeof(header) + sizeof(struct sp_copy))
		return;
	memcpy(&header, bytes, sizeof(header));
	if (header.class != SP_REQUEST || header.type < SP_COPYIN || header.type > SP_COPYOUTSTR)
		return;
	memcpy(&addr, bytes + sizeof(header) + 8, 8);
	addr += our_address - recorded_address;
	memcpy(bytes + sizeof(header) + 8, &addr, 8);
}

static void
play(struct scripted_connection *c, void *arg)
{
	sp_addr_t recorded_address = 0;
	sp_addr_t our_address = 0;

	(void)arg;
	for (int i = 0; i < recording.count; i++) {
		struct recorded *f = &recording.frame[i];
		uint8_t bytes[1024];
		struct sp_header header;

		if (f->connection != c->number + 1)
			continue;
		if (f->side == 'S' && f->len == 0)
			break;
		if (f->side == 'S') {
			memcpy(bytes, f->bytes, f->len);
			put_address(bytes, f->len, recorded_address, our_address);
			(void)!write(c->fd, bytes, f->len);
			continue;
		}
		if (!scripted_receive(c, &header, bytes + sizeof(header), sizeof(bytes) - sizeof(header))) {
			if (f->len != 0)
				differs(f, bytes, 0);
			continue;
		}
		memcpy(bytes, &header, sizeof(header));
		if (!same(f, bytes, header.len, &recorded_address, &our_address))
			differs(f, bytes, header.len);
	}
}

static int
finish(void **state)
{
	(void)state;
	scripted_stop(&server);
	scripted_remove(&server);
	return 0;
}

#define CHECK(condition) \
	do { \
		if (!(condition)) \
			_exit(__LINE__ % 256); \
	} while (0)

static char self[4096];

static void
run(void (*fn)(void), const char *name)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		program_invocation_short_name = (char *)(uintptr_t)name;
		setenv("RUMP_SERVER", server.url, 1);
		fn();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (recording.differed)
		fail_msg("%s", recording.wrong);
	if (status != 0)
		fail_msg("the child ended with %#x, line %d modulo 256", status, WEXITSTATUS(status));
}

static void
calls(void)
{
	char *argv[] = {(char *)(uintptr_t) "calls", NULL};
	extern char **environ;
	char buf[64];
	int fds[2];
	pid_t pid;

	CHECK(rumpclient_init() == 0);
	CHECK(rump_sys_getpid() == 2);
	CHECK(rump_sys_mkdir("/dir", 0755) == 0);
	CHECK(rump_sys_open("/dir/file", RUMP_O_RDWR | RUMP_O_CREAT, 0644) == 3);
	CHECK(rump_sys_write(3, "hello world", 11) == 11);
	CHECK(rump_sys_pread(3, buf, 5, 6) == 5 && memcmp(buf, "world", 5) == 0);
	CHECK(rump_sys_lseek(3, 0, RUMP_SEEK_SET) == 0);
	CHECK(rump_sys_read(3, buf, 64) == 11 && memcmp(buf, "hello world", 11) == 0);
	CHECK(rump_sys_open("/none", 0, 0) == -1 && errno == ENOENT);
	CHECK(rump_sys_read(99, buf, 1) == -1 && errno == EBADF);
	CHECK(rump_sys_dup2(3, 5) == 5);
	CHECK(rump_sys_close(3) == 0);
	CHECK(rump_sys_pipe(fds) == 0 && fds[0] == 3 && fds[1] == 4);
	pid = rumpclient_fork();
	if (pid == 0) {
		CHECK(rump_sys_write(4, "from child", 10) == 10);
		CHECK(rump_sys_getpid() == 4);
		_exit(0);
	}
	CHECK(waitpid(pid, &fds[1], 0) == pid && fds[1] == 0);
	CHECK(rump_sys_read(3, buf, 64) == 10 && memcmp(buf, "from child", 10) == 0);
	CHECK(rump_sys_unlink("/dir/file") == 0);
	setenv("TEST_CLIENT_WIRE", "executed", 1);
	(void)rumpclient_exec(self, argv, environ);
	CHECK(!"exec");
}

static int
executed(void)
{
	CHECK(rumpclient_init() == 0);
	CHECK(rump_sys_getpid() == 2);
	CHECK(rump_sys_write(5, "x", 1) == 1);
	return 0;
}

static void
halt(void)
{
	CHECK(rumpclient_init() == 0);
	CHECK(rump_sys_reboot(0, NULL) == 0);
}

static void
a_session_is_the_recorded_one(void **state)
{
	(void)state;
	load("session.tsv");
	scripted_start(&server, false, 0, play, NULL);
	run(calls, "calls");
	run(halt, "bremote");
	assert_int_equal(server.count, 3);
}

static volatile sig_atomic_t broken_pipe;

static void
on_sigpipe(int number)
{
	broken_pipe = number;
}

static void
write_to_nobody(void)
{
	int fds[2];

	signal(SIGPIPE, on_sigpipe);
	CHECK(rumpclient_init() == 0);
	CHECK(rump_sys_pipe(fds) == 0);
	CHECK(rump_sys_close(fds[0]) == 0);
	CHECK(rump_sys_write(fds[1], "x", 1) == -1 && errno == EPIPE);
	CHECK(broken_pipe == SIGPIPE);
}

static void
a_raised_signal_is_handled_before_the_error(void **state)
{
	(void)state;
	load("errors.tsv");
	scripted_start(&server, false, 0, play, NULL);
	run(write_to_nobody, "sig");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_teardown(a_session_is_the_recorded_one, finish),
	    cmocka_unit_test_teardown(a_raised_signal_is_handled_before_the_error, finish),
	};

	if (getenv("TEST_CLIENT_WIRE") != NULL)
		return executed();
	if (readlink("/proc/self/exe", self, sizeof(self) - 1) == -1)
		return 1;
	return cmocka_run_group_tests_name("recorded conversations", tests, NULL, NULL);
}
