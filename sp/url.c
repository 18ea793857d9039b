/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "sp/url.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct parse {
	struct sp_url *url;
	const char *text;
	char *error;
	size_t len; /* of the text up to the options */
};

static int __attribute__((format(printf, 3, 4)))
wrong(const struct parse *p, int error, const char *format, ...)
{
	char why[SP_URL_ERROR_MAX / 2];
	va_list ap;

	if (p->error == NULL)
		return error;
	va_start(ap, format);
	vsnprintf(why, sizeof(why), format, ap);
	va_end(ap);
	snprintf(p->error, SP_URL_ERROR_MAX, "\"%.200s\": %s", p->text, why);
	return error;
}

static int
parse_unix(struct parse *p, size_t skip)
{
	struct sockaddr_un *un = &p->url->address.un;
	size_t len = p->len - skip;

	if (len == 0)
		return wrong(p, -EINVAL, "a path is missing after unix://");
	if (len >= sizeof(un->sun_path))
		return wrong(p, -ENAMETOOLONG,
		    "the path is %zu bytes long, and a unix socket's is at most %zu", len,
		    sizeof(un->sun_path) - 1);
	p->url->kind = SP_UNIX;
	un->sun_family = AF_UNIX;
	memcpy(un->sun_path, p->text + skip, len);
	p->url->address_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + 1);
	return 0;
}

/* Splits "host:port[/]" at the last colon. */
static int
split_port(struct parse *p, size_t skip, char *host, size_t size, in_port_t *port)
{
	const char *begin = p->text + skip;
	const char *end = p->text + p->len;
	const char *colon;
	unsigned long value = 0;

	if (end > begin && end[-1] == '/')
		end--;
	colon = memrchr(begin, ':', (size_t)(end - begin));
	if (colon == NULL || memchr(colon, ']', (size_t)(end - colon)) != NULL)
		return wrong(p, -EINVAL, "a port is missing: %.*s<address>:<port>", (int)skip, p->text);
	if ((size_t)(colon - begin) >= size)
		return wrong(p, -EINVAL, "the address is too long");
	memcpy(host, begin, (size_t)(colon - begin));
	host[colon - begin] = '\0';
	for (const char *c = colon + 1; c < end; c++) {
		if (*c < '0' || *c > '9' || value > 65535)
			return wrong(
			    p, -EINVAL, "\"%.*s\" is not a port number", (int)(end - colon - 1), colon + 1);
		value = value * 10 + (unsigned long)(*c - '0');
	}
	if (colon + 1 == end || value > 65535)
		return wrong(p, -EINVAL, "\"%.*s\" is not a port number", (int)(end - colon - 1), colon + 1);
	*port = htons((in_port_t)value);
	return 0;
}

static int
parse_tcp(struct parse *p, size_t skip)
{
	struct sockaddr_in *in = &p->url->address.in;
	char host[64];
	int error = split_port(p, skip, host, sizeof(host), &in->sin_port);

	if (error != 0)
		return error;
	p->url->kind = SP_TCP;
	p->url->address_len = sizeof(*in);
	in->sin_family = AF_INET;
	if (strcmp(host, "*") == 0 || strcmp(host, "0") == 0)
		in->sin_addr.s_addr = htonl(INADDR_ANY);
	else if (inet_pton(AF_INET, host, &in->sin_addr) != 1)
		return wrong(p, -EINVAL, "\"%s\" is not an IPv4 address%s", host,
		    strchr(host, ':') != NULL ? "; IPv6 is tcp6://[address]:port" : "");
	return 0;
}

static int
parse_tcp6(struct parse *p, size_t skip)
{
	struct sockaddr_in6 *in6 = &p->url->address.in6;
	char host[64];
	int error = split_port(p, skip, host, sizeof(host), &in6->sin6_port);
	size_t len;

	if (error != 0)
		return error;
	p->url->kind = SP_TCP6;
	p->url->address_len = sizeof(*in6);
	in6->sin6_family = AF_INET6;
	len = strlen(host);
	if (strcmp(host, "*") == 0) {
		in6->sin6_addr = in6addr_any;
		return 0;
	}
	if (len < 2 || host[0] != '[' || host[len - 1] != ']')
		return wrong(p, -EINVAL, "an IPv6 address stands in brackets: tcp6://[::1]:port");
	host[len - 1] = '\0';
	if (inet_pton(AF_INET6, host + 1, &in6->sin6_addr) != 1)
		return wrong(p, -EINVAL, "\"%s\" is not an IPv6 address", host + 1);
	return 0;
}

