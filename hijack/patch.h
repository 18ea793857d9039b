/* SPDX-License-Identifier: BSD-2-Clause */
/* Rewriting call sites to trampolines. */
#ifndef HIJACK_PATCH_H
#define HIJACK_PATCH_H

#include <stddef.h>
#include <stdint.h>

#include "hijack/sites.h"

/*
 * Writes to slot the trampoline of a site whose text starts at text, and returns its size; 0 when it does not
 * fit in size bytes, or something is out of a displacement's reach.
 */
size_t hijack_trampoline(uint8_t *slot, size_t size, const struct hijack_site *site, const uint8_t *text);

/*
 * Rewrites all sites of text that are as the table says. Memory is made writable for the time; nothing may
 * run there or in a trampoline meanwhile. Returns how many were rewritten, or -errno when the memory cannot
 * be made writable.
 */
int hijack_patch(const struct hijack_sites *sites, uint8_t *text, size_t text_size);

/* Puts back what hijack_patch has changed, on the same conditions. */
void hijack_unpatch(const struct hijack_sites *sites, uint8_t *text, size_t text_size);

#endif
