/* SPDX-License-Identifier: BSD-2-Clause */
#include <fcntl.h>

#include "hijack/copy.h"
#include "hijack/descriptor.h"
#include "hijack/path.h"
#include "hijack/start.h"

bool
hijack_path_concerns(long directory, uint64_t path)
{
	char text[PATH_MAX];

	if (hijack_start.server == NULL || hijack_copyinstr(text, path, sizeof(text)) < 0)
		return false;
	if (text[0] != '/') {
		if ((int)directory == AT_FDCWD ? hijack_process()->cwd_inside : hijack_fd(directory) >= 0)
			return true;
	}
	return hijack_config_hint(&hijack_start.config, text);
}
