/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Theory of operation
 *
 * A site's window becomes a jump of five bytes, the rest of it int3: nobody gets there, as the scan made
 * sure. The trampoline has the window's instructions before and after the call, moved. Moving changes nothing
 * but what is relative to the instruction pointer; of those only the ones with a displacement are moved at
 * all, and the displacement grows by the distance.
 *
 * Trampolines live in the library's own text segment, behind the gate's code: so one range is excluded from
 * dispatch, and the loader has put it where libc and the loader can be reached. Text is never writable again
 * after start-up.
 */
#include "hijack/patch.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "hijack/gate.h"
#include "hijack/mem.h"

#define PAGE 4096UL
#define JUMP 0xe9 /* and rel32 */

static size_t trampolines_used;

/* Writes a rel32 whose instruction ends behind it. */
static bool
put_rel32(uint8_t *at, const void *target)
{
	int64_t distance = (int64_t)((uintptr_t)target - (uintptr_t)(at + 4));
	int32_t rel = (int32_t)distance;

	memcpy(at, &rel, sizeof(rel));
	return rel == distance;
}

static bool
move(uint8_t *to, const struct hijack_site *site, const uint8_t *text, size_t from, size_t end)
{
	const uint8_t *origin = text + site->at + from;

	memcpy(to, site->bytes + from, end - from);
	for (size_t i = 0; i < sizeof(site->fix); i++) {
		size_t fix = site->fix[i];
		int32_t displacement, moved;
		int64_t distance = (int64_t)((uintptr_t)origin - (uintptr_t)to);

		if (fix == HIJACK_NO_FIX || fix < from || fix >= end)
			continue;
		memcpy(&displacement, site->bytes + fix, sizeof(displacement));
		moved = (int32_t)(displacement + distance);
		if (moved != displacement + distance)
			return false;
		memcpy(to + (fix - from), &moved, sizeof(moved));
	}
	return true;
}

size_t
hijack_trampoline(uint8_t *slot, size_t size, const struct hijack_site *site, const uint8_t *text)
{
	static const uint8_t lea_rcx[] = {0x48, 0x8d, 0x0d};
	const uint8_t *window = text + site->at;
	uint8_t *p = slot, *record;
	uintptr_t resume = (uintptr_t)(window + site->call + 2);
	size_t after = (size_t)site->call + 2;

	if (size < site->length + 12U + HIJACK_RECORD_AFTER + 5U)
		return 0;
	if (!move(p, site, text, 0, site->call))
		return 0;
	p += site->call;
	record = p + 7 + 5;
	memcpy(p, lea_rcx, sizeof(lea_rcx));
	if (!put_rel32(p + 3, record))
		return 0;
	p[7] = 0xe9;
	if (!put_rel32(p + 8, (const void *)hijack_entry))
		return 0;
	memcpy(record, &resume, sizeof(resume));
	p = record + HIJACK_RECORD_IN_PLACE;
	*p++ = 0x0f;
	*p++ = 0x05;
	memcpy(p, lea_rcx, sizeof(lea_rcx));
	if (!put_rel32(p + 3, record + HIJACK_RECORD_AFTER))
		return 0;
	p[7] = 0xe9;
	if (!put_rel32(p + 8, (const void *)hijack_cloned))
		return 0;
	p = record + HIJACK_RECORD_AFTER;
	if (!move(p, site, text, after, site->length))
		return 0;
	p += site->length - after;
	*p++ = 0xe9;
	if (!put_rel32(p, window + site->length))
		return 0;
	return (size_t)(p + 4 - slot);
}

static bool
patch_site(const struct hijack_site *site, uint8_t *text)
{
	uint8_t *slot = hijack_trampolines + trampolines_used, *window = text + site->at;
	size_t used = hijack_trampoline(slot, HIJACK_TRAMPOLINE_SPACE - trampolines_used, site, text);

	if (used == 0 || !put_rel32(window + 1, slot)) {
		/* The displacement may have been written already. */
		memcpy(window, site->bytes, site->length);
		return false;
	}
	window[0] = JUMP;
	memset(window + 5, 0xcc, site->length - 5U);
	trampolines_used += used;
	return true;
}

static long
protect(const uint8_t *start, size_t size, int protection)
{
	uintptr_t first = (uintptr_t)start & -PAGE, last = ((uintptr_t)start + size + PAGE - 1) & -PAGE;

	return hijack_own(SYS_mprotect, (long)first, (long)(last - first), protection, 0, 0, 0);
}

void
hijack_unpatch(const struct hijack_sites *sites, uint8_t *text, size_t text_size)
{
	if (protect(text, text_size, PROT_READ | PROT_WRITE) != 0)
		return;
	for (uint32_t i = 0; i < sites->count; i++) {
		const struct hijack_site *site = &sites->site[i];

		/* No window that is rewritten begins with a jump of its own: they are not moved. */
		if (text[site->at] == JUMP)
			memcpy(text + site->at, site->bytes, site->length);
	}
	(void)protect(text, text_size, PROT_READ | PROT_EXEC);
}

int
hijack_patch(const struct hijack_sites *sites, uint8_t *text, size_t text_size)
{
	int patched = 0;
	uint32_t end = 0;
	long error = protect(text, text_size, PROT_READ | PROT_WRITE);

	if (error == 0) {
		error = protect(hijack_trampolines, HIJACK_TRAMPOLINE_SPACE, PROT_READ | PROT_WRITE);
		if (error != 0)
			(void)protect(text, text_size, PROT_READ | PROT_EXEC);
	}
	if (error != 0)
		return (int)error;
	for (uint32_t i = 0; i < sites->count; i++) {
		const struct hijack_site *site = &sites->site[i];

		if (site->at < end || !hijack_site_matches(site, text, text_size))
			continue;
		if (patch_site(site, text)) {
			end = site->at + site->length;
			patched++;
		}
	}
	(void)protect(hijack_trampolines, HIJACK_TRAMPOLINE_SPACE, PROT_READ | PROT_EXEC);
	(void)protect(text, text_size, PROT_READ | PROT_EXEC);
	return patched;
}
