/* SPDX-License-Identifier: BSD-2-Clause */
#include "sp/cursor.h"

const char *
sp_take_string(struct sp_cursor *c, size_t max, size_t *lenp)
{
	const uint8_t *begin = c->at;
	const uint8_t *nul = NULL;

	if (c->left != 0)
		nul = memchr(begin, '\0', c->left < max ? c->left : max);
	if (nul == NULL)
		return NULL;
	if (lenp != NULL)
		*lenp = (size_t)(nul - begin);
	c->left -= (size_t)(nul - begin) + 1;
	c->at = nul + 1;
	return (const char *)begin;
}
