/* SPDX-License-Identifier: BSD-2-Clause */
/* Rewritten code does what it did: snippets are scanned, run, rewritten and run again, with every register
 * compared. */
#include "tests/unit/unit.h"

#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "hijack/gate.h"
#include "hijack/patch.h"
#include "hijack/scan.h"
#include "hijack/thread.h"
#include "tests/unit/hijack_snippets.h"

#define SITES 32

static struct hijack_site site[SITES];
static struct hijack_sites sites = {.site = site};
static struct state before[SNIPPETS], after[SNIPPETS];

static void
run_all(struct state *states)
{
	for (int i = 0; i < SNIPPETS; i++) {
		struct state *state = &states[i];

		for (size_t n = 0; n < sizeof(state->general) / sizeof(state->general[0]); n++)
			state->general[n] = 0x1111111111111111 * (n + 1);
		for (size_t n = 0; n < sizeof(state->vector); n++)
			((uint8_t *)state->vector)[n] = (uint8_t)(n * 7 + 1);
		run_snippet(snippet_table[i].code, state);
	}
}

static int
set_up(void **state)
{
	static uint8_t known[4096];
	struct hijack_text text = {
	    .start = snippets_start, .size = (size_t)(snippets_end - snippets_start), .known = known};
	struct hijack_range data = {(uintptr_t)snippets_table_start, (uintptr_t)snippets_table_end};

	(void)state;
	hijack_main_process.pid = getpid();
	text.data = &data;
	text.data_ranges = 1;
	run_all(before);
	if (hijack_scan_text(&text, &sites, SITES) != 0)
		return -1;
	return 0;
}

/* The site whose window has the address in it. */
static const struct hijack_site *
site_at(const uint8_t *address)
{
	uintptr_t at = (uintptr_t)address - (uintptr_t)snippets_start;

	for (uint32_t i = 0; i < sites.count; i++) {
		if (at >= site[i].at && at < site[i].at + (uintptr_t)site[i].length)
			return &site[i];
	}
	return NULL;
}

static void
windows_are_where_they_are_safe(void **state)
{
	(void)state;
	for (int i = 0; i < SNIPPETS; i++) {
		const struct snippet *snippet = &snippet_table[i];
		const struct hijack_site *found = site_at(snippet->call);

		if (snippet->window == 0) {
			assert_null(found);
			continue;
		}
		assert_non_null(found);
		assert_int_equal(found->at, snippet->window - snippets_start);
		assert_int_equal(found->length, snippet->length);
	}
}

static void
tables_that_do_not_fit_the_code_are_not_used(void **state)
{
	size_t size = (size_t)(snippets_end - snippets_start);
	struct hijack_site bad = site[0];

	(void)state;
	assert_true(hijack_site_matches(&site[0], snippets_start, size));
	bad.bytes[0] ^= 1;
	assert_false(hijack_site_matches(&bad, snippets_start, size));
	bad = site[0];
	bad.call = bad.length;
	assert_false(hijack_site_matches(&bad, snippets_start, size));
	bad = site[0];
	bad.length = 4;
	assert_false(hijack_site_matches(&bad, snippets_start, size));
	bad = site[0];
	bad.at = UINT32_MAX;
	assert_false(hijack_site_matches(&bad, snippets_start, size));
	bad = site[0];
	bad.fix[0] = bad.length;
	assert_false(hijack_site_matches(&bad, snippets_start, size));
	assert_false(hijack_site_matches(&site[0], snippets_start, site[0].at + site[0].length - 1U));
}

static void
a_trampoline_needs_its_room(void **state)
{
	uint8_t slot[256];
	size_t needed;

	(void)state;
	needed = hijack_trampoline(hijack_trampolines, 0, &site[0], snippets_start);
	assert_int_equal(needed, 0);
	/* A slot on the stack is out of reach of code in the program's text. */
	assert_int_equal(hijack_trampoline(slot, sizeof(slot), &site[0], snippets_start), 0);
}

static void
rewritten_code_does_what_it_did(void **state)
{
	(void)state;
	assert_int_equal(
	    hijack_patch(&sites, snippets_start, (size_t)(snippets_end - snippets_start)), sites.count);
	for (uint32_t i = 0; i < sites.count; i++)
		assert_int_equal(snippets_start[site[i].at], 0xe9);
	run_all(after);
	for (int i = 0; i < SNIPPETS; i++) {
		for (size_t n = 0; n < sizeof(before[i].general) / sizeof(before[i].general[0]); n++)
			assert_int_equal(before[i].general[n], after[i].general[n]);
		assert_memory_equal(before[i].vector, after[i].vector, sizeof(before[i].vector));
	}
	/* What is rewritten already is not a site any more. */
	assert_int_equal(hijack_patch(&sites, snippets_start, (size_t)(snippets_end - snippets_start)), 0);
}

static void
what_is_put_back_can_be_rewritten_again(void **state)
{
	size_t size = (size_t)(snippets_end - snippets_start);

	(void)state;
	hijack_unpatch(&sites, snippets_start, size);
	for (uint32_t i = 0; i < sites.count; i++)
		assert_memory_equal(snippets_start + site[i].at, site[i].bytes, site[i].length);
	run_all(after);
	hijack_unpatch(&sites, snippets_start, size);
	assert_int_equal(hijack_patch(&sites, snippets_start, size), sites.count);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(windows_are_where_they_are_safe),
	    cmocka_unit_test(tables_that_do_not_fit_the_code_are_not_used),
	    cmocka_unit_test(a_trampoline_needs_its_room),
	    cmocka_unit_test(rewritten_code_does_what_it_did),
	    cmocka_unit_test(what_is_put_back_can_be_rewritten_again),
	};

	return cmocka_run_group_tests_name("hijack_patch", tests, set_up, NULL);
}
