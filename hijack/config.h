/* SPDX-License-Identifier: BSD-2-Clause */
/* What is hijacked: the environment's RUMPHIJACK, as rumphijack(3) describes it. */
#ifndef HIJACK_CONFIG_H
#define HIJACK_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HIJACK_CONFIG_TEXT 1024
#define HIJACK_BLANKETS 16

enum hijack_domain {
	HIJACK_DOMAIN_LOCAL = 1,
	HIJACK_DOMAIN_INET = 2,
	HIJACK_DOMAIN_INET6 = 4,
	HIJACK_DOMAIN_LINK = 8,
	HIJACK_DOMAIN_ROUTE = 16,
	HIJACK_DOMAIN_ALL = 31,
};

struct hijack_config {
	char text[HIJACK_CONFIG_TEXT]; /* paths point into this */
	const char *path;              /* without a slash at its end; NULL: none */
	const char *blanket[HIJACK_BLANKETS];
	size_t blankets;
	unsigned int sockets; /* enum hijack_domain */
	bool sysctl;
	bool vfs_getvfsstat;
	bool real_ids;
	bool fdoff; /* was given; has no meaning here */
};

/* Where a value is wrong. */
struct hijack_config_error {
	size_t at; /* character of the value, counted from 0 */
	const char *what;
};

/* What holds without RUMPHIJACK. */
#define HIJACK_CONFIG_DEFAULT "path=/rump,socket=all:nolocal"

/* Returns 0, or -EINVAL and what is wrong. The empty string hijacks nothing. */
int hijack_config_parse(struct hijack_config *config, const char *value, struct hijack_config_error *error);

/* Whether anything at all is hijacked. */
bool hijack_config_any(const struct hijack_config *config);

/* Where a path that does not go through links lies: its length in the rump kernel's prefix, 0 for blankets,
 * -1: on the host. */
int hijack_config_match(const struct hijack_config *config, const char *path);

/* Whether a component of the path might be where the rump kernel's part begins. */
bool hijack_config_hint(const struct hijack_config *config, const char *path);

#endif
