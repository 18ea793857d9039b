/* SPDX-License-Identifier: BSD-2-Clause */
#include "kernel/vfs/name.h"
#include "kernel/base/print.h"
#include "kernel/base/random.h"

struct name_key rumpk_name_key;

void
name_hash_init(void)
{
	if (rumpk_random(&rumpk_name_key, sizeof(rumpk_name_key)) != 0)
		rumpk_panic("no random numbers to keep names apart by");
	rumpk_name_key.place = rumpk_name_key.place % (NAME_HASH_PRIME - 2) + 2;
	rumpk_name_key.factor |= 1;
}
