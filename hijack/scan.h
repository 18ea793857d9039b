/* SPDX-License-Identifier: BSD-2-Clause */
/* Finding the system call sites of a text and their windows. */
#ifndef HIJACK_SCAN_H
#define HIJACK_SCAN_H

#include "hijack/sites.h"

struct hijack_range {
	uintptr_t start, end;
};

/* Code to be scanned, with what is known about it. */
struct hijack_text {
	const uint8_t *start;
	size_t size;
	uint8_t
	    *known; /* a bit a byte: something outside the code leads here, and an instruction starts here */
	const struct hijack_range *data; /* readable, without code: where jump tables may be */
	size_t data_ranges;
};

/*
 * How many places of the code may be a system call: there are its bytes, and decoding that began somewhere
 * before comes upon them. Data and parts of other instructions are hardly ever among them.
 */
uint32_t hijack_count_calls(const uint8_t *code, size_t size);

/* As hijack_scan_object, for plain code. Returns 0, -ENOSPC or -ENOMEM. */
int hijack_scan_text(const struct hijack_text *text, struct hijack_sites *sites, uint32_t max);

#endif
