/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/unit.h"

#include <string.h>

#include "rump_server/mountspec.h"
#include "rump_server/options.h"

#define ARGUMENTS_MAX 24

/* Parses words, a NULL-terminated list of what follows the program's name. */
static int
parse(struct server_options *options, struct complaint *complaint, const char *const *words)
{
	char storage[ARGUMENTS_MAX][64], *argv[ARGUMENTS_MAX + 1];
	int argc = 1;

	strcpy(storage[0], "rump_server");
	argv[0] = storage[0];
	for (; *words != NULL; words++, argc++) {
		assert_true(argc < ARGUMENTS_MAX);
		strcpy(storage[argc], *words);
		argv[argc] = storage[argc];
	}
	argv[argc] = NULL;
	complaint->text[0] = '\0';
	return options_parse(options, argc, argv, complaint);
}

#define PARSE(options, complaint, ...) parse(options, complaint, (const char *const[]){__VA_ARGS__, NULL})

static void
short_and_long_options_say_the_same(void **state)
{
	struct server_options options;
	struct complaint complaint;

	(void)state;
	for (int form = 0; form < 2; form++) {
		int result = form == 0 ? PARSE(&options, &complaint, "-sv", "-c4", "-r", "64m", "-lrumpvfs",
					     "-l", "rumpnet", "-mfile", "-d", "key=/a", "unix://x")
				       : PARSE(&options, &complaint, "--foreground", "--verbose", "--ncpu=4",
					     "--ram", "64m", "--library=rumpvfs", "--library", "rumpnet",
					     "--module=file", "--drive=key=/a", "unix://x");

		assert_int_equal(result, 0);
		assert_int_equal(options.action, ACTION_SERVE);
		assert_true(options.foreground);
		assert_true(options.verbose);
		assert_non_null(options.ncpu);
		assert_int_equal(options.memory_limit, 64 << 20);
		assert_int_equal(options.libraries.count, 2);
		assert_int_equal(options.modules.count, 1);
		assert_int_equal(options.drives.count, 1);
		assert_int_equal(options.mounts.count, 0);
		options_free(&options);
	}
}

static void
nothing_is_assumed_that_was_not_said(void **state)
{
	struct server_options options;
	struct complaint complaint;

	(void)state;
	assert_int_equal(PARSE(&options, &complaint, "tcp://0:9999"), 0);
	assert_false(options.foreground);
	assert_false(options.verbose);
	assert_null(options.ncpu);
	assert_int_equal(options.memory_limit, 0);
	assert_int_equal(options.libraries.count, 0);
	options_free(&options);
}

static void
questions_need_no_url(void **state)
{
	struct server_options options;
	struct complaint complaint;

	(void)state;
	assert_int_equal(PARSE(&options, &complaint, "--list"), 0);
	assert_int_equal(options.action, ACTION_LIST);
	options_free(&options);
	assert_int_equal(PARSE(&options, &complaint, "--help"), 0);
	assert_int_equal(options.action, ACTION_HELP);
	options_free(&options);
	assert_int_equal(PARSE(&options, &complaint, "--version"), 0);
	assert_int_equal(options.action, ACTION_VERSION);
	options_free(&options);
}

