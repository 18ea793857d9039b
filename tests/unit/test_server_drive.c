/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "rump_server/drive.h"

static char directory[] = "/tmp/test_server_drive.XXXXXX";
static char home[PATH_MAX];

static int
enter_directory(void **state)
{
	(void)state;
	return getcwd(home, sizeof(home)) == NULL || mkdtemp(directory) == NULL ? -1 : chdir(directory);
}

static int
leave_directory(void **state)
{
	(void)state;
	unlink("img");
	unlink("other");
	return chdir(home) == -1 ? -1 : rmdir(directory);
}

static void
make_file(const char *name, off_t size)
{
	int fd = open(name, O_CREAT | O_TRUNC | O_RDWR, 0644);

	assert_int_not_equal(fd, -1);
	assert_int_equal(ftruncate(fd, size), 0);
	close(fd);
}

static int
parse_and_open(struct drive *drive, const char *spec, struct complaint *complaint)
{
	complaint->text[0] = '\0';
	return drive_parse(drive, "-d", spec, complaint) != 0 ? -1 : drive_open(drive, 0, complaint);
}

static void
every_part_of_a_specification_is_read(void **state)
{
	struct complaint complaint;
	struct drive drive;

	(void)state;
	assert_int_equal(
	    drive_parse(&drive, "-d", "key=/dev/x,hostpath=a b,size=1m,offset=4k,type=chr", &complaint), 0);
	assert_string_equal(drive.key, "/dev/x");
	assert_string_equal(drive.hostpath, "a b");
	assert_int_equal(drive.size, 1 << 20);
	assert_int_equal(drive.offset, 4096);
	assert_int_equal(drive.type, DRIVE_CHR);
	drive_free(&drive);
	assert_int_equal(drive_parse(&drive, "-d", "hostpath=f,key=/x,disklabel=e", &complaint), 0);
	assert_int_equal(drive.label, 'e');
	assert_int_equal(drive.type, DRIVE_BLK);
	drive_free(&drive);
	assert_int_equal(drive_parse(&drive, "-d", "hostpath=f,key=/x,partition=3", &complaint), 0);
	assert_int_equal(drive.partition, 3);
	drive_free(&drive);
	assert_int_equal(drive_parse(&drive, "-d", "hostpath=f,key=/x,type=reg", &complaint), 0);
	drive_free(&drive);
}

