/* SPDX-License-Identifier: BSD-2-Clause */
/* Addresses: the host's have no length byte, and other numbers for families. */
#ifndef KERNEL_NET_SOCKIN_ADDRESS_USER_H
#define KERNEL_NET_SOCKIN_ADDRESS_USER_H

#include <stdint.h>
#include <sys/socket.h>

/* The host's number of a family, -1 when it is none of ours. */
int sockin_host_family(int family);
/* To the host's; *hostlen is its length. EINVAL, EAFNOSUPPORT. */
int sockin_address_to_host(const void *addr, uint32_t len, struct sockaddr_storage *host, socklen_t *hostlen);
/* The same for an address to send or connect to: EADDRNOTAVAIL without a port. */
int sockin_destination_to_host(
    const void *addr, uint32_t len, struct sockaddr_storage *host, socklen_t *hostlen);
/* From the host's, as much as there is room for; *len is the room, then the length. */
void sockin_address_from_host(
    const struct sockaddr_storage *host, socklen_t hostlen, void *addr, uint32_t *len);

#endif
