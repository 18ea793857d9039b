/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/unit.h"

#include <errno.h>
#include <string.h>

#include "sp/signature.h"

static void
arg_is(const struct sp_signature *s, unsigned int slot, enum sp_arg_kind kind, enum sp_arg_length length,
    unsigned int length_slot, unsigned int size)
{
	assert_int_equal(s->arg[slot].kind, kind);
	assert_int_equal(s->arg[slot].length, length);
	assert_int_equal(s->arg[slot].length_slot, length_slot);
	assert_int_equal(s->arg[slot].size, size);
}

static void
well_known_calls(void **state)
{
	const struct sp_signature *s;

	(void)state;
	s = sp_signature(5);
	assert_string_equal(s->name, "open");
	assert_int_equal(s->slots, 3);
	arg_is(s, 0, SP_ARG_STRING, SP_LEN_FIXED, 0, 0);
	arg_is(s, 1, SP_ARG_VALUE, SP_LEN_FIXED, 0, 0);
	s = sp_signature(174);
	assert_string_equal(s->name, "pwrite");
	arg_is(s, 1, SP_ARG_IN, SP_LEN_SLOT, 2, 1);
	s = sp_signature(173);
	arg_is(s, 1, SP_ARG_OUT, SP_LEN_SLOT, 2, 1);
	s = sp_signature(439);
	assert_string_equal(s->name, "__stat50");
	arg_is(s, 1, SP_ARG_OUT, SP_LEN_FIXED, 0, 152);
	s = sp_signature(29);
	assert_string_equal(s->name, "recvfrom");
	arg_is(s, 4, SP_ARG_OUT, SP_LEN_AT32, 5, 1);
	arg_is(s, 5, SP_ARG_INOUT, SP_LEN_FIXED, 0, 4);
	s = sp_signature(435);
	assert_string_equal(s->name, "__kevent50");
	arg_is(s, 1, SP_ARG_IN, SP_LEN_SLOT, 2, 40);
	s = sp_signature(54);
	arg_is(s, 2, SP_ARG_IOCTL, SP_LEN_SLOT, 1, 1);
}

static void
every_signature_is_sound(void **state)
{
	(void)state;
	for (uint32_t number = 0; number < SP_CALL_NUMBERS; number++) {
		const struct sp_signature *s = sp_signature(number);

		if (s == NULL)
			continue;
		assert_in_range(s->slots, 0, SP_SLOTS_MAX);
		for (unsigned int slot = 0; slot < SP_SLOTS_MAX; slot++) {
			const struct sp_arg *a = &s->arg[slot];

			if (a->kind == SP_ARG_VALUE)
				continue;
			assert_true(slot < s->slots);
			assert_true(a->length_slot < s->slots);
			if (a->length != SP_LEN_FIXED)
				assert_true(a->length_slot != slot);
			else if (a->kind != SP_ARG_STRING && a->kind != SP_ARG_OPAQUE)
				assert_true(a->size > 0);
			if (a->length == SP_LEN_AT32 || a->length == SP_LEN_AT64)
				assert_int_equal(s->arg[a->length_slot].kind, SP_ARG_INOUT);
		}
	}
}

static void
call_numbers_and_slots_are_checked(void **state)
{
	uint32_t need = 99;

	(void)state;
	assert_int_equal(sp_call_check(20, 0, &need), 0);
	assert_int_equal(need, 0);
	assert_int_equal(sp_call_check(3, 3, &need), 0);
	assert_int_equal(need, 3);
	assert_int_equal(sp_call_check(3, 2, &need), -EINVAL);
	assert_int_equal(sp_call_check(3, 16, &need), 0);
	assert_int_equal(sp_call_check(3, 17, &need), -ENOSYS);
	/* Unknown to the table, but a later release may have it. */
	assert_int_equal(sp_call_check(511, 0, &need), 0);
	assert_int_equal(need, 8);
	assert_int_equal(sp_call_check(511, 12, &need), 0);
	assert_int_equal(need, 12);
	/* Known, but not offered by a rump kernel of the table's release. */
	assert_int_equal(sp_call_check(1, 0, &need), 0);
	assert_int_equal(need, 8);
	assert_int_equal(sp_call_check(512, 0, &need), -ENOSYS);
	assert_int_equal(sp_call_check((uint32_t)-1, 0, &need), -ENOSYS);
	assert_null(sp_signature((uint32_t)-1));
	assert_null(sp_signature(100000));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(well_known_calls),
	    cmocka_unit_test(every_signature_is_sound),
	    cmocka_unit_test(call_numbers_and_slots_are_checked),
	};

	return cmocka_run_group_tests_name("sp_signature", tests, NULL, NULL);
}
