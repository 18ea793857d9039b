/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Network interfaces: the requests of netdevice(7). Linux's struct ifreq has room for an IPv4 address beside
 * the name, NetBSD's for any; link-level addresses and indexes are addresses of the family AF_LINK there, and
 * come with the list of all addresses.
 */
#ifndef HIJACK_ABI_IFREQ_H
#define HIJACK_ABI_IFREQ_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rump/rumpdefs.h>

/* Requests that both sides have, by what they carry beside the interface's name. */
enum hijack_interface_value { HIJACK_INTERFACE_ADDRESS, HIJACK_INTERFACE_FLAGS, HIJACK_INTERFACE_NUMBER };
struct hijack_interface_request {
	unsigned int host, netbsd;
	enum hijack_interface_value value;
	bool sets;
};

/* NULL: not one of them. */
const struct hijack_interface_request *hijack_abi_interface_request(unsigned int request);

/* What a request starts with, and what it has answered, of which only its own value is changed. The first
 * returns 0, or -EINVAL for addresses that are not IPv4's. */
int hijack_abi_ifreq(
    struct rump_ifreq *to, const struct ifreq *from, const struct hijack_interface_request *request);
void hijack_abi_ifreq_back(
    struct ifreq *to, const struct rump_ifreq *from, const struct hijack_interface_request *request);

/* Whether an entry of the list is an interface itself, its link-level address in it: then also the
 * interface's index, and the address as SIOCGIFHWADDR has it. Both may be NULL. */
bool hijack_abi_interface_link(const struct rump_ifreq *entry, int *index, struct sockaddr *address);

/* SIOCGIFCONF: the IPv4 addresses of count entries. Returns how many there are; those that there is room for
 * are written. */
size_t hijack_abi_ifconf(struct ifreq *to, size_t room, const struct rump_ifreq *from, size_t count);

#endif
