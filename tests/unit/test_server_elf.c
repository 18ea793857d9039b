/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rump_server/elf.h"

struct uses {
	unsigned count, data, calls;
};

static int
count_use(void *arg, const char *name, enum elf_use use)
{
	struct uses *uses = arg;

	if (strncmp(name, "rump", 4) != 0)
		return 0;
	uses->count++;
	if (use == ELF_USE_DATA)
		uses->data++;
	else
		uses->calls++;
	return 0;
}

static void
open_component(struct elf_image *image, const char *file)
{
	const char *why = NULL;
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s", COMPONENTS, file);
	if (elf_open(image, path, &why) != 0)
		fail_msg("%s: %s", path, why);
}

static bool
defines(const struct elf_image *image, const char *symbol)
{
	struct elf_name name = elf_name(symbol);

	return elf_defines(image, &name);
}

static void
a_component_tells_its_name_and_needs(void **state)
{
	struct elf_image image;
	const char *needed;
	size_t cursor = 0;
	bool kernel = false;

	(void)state;
	open_component(&image, ".libs/librumpvfs.so.0");
	assert_string_equal(image.soname, "librumpvfs.so.0");
	assert_false(image.bind_now);
	while ((needed = elf_next_needed(&image, &cursor)) != NULL)
		kernel |= strcmp(needed, "librump.so.0") == 0;
	assert_true(kernel);
	assert_null(elf_next_needed(&image, &cursor));
	elf_close(&image);
}

static void
definitions_are_found_by_either_hash(void **state)
{
	static const char *const files[] = {".libs/librumpfs_one.so.0", "sysv/.libs/librumpdev_sysv.so.0"};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct elf_image image;

		open_component(&image, files[i]);
		assert_int_equal(image.gnu_hash == NULL, i == 1);
		assert_true(defines(&image, "rumpns_one_done"));
		assert_true(defines(&image, "rumpns_one_ops"));
		/* What it uses and does not define, what nobody has, and near misses. */
		assert_false(defines(&image, "rumpns_strategy"));
		assert_false(defines(&image, "rumpns_vfsops"));
		assert_false(defines(&image, "rumpns_one_don"));
		assert_false(defines(&image, "rumpns_one_done_"));
		assert_false(defines(&image, ""));
		elf_close(&image);
	}
}

static void
a_component_that_defines_nothing_has_an_empty_hash(void **state)
{
	struct elf_image image;
	struct uses uses = {0, 0, 0};

	(void)state;
	open_component(&image, ".libs/librumpnet_config.so.0");
	assert_false(defines(&image, "rumpns_printf"));
	assert_int_equal(elf_each_undefined(&image, count_use, &uses), 0);
	assert_int_equal(uses.count, 0);
	elf_close(&image);
}

static void
calls_and_data_are_told_apart(void **state)
{
	struct elf_image image;
	struct uses uses = {0, 0, 0};

	(void)state;
	/* rumpns_vfsops and rumpns_leaf are bound at once, rumpns_strategy when it is called. */
	open_component(&image, ".libs/librumpfs_one.so.0");
	assert_int_equal(elf_each_undefined(&image, count_use, &uses), 0);
	assert_int_equal(uses.data, 2);
	assert_int_equal(uses.calls, 1);
	elf_close(&image);
	/* The same source linked to be bound when loaded. */
	memset(&uses, 0, sizeof(uses));
	open_component(&image, "sysv/.libs/librumpdev_sysv.so.0");
	assert_true(image.bind_now);
	assert_int_equal(elf_each_undefined(&image, count_use, &uses), 0);
	assert_int_equal(uses.data, 3);
	assert_int_equal(uses.calls, 0);
	elf_close(&image);
}

static void
weak_symbols_are_nobodys_need(void **state)
{
	struct elf_image image;
	struct uses uses = {0, 0, 0};

	(void)state;
	open_component(&image, ".libs/librumpfs_lost.so.0");
	assert_int_equal(elf_each_undefined(&image, count_use, &uses), 0);
	assert_int_equal(uses.count, 3);
	elf_close(&image);
}

static int
stop_at_once(void *arg, const char *name, enum elf_use use)
{
	(void)name;
	(void)use;
	++*(int *)arg;
	return 42;
}

static void
a_visitor_can_stop_the_walk(void **state)
{
	struct elf_image image;
	int calls = 0;

	(void)state;
	open_component(&image, ".libs/librumpfs_lost.so.0");
	assert_int_equal(elf_each_undefined(&image, stop_at_once, &calls), 42);
	assert_int_equal(calls, 1);
	elf_close(&image);
}

static void
what_is_no_library_is_named_so(void **state)
{
	static const struct {
		const char *path;
		int error;
	} cases[] = {{"/nonexistent.so", -ENOENT}, {"/tmp", -ENOEXEC}, {"/dev/null", -ENOEXEC},
	    {"/proc/self/exe", 0}, {"/etc/passwd", -ENOEXEC}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct elf_image image;
		const char *why = NULL;
		int error = elf_open(&image, cases[i].path, &why);

		/* A position-independent program is as good as a library, as far as its file goes. */
		if (cases[i].error != 0)
			assert_int_equal(error, cases[i].error);
		if (error != 0)
			assert_non_null(why);
		elf_close(&image);
	}
}

