/* SPDX-License-Identifier: BSD-2-Clause */
/* Code that may make a system call is told from code that cannot. */
#include "tests/unit/unit.h"

#include <string.h>

#include "hijack/code.h"
#include "hijack/scan.h"

#define SIZE 64

static const uint8_t calls[][2] = {{0x0f, 0x05}, {0x0f, 0x34}, {0xcd, 0x80}};

/* What is nearly the bytes of a call. */
static const uint8_t others[] = {0x90, 0x0f, 0xcd, 0x0e, 0xcc, 0x04, 0x35, 0x81, 0x00, 0x01};

static void
bytes_are_found_wherever_they_are(void **state)
{
	uint8_t code[SIZE];

	(void)state;
	for (size_t fill = 0; fill < sizeof(others); fill++) {
		for (size_t at = 0; at + 1 < SIZE; at++) {
			for (size_t i = 0; i < 3; i++) {
				memset(code, others[fill], sizeof(code));
				assert_false(hijack_code_suspect(code, at));
				memcpy(code + at, calls[i], 2);
				assert_true(hijack_code_suspect(code, SIZE));
				assert_true(hijack_code_suspect(code, at + 2));
				assert_false(hijack_code_suspect(code, at + 1));
			}
		}
	}
}

static void
nothing_else_is_found(void **state)
{
	uint8_t code[SIZE];

	(void)state;
	for (unsigned int first = 0; first < 256; first++) {
		for (unsigned int second = 0; second < 256; second++) {
			bool call = false;

			memset(code, 0x90, sizeof(code));
			code[20] = (uint8_t)first;
			code[21] = (uint8_t)second;
			for (size_t i = 0; i < 3; i++)
				call = call || memcmp(code + 20, calls[i], 2) == 0;
			assert_int_equal(hijack_code_suspect(code, SIZE), call);
		}
	}
}

static uint32_t
count(const uint8_t *bytes, size_t size)
{
	uint8_t code[512];

	/* Among instructions of one byte, in the middle and at the end. */
	memset(code, 0x90, sizeof(code));
	memcpy(code + 300, bytes, size);
	assert_int_equal(hijack_count_calls(bytes, size), hijack_count_calls(code, 300 + size));
	return hijack_count_calls(code, sizeof(code));
}

static void
calls_are_counted(void **state)
{
	static const uint8_t prefixed[] = {0x48, 0x0f, 0x05}, in_step[] = {0x31, 0xc0, 0x0f, 0x05, 0xc3},
			     two[] = {0x0f, 0x34, 0xcd, 0x80};

	(void)state;
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(count(calls[i], 2), 1);
	assert_int_equal(count(prefixed, sizeof(prefixed)), 1);
	assert_int_equal(count(in_step, sizeof(in_step)), 1);
	assert_int_equal(count(two, sizeof(two)), 2);
}

static void
parts_of_instructions_are_not(void **state)
{
	/* After enough code to fall into step with: mov $imm32, %eax; jmp; lea disp32(%rip), %rdi; jo */
	static const uint8_t hidden[][8] = {{0xb8, 0x0f, 0x05, 0x00, 0x00}, {0xe9, 0x00, 0x0f, 0x05, 0x00},
	    {0x48, 0x8d, 0x3d, 0x0f, 0x34, 0x00, 0x00}, {0x0f, 0x80, 0xcd, 0x80, 0x00, 0x00}};
	static const uint8_t size[] = {5, 5, 7, 6};
	uint8_t code[512];

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		memset(code, 0x90, sizeof(code));
		memcpy(code + 300, hidden[i], size[i]);
		assert_true(hijack_code_suspect(code, sizeof(code)));
		assert_int_equal(hijack_count_calls(code, sizeof(code)), 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(bytes_are_found_wherever_they_are),
	    cmocka_unit_test(nothing_else_is_found),
	    cmocka_unit_test(calls_are_counted),
	    cmocka_unit_test(parts_of_instructions_are_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
