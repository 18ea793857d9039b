/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/unit.h"

#include <stdatomic.h>

#include "sp/look.h"

#define TRY 400 /* nanoseconds */

/* Waits until the next look, which it then is time for. */
static unsigned
waits_without(struct sp_look *look)
{
	unsigned waits = 0;

	while (!sp_look_worth_it(look))
		waits++;
	return waits;
}

/* A look that finds something at the try of that number, 0: none, and the nanoseconds that this try takes. */
static void
look_once(struct sp_look *look, unsigned found_at, int64_t takes)
{
	struct sp_look_times times = sp_look_begin(1000, 50);
	int64_t now = 1000;
	bool again = true;

	for (unsigned try = 1; again; try++) {
		now += try == found_at ? takes : TRY;
		again = try != found_at && sp_look_again(&times, now);
		if (!again)
			sp_look_end(look, &times, now, try == found_at);
	}
}

static void
lost_looks_become_rare(void **state)
{
	struct sp_look look = {0};
	unsigned before = 0, waits;

	(void)state;
	assert_int_equal(waits_without(&look), 0);
	for (int i = 0; i < 30; i++) {
		look_once(&look, 0, 0);
		waits = waits_without(&look);
		assert_true(waits > before || waits == SP_LOOK_REST);
		before = waits;
	}
	assert_int_equal(before, SP_LOOK_REST);
}

static void
a_find_brings_them_back(void **state)
{
	struct sp_look look = {SP_LOOK_REST, SP_LOOK_REST};

	(void)state;
	assert_int_equal(waits_without(&look), SP_LOOK_REST);
	look_once(&look, 2, TRY);
	assert_int_equal(waits_without(&look), 0);
	look_once(&look, 100, TRY);
	assert_int_equal(waits_without(&look), 0);
}

static void
what_was_there_before_says_nothing(void **state)
{
	struct sp_look look = {0, 7};

	(void)state;
	look_once(&look, 1, TRY);
	assert_int_equal(waits_without(&look), 0);
	look_once(&look, 0, 0);
	assert_int_equal(waits_without(&look), 15);
}

static void
a_pause_is_a_loss(void **state)
{
	struct sp_look look = {0};
	struct sp_look_times times = sp_look_begin(0, 50);

	(void)state;
	look_once(&look, 5, 2 * SP_LOOK_PAUSE_NS);
	assert_int_equal(waits_without(&look), 1);
	assert_true(sp_look_again(&times, TRY));
	assert_false(sp_look_again(&times, TRY + 2 * SP_LOOK_PAUSE_NS));
}

static void
a_look_ends(void **state)
{
	struct sp_look_times times = sp_look_begin(0, 50);
	int64_t now = 0;

	(void)state;
	while (sp_look_again(&times, now))
		now += TRY;
	assert_in_range(now, 50000, 50000 + TRY);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(lost_looks_become_rare),
	    cmocka_unit_test(a_find_brings_them_back),
	    cmocka_unit_test(what_was_there_before_says_nothing),
	    cmocka_unit_test(a_pause_is_a_loss),
	    cmocka_unit_test(a_look_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