/* A component's bytes, and a file to put changed ones into. */
struct victim {
	uint8_t *bytes, *copy;
	size_t size;
	int fd;
	char path[64];
};

static void
load_victim(struct victim *victim)
{
	struct elf_image image;

	open_component(&image, ".libs/librumpfs_one.so.0");
	victim->size = image.size;
	victim->bytes = malloc(image.size);
	victim->copy = malloc(image.size);
	assert_non_null(victim->bytes);
	assert_non_null(victim->copy);
	memcpy(victim->bytes, image.data, image.size);
	elf_close(&image);
	victim->fd = memfd_create("victim.so", MFD_CLOEXEC);
	assert_int_not_equal(victim->fd, -1);
	snprintf(victim->path, sizeof(victim->path), "/proc/self/fd/%d", victim->fd);
}

static void
free_victim(struct victim *victim)
{
	free(victim->bytes);
	free(victim->copy);
	close(victim->fd);
}

/* Reads everything there is to read in the first size bytes of the copy; returns what opening did. */
static int
exercise(struct victim *victim, size_t size)
{
	struct elf_image image;
	struct uses uses = {0, 0, 0};
	const char *why = NULL;
	size_t cursor = 0;
	int error;

	assert_int_equal(ftruncate(victim->fd, 0), 0);
	assert_int_equal(pwrite(victim->fd, victim->copy, size, 0), size);
	error = elf_open(&image, victim->path, &why);
	if (error == 0) {
		while (elf_next_needed(&image, &cursor) != NULL)
			continue;
		elf_each_undefined(&image, count_use, &uses);
		defines(&image, "rumpns_one_done");
		defines(&image, "rumpns_nothing_like_it");
	} else {
		assert_non_null(why);
	}
	elf_close(&image);
	return error;
}

static void
truncated_components_are_refused(void **state)
{
	struct victim victim;
	size_t segments_end = 0;
	const Elf64_Ehdr *header;
	const Elf64_Phdr *segments;

	(void)state;
	load_victim(&victim);
	memcpy(victim.copy, victim.bytes, victim.size);
	header = (const void *)victim.copy;
	segments = (const void *)(victim.copy + header->e_phoff);
	for (unsigned i = 0; i < header->e_phnum; i++) {
		if (segments[i].p_type == PT_LOAD &&
		    segments[i].p_offset + segments[i].p_filesz > segments_end)
			segments_end = segments[i].p_offset + segments[i].p_filesz;
	}
	for (size_t size = 0; size < segments_end; size += 13)
		assert_int_equal(exercise(&victim, size), -ENOEXEC);
	/* Nothing that is needed lies behind the segments. */
	assert_int_equal(exercise(&victim, segments_end), 0);
	free_victim(&victim);
}

static uint32_t
next_random(uint32_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 17;
	*seed ^= *seed << 5;
	return *seed;
}

/* Where the tables are that a damaged file could mislead with: the headers, the dynamic section, the first
 * page. */
static size_t
pick_target(const struct victim *victim, uint32_t *seed)
{
	const Elf64_Ehdr *header = (const void *)victim->bytes;
	const Elf64_Phdr *segments = (const void *)(victim->bytes + header->e_phoff);

	for (unsigned i = 0; i < header->e_phnum && next_random(seed) % 2 == 0; i++) {
		if (segments[i].p_type == PT_DYNAMIC)
			return segments[i].p_offset + next_random(seed) % segments[i].p_filesz;
	}
	return next_random(seed) % (next_random(seed) % 2 == 0 ? 1024 : victim->size);
}

static void
damaged_components_do_no_harm(void **state)
{
	static const uint8_t values[] = {0, 1, 0x7f, 0x80, 0xff};
	struct victim victim;
	uint32_t seed = 2463534242;
	unsigned refused = 0;

	(void)state;
	load_victim(&victim);
	for (int round = 0; round < 3000; round++) {
		memcpy(victim.copy, victim.bytes, victim.size);
		for (uint32_t changes = next_random(&seed) % 8 + 1; changes > 0; changes--) {
			size_t at = pick_target(&victim, &seed);
			uint32_t how = next_random(&seed);

			victim.copy[at] =
			    how % 2 == 0 ? (uint8_t)(how >> 8) : values[(how >> 8) % sizeof(values)];
		}
		refused += exercise(&victim, victim.size) != 0;
	}
	/* The changes hit what is checked. */
	assert_true(refused > 300);
	free_victim(&victim);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_component_tells_its_name_and_needs),
	    cmocka_unit_test(definitions_are_found_by_either_hash),
	    cmocka_unit_test(a_component_that_defines_nothing_has_an_empty_hash),
	    cmocka_unit_test(calls_and_data_are_told_apart),
	    cmocka_unit_test(weak_symbols_are_nobodys_need),
	    cmocka_unit_test(a_visitor_can_stop_the_walk),
	    cmocka_unit_test(what_is_no_library_is_named_so),
	    cmocka_unit_test(truncated_components_are_refused),
	    cmocka_unit_test(damaged_components_do_no_harm),
	};

	return cmocka_run_group_tests_name("server_elf", tests, NULL, NULL);
}
