/* SPDX-License-Identifier: BSD-2-Clause */
/* A table is used only when it is the user's own, whole, and for these very bytes. */
#define _GNU_SOURCE
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hijack/cache.h"

static uint8_t text[64] = {0xb8, 1, 0, 0, 0, 0x0f, 0x05, 0x48, 0x3d, 0x00, 0xf0, 0xff, 0xff, 0xc3};
static const uint8_t build_id[20] = {1, 2, 3};
static const struct hijack_object object = {.name = "libc.so.6",
    .text = text,
    .text_size = sizeof(text),
    .build_id = build_id,
    .build_id_size = sizeof(build_id)};
static struct hijack_site site = {
    .at = 5, .length = 8, .call = 0, .fix = {HIJACK_NO_FIX, HIJACK_NO_FIX, HIJACK_NO_FIX}};
static const struct hijack_sites table = {.site = &site, .count = 1, .left = 3};
static char base[] = "/tmp/hijack_cache.XXXXXX";
static char variable[64], file[128];
static char *environment[] = {variable, NULL};
static int directory;

static int
set_up(void **state)
{
	(void)state;
	memcpy(site.bytes, text + 5, 8);
	if (mkdtemp(base) == NULL)
		return -1;
	snprintf(variable, sizeof(variable), "XDG_CACHE_HOME=%s", base);
	snprintf(file, sizeof(file), "%s/rumpkit/0102030000000000000000000000000000000000.sites", base);
	return 0;
}

static int
tear_down(void **state)
{
	char path[64];

	(void)state;
	unlink(file);
	snprintf(path, sizeof(path), "%s/rumpkit", base);
	rmdir(path);
	return rmdir(base);
}

static int
store(void **state)
{
	(void)state;
	unlink(file);
	directory = hijack_cache_open(environment, 0, true);
	return directory < 0 ? directory : hijack_cache_store(directory, &object, &table);
}

static int
finish(void **state)
{
	(void)state;
	return close(directory);
}

static int
load(const struct hijack_object *from)
{
	struct hijack_sites loaded = {0};

	return hijack_cache_load(directory, from, &loaded);
}

static void
damage(off_t at)
{
	uint8_t byte;
	int fd = open(file, O_RDWR);

	assert_true(fd >= 0);
	assert_int_equal(pread(fd, &byte, 1, at), 1);
	byte ^= 0x10;
	assert_int_equal(pwrite(fd, &byte, 1, at), 1);
	close(fd);
}

static void
a_table_comes_back(void **state)
{
	struct hijack_sites loaded = {0};

	(void)state;
	assert_int_equal(hijack_cache_load(directory, &object, &loaded), 0);
	assert_int_equal(loaded.count, 1);
	assert_int_equal(loaded.left, 3);
	assert_memory_equal(loaded.site, &site, sizeof(site));
}

static void
every_damaged_byte_is_noticed(void **state)
{
	struct stat st;

	assert_int_equal(stat(file, &st), 0);
	for (off_t at = 0; at < st.st_size; at++) {
		damage(at);
		assert_int_equal(load(&object), -ESTALE);
		close(directory);
		assert_int_equal(store(state), 0);
	}
}

static void
every_truncation_is_noticed(void **state)
{
	struct stat st;

	(void)state;
	assert_int_equal(stat(file, &st), 0);
	for (off_t size = st.st_size - 1; size >= 0; size--) {
		assert_int_equal(truncate(file, size), 0);
		assert_int_equal(load(&object), -ESTALE);
	}
}

static void
a_longer_file_is_not_used(void **state)
{
	struct stat st;

	(void)state;
	assert_int_equal(stat(file, &st), 0);
	assert_int_equal(truncate(file, st.st_size + 32), 0);
	assert_int_equal(load(&object), -ESTALE);
}

static void
another_build_has_no_table(void **state)
{
	static const uint8_t other_id[20] = {9};
	struct hijack_object other = object;

	(void)state;
	other.build_id = other_id;
	assert_int_equal(load(&other), -ENOENT);
	other = object;
	other.build_id_size = 0;
	assert_int_equal(load(&other), -ENOENT);
}

static void
the_table_of_another_text_is_stale(void **state)
{
	uint8_t changed[sizeof(text)];
	struct hijack_object other = object;

	(void)state;
	memcpy(changed, text, sizeof(text));
	changed[8] ^= 1;
	other.text = changed;
	assert_int_equal(load(&other), -ESTALE);
	other = object;
	other.text_size--;
	assert_int_equal(load(&other), -ESTALE);
}

