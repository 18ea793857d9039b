/* SPDX-License-Identifier: BSD-2-Clause */
/* Sockets: addresses with their length byte, domains, options and flags. */
#ifndef HIJACK_ABI_SOCKET_H
#define HIJACK_ABI_SOCKET_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include <rump/rumpdefs.h>

/* Room for any address of either side. */
union hijack_address {
	struct sockaddr_storage host;
	struct rump_sockaddr netbsd;
	struct rump_sockaddr_in netbsd_in;
	struct rump_sockaddr_in6 netbsd_in6;
	struct rump_sockaddr_un netbsd_un;
};

/* The rump kernel's number of a domain, -1: it has none. And back; unknown ones stay as they are. */
int hijack_abi_domain(int domain);
int hijack_abi_domain_back(int domain);

/* Translate size bytes of an address. Return the new size, or -errno. */
int hijack_abi_address(union hijack_address *to, const union hijack_address *from, uint32_t size);
int hijack_abi_address_back(union hijack_address *to, const union hijack_address *from, uint32_t size);

/* Flags of send and receive calls. Return -EOPNOTSUPP for those that there are none for. */
int hijack_abi_message_flags(int flags);
int hijack_abi_message_flags_back(int flags);

/* Finds an option's names. False: the rump kernel has none like it. */
bool hijack_abi_option(int *level, int *name);

#endif
