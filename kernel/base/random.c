/* SPDX-License-Identifier: BSD-2-Clause */
#include "kernel/base/random.h"
#include <rump/rumpuser.h>

int
rumpk_random(void *buf, size_t len)
{
	size_t got;
	int error = 0;

	for (size_t at = 0; at < len && error == 0; at += got) {
		got = 0;
		error = rumpuser_getrandom((char *)buf + at, len - at, 0, &got);
	}
	return error;
}
