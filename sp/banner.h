/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The line that a server sends first:
 *	RUMPSP-<major>.<minor>-<ostype>-<osrelease>/<machine>[ caps=<hexadecimal>]\n
 */
#ifndef SP_BANNER_H
#define SP_BANNER_H

#include <stddef.h>
#include <stdint.h>

#include "sp/limits.h"

#define SP_VERSION_MAJOR 0
#define SP_VERSION_MINOR 4

struct sp_banner {
	unsigned int major;
	unsigned int minor;
	char ostype[SP_BANNER_MAX];
	char osrelease[SP_BANNER_MAX];
	char machine[SP_BANNER_MAX];
	uint32_t capabilities; /* 0 from a server that announces none */
};

/*
 * Writes the line, NUL-terminated, to buf of at least SP_BANNER_MAX + 1 bytes. Returns its length,
 * -EMSGSIZE when it would be longer than SP_BANNER_MAX, -EINVAL when a name holds what would
 * break the line: a blank, a control character, '/', and in ostype '-'.
 */
int sp_banner_format(
    char *buf, const char *ostype, const char *osrelease, const char *machine, uint32_t capabilities);

/*
 * Parses len bytes. Returns 0; -EAGAIN when there is no newline yet and there may be more to come;
 * -EPROTONOSUPPORT when the major version is not ours; -EBADMSG when it is no banner.
 * *used, when not NULL, becomes the length of the line.
 */
int sp_banner_parse(struct sp_banner *banner, const char *line, size_t len, size_t *used);

#endif