int
sp_url_parse(struct sp_url *url, const char *text, char *error)
{
	static const struct {
		const char *scheme;
		int (*parse)(struct parse *p, size_t skip);
	} schemes[] = {{"unix://", parse_unix}, {"tcp://", parse_tcp}, {"tcp6://", parse_tcp6}};
	struct parse p = {url, text, error, strcspn(text, "?")};

	memset(url, 0, sizeof(*url));
	if (text[p.len] == '?') {
		if (strlen(text + p.len + 1) >= sizeof(url->options))
			return wrong(&p, -EINVAL, "the options are too long");
		strcpy(url->options, text + p.len + 1);
	}
	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		size_t len = strlen(schemes[i].scheme);

		if (strncmp(text, schemes[i].scheme, len) == 0)
			return schemes[i].parse(&p, len);
	}
	return wrong(&p, -EINVAL, "it has to begin with unix://, tcp:// or tcp6://");
}

int
sp_url_make_absolute(struct sp_url *url)
{
	struct sockaddr_un *un = &url->address.un;
	char cwd[4096];
	char path[sizeof(cwd) + sizeof(un->sun_path) + 1];
	size_t len;

	if (url->kind != SP_UNIX || un->sun_path[0] == '/')
		return 0;
	if (getcwd(cwd, sizeof(cwd)) == NULL)
		return -errno;
	len = (size_t)snprintf(path, sizeof(path), "%s/%s", strcmp(cwd, "/") == 0 ? "" : cwd, un->sun_path);
	if (len >= sizeof(un->sun_path))
		return -ENAMETOOLONG;
	memcpy(un->sun_path, path, len + 1);
	url->address_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + 1);
	return 0;
}

bool
sp_url_is_local(const struct sp_url *url)
{
	switch (url->kind) {
	case SP_UNIX:
		return true;
	case SP_TCP:
		return ntohl(url->address.in.sin_addr.s_addr) >> 24 == 127;
	case SP_TCP6:
		return IN6_IS_ADDR_LOOPBACK(&url->address.in6.sin6_addr);
	}
	return false;
}

int
sp_url_format(const struct sp_url *url, char *buf, size_t size)
{
	char host[INET6_ADDRSTRLEN];

	switch (url->kind) {
	case SP_TCP:
		inet_ntop(AF_INET, &url->address.in.sin_addr, host, sizeof(host));
		return snprintf(buf, size, "tcp://%s:%d", host, ntohs(url->address.in.sin_port));
	case SP_TCP6:
		inet_ntop(AF_INET6, &url->address.in6.sin6_addr, host, sizeof(host));
		return snprintf(buf, size, "tcp6://[%s]:%d", host, ntohs(url->address.in6.sin6_port));
	case SP_UNIX:
	default:
		return snprintf(buf, size, "unix://%s", url->address.un.sun_path);
	}
}

int
sp_url_option(const char **at, char name[SP_OPTION_MAX], char value[SP_OPTION_MAX])
{
	size_t len = strcspn(*at, "&");
	const char *equals;
	size_t name_len;

	if (**at == '\0')
		return 0;
	equals = memchr(*at, '=', len);
	if (equals == NULL || equals == *at)
		return -EINVAL;
	name_len = (size_t)(equals - *at);
	if (name_len >= SP_OPTION_MAX || len - name_len - 1 >= SP_OPTION_MAX)
		return -EINVAL;
	memcpy(name, *at, name_len);
	name[name_len] = '\0';
	memcpy(value, equals + 1, len - name_len - 1);
	value[len - name_len - 1] = '\0';
	*at += len;
	if (**at == '&')
		(*at)++;
	return 1;
}
