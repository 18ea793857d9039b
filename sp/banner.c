/* SPDX-License-Identifier: BSD-2-Clause */
#include "sp/banner.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool
is_name(const char *name, bool no_dash)
{
	if (*name == '\0')
		return false;
	for (; *name != '\0'; name++) {
		if (*name <= ' ' || *name > '~' || *name == '/' || (no_dash && *name == '-'))
			return false;
	}
	return true;
}

int
sp_banner_format(
    char *buf, const char *ostype, const char *osrelease, const char *machine, uint32_t capabilities)
{
	int len;

	if (!is_name(ostype, true) || !is_name(osrelease, false) || !is_name(machine, false))
		return -EINVAL;
	len = snprintf(buf, SP_BANNER_MAX + 1, "RUMPSP-%d.%d-%s-%s/%s", SP_VERSION_MAJOR, SP_VERSION_MINOR,
	    ostype, osrelease, machine);
	if (len > SP_BANNER_MAX)
		return -EMSGSIZE;
	if (capabilities != 0)
		len += snprintf(buf + len, SP_BANNER_MAX + 1 - (size_t)len, " caps=%x", capabilities);
	if (len + 1 > SP_BANNER_MAX)
		return -EMSGSIZE;
	memcpy(buf + len, "\n", 2);
	return len + 1;
}

/* A decimal number of at most 9 digits at **p, which advances over it. */
static bool
take_number(const char **p, unsigned int *value)
{
	const char *begin = *p;

	*value = 0;
	for (; **p >= '0' && **p <= '9' && *p - begin < 9; (*p)++)
		*value = *value * 10 + (unsigned int)(**p - '0');
	return *p != begin;
}

/* Copies up to the delimiter, which is skipped; to the end of the string when it is '\0'. */
static bool
take_name(const char **p, char delimiter, char *name)
{
	const char *end = strchr(*p, delimiter);
	size_t len;

	if (end == NULL || end == *p)
		return false;
	len = (size_t)(end - *p);
	memcpy(name, *p, len);
	name[len] = '\0';
	*p = delimiter != '\0' ? end + 1 : end;
	return true;
}

static bool
take_prefix(const char **p, const char *prefix)
{
	size_t len = strlen(prefix);

	if (strncmp(*p, prefix, len) != 0)
		return false;
	*p += len;
	return true;
}

/* What follows the machine's name, words that start with a blank: those we do not know are skipped. */
static uint32_t
capabilities_of(char *machine)
{
	char *blank = strchr(machine, ' ');
	char *word = blank != NULL ? strstr(blank, " caps=") : NULL;
	unsigned long value = word != NULL ? strtoul(word + strlen(" caps="), NULL, 16) : 0;

	if (blank != NULL)
		*blank = '\0';
	return value <= UINT32_MAX ? (uint32_t)value : 0;
}

int
sp_banner_parse(struct sp_banner *banner, const char *line, size_t len, size_t *used)
{
	size_t scan = len < SP_BANNER_MAX ? len : SP_BANNER_MAX;
	const char *newline = scan != 0 ? memchr(line, '\n', scan) : NULL;
	char copy[SP_BANNER_MAX];
	const char *p = copy;

	if (newline == NULL)
		return len < SP_BANNER_MAX ? -EAGAIN : -EBADMSG;
	memcpy(copy, line, (size_t)(newline - line));
	copy[newline - line] = '\0';
	if (strlen(copy) != (size_t)(newline - line))
		return -EBADMSG;
	*banner = (struct sp_banner){0};
	if (!take_prefix(&p, "RUMPSP-") || !take_number(&p, &banner->major) || !take_prefix(&p, ".") ||
	    !take_number(&p, &banner->minor) || !take_prefix(&p, "-"))
		return -EBADMSG;
	if (banner->major != SP_VERSION_MAJOR)
		return -EPROTONOSUPPORT;
	if (!take_name(&p, '-', banner->ostype) || !take_name(&p, '/', banner->osrelease) ||
	    !take_name(&p, '\0', banner->machine))
		return -EBADMSG;
	banner->capabilities = capabilities_of(banner->machine);
	if (banner->machine[0] == '\0')
		return -EBADMSG;
	if (used != NULL)
		*used = (size_t)(newline - line) + 1;
	return 0;
}
