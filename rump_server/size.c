/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"
#include "rump_server/size.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int
unit_of(char suffix, uint64_t *unit)
{
	static const struct {
		char suffix;
		uint64_t unit;
	} units[] = {{'b', 512}, {'k', 1ULL << 10}, {'m', 1ULL << 20}, {'g', 1ULL << 30}, {'t', 1ULL << 40}};

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (tolower((unsigned char)suffix) == units[i].suffix) {
			*unit = units[i].unit;
			return 0;
		}
	}
	return -EINVAL;
}

int
size_parse(const char *text, uint64_t *size)
{
	unsigned long long number;
	uint64_t unit = 1, result;
	char *end;

	/* strtoull takes signs and leading blanks, which a size has not. */
	if (!isdigit((unsigned char)*text))
		return -EINVAL;
	errno = 0;
	number = strtoull(text, &end, 0);
	if (errno != 0)
		return -errno;
	if (*end != '\0') {
		if (end[1] != '\0' || unit_of(*end, &unit) != 0)
			return -EINVAL;
	}
	if (__builtin_mul_overflow(number, unit, &result) || result > INT64_MAX)
		return -ERANGE;
	*size = result;
	return 0;
}

int
count_parse(const char *text, unsigned min, unsigned max, unsigned *count)
{
	unsigned long number;
	char *end;

	if (!isdigit((unsigned char)*text))
		return -EINVAL;
	errno = 0;
	number = strtoul(text, &end, 10);
	if (errno != 0 || *end != '\0' || number < min || number > max)
		return -EINVAL;
	*count = (unsigned)number;
	return 0;
}
