/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Theory of operation
 *
 * The text is decoded once from end to end. Each byte gets a mark: an instruction starts here, of this length
 * and kind; something jumps here. Known beginnings (symbols, unwind entries, relocated pointers) are marked
 * as targets beforehand, and the decoder starts over at one that it finds itself astride of, so that data
 * between functions cannot hide what follows.
 *
 * Then each syscall gets a window of at least five bytes: grown forward over instructions that may be moved
 * and that nothing jumps to, and where that ends, backward, as long as nothing jumps into it. Its first
 * instruction may well be a target.
 *
 * Targets are those of relative jumps and calls, addresses in code that an lea takes, and the entries of jump
 * tables: the compiler's are offsets of 32 bits, relative to the table, so each lea of an address in data is
 * read as one for as long as its entries lead into the text. That marks too much rather than too little.
 * Landing pads of exceptions need no mark: nothing falls into them, and a window has no instruction that does
 * not fall into the next.
 */
#include "hijack/scan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <Zydis/Zydis.h>

#define LENGTH 0x0f /* of the instruction that starts here */
#define MOVABLE 0x10
#define FIX 0x20 /* movable, with a displacement to adjust */
#define CALL 0x40
#define TARGET 0x80
#define JUMP_TABLE_MAX 1024

struct scan {
	const struct hijack_text *text;
	uint8_t *mark;
	uint8_t *fix; /* where in the instruction its displacement is */
	ZydisDecoder decoder;
	uint32_t others; /* calls by other instructions than syscall, which cannot be rewritten */
};

static void
mark_target(struct scan *scan, uintptr_t address)
{
	uintptr_t at = address - (uintptr_t)scan->text->start;

	if (at < scan->text->size)
		scan->mark[at] |= TARGET;
}

static void
mark_jump_table(struct scan *scan, uintptr_t table)
{
	uintptr_t start = (uintptr_t)scan->text->start;

	for (size_t i = 0; i < scan->text->data_ranges; i++) {
		const struct hijack_range *data = &scan->text->data[i];

		if (table < data->start || table >= data->end)
			continue;
		for (size_t n = 0; n < JUMP_TABLE_MAX && data->end - table >= 4 * (n + 1); n++) {
			int32_t offset;

			memcpy(&offset, (const void *)(table + 4 * n), sizeof(offset));
			if (table + (uintptr_t)(intptr_t)offset - start >= scan->text->size)
				break;
			mark_target(scan, table + (uintptr_t)(intptr_t)offset);
		}
	}
}

/* What may be done with an instruction; notes where it leads. */
static uint8_t
classify(struct scan *scan, size_t at, const ZydisDecodedInstruction *insn)
{
	uintptr_t next = (uintptr_t)scan->text->start + at + insn->length, address;

	if (insn->mnemonic == ZYDIS_MNEMONIC_SYSCALL)
		return CALL;
	if (insn->mnemonic == ZYDIS_MNEMONIC_SYSENTER ||
	    (insn->mnemonic == ZYDIS_MNEMONIC_INT && insn->raw.imm[0].value.u == 0x80))
		scan->others++;
	switch (insn->meta.category) {
	case ZYDIS_CATEGORY_COND_BR:
	case ZYDIS_CATEGORY_UNCOND_BR:
	case ZYDIS_CATEGORY_CALL:
		if (insn->raw.imm[0].is_relative)
			mark_target(scan, next + (uintptr_t)insn->raw.imm[0].value.s);
		return 0;
	case ZYDIS_CATEGORY_RET:
	case ZYDIS_CATEGORY_INTERRUPT:
	case ZYDIS_CATEGORY_SYSCALL:
	case ZYDIS_CATEGORY_SYSRET:
	case ZYDIS_CATEGORY_SYSTEM:
		return 0;
	default:
		break;
	}
	if (insn->mnemonic == ZYDIS_MNEMONIC_UD2 || insn->mnemonic == ZYDIS_MNEMONIC_XBEGIN)
		return 0;
	if (!(insn->attributes & ZYDIS_ATTRIB_IS_RELATIVE))
		return MOVABLE;
	if (insn->raw.imm[0].is_relative || insn->raw.disp.size != 32)
		return 0;
	scan->fix[at] = insn->raw.disp.offset;
	if (insn->mnemonic == ZYDIS_MNEMONIC_LEA) {
		address = next + (uintptr_t)insn->raw.disp.value;
		mark_target(scan, address);
		mark_jump_table(scan, address);
	}
	return MOVABLE | FIX;
}

