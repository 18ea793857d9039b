/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/unit.h"

#include <errno.h>
#include <string.h>

#include "sp/capability.h"
#include "sp/cursor.h"

static void
a_take_that_fails_moves_nothing(void **state)
{
	const uint8_t bytes[5] = {1, 2, 3, 4, 5};
	struct sp_cursor c = sp_cursor(bytes, sizeof(bytes));
	uint8_t out[8] = {0};

	(void)state;
	assert_true(sp_take(&c, out, 2));
	assert_int_equal(out[1], 2);
	assert_false(sp_take(&c, out, 4));
	assert_null(sp_take_bytes(&c, 4));
	assert_null(sp_take_bytes(&c, UINT64_MAX));
	assert_int_equal(c.left, 3);
	assert_ptr_equal(sp_take_bytes(&c, 3), bytes + 2);
	assert_int_equal(c.left, 0);
	assert_true(sp_take(&c, out, 0));
	assert_false(sp_take(&c, out, 1));
}

static void
a_string_needs_its_nul(void **state)
{
	const char bytes[] = {'a', 'b', '\0', 'c', 'd'};
	struct sp_cursor c = sp_cursor(bytes, sizeof(bytes));
	size_t len = 99;

	(void)state;
	assert_null(sp_take_string(&c, 2, &len));
	assert_string_equal(sp_take_string(&c, 3, &len), "ab");
	assert_int_equal(len, 2);
	assert_null(sp_take_string(&c, 100, &len));
	assert_int_equal(c.left, 2);
	c = sp_cursor(NULL, 0);
	assert_null(sp_take_string(&c, 100, NULL));
}

static void
padding_goes_to_the_next_eight(void **state)
{
	const uint8_t bytes[16] = {0};
	struct sp_cursor c = sp_cursor(bytes, sizeof(bytes));

	(void)state;
	assert_true(sp_take_padding(&c, 8));
	assert_int_equal(c.left, 16);
	assert_true(sp_take_padding(&c, 9));
	assert_int_equal(c.left, 9);
	assert_true(sp_take_padding(&c, 7));
	assert_int_equal(c.left, 8);
	assert_true(sp_take_padding(&c, 1));
	assert_int_equal(c.left, 1);
	assert_false(sp_take_padding(&c, 1));
}

static void
a_hello_without_capabilities_is_that_of_version_0_4(void **state)
{
	uint8_t buf[SP_HELLO_MAX];
	const char *comm;
	uint32_t capabilities = 77;

	(void)state;
	assert_int_equal(sp_hello_format(buf, "calls", 0), 6);
	assert_memory_equal(buf, "calls", 6);
	assert_int_equal(sp_hello_parse(sp_cursor(buf, 6), &comm, &capabilities), 0);
	assert_string_equal(comm, "calls");
	assert_int_equal(capabilities, 0);
}

static void
a_hello_carries_capabilities_behind_the_nul(void **state)
{
	uint8_t buf[SP_HELLO_MAX];
	char longer[2 * SP_COMM_MAX];
	const char *comm;
	uint32_t capabilities;
	size_t len;

	(void)state;
	len = sp_hello_format(buf, "x", 0x80000005);
	assert_int_equal(sp_hello_parse(sp_cursor(buf, len), &comm, &capabilities), 0);
	assert_int_equal(capabilities, 0x80000005);
	/* Cut short, or of somebody else's making, it is not looked at. */
	assert_int_equal(sp_hello_parse(sp_cursor(buf, len - 1), &comm, &capabilities), 0);
	assert_int_equal(capabilities, 0);
	buf[2] = '?';
	assert_int_equal(sp_hello_parse(sp_cursor(buf, len), &comm, &capabilities), 0);
	assert_int_equal(capabilities, 0);
	memset(longer, 'n', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	assert_int_equal(sp_hello_format(buf, longer, 1), SP_HELLO_MAX);
	assert_int_equal(sp_hello_parse(sp_cursor(buf, SP_COMM_MAX - 1), &comm, &capabilities), -EBADMSG);
	assert_int_equal(sp_hello_parse(sp_cursor(longer, sizeof(longer)), &comm, &capabilities), -EBADMSG);
	assert_int_equal(sp_hello_parse(sp_cursor("", 0), &comm, &capabilities), -EBADMSG);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_take_that_fails_moves_nothing),
	    cmocka_unit_test(a_string_needs_its_nul),
	    cmocka_unit_test(padding_goes_to_the_next_eight),
	    cmocka_unit_test(a_hello_without_capabilities_is_that_of_version_0_4),
	    cmocka_unit_test(a_hello_carries_capabilities_behind_the_nul),
	};

	return cmocka_run_group_tests_name("sp_cursor", tests, NULL, NULL);
}