static void
what_others_may_write_is_foreign(void **state)
{
	char path[64];

	(void)state;
	assert_int_equal(chmod(file, 0620), 0);
	assert_int_equal(load(&object), -ESTALE);
	assert_int_equal(chmod(file, 0602), 0);
	assert_int_equal(load(&object), -ESTALE);
	assert_int_equal(chmod(file, 0600), 0);
	assert_int_equal(load(&object), 0);
	snprintf(path, sizeof(path), "%s/rumpkit", base);
	assert_int_equal(chmod(path, 0777), 0);
	assert_int_equal(hijack_cache_open(environment, 0, false), -EPERM);
	assert_int_equal(chmod(path, 0700), 0);
	if (geteuid() == 0) {
		assert_int_equal(chown(file, 65534, 65534), 0);
		assert_int_equal(load(&object), -ESTALE);
	}
}

static void
links_are_not_followed(void **state)
{
	char elsewhere[160];

	(void)state;
	snprintf(elsewhere, sizeof(elsewhere), "%s.moved", file);
	assert_int_equal(rename(file, elsewhere), 0);
	assert_int_equal(symlink(elsewhere, file), 0);
	assert_int_equal(load(&object), -ESTALE);
	assert_int_equal(unlink(elsewhere), 0);
}

static int
made(const char *name, const char *value, unsigned int rank, const char *below)
{
	char entry[128], path[192];
	char *one[] = {entry, NULL};
	struct stat st, wanted;
	int fd, result;

	snprintf(entry, sizeof(entry), "%s=%s%s", name, base, value);
	snprintf(path, sizeof(path), "%s%s%s", base, value, below);
	fd = hijack_cache_open(one, rank, true);
	if (fd < 0)
		return fd;
	result = fstat(fd, &st) == 0 && stat(path, &wanted) == 0 && st.st_ino == wanted.st_ino ? 0 : -EIO;
	close(fd);
	rmdir(path);
	return result;
}

static void
directories_have_ranks(void **state)
{
	static char chosen[] = "RUMPHIJACK_CACHE=/nonexistent/directory";
	char *one[] = {chosen, variable, NULL}, path[64];

	(void)state;
	/* Caches are made, homes are not. */
	assert_int_equal(made("XDG_CACHE_HOME", "/new", 0, "/rumpkit"), 0);
	snprintf(path, sizeof(path), "%s/new", base);
	assert_int_equal(made("HOME", "/new/none", 1, "/.cache/rumpkit"), -ENOENT);
	assert_int_equal(made("HOME", "/new", 1, "/.cache/rumpkit"), 0);
	assert_int_equal(made("XDG_RUNTIME_DIR", "/new", 2, "/rumpkit"), 0);
	assert_int_equal(made("XDG_RUNTIME_DIR", "/none", 2, "/rumpkit"), -ENOENT);
	assert_int_equal(made("HOME", "/new", 0, "/rumpkit"), -ENOENT);
	for (unsigned int rank = 0; rank < HIJACK_CACHES; rank++)
		assert_true(hijack_cache_open(one, rank, true) < 0);
	snprintf(path, sizeof(path), "%s/new/.cache", base);
	assert_int_equal(rmdir(path), 0);
	snprintf(path, sizeof(path), "%s/new", base);
	assert_int_equal(rmdir(path), 0);
}

/* One that can be read alone is there for reading, and another is found to write to. */
static void
what_cannot_be_written_is_read(void **state)
{
	char path[64];
	int status, fd;
	pid_t pid;

	(void)state;
	snprintf(path, sizeof(path), "%s/rumpkit", base);
	if (geteuid() == 0) {
		assert_int_equal(chown(base, 65534, 65534), 0);
		assert_int_equal(chown(path, 65534, 65534), 0);
	}
	assert_int_equal(chmod(path, 0500), 0);
	pid = fork();
	if (pid == 0) {
		if (geteuid() == 0 && setuid(65534) != 0)
			_exit(1);
		fd = hijack_cache_open(environment, 0, false);
		_exit(fd >= 0 && hijack_cache_open(environment, 0, true) == -EPERM ? 0 : 2);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(chmod(path, 0700), 0);
	if (geteuid() == 0) {
		assert_int_equal(chown(base, 0, 0), 0);
		assert_int_equal(chown(path, 0, 0), 0);
	}
}

int
main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, store, finish)
	const struct CMUnitTest tests[] = {
	    CASE(a_table_comes_back),
	    CASE(every_damaged_byte_is_noticed),
	    CASE(every_truncation_is_noticed),
	    CASE(a_longer_file_is_not_used),
	    CASE(another_build_has_no_table),
	    CASE(the_table_of_another_text_is_stale),
	    CASE(what_others_may_write_is_foreign),
	    CASE(links_are_not_followed),
	    CASE(directories_have_ranks),
	    CASE(what_cannot_be_written_is_read),
	};

	return cmocka_run_group_tests_name("hijack_cache", tests, set_up, tear_down);
}
