/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "librumpuser/sp_attached.h"
#include "sp/limits.h"

#define BOTH (SP_ATTACH_DATA | SP_ATTACH_RESULT)

/* A body in the making. */
static uint8_t body[65536];
static size_t body_len;
static uint32_t ranges;

static int
begin(void **state)
{
	(void)state;
	memset(body, 0, sizeof(body));
	body_len = 0;
	ranges = 0;
	return 0;
}

static void
attach(sp_addr_t addr, uint64_t len, uint32_t flags, const void *bytes)
{
	struct sp_attachment at = {.addr = addr, .len = len, .flags = flags};

	memcpy(body + body_len, &at, sizeof(at));
	body_len += sizeof(at);
	ranges++;
	if (bytes == NULL)
		return;
	memcpy(body + body_len, bytes, len);
	body_len += (len + 7) & ~(size_t)7;
}

static int
parse_bytes(struct sp_attached **attached, size_t len, uint32_t count)
{
	/* Of its exact size, so that a byte too many that is read shows. */
	uint8_t *copy = malloc(len != 0 ? len : 1);
	struct sp_cursor cursor = sp_cursor(copy, len);
	int error;

	assert_non_null(copy);
	memcpy(copy, body, len);
	*attached = NULL;
	error = attached_parse(attached, &cursor, count);
	if (error == 0)
		error = attached_keep(*attached);
	free(copy);
	return error;
}

static struct sp_attached *
parse(void)
{
	struct sp_attached *attached;

	assert_int_equal(parse_bytes(&attached, body_len, ranges), 0);
	assert_non_null(attached);
	return attached;
}

static void
refused(size_t len, uint32_t count)
{
	struct sp_attached *attached;

	assert_int_equal(parse_bytes(&attached, len, count), -EBADMSG);
	assert_null(attached);
}

static void
data_is_read(void **state)
{
	struct sp_attached *attached;
	char got[16];

	(void)state;
	attach(1000, 5, SP_ATTACH_DATA, "hello");
	attach(1005, 3, SP_ATTACH_DATA, "abc");
	attached = parse();
	assert_int_equal(attached_bytes(attached), 8);
	assert_true(attached_read(attached, 1000, got, 5));
	assert_memory_equal(got, "hello", 5);
	assert_true(attached_read(attached, 1003, got, 2));
	assert_memory_equal(got, "lo", 2);
	assert_true(attached_read(attached, 1005, got, 3));
	assert_memory_equal(got, "abc", 3);
	/* Beyond an end, across two ranges, in front, elsewhere, and where the addresses wrap. */
	assert_false(attached_read(attached, 1006, got, 3));
	assert_false(attached_read(attached, 1003, got, 4));
	assert_false(attached_read(attached, 999, got, 2));
	assert_false(attached_read(attached, 5, got, 1));
	assert_false(attached_read(attached, UINT64_MAX, got, 2));
	assert_false(attached_read(NULL, 1000, got, 1));
	attached_free(attached);
	attached_free(NULL);
}

static void
strings_are_read(void **state)
{
	struct sp_attached *attached;
	char got[16];
	size_t len = sizeof(got);

	(void)state;
	attach(1000, 4, SP_ATTACH_DATA, "one");
	attach(2000, 6, SP_ATTACH_DATA, "no nul");
	attached = parse();
	assert_int_equal(attached_read_string(attached, 1000, got, &len), 1);
	assert_int_equal(len, 4);
	assert_string_equal(got, "one");
	len = sizeof(got);
	assert_int_equal(attached_read_string(attached, 1001, got, &len), 1);
	assert_int_equal(len, 3);
	/* The NUL may come behind what was sent: the client is asked. */
	len = sizeof(got);
	assert_int_equal(attached_read_string(attached, 2000, got, &len), 0);
	assert_int_equal(len, sizeof(got));
	len = 6;
	assert_int_equal(attached_read_string(attached, 2000, got, &len), -ENAMETOOLONG);
	len = 3;
	assert_int_equal(attached_read_string(attached, 1000, got, &len), -ENAMETOOLONG);
	assert_int_equal(attached_read_string(attached, 3000, got, &len), 0);
	assert_int_equal(attached_read_string(NULL, 1000, got, &len), 0);
	attached_free(attached);
}