static void
wrong_specifications_are_refused_by_name(void **state)
{
	static const struct {
		const char *spec, *complaint;
	} cases[] = {
	    {"", "\"\" is not name=value"},
	    {"key", "\"key\" is not name=value"},
	    {"key=/a,hostpath=f,size=1k,", "\"\" is not name=value"},
	    {"key=/a,colour=red", "\"colour\" is no part of a drive, which are key, hostpath, size"},
	    {"hostpath=f,size=host", "key is missing"},
	    {"key=,hostpath=f,size=host", "key= is not a plain absolute path"},
	    {"key=dev,hostpath=f,size=host", "key=dev is not a plain absolute path"},
	    {"key=/,hostpath=f,size=host", "key=/ is not a plain absolute path"},
	    {"key=/a/,hostpath=f,size=host", "key=/a/ is not a plain absolute path"},
	    {"key=/a/../b,hostpath=f,size=host", "key=/a/../b is not a plain absolute path"},
	    {"key=/a/./b,hostpath=f,size=host", "key=/a/./b is not a plain absolute path"},
	    {"key=/dev,hostpath=f,size=host", "key=/dev would hide the kernel's devices"},
	    {"key=/a,size=host", "hostpath is missing"},
	    {"key=/a,hostpath=,size=host", "hostpath is missing"},
	    {"key=/a,hostpath=f", "one of size, disklabel and partition is needed"},
	    {"key=/a,key=/b", "key given twice"},
	    {"key=/a,hostpath=f,hostpath=g", "hostpath given twice"},
	    {"size=1,size=2", "size given twice"},
	    {"size=host,size=2", "size given twice"},
	    {"size=0", "size=0 leaves nothing to map"},
	    {"size=big", "size=big is not a size"},
	    {"size=99999999t", "size=99999999t is too large"},
	    {"offset=1,offset=1", "offset given twice"},
	    {"key=/a,hostpath=f,size=host,offset=1", "offset needs a size in bytes"},
	    {"key=/a,hostpath=f,size=8388607t,offset=8388607t", "offset and size are too large together"},
	    {"key=/a,hostpath=f,size=1,disklabel=a", "only one of size, disklabel and partition"},
	    {"key=/a,hostpath=f,partition=1,disklabel=a", "only one of size, disklabel and partition"},
	    {"disklabel=A", "disklabel=A is not a letter from a to z"},
	    {"disklabel=ab", "disklabel=ab is not a letter from a to z"},
	    {"partition=0", "partition=0 is not a number from 1"},
	    {"partition=a", "partition=a is not a number from 1"},
	    {"type=disk", "type=disk is none of blk, chr and reg"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct complaint complaint;
		struct drive drive;
		char start[128];

		snprintf(start, sizeof(start), "-d %s: %s", cases[i].spec[0] != '\0' ? cases[i].spec : "\"\"",
		    cases[i].complaint);
		assert_int_equal(drive_parse(&drive, "-d", cases[i].spec, &complaint), -1);
		if (strncmp(complaint.text, start, strlen(start)) != 0)
			fail_msg("\"%s\" instead of \"%s\"", complaint.text, start);
		drive_free(&drive);
	}
}

static void
a_missing_file_is_made_sparse_when_its_size_is_said(void **state)
{
	struct complaint complaint;
	struct stat status;
	struct drive drive;
	char *expected;

	(void)state;
	assert_int_equal(parse_and_open(&drive, "key=/d,hostpath=img,size=1g,offset=1m", &complaint), 0);
	assert_int_equal(stat("img", &status), 0);
	assert_int_equal(status.st_size, (1LL << 30) + (1 << 20));
	assert_true(status.st_blocks < 1000);
	assert_int_equal(drive.offset, 1 << 20);
	assert_int_equal(drive.size, 1 << 30);
	expected = realpath("img", NULL);
	assert_string_equal(drive.path, expected);
	free(expected);
	drive_free(&drive);
}

static void
a_file_is_extended_but_never_cut(void **state)
{
	struct complaint complaint;
	struct stat status;
	struct drive drive;

	(void)state;
	make_file("img", 5000);
	assert_int_equal(parse_and_open(&drive, "key=/d,hostpath=img,size=512", &complaint), 0);
	drive_free(&drive);
	assert_int_equal(stat("img", &status), 0);
	assert_int_equal(status.st_size, 5000);
	assert_int_equal(parse_and_open(&drive, "key=/d,hostpath=img,size=8k", &complaint), 0);
	drive_free(&drive);
	assert_int_equal(stat("img", &status), 0);
	assert_int_equal(status.st_size, 8192);
}

static void
size_host_is_what_the_file_has(void **state)
{
	struct complaint complaint;
	struct drive drive;

	(void)state;
	make_file("img", 12345);
	assert_int_equal(parse_and_open(&drive, "key=/d,hostpath=img,size=host", &complaint), 0);
	assert_int_equal(drive.offset, 0);
	assert_int_equal(drive.size, 12345);
	drive_free(&drive);
	make_file("img", 0);
	assert_int_equal(parse_and_open(&drive, "key=/d,hostpath=img,size=host", &complaint), -1);
	assert_string_equal(complaint.text, "-d key=/d,hostpath=img,size=host: size=host: img has no size");
	drive_free(&drive);
	assert_int_equal(parse_and_open(&drive, "key=/d,hostpath=img,type=reg", &complaint), 0);
	assert_true(drive.size == DRIVE_TO_THE_END);
	drive_free(&drive);
}

static void
what_cannot_be_a_drive_is_refused(void **state)
{
	static const struct {
		const char *spec, *complaint;
	} cases[] = {
	    {"key=/d,hostpath=img,size=host", "hostpath=img: No such file or directory"},
	    {"key=/d,hostpath=img,type=reg", "hostpath=img: No such file or directory"},
	    {"key=/d,hostpath=img,disklabel=a", "hostpath=img: No such file or directory"},
	    {"key=/d,hostpath=none/img,size=1k", "hostpath=none/img: No such file or directory"},
	    {"key=/d,hostpath=.,size=host", "hostpath=.: Is a directory"},
	    {"key=/d,hostpath=other,disklabel=a", "disklabel=a in other: no disklabel there"},
	    {"key=/d,hostpath=other,partition=2", "partition=2 in other: no partition table there"},
	};

	(void)state;
	make_file("other", 65536);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct complaint complaint;
		struct drive drive;
		char expected[256];

		snprintf(expected, sizeof(expected), "-d %s: %s", cases[i].spec, cases[i].complaint);
		assert_int_equal(parse_and_open(&drive, cases[i].spec, &complaint), -1);
		assert_string_equal(complaint.text, expected);
		drive_free(&drive);
		assert_int_equal(access("img", F_OK), -1);
	}
}

