/* SPDX-License-Identifier: BSD-2-Clause */
#include "sp/signature.h"

#include <errno.h>
#include <stddef.h>

#include <rump/rumpdefs.h>

static const struct sp_signature table[] = {
#include "abi/signatures.def"
};

const struct sp_signature *
sp_signature(uint32_t number)
{
	if (number >= sizeof(table) / sizeof(table[0]) || table[number].name[0] == '\0')
		return NULL;
	return &table[number];
}

int
sp_call_check(uint32_t number, uint32_t slots, uint32_t *need)
{
	const struct sp_signature *s = sp_signature(number);

	if (number >= SP_CALL_NUMBERS || slots > SP_SLOTS_MAX)
		return -ENOSYS;
	if (s == NULL || !s->offered) {
		*need = slots > SP_SLOTS_UNKNOWN ? slots : SP_SLOTS_UNKNOWN;
		return 0;
	}
	*need = s->slots;
	return slots < s->slots ? -EINVAL : 0;
}