static void
complaints_name_option_and_value(void **state)
{
	static const struct {
		const char *words[5];
		const char *complaint;
	} cases[] = {
	    {{NULL}, "the URL to serve at is missing"},
	    {{"-s", NULL}, "the URL to serve at is missing"},
	    {{"unix://a", "unix://b", NULL}, "unix://b: one URL only"},
	    {{"-x", "unix://a", NULL}, "-x: no such option"},
	    {{"-sx", "unix://a", NULL}, "-x: no such option"},
	    {{"--wrong", "unix://a", NULL}, "--wrong: no such option"},
	    {{"--list=all", NULL}, "--list=all: this option takes no value"},
	    {{"--foreground=1", "unix://a", NULL}, "--foreground=1: this option takes no value"},
	    {{"--li", NULL}, "--li: more than one option begins so"},
	    {{"--list", "unix://a", NULL}, "unix://a: --list serves no clients, and takes no URL"},
	    {{"--ncpu=zz", "unix://a", NULL}, "--ncpu zz: not a number of CPUs"},
	    {{"--nc", "zz", "unix://a", NULL}, "--ncpu zz: not a number of CPUs"},
	    {{"-c", "", "unix://a", NULL}, "-c \"\": not a number of CPUs"},
	    {{"-s", "--ram=5x", "unix://a", NULL}, "--ram 5x: not a size, such as 64m"},
	    {{"--ncpu=1", "-r", "5x", "unix://a"}, "-r 5x: not a size"},
	    {{"-l", "", "unix://a", NULL}, "-l \"\": no component's name, such as rumpvfs"},
	    {{"-l", NULL}, "-l: a value is missing"},
	    {{"--library", NULL}, "--library: a value is missing"},
	    {{"-c", "none", "unix://a", NULL}, "-c none: not a number of CPUs"},
	    {{"-c", "0", "unix://a", NULL}, "-c 0: not a number of CPUs"},
	    {{"-r", "lots", "unix://a", NULL}, "-r lots: not a size"},
	    {{"-r", "0", "unix://a", NULL}, "-r 0: too small, a kernel needs 1m at least"},
	    {{"-r", "1048575", "unix://a", NULL}, "-r 1048575: too small"},
	    {{"-r", "99999999999g", "unix://a", NULL}, "-r 99999999999g: too large"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct server_options options;
		struct complaint complaint;

		assert_int_equal(parse(&options, &complaint, cases[i].words), -1);
		if (strncmp(complaint.text, cases[i].complaint, strlen(cases[i].complaint)) != 0)
			fail_msg("\"%s\" instead of \"%s\"", complaint.text, cases[i].complaint);
		options_free(&options);
	}
}

static void
mounts_are_parsed_into_arguments(void **state)
{
	struct mountspec mount;
	struct complaint complaint;

	(void)state;
	assert_int_equal(mountspec_parse(&mount, "ext2fs,/dev/img,/mnt,ro", &complaint), 0);
	assert_string_equal(mount.type, "ext2fs");
	assert_string_equal(mount.special, "/dev/img");
	assert_string_equal(mount.directory, "/mnt");
	assert_int_equal(mount.mount.flags, RUMP_MNT_RDONLY);
	assert_string_equal(mount.mount.args.device.fspec, "/dev/img");
	mountspec_free(&mount);
	assert_int_equal(mountspec_parse(&mount, "tmpfs,swap,/tmp", &complaint), 0);
	assert_int_equal(mount.mount.flags, 0);
	mountspec_free(&mount);
	assert_int_equal(mountspec_parse(&mount, "tmpfs,,/a/../mnt/", &complaint), 0);
	mountspec_free(&mount);
}

static void
wrong_mounts_are_refused(void **state)
{
	static const struct {
		const char *spec, *complaint;
	} cases[] = {
	    {"", "--mount \"\": not type,special,directory"},
	    {"ext2fs,/dev/img", "--mount ext2fs,/dev/img: not type,special,directory"},
	    {"ext2fs,/dev/img,mnt", "--mount ext2fs,/dev/img,mnt: not type,special,directory"},
	    {"tmpfs,tmpfs,/", "--mount tmpfs,tmpfs,/: / has the root file system"},
	    {"tmpfs,tmpfs,/a/..//", "--mount tmpfs,tmpfs,/a/..//: /a/..// has the root file system"},
	    {"tmpfs,tmpfs,/.", "--mount tmpfs,tmpfs,/.: /. has the root file system"},
	    {"ext2fs,,/mnt", "--mount ext2fs,,/mnt: what to mount is missing before /mnt"},
	    {",x,/mnt", "--mount ,x,/mnt: file system type \"\" is not known; known are cd9660, "},
	    {"zfs,/dev/img,/mnt", "--mount zfs,/dev/img,/mnt: file system type zfs is not known"},
	    {"ext2fs,/d,/mnt,rx,ro", "--mount ext2fs,/d,/mnt,rx,ro: option rx is not known for ext2fs"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct mountspec mount;
		struct complaint complaint;

		assert_int_equal(mountspec_parse(&mount, cases[i].spec, &complaint), -1);
		if (strncmp(complaint.text, cases[i].complaint, strlen(cases[i].complaint)) != 0)
			fail_msg("\"%s\" instead of \"%s\"", complaint.text, cases[i].complaint);
		mountspec_free(&mount);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(short_and_long_options_say_the_same),
	    cmocka_unit_test(nothing_is_assumed_that_was_not_said),
	    cmocka_unit_test(questions_need_no_url),
	    cmocka_unit_test(complaints_name_option_and_value),
	    cmocka_unit_test(mounts_are_parsed_into_arguments),
	    cmocka_unit_test(wrong_mounts_are_refused),
	};

	return cmocka_run_group_tests_name("server_options", tests, NULL, NULL);
}