/* Opens the drive in another process, and returns its exit status: 0 when it could. */
static int
open_elsewhere(const char *spec)
{
	struct complaint complaint;
	struct drive drive;
	int status;
	pid_t pid = fork();

	assert_int_not_equal(pid, -1);
	if (pid == 0)
		_exit(parse_and_open(&drive, spec, &complaint) == 0                ? 0
		      : strstr(complaint.text, "in use by another server") != NULL ? 1
										   : 2);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WEXITSTATUS(status);
}

static void
two_servers_do_not_get_the_same_bytes(void **state)
{
	struct complaint complaint;
	struct drive drive;
	pid_t pid;
	int status;

	(void)state;
	make_file("img", 65536);
	assert_int_equal(parse_and_open(&drive, "key=/d,hostpath=img,size=32k", &complaint), 0);
	assert_int_equal(open_elsewhere("key=/d,hostpath=img,size=host"), 1);
	assert_int_equal(open_elsewhere("key=/d,hostpath=img,size=4k,offset=28k"), 1);
	assert_int_equal(open_elsewhere("key=/d,hostpath=img,size=4k,offset=32k"), 0);
	/* The lock stays with the file when the server detaches: the child has it when the parent is gone. */
	pid = fork();
	if (pid == 0)
		_exit(0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(open_elsewhere("key=/d,hostpath=img,size=host"), 1);
	drive_free(&drive);
	assert_int_equal(open_elsewhere("key=/d,hostpath=img,size=host"), 0);
}

static void
one_server_may_map_a_file_twice(void **state)
{
	struct complaint complaint;
	struct drive drives[2];

	(void)state;
	make_file("img", 65536);
	assert_int_equal(drive_parse(&drives[0], "-d", "key=/dev/d,hostpath=img,size=host", &complaint), 0);
	assert_int_equal(
	    drive_parse(&drives[1], "-d", "key=/dev/rd,hostpath=img,size=host,type=chr", &complaint), 0);
	assert_int_equal(drive_open(drives, 0, &complaint), 0);
	assert_int_equal(drive_open(drives, 1, &complaint), 0);
	assert_int_equal(open_elsewhere("key=/d,hostpath=img,size=host"), 1);
	drive_free(&drives[0]);
	drive_free(&drives[1]);
}

static void
a_file_that_cannot_be_written_is_shared(void **state)
{
	struct complaint complaint;
	struct drive drive;

	(void)state;
	make_file("img", 65536);
	chmod("img", 0444);
	if (access("img", W_OK) == 0)
		return; /* root may write everything */
	assert_int_equal(parse_and_open(&drive, "key=/d,hostpath=img,size=host", &complaint), 0);
	assert_int_equal(open_elsewhere("key=/d,hostpath=img,size=host"), 0);
	assert_int_equal(open_elsewhere("key=/d,hostpath=img,size=1m"), 2);
	drive_free(&drive);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, forget_files, forget_files)

static int
forget_files(void **state)
{
	(void)state;
	unlink("img");
	unlink("other");
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(every_part_of_a_specification_is_read),
	    TEST(wrong_specifications_are_refused_by_name),
	    TEST(a_missing_file_is_made_sparse_when_its_size_is_said),
	    TEST(a_file_is_extended_but_never_cut),
	    TEST(size_host_is_what_the_file_has),
	    TEST(what_cannot_be_a_drive_is_refused),
	    TEST(two_servers_do_not_get_the_same_bytes),
	    TEST(one_server_may_map_a_file_twice),
	    TEST(a_file_that_cannot_be_written_is_shared),
	};

	return cmocka_run_group_tests_name("server_drive", tests, enter_directory, leave_directory);
}
