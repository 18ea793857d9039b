/* SPDX-License-Identifier: BSD-2-Clause */
/* The hash of names, with keys of its own. */
#include <stdio.h>
#include <string.h>
#include "kernel/vfs/name.h"
#include "tests/unit/unit.h"

#define NAMES 8192
#define BUCKETS 8192
/* The longest chain of so many names thrown at random hardly ever exceeds 9. */
#define CHAIN_MAX 16

struct name_key rumpk_name_key;

static const struct name_key keys[] = {
    {UINT64_C(0x123456789abcdef), UINT64_C(0x9e3779b97f4a7c15)},
    {UINT64_C(0xfedcba987654321), UINT64_C(0xd1342543de82ef95)},
    {NAME_HASH_PRIME - 1, UINT64_MAX},
};

/* Byte by byte, with the remainder taken by division. */
static uint32_t
plain(const char *text, size_t len)
{
	uint64_t hash = 1;

	for (size_t i = 0; i < len; i++)
		hash = (uint64_t)((__extension__(unsigned __int128)(hash + (unsigned char)text[i]) *
				      rumpk_name_key.place) %
				  NAME_HASH_PRIME);
	return (uint32_t)((hash * rumpk_name_key.factor) >> 32);
}

static void
agrees_with_arithmetic(void **state)
{
	char text[256];

	(void)state;
	for (size_t k = 0; k < sizeof(keys) / sizeof(*keys); k++) {
		rumpk_name_key = keys[k];
		for (size_t len = 0; len < sizeof(text); len++) {
			text[len] = (char)(len * 37 + 200);
			assert_int_equal(name_hash(text, len), plain(text, len));
		}
	}
}

static void
depends_on_the_key(void **state)
{
	uint32_t first;

	(void)state;
	rumpk_name_key = keys[0];
	first = name_hash("name", 4);
	rumpk_name_key = keys[1];
	assert_int_not_equal(name_hash("name", 4), first);
}

static void
spreads_names(const char *before, const char *behind)
{
	static unsigned char chain[BUCKETS];
	char text[64];

	memset(chain, 0, sizeof(chain));
	for (unsigned i = 0; i < NAMES; i++) {
		int len = snprintf(text, sizeof(text), "%s%u%s", before, i, behind);
		unsigned char *bucket = &chain[name_hash(text, (size_t)len) % BUCKETS];

		assert_in_range(++*bucket, 1, CHAIN_MAX);
	}
}

static void
spreads_names_that_look_alike(void **state)
{
	(void)state;
	for (size_t k = 0; k < 2; k++) {
		rumpk_name_key = keys[k];
		spreads_names("", "");
		spreads_names("file0000", "");
		spreads_names("", ".object");
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(agrees_with_arithmetic),
	    cmocka_unit_test(depends_on_the_key),
	    cmocka_unit_test(spreads_names_that_look_alike),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
