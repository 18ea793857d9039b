/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "tests/unit/unit.h"

#include <sched.h>

#include "sp/turn.h"

#define SHORT 5000
#define SHARED 50000
#define TOO_LONG 3000000

/* Waits until the next turn, which it then is time for. */
static unsigned
waits_without(struct sp_turn *turn)
{
	unsigned waits = 0;

	while (!sp_turn_worth_it(turn))
		waits++;
	return waits;
}

static void
turns_that_pay_follow_each_other(void **state)
{
	struct sp_turn turn = {.possible = true};

	(void)state;
	for (int i = 0; i < 10; i++) {
		assert_true(sp_turn_worth_it(&turn));
		sp_turn_end(&turn, SHARED, true);
	}
}

static void
turns_that_do_not_pay_are_tried_now_and_then(void **state)
{
	struct sp_turn turn = {.possible = true};

	(void)state;
	for (int i = 0; i < 10; i++) {
		sp_turn_end(&turn, SHORT, false);
		assert_int_equal(waits_without(&turn), SP_TURN_REST_UNPAID);
	}
}

static void
turns_that_are_too_long_become_rare(void **state)
{
	struct sp_turn turn = {.possible = true};
	unsigned before = 0, waits;

	(void)state;
	for (int i = 0; i < 10; i++) {
		sp_turn_end(&turn, TOO_LONG, true);
		waits = waits_without(&turn);
		assert_true(waits > before || waits == SP_TURN_REST_MOST);
		assert_true(waits >= SP_TURN_REST_FIRST);
		before = waits;
	}
	assert_int_equal(before, SP_TURN_REST_MOST);
	sp_turn_end(&turn, SHARED, true);
	assert_int_equal(waits_without(&turn), 0);
	sp_turn_end(&turn, TOO_LONG, true);
	assert_int_equal(waits_without(&turn), SP_TURN_REST_FIRST);
}

/* Only one of the two is so for this process; the other is left out. */
static void
turns_are_for_one_cpu(void **state)
{
	struct sp_turn turn = {0};
	cpu_set_t cpus;
	bool taken = false;

	(void)state;
	assert_int_equal(sched_getaffinity(0, sizeof(cpus), &cpus), 0);
	sp_turn_init(&turn);
	for (int i = 0; i < 100 && !taken; i++)
		taken = sp_turn_worth_it(&turn);
	assert_int_equal(taken, CPU_COUNT(&cpus) == 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(turns_that_pay_follow_each_other),
	    cmocka_unit_test(turns_that_do_not_pay_are_tried_now_and_then),
	    cmocka_unit_test(turns_that_are_too_long_become_rare),
	    cmocka_unit_test(turns_are_for_one_cpu),
	};

	return cmocka_run_group_tests_name("turns", tests, NULL, NULL);
}
