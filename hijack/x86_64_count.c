/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Theory of operation
 *
 * Code that is not rewritten need not be understood; it only has to be known whether it can make a system
 * call. Its bytes turn up in data and within other instructions too. Decoding falls into step with the code
 * after a few instructions wherever it begins; so it begins at each of sixteen neighbouring bytes some way
 * before, and unless one of these runs takes the bytes for a system call, they are none.
 */
#include "hijack/scan.h"

#include <Zydis/Zydis.h>

#define BEFORE 128
#define RUNS 16

static bool
is_call(const ZydisDecodedInstruction *insn)
{
	return insn->mnemonic == ZYDIS_MNEMONIC_SYSCALL || insn->mnemonic == ZYDIS_MNEMONIC_SYSENTER ||
	       (insn->mnemonic == ZYDIS_MNEMONIC_INT && insn->raw.imm[0].value.u == 0x80);
}

/* Whether a run from there takes what is at `at`, perhaps with prefixes, for a call. */
static bool
comes_upon(const ZydisDecoder *decoder, const uint8_t *code, size_t size, size_t from, size_t at)
{
	while (from <= at) {
		ZydisDecodedInstruction insn;

		if (!ZYAN_SUCCESS(
			ZydisDecoderDecodeInstruction(decoder, NULL, code + from, size - from, &insn))) {
			from++;
			continue;
		}
		if (from + insn.length > at && is_call(&insn))
			return true;
		from += insn.length;
	}
	return false;
}

static bool
is_bytes(const uint8_t *code)
{
	return (code[0] == 0x0f && (code[1] == 0x05 || code[1] == 0x34)) ||
	       (code[0] == 0xcd && code[1] == 0x80);
}

uint32_t
hijack_count_calls(const uint8_t *code, size_t size)
{
	ZydisDecoder decoder;
	uint32_t count = 0;

	ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
	for (size_t at = 0; at + 1 < size; at++) {
		size_t first = at > BEFORE ? at - BEFORE : 0;
		bool found = false;

		if (!is_bytes(code + at))
			continue;
		for (size_t from = first; from < first + RUNS && from <= at && !found; from++)
			found = comes_upon(&decoder, code, size, from, at);
		count += found;
	}
	return count;
}
