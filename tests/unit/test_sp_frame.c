/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sp/frame.h"

/* Three frames with bodies of 0, 5 and 10,000 bytes. */
static uint8_t stream[3 * sizeof(struct sp_header) + 10005];
static const size_t bodies[] = {0, 5, 10000};

static int
make_stream(void **state)
{
	uint8_t *at = stream;

	(void)state;
	for (unsigned int i = 0; i < 3; i++) {
		struct sp_header h = sp_header(SP_REQUEST, SP_SYSCALL, i, 100 + i, bodies[i]);

		memcpy(at, &h, sizeof(h));
		memset(at + sizeof(h), (int)i + 'a', bodies[i]);
		at += h.len;
	}
	return 0;
}

static void
check_frame(const struct sp_frame *f, unsigned int i)
{
	assert_int_equal(f->header.reqno, 100 + i);
	assert_int_equal(f->header.u, i);
	assert_int_equal(f->body.left, bodies[i]);
	for (size_t b = 0; b < bodies[i]; b++)
		assert_int_equal(f->body.at[b], i + 'a');
}

/* Delivers the stream in pieces of `step` bytes, each in an allocation of its own. */
static void
deliver(size_t step)
{
	struct sp_assembler a;
	struct sp_frame frame;
	unsigned int seen = 0;

	sp_assembler_init(&a, 20000);
	for (size_t at = 0; at < sizeof(stream); at += step) {
		size_t len = sizeof(stream) - at < step ? sizeof(stream) - at : step;
		uint8_t *piece = malloc(len);
		const uint8_t *p = piece;
		int rv;

		memcpy(piece, stream + at, len);
		while ((rv = sp_assemble(&a, &p, &len, &frame)) == 1)
			check_frame(&frame, seen++);
		assert_int_equal(rv, 0);
		assert_int_equal(len, 0);
		free(piece);
	}
	assert_int_equal(seen, 3);
	assert_int_equal(a.have, 0);
	sp_assembler_fini(&a);
}

static void
frames_survive_any_cutting(void **state)
{
	(void)state;
	for (size_t step = 1; step < 100; step++)
		deliver(step);
	deliver(4096);
	deliver(sizeof(stream));
}

static void
a_long_frame_goes_straight_to_its_place(void **state)
{
	struct sp_assembler a;
	struct sp_frame frame;
	const uint8_t *p = stream + 53;
	size_t at = 53 + 100, len = 100, room, rounds = 0;
	uint8_t *place;

	(void)state;
	sp_assembler_init(&a, 20000);
	assert_null(sp_assembler_room(&a, &room));
	assert_int_equal(sp_assemble(&a, &p, &len, &frame), 0);
	while ((place = sp_assembler_room(&a, &room)) != NULL) {
		size_t n = room < 3000 ? room : 3000;

		assert_true(at + n <= sizeof(stream));
		memcpy(place, stream + at, n);
		sp_assembler_received(&a, n);
		at += n;
		rounds++;
	}
	assert_true(rounds > 1);
	p = stream + at;
	len = sizeof(stream) - at;
	assert_int_equal(sp_assemble(&a, &p, &len, &frame), 1);
	check_frame(&frame, 2);
	assert_int_equal(len, 0);
	sp_assembler_fini(&a);
}

static void
lengths_are_bounded_before_memory_is_taken(void **state)
{
	struct {
		uint64_t len;
		int error;
	} wrong[] = {{0, -EBADMSG}, {23, -EBADMSG}, {1001, -EMSGSIZE}, {UINT64_MAX, -EMSGSIZE},
	    {1ull << 63, -EMSGSIZE}};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		for (size_t step = 1; step <= sizeof(struct sp_header); step += 23) {
			struct sp_header h = {.len = wrong[i].len};
			struct sp_assembler a;
			struct sp_frame frame;
			int rv = 0;

			sp_assembler_init(&a, 1000);
			for (size_t at = 0; at < sizeof(h) && rv == 0; at += step) {
				const uint8_t *p = (const uint8_t *)&h + at;
				size_t len = step;

				rv = sp_assemble(&a, &p, &len, &frame);
			}
			assert_int_equal(rv, wrong[i].error);
			assert_true(a.size <= 1024);
			sp_assembler_fini(&a);
		}
	}
}

static void
memory_grows_with_what_came(void **state)
{
	struct sp_header h = sp_header(SP_REQUEST, SP_SYSCALL, 0, 0, 4000000);
	uint8_t bytes[100] = {0};
	struct sp_assembler a;
	struct sp_frame frame;
	const uint8_t *p = bytes;
	size_t len = sizeof(bytes), room;

	(void)state;
	memcpy(bytes, &h, sizeof(h));
	sp_assembler_init(&a, 8000000);
	assert_int_equal(sp_assemble(&a, &p, &len, &frame), 0);
	assert_true(a.size < 1024);
	assert_non_null(sp_assembler_room(&a, &room));
	assert_true(a.size < 100000);
	sp_assembler_fini(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(frames_survive_any_cutting),
	    cmocka_unit_test(a_long_frame_goes_straight_to_its_place),
	    cmocka_unit_test(lengths_are_bounded_before_memory_is_taken),
	    cmocka_unit_test(memory_grows_with_what_came),
	};

	return cmocka_run_group_tests_name("sp_frame", tests, make_stream, NULL);
}
