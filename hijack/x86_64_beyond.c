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
unsigned int hijack_state_size, hijack_state_components;

long hijack_beyond_asm(const struct hijack_call *call, hijack_call_fn *entry);

/*
 * Not before it is needed: in a virtual machine each cpuid is a visit to the hypervisor, and most programs
 * that start never get here. Threads that come at once find the same; the size is stored last.
 */
static void
find_state(void)
{
	unsigned int a, b, c, d, low, high, size = XSAVE_LEGACY;

	if (__get_cpuid(1, &a, &b, &c, &d) && c & bit_OSXSAVE) {
		__asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
		low &= COMPONENTS;
		size += XSAVE_HEADER;
		/* The standard format: each component where it always is. */
		for (unsigned int i = 2; i < 8; i++) {
			__cpuid_count(0xd, i, a, b, c, d);
			if (low & 1U << i && a + b > size)
				size = a + b;
		}
		__atomic_store_n(&hijack_state_components, low, __ATOMIC_RELAXED);
	}
	__atomic_store_n(&hijack_state_size, (size + 63) & -64U, __ATOMIC_RELEASE);
}

long
hijack_beyond(hijack_call_fn *entry, const struct hijack_call *call)
{
	int saved = errno;
	long result;

	if (__atomic_load_n(&hijack_state_size, __ATOMIC_ACQUIRE) == 0)
		find_state();
	result = hijack_beyond_asm(call, entry);
	errno = saved;
	return result == -ENOSYS || result == -EOPNOTSUPP ? hijack_refused(call->number, result) : result;
}
