/* SPDX-License-Identifier: BSD-2-Clause */
#include "hijack/sites.h"

#include "hijack/mem.h"

bool
hijack_site_matches(const struct hijack_site *site, const uint8_t *text, size_t text_size)
{
	static const uint8_t syscall_insn[2] = {0x0f, 0x05};

	if (site->length < 5 || site->length > HIJACK_WINDOW_MAX || site->call > site->length - 2)
		return false;
	if (site->at > text_size || site->length > text_size - site->at)
		return false;
	for (size_t i = 0; i < sizeof(site->fix); i++) {
		if (site->fix[i] != HIJACK_NO_FIX && site->fix[i] > site->length - 4)
			return false;
	}
	return memcmp(site->bytes + site->call, syscall_insn, sizeof(syscall_insn)) == 0 &&
	       memcmp(site->bytes, text + site->at, site->length) == 0;
}