static void
decode(struct scan *scan)
{
	const struct hijack_text *text = scan->text;
	size_t at = 0;

	while (at < text->size) {
		ZydisDecodedInstruction insn;
		size_t next = at + 1;

		if (ZYAN_SUCCESS(ZydisDecoderDecodeInstruction(
			&scan->decoder, NULL, text->start + at, text->size - at, &insn))) {
			bool astride = false;

			for (size_t i = at + 1; i < at + insn.length; i++)
				astride =
				    astride || (scan->mark[i] & TARGET && text->known[i / 8] & 1 << i % 8);
			if (!astride) {
				scan->mark[at] |= insn.length | classify(scan, at, &insn);
				next = at + insn.length;
			}
		}
		at = next;
	}
}

/* The instruction that ends where at begins, when it may be moved; or 0 bytes. */
static size_t
before(const struct scan *scan, size_t at, size_t limit)
{
	for (size_t length = 1; length <= 15 && length <= at - limit; length++) {
		if ((scan->mark[at - length] & LENGTH) == length)
			return scan->mark[at - length] & MOVABLE ? length : 0;
	}
	return 0;
}

/* A signal handler's way back: unwinders know it by its bytes, and the gate has its own. */
static bool
is_restorer(const struct hijack_text *text, size_t call)
{
	static const uint8_t bytes[] = {0x48, 0xc7, 0xc0, 0x0f, 0, 0, 0, 0x0f, 0x05};

	return call >= 7 && memcmp(text->start + call - 7, bytes, sizeof(bytes)) == 0;
}

/* Grows the window of the syscall at call; limit is where the one before it ended. */
static bool
grow(const struct scan *scan, size_t call, size_t limit, size_t *start, size_t *end)
{
	const struct hijack_text *text = scan->text;

	*start = call;
	*end = call + 2;
	while (*end - *start < 5) {
		uint8_t mark = *end < text->size ? scan->mark[*end] : 0;
		size_t length;

		if (mark & MOVABLE && !(mark & TARGET)) {
			*end += mark & LENGTH;
			continue;
		}
		length = scan->mark[*start] & TARGET ? 0 : before(scan, *start, limit);
		if (length == 0)
			return false;
		*start -= length;
	}
	return *end - *start <= HIJACK_WINDOW_MAX;
}

static bool
describe(const struct scan *scan, size_t call, size_t start, size_t end, struct hijack_site *site)
{
	size_t fixes = 0;

	*site = (struct hijack_site){.at = (uint32_t)start,
	    .length = (uint8_t)(end - start),
	    .call = (uint8_t)(call - start),
	    .fix = {HIJACK_NO_FIX, HIJACK_NO_FIX, HIJACK_NO_FIX}};
	memcpy(site->bytes, scan->text->start + start, end - start);
	for (size_t at = start; at < end; at += scan->mark[at] & LENGTH) {
		if (!(scan->mark[at] & FIX))
			continue;
		if (fixes == sizeof(site->fix))
			return false;
		site->fix[fixes++] = (uint8_t)(at - start + scan->fix[at]);
	}
	return true;
}

static int
collect(const struct scan *scan, struct hijack_sites *sites, uint32_t max)
{
	size_t limit = 0;

	sites->left = scan->others;
	for (size_t call = 0; call < scan->text->size; call++) {
		size_t start, end;

		if (!(scan->mark[call] & CALL) || is_restorer(scan->text, call))
			continue;
		if (sites->count == max)
			return -ENOSPC;
		if (!grow(scan, call, limit, &start, &end) ||
		    !describe(scan, call, start, end, &sites->site[sites->count])) {
			sites->left++;
			continue;
		}
		sites->count++;
		limit = end;
	}
	return 0;
}

int
hijack_scan_text(const struct hijack_text *text, struct hijack_sites *sites, uint32_t max)
{
	struct scan scan = {.text = text};
	int error = -ENOMEM;

	sites->count = sites->left = 0;
	scan.mark = calloc(text->size, 1);
	scan.fix = calloc(text->size, 1);
	if (scan.mark != NULL && scan.fix != NULL) {
		ZydisDecoderInit(&scan.decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
		for (size_t i = 0; i < text->size; i++)
			scan.mark[i] = text->known[i / 8] & 1 << i % 8 ? TARGET : 0;
		decode(&scan);
		error = collect(&scan, sites, max);
	}
	free(scan.fix);
	free(scan.mark);
	return error;
}
