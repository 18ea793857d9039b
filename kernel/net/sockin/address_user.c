/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"
#include "kernel/net/sockin/address_user.h"
#include <assert.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>
#include <rump/rumpdefs.h>

/* Beyond the first two bytes nothing differs. */
static_assert(sizeof(struct sockaddr_in) == sizeof(struct rump_sockaddr_in) &&
		  offsetof(struct sockaddr_in, sin_port) == offsetof(struct rump_sockaddr_in, sin_port) &&
		  offsetof(struct sockaddr_in, sin_addr) == offsetof(struct rump_sockaddr_in, sin_addr),
    "sockaddr_in");
static_assert(
    sizeof(struct sockaddr_in6) == sizeof(struct rump_sockaddr_in6) &&
	offsetof(struct sockaddr_in6, sin6_port) == offsetof(struct rump_sockaddr_in6, sin6_port) &&
	offsetof(struct sockaddr_in6, sin6_addr) == offsetof(struct rump_sockaddr_in6, sin6_addr) &&
	offsetof(struct sockaddr_in6, sin6_scope_id) == offsetof(struct rump_sockaddr_in6, sin6_scope_id),
    "sockaddr_in6");
static_assert(offsetof(struct sockaddr_in, sin_port) == offsetof(struct sockaddr_in6, sin6_port), "ports");

int
sockin_host_family(int family)
{
	switch (family) {
	case RUMP_AF_UNSPEC:
		return AF_UNSPEC;
	case RUMP_AF_INET:
		return AF_INET;
	case RUMP_AF_INET6:
		return AF_INET6;
	default:
		return -1;
	}
}

int
sockin_address_to_host(const void *addr, uint32_t len, struct sockaddr_storage *host, socklen_t *hostlen)
{
	const struct rump_sockaddr *sa = addr;
	int family;

	if (len < offsetof(struct rump_sockaddr, sa_data))
		return RUMP_EINVAL;
	family = sockin_host_family(sa->sa_family);
	if (family == -1)
		return RUMP_EAFNOSUPPORT;
	if ((family == AF_INET && len != sizeof(struct sockaddr_in)) ||
	    (family == AF_INET6 && len != sizeof(struct sockaddr_in6)) || len > sizeof(*host))
		return RUMP_EINVAL;
	memset(host, 0, sizeof(*host));
	memcpy(host, addr, len);
	host->ss_family = (sa_family_t)family;
	*hostlen = len;
	return 0;
}

int
sockin_destination_to_host(const void *addr, uint32_t len, struct sockaddr_storage *host, socklen_t *hostlen)
{
	const struct sockaddr_in *sin = (const struct sockaddr_in *)host;
	int error = sockin_address_to_host(addr, len, host, hostlen);

	/* The port is at the same place in both families. */
	if (error == 0 && host->ss_family != AF_UNSPEC && sin->sin_port == 0)
		error = RUMP_EADDRNOTAVAIL;
	return error;
}

void
sockin_address_from_host(const struct sockaddr_storage *host, socklen_t hostlen, void *addr, uint32_t *len)
{
	struct rump_sockaddr *sa = addr;

	if (hostlen > sizeof(*host))
		hostlen = sizeof(*host);
	if (*len > hostlen)
		*len = hostlen;
	memcpy(addr, host, *len);
	if (*len < offsetof(struct rump_sockaddr, sa_data))
		return;
	sa->sa_len = (uint8_t)*len;
	sa->sa_family = host->ss_family == AF_INET6  ? RUMP_AF_INET6
			: host->ss_family == AF_INET ? RUMP_AF_INET
						     : RUMP_AF_UNSPEC;
}