/* The next result in the answer's form. */
static const uint8_t *
result_is(const uint8_t *at, sp_addr_t addr, uint64_t len, const char *bytes)
{
	struct sp_result result;
	static const uint8_t zeros[8];

	memcpy(&result, at, sizeof(result));
	assert_int_equal(result.addr, addr);
	assert_int_equal(result.len, len);
	at += sizeof(result);
	assert_memory_equal(at, bytes, len);
	assert_memory_equal(at + len, zeros, -len & 7);
	return at + len + (-len & 7);
}

static void
results_go_back(void **state)
{
	struct sp_attached *attached;
	const uint8_t *at;
	struct iovec iov;
	char got[16];

	(void)state;
	attach(1000, 100, SP_ATTACH_RESULT, NULL);
	attached = parse();
	assert_true(attached_results(attached, &iov));
	assert_int_equal(iov.iov_len, 0);
	assert_false(attached_read(attached, 1000, got, 1));
	assert_true(attached_write(attached, 1010, "abc", 3));
	assert_true(attached_write(attached, 1050, "xyz", 3));
	/* Beside the first one, and over its end. */
	assert_true(attached_write(attached, 1013, "de", 2));
	assert_true(attached_write(attached, 1012, "C", 1));
	assert_true(attached_write(attached, 1099, "!", 1));
	assert_true(attached_write(attached, 1100, "", 0));
	assert_true(attached_read(attached, 1010, got, 5));
	assert_memory_equal(got, "abCde", 5);
	assert_false(attached_read(attached, 1010, got, 6));
	assert_false(attached_write(attached, 1099, "no", 2));
	assert_false(attached_write(attached, 999, "no", 2));
	assert_false(attached_write(attached, UINT64_MAX, "no", 2));
	assert_false(attached_write(NULL, 1000, "no", 2));
	assert_true(attached_results(attached, &iov));
	assert_int_equal(iov.iov_len, 3 * (16 + 8));
	at = result_is(iov.iov_base, 1050, 3, "xyz");
	at = result_is(at, 1010, 5, "abCde");
	/* What went by a frame is the later one: the answer must not undo it. */
	(void)result_is(at, 1099, 1, "n");
	attached_free(attached);
}

/* A write that nothing takes along is still seen by the call's own reads. */
static void
writes_are_seen(void **state)
{
	struct sp_attached *attached;
	struct iovec iov;
	char got[16];

	(void)state;
	attach(1000, 8, SP_ATTACH_DATA, "old data");
	attach(1004, 8, BOTH, "datamore");
	attached = parse();
	assert_false(attached_write(attached, 1000, "new", 3));
	assert_true(attached_write(attached, 1004, "DATA", 4));
	assert_true(attached_read(attached, 1000, got, 8));
	assert_memory_equal(got, "new DATA", 8);
	assert_true(attached_read(attached, 1004, got, 8));
	assert_memory_equal(got, "DATAmore", 8);
	/* One that begins in front of a range and ends behind it. */
	assert_false(attached_write(attached, 998, "0123456789abcdef", 16));
	assert_true(attached_read(attached, 1000, got, 8));
	assert_memory_equal(got, "23456789", 8);
	assert_true(attached_read(attached, 1004, got, 8));
	assert_memory_equal(got, "6789abcd", 8);
	assert_true(attached_results(attached, &iov));
	(void)result_is(iov.iov_base, 1004, 4, "6789");
	attached_free(attached);
}

