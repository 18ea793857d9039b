/* SPDX-License-Identifier: BSD-2-Clause */
/* Looks for the bytes of a system call. */
#include "hijack/code.h"

#define EACH UINT64_C(0x0101010101010101) /* times a byte: eight of it */
#define TOPS UINT64_C(0x8080808080808080)

/* Not zero when a byte of the word is; and sometimes, beside such a byte, when it is 1. */
static inline uint64_t
zeros(uint64_t word)
{
	return (word - EACH) & ~word & TOPS;
}

static bool
is_call(uint8_t first, uint8_t second)
{
	return (first == 0x0f && (second == 0x05 || second == 0x34)) || (first == 0xcd && second == 0x80);
}

/* syscall is 0f 05, sysenter 0f 34, int $0x80 cd 80: eight places at a time. */
bool
hijack_code_suspect(const uint8_t *code, size_t size)
{
	size_t at = 0;

	for (; at + 9 <= size; at += 8) {
		uint64_t word, next;

		__builtin_memcpy(&word, code + at, sizeof(word));
		__builtin_memcpy(&next, code + at + 1, sizeof(next));
		if (((zeros(word ^ EACH * 0x0f) & (zeros(next ^ EACH * 0x05) | zeros(next ^ EACH * 0x34))) |
			(zeros(word ^ EACH * 0xcd) & zeros(next ^ EACH * 0x80))) == 0)
			continue;
		for (size_t i = at; i < at + 8; i++) {
			if (is_call(code[i], code[i + 1]))
				return true;
		}
	}
	for (; at + 1 < size; at++) {
		if (is_call(code[at], code[at + 1]))
			return true;
	}
	return false;
}
