/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where a server is:
 *	unix://relative/path  unix:///absolute/path
 *	tcp://127.0.0.1:port[/]
 *	tcp6://[::1]:port[/]
 * each with ?name=value&name=value after it. A server may bind the address "*", and in tcp: also 0.
 */
#ifndef SP_URL_H
#define SP_URL_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

enum sp_transport_kind {
	SP_UNIX,
	SP_TCP,
	SP_TCP6,
};

struct sp_url {
	enum sp_transport_kind kind;
	union {
		struct sockaddr any;
		struct sockaddr_un un;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	} address;
	socklen_t address_len;
	char options[256]; /* what follows the '?', empty when nothing does */
};

/* Long enough for every message about a URL. */
#define SP_URL_ERROR_MAX 512

/*
 * Parses text. Returns 0, or -EINVAL (or -ENAMETOOLONG for a path that does not fit into a socket address)
 * with one line in error[SP_URL_ERROR_MAX] that quotes the URL and says what is wrong with it. error may be
 * NULL.
 */
int sp_url_parse(struct sp_url *url, const char *text, char *error);

/*
 * Makes a relative unix path absolute, so that it survives a change of directory.
 * Returns 0, -ENAMETOOLONG, or the error of getcwd(3).
 */
int sp_url_make_absolute(struct sp_url *url);

/* Whether everybody who can reach the address is on this machine. */
bool sp_url_is_local(const struct sp_url *url);

/* Writes the URL, without options, NUL-terminated to buf. Returns what snprintf would. */
int sp_url_format(const struct sp_url *url, char *buf, size_t size);

/*
 * Steps through the options: copies the next one's name and value, and advances *at, which starts as
 * url->options. Returns 1, 0 at the end, -EINVAL for one without a name or one that is too long.
 */
#define SP_OPTION_MAX 64
int sp_url_option(const char **at, char name[SP_OPTION_MAX], char value[SP_OPTION_MAX]);

#endif
