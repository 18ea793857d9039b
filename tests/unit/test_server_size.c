/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/unit.h"

#include <errno.h>

#include "rump_server/size.h"

static void
sizes_with_and_without_suffixes_are_read(void **state)
{
	static const struct {
		const char *text;
		uint64_t size;
	} cases[] = {
	    {"0", 0},
	    {"1", 1},
	    {"65536", 65536},
	    {"0x200", 512},
	    {"3b", 1536},
	    {"2k", 2048},
	    {"2K", 2048},
	    {"16m", 16 << 20},
	    {"4G", 4ULL << 30},
	    {"1t", 1ULL << 40},
	    {"9223372036854775807", INT64_MAX},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint64_t size = 77;

		assert_int_equal(size_parse(cases[i].text, &size), 0);
		assert_int_equal(size, cases[i].size);
	}
}

static void
what_is_no_size_is_refused(void **state)
{
	static const char *const texts[] = {
	    "", "k", "-1", "+1", " 1", "1 ", "1kk", "1x", "one", "1.5m", "0x"};
	uint64_t size = 77;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		assert_int_equal(size_parse(texts[i], &size), -EINVAL);
		assert_int_equal(size, 77);
	}
}

static void
sizes_beyond_any_file_are_refused(void **state)
{
	static const char *const texts[] = {"9223372036854775808", "18446744073709551616",
	    "99999999999999999999999", "8388608t", "9007199254740992k"};
	uint64_t size = 77;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		assert_int_equal(size_parse(texts[i], &size), -ERANGE);
		assert_int_equal(size, 77);
	}
}

static void
counts_are_held_to_their_range(void **state)
{
	unsigned count = 77;

	(void)state;
	assert_int_equal(count_parse("1", 1, 8, &count), 0);
	assert_int_equal(count, 1);
	assert_int_equal(count_parse("8", 1, 8, &count), 0);
	assert_int_equal(count, 8);
	assert_int_equal(count_parse("0", 1, 8, &count), -EINVAL);
	assert_int_equal(count_parse("9", 1, 8, &count), -EINVAL);
	assert_int_equal(count_parse("-1", 1, 8, &count), -EINVAL);
	assert_int_equal(count_parse("2x", 1, 8, &count), -EINVAL);
	assert_int_equal(count_parse("", 1, 8, &count), -EINVAL);
	assert_int_equal(count_parse("99999999999999999999", 1, 8, &count), -EINVAL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(sizes_with_and_without_suffixes_are_read),
	    cmocka_unit_test(what_is_no_size_is_refused),
	    cmocka_unit_test(sizes_beyond_any_file_are_refused),
	    cmocka_unit_test(counts_are_held_to_their_range),
	};

	return cmocka_run_group_tests_name("server_size", tests, NULL, NULL);
}
