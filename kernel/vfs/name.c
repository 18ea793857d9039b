/* SPDX-License-Identifier: BSD-2-Clause */
#include "kernel/vfs/name.h"
#include <rump/rumpuser.h>
#include "kernel/base/print.h"

struct name_key rumpk_name_key;

static void
draw(void *buf, size_t len)
{
	for (size_t at = 0, got; at < len; at += got)
		if (rumpuser_getrandom((char *)buf + at, len - at, 0, &got) != 0)
			rumpk_panic("no random numbers to keep names apart by");
}

void
name_hash_init(void)
{
	draw(&rumpk_name_key, sizeof(rumpk_name_key));
	rumpk_name_key.place = rumpk_name_key.place % (NAME_HASH_PRIME - 2) + 2;
	rumpk_name_key.factor |= 1;
}
