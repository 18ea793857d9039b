/* SPDX-License-Identifier: BSD-2-Clause */
#include <cpuid.h>
#include <errno.h>

#include "hijack/beyond.h"

#define XSAVE_LEGACY 512
#define XSAVE_HEADER 64

/* x87, SSE, AVX and AVX-512: what compiled code may change. */
#define COMPONENTS 0xe7

/* For hijack_beyond_asm: bytes of the save area, and how it is saved. */
extern unsigned int hijack_state_size, hijack_state_components;
unsigned int hijack_state_size = XSAVE_LEGACY, hijack_state_components;

long hijack_beyond_asm(const struct hijack_call *call, hijack_call_fn *entry);

void
hijack_beyond_start(void)
{
	unsigned int a, b, c, d, low, high;

	if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_OSXSAVE))
		return;
	__asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
	hijack_state_components = low & COMPONENTS;
	hijack_state_size = XSAVE_LEGACY + XSAVE_HEADER;
	/* The standard format: each component where it always is. */
	for (unsigned int i = 2; i < 8; i++) {
		__cpuid_count(0xd, i, a, b, c, d);
		if (hijack_state_components & 1U << i && a + b > hijack_state_size)
			hijack_state_size = a + b;
	}
	hijack_state_size = (hijack_state_size + 63) & -64U;
}

long
hijack_beyond(hijack_call_fn *entry, const struct hijack_call *call)
{
	int saved = errno;
	long result = hijack_beyond_asm(call, entry);

	errno = saved;
	return result;
}
