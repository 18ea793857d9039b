/* SPDX-License-Identifier: BSD-2-Clause */
/* Which files are trusted to be in memory: by what reads came to, and on a clock of the test's own. */
#include "config.h"

#include "tests/unit/unit.h"

#include "librumpuser/bio_trust.h"
#include "librumpuser/host.h"

static int64_t now;

int64_t
host_nanoseconds(void)
{
	return now;
}

/* Reads 4 KiB so often, each in so many nanoseconds. */
static void
stretch(struct bio_trust *trust, bool plain, unsigned count, int64_t each)
{
	struct bio_stretch stretch;

	bio_stretch_begin(&stretch, plain);
	for (unsigned i = 0; i < count; i++) {
		now += each;
		bio_stretch_add(&stretch, 4096);
		if (!plain)
			bio_trust_tried(trust, 5, BIO_FINISHED);
	}
	bio_stretch_end(&stretch, trust);
}

/* How many reads without waiting it takes from here, less than the limit, to be trusted. */
static unsigned
needed(struct bio_trust *trust)
{
	unsigned count = 0;

	while (!bio_trusted(trust, 5) && count < 100000) {
		stretch(trust, false, 1, 700);
		count++;
	}
	return count;
}

static void
a_streak_is_trusted(void **state)
{
	struct bio_trust trust = {0};

	(void)state;
	assert_false(bio_trusted(&trust, 0));
	for (int i = 0; i < 1000; i++)
		bio_trust_tried(&trust, 5, BIO_FINISHED);
	/* How long it takes is not known. */
	assert_false(bio_trusted(&trust, 5));
	stretch(&trust, false, 32, 700);
	assert_true(bio_trusted(&trust, 5));
	assert_false(bio_trusted(&trust, 6));
	bio_trust_tried(&trust, 6, BIO_FINISHED);
	assert_false(bio_trusted(&trust, 5));
	assert_false(bio_trusted(&trust, 6));
	assert_int_equal(needed(&trust), 64);
}

static void
a_slow_stretch_ends_it(void **state)
{
	struct bio_trust trust = {0};

	(void)state;
	needed(&trust);
	for (int i = 0; i < 100; i++)
		stretch(&trust, true, 32, 700);
	assert_true(bio_trusted(&trust, 5));
	/* A device takes longer than that; one slower read in many does not count. */
	stretch(&trust, true, 4, 5000);
	assert_true(bio_trusted(&trust, 5));
	stretch(&trust, true, 1, 80000);
	assert_false(bio_trusted(&trust, 5));
	assert_int_equal(needed(&trust), 64);
	stretch(&trust, true, 32, 4000);
	assert_false(bio_trusted(&trust, 5));
}

static void
a_slower_machine_is_no_device(void **state)
{
	struct bio_trust trust = {0};

	(void)state;
	needed(&trust);
	for (int64_t each = 700; each < 20000; each += each / 100) {
		stretch(&trust, true, 32, each);
		assert_true(bio_trusted(&trust, 5));
	}
}

static void
misses_make_it_take_longer(void **state)
{
	struct bio_trust trust = {0};
	unsigned last = needed(&trust);

	(void)state;
	assert_int_equal(last, 64);
	for (int i = 0; i < 7; i++) {
		bio_trust_tried(&trust, 5, BIO_WOULD_WAIT);
		assert_false(bio_trusted(&trust, 5));
		assert_int_equal(needed(&trust), 2 * last);
		last *= 2;
	}
	bio_trust_betrayed(&trust);
	assert_int_equal(needed(&trust), 8192);
	/* It is forgiven. */
	for (int i = 0; i < 10000; i++)
		stretch(&trust, true, 32, 700);
	bio_trust_tried(&trust, 6, BIO_FINISHED);
	assert_int_equal(needed(&trust), 64);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_streak_is_trusted),
	    cmocka_unit_test(a_slow_stretch_ends_it),
	    cmocka_unit_test(a_slower_machine_is_no_device),
	    cmocka_unit_test(misses_make_it_take_longer),
	};

	return cmocka_run_group_tests_name("bio, trust", tests, NULL, NULL);
}