/* More pieces than are kept go by frames, until some grow together. */
static void
many_pieces(void **state)
{
	struct sp_attached *attached;
	unsigned taken = 0;
	struct iovec iov;

	(void)state;
	attach(0, 1000, SP_ATTACH_RESULT, NULL);
	attached = parse();
	while (taken < 100 && attached_write(attached, taken * 10, "x", 1))
		taken++;
	assert_in_range(taken, 1, 99);
	assert_false(attached_write(attached, 995, "y", 1));
	assert_true(attached_write(attached, 1, "123456789", 9)); /* joins the first two */
	assert_true(attached_write(attached, 995, "z", 1));
	assert_true(attached_results(attached, &iov));
	assert_int_equal(iov.iov_len, (size_t)taken * 24 + 8);
	attached_free(attached);
}

static void
pieces_are_taken(void **state)
{
	struct sp_attached *attached;
	struct sp_result piece;
	const uint8_t *bytes;
	struct iovec iov;

	(void)state;
	attach(1000, 100, SP_ATTACH_RESULT, NULL);
	attached = parse();
	assert_true(attached_write(attached, 1010, "abc", 3));
	assert_true(attached_write(attached, 1050, "xyz", 3));
	assert_false(attached_take_overlap(attached, 1000, 10, &piece, &bytes));
	assert_false(attached_take_overlap(attached, 1013, 37, &piece, &bytes));
	assert_false(attached_take_overlap(NULL, 1000, 100, &piece, &bytes));
	assert_true(attached_take_overlap(attached, 1012, 10, &piece, &bytes));
	assert_int_equal(piece.addr, 1010);
	assert_int_equal(piece.len, 3);
	assert_memory_equal(bytes, "abc", 3);
	assert_false(attached_take_overlap(attached, 1012, 10, &piece, &bytes));
	assert_true(attached_results(attached, &iov));
	assert_int_equal(iov.iov_len, 24);
	(void)result_is(iov.iov_base, 1050, 3, "xyz");
	attached_free(attached);
}

static void
what_is_malformed(void **state)
{
	static uint8_t too_many[SP_ATTACHMENTS_MAX];

	attach(1000, 5, SP_ATTACH_DATA, "hello");
	attach(2000, 8, BOTH, "12345678");
	for (size_t len = 0; len < body_len; len++)
		refused(len, 2);
	refused(body_len, 1);
	refused(body_len, 3);
	refused(body_len + 8, 2);
	begin(state);
	attach(UINT64_MAX, 2, SP_ATTACH_RESULT, NULL);
	refused(body_len, 1);
	begin(state);
	attach(1000, 2, 0, NULL);
	refused(body_len, 1);
	begin(state);
	attach(1000, 2, SP_ATTACH_RESULT | 4, NULL);
	refused(body_len, 1);
	begin(state);
	attach(1000, SP_ATTACH_BYTES_MAX, SP_ATTACH_RESULT, NULL);
	attach(1000, 1, SP_ATTACH_DATA, "x");
	refused(body_len, 2);
	begin(state);
	for (size_t i = 0; i <= sizeof(too_many); i++)
		attach(i, 1, SP_ATTACH_RESULT, NULL);
	refused(body_len, ranges);
	refused(0, UINT32_MAX);
}

static void
nothing_is_attached(void **state)
{
	struct sp_attached *attached;
	char got[1];

	(void)state;
	attached = parse();
	assert_int_equal(attached_bytes(attached), 0);
	assert_int_equal(attached_bytes(NULL), 0);
	assert_false(attached_read(attached, 0, got, 1));
	attached_free(attached);
	attach(1000, 0, BOTH, NULL);
	attached = parse();
	assert_true(attached_write(attached, 1000, "", 0));
	assert_false(attached_write(attached, 1000, "x", 1));
	attached_free(attached);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(data_is_read, begin),
	    cmocka_unit_test_setup(strings_are_read, begin),
	    cmocka_unit_test_setup(results_go_back, begin),
	    cmocka_unit_test_setup(writes_are_seen, begin),
	    cmocka_unit_test_setup(many_pieces, begin),
	    cmocka_unit_test_setup(pieces_are_taken, begin),
	    cmocka_unit_test_setup(what_is_malformed, begin),
	    cmocka_unit_test_setup(nothing_is_attached, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
