/* SPDX-License-Identifier: BSD-2-Clause */
/* System call sites of a loaded object: where they are, and what has to be known to rewrite them. */
#ifndef HIJACK_SITES_H
#define HIJACK_SITES_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HIJACK_WINDOW_MAX \
	23 /* bytes of a window: 4, and a last instruction of 15, fit with room to spare \
	    */
#define HIJACK_NO_FIX 0xff
#define HIJACK_SITES_MAX 4096 /* more than any object that is scanned has */

/*
 * A window of whole instructions, one of them the syscall, that may be replaced by a jump: nothing else jumps
 * to the middle of it, and each instruction runs elsewhere as well as there once the RIP-relative
 * displacements are adjusted.
 */
struct hijack_site {
	uint32_t at;    /* of the window, from the start of the object's text */
	uint8_t length; /* of the window, 5 to HIJACK_WINDOW_MAX */
	uint8_t call;   /* the syscall instruction, from the window's start */
	uint8_t fix[3]; /* RIP-relative displacements, from the window's start; or HIJACK_NO_FIX */
	uint8_t bytes[HIJACK_WINDOW_MAX]; /* what stands there */
};
static_assert(sizeof(struct hijack_site) == 32, "sites are stored in files");

struct hijack_sites {
	struct hijack_site *site; /* in ascending order, not overlapping */
	uint32_t count;
	uint32_t
	    left; /* without a safe window, or not to be rewritten: Syscall User Dispatch sees to these */
};

/* A loaded object with code. Addresses are where it is in this process. */
struct hijack_object {
	const char *name; /* base name: libc.so.6; empty: the program */
	bool rewritten;   /* its sites are: there is no data between its code that could look like one */
	bool unsettled;   /* code, or all that is readable, may change or is in several places */
	const uint8_t *text;
	size_t text_size;
	const uint8_t *build_id;
	size_t build_id_size;
	uintptr_t base;      /* load address: what relocations and symbols are relative to */
	const void *headers; /* its program headers */
	size_t header_count;
};

/* Whether the site keeps to the rules above as far as can be told without decoding, and its bytes are those
 * at text. */
bool hijack_site_matches(const struct hijack_site *site, const uint8_t *text, size_t text_size);

/*
 * Finds the sites of an object that nothing has changed yet. On success sites->site holds room for max of
 * them, filled in as far as sites->count says. Of objects that are not rewritten, the places where there may
 * be one are counted as left. Returns 0 or -ENOSPC.
 */
int hijack_scan_object(const struct hijack_object *object, struct hijack_sites *sites, uint32_t max);
typedef int hijack_scan_fn(const struct hijack_object *, struct hijack_sites *, uint32_t);

#endif
