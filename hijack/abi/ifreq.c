/* SPDX-License-Identifier: BSD-2-Clause */
#include "hijack/abi/ifreq.h"

#include <errno.h>
#include <linux/sockios.h>
#include <string.h>

#include "abi/interface.h"
#include "hijack/abi/socket.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* The part of an address of the family AF_LINK behind its index, struct dl_addr in NetBSD, which the tables
 * do not describe: type, length of the name, length of the address, length of the selector; then these, in
 * this order. */
enum { LINK_TYPE, LINK_NAME_LENGTH, LINK_ADDRESS_LENGTH, LINK_SELECTOR_LENGTH, LINK_DATA };

static const struct hijack_interface_request requests[] = {
    {SIOCGIFFLAGS, RUMP_SIOCGIFFLAGS, HIJACK_INTERFACE_FLAGS, false},
    {SIOCSIFFLAGS, RUMP_SIOCSIFFLAGS, HIJACK_INTERFACE_FLAGS, true},
    {SIOCGIFADDR, RUMP_SIOCGIFADDR, HIJACK_INTERFACE_ADDRESS, false},
    {SIOCSIFADDR, RUMP_SIOCSIFADDR, HIJACK_INTERFACE_ADDRESS, true},
    {SIOCGIFDSTADDR, RUMP_SIOCGIFDSTADDR, HIJACK_INTERFACE_ADDRESS, false},
    {SIOCSIFDSTADDR, RUMP_SIOCSIFDSTADDR, HIJACK_INTERFACE_ADDRESS, true},
    {SIOCGIFBRDADDR, RUMP_SIOCGIFBRDADDR, HIJACK_INTERFACE_ADDRESS, false},
    {SIOCSIFBRDADDR, RUMP_SIOCSIFBRDADDR, HIJACK_INTERFACE_ADDRESS, true},
    {SIOCGIFNETMASK, RUMP_SIOCGIFNETMASK, HIJACK_INTERFACE_ADDRESS, false},
    {SIOCSIFNETMASK, RUMP_SIOCSIFNETMASK, HIJACK_INTERFACE_ADDRESS, true},
    {SIOCGIFMETRIC, RUMP_SIOCGIFMETRIC, HIJACK_INTERFACE_NUMBER, false},
    {SIOCSIFMETRIC, RUMP_SIOCSIFMETRIC, HIJACK_INTERFACE_NUMBER, true},
    {SIOCGIFMTU, RUMP_SIOCGIFMTU, HIJACK_INTERFACE_NUMBER, false},
    {SIOCSIFMTU, RUMP_SIOCSIFMTU, HIJACK_INTERFACE_NUMBER, true},
    {SIOCGIFINDEX, RUMP_SIOCGIFINDEX, HIJACK_INTERFACE_NUMBER, false},
};

static_assert(sizeof(struct ifreq) == 40 && IFNAMSIZ == sizeof(((struct rump_ifreq *)0)->ifrn_name), "ifreq");

const struct hijack_interface_request *
hijack_abi_interface_request(unsigned int request)
{
	for (size_t i = 0; i < COUNT(requests); i++) {
		if (requests[i].host == request)
			return &requests[i];
	}
	return NULL;
}

static void
copy_name(char *to, const char *from)
{
	memcpy(to, from, IFNAMSIZ);
	to[IFNAMSIZ - 1] = '\0';
}

int
hijack_abi_ifreq(
    struct rump_ifreq *to, const struct ifreq *from, const struct hijack_interface_request *request)
{
	union hijack_address address, translated;

	memset(to, 0, sizeof(*to));
	copy_name(to->ifrn_name, from->ifr_name);
	if (!request->sets)
		return 0;
	switch (request->value) {
	case HIJACK_INTERFACE_FLAGS:
		to->ifru_flags = (int16_t)abi_interface_flags_to_netbsd((uint16_t)from->ifr_flags);
		return 0;
	case HIJACK_INTERFACE_NUMBER:
		to->ifru_metric = from->ifr_metric;
		return 0;
	case HIJACK_INTERFACE_ADDRESS:
		break;
	}
	if (from->ifr_addr.sa_family != AF_INET)
		return -EINVAL;
	memset(&address, 0, sizeof(address));
	memcpy(&address, &from->ifr_addr, sizeof(from->ifr_addr));
	(void)hijack_abi_address(&translated, &address, sizeof(from->ifr_addr));
	to->ifru_addr = translated.netbsd;
	return 0;
}

static void
address_back(struct sockaddr *to, const struct rump_ifreq *from)
{
	union hijack_address address, translated;

	memset(&address, 0, sizeof(address));
	address.netbsd = from->ifru_addr;
	(void)hijack_abi_address_back(&translated, &address, sizeof(*to));
	memcpy(to, &translated, sizeof(*to));
}

void
hijack_abi_ifreq_back(
    struct ifreq *to, const struct rump_ifreq *from, const struct hijack_interface_request *request)
{
	switch (request->value) {
	case HIJACK_INTERFACE_ADDRESS:
		address_back(&to->ifr_addr, from);
		return;
	case HIJACK_INTERFACE_FLAGS:
		to->ifr_flags = (short)abi_interface_flags_to_host((uint16_t)from->ifru_flags);
		return;
	case HIJACK_INTERFACE_NUMBER:
		to->ifr_metric = from->ifru_metric;
		return;
	}
}

bool
hijack_abi_interface_link(const struct rump_ifreq *entry, int *index, struct sockaddr *address)
{
	struct rump_sockaddr_dl link;
	const uint8_t *data =
	    (const uint8_t *)entry->ifru_space + offsetof(struct rump_sockaddr_dl, sdl_addr);
	size_t room = sizeof(entry->ifru_space) - offsetof(struct rump_sockaddr_dl, sdl_addr);
	size_t start = LINK_DATA + (size_t)data[LINK_NAME_LENGTH], length = data[LINK_ADDRESS_LENGTH];

	memcpy(&link, entry->ifru_space, sizeof(link));
	if (link.sdl_family != RUMP_AF_LINK)
		return false;
	if (index != NULL)
		*index = link.sdl_index;
	if (address == NULL)
		return true;
	memset(address, 0, sizeof(*address));
	address->sa_family = (sa_family_t)abi_link_type_to_host(data[LINK_TYPE]);
	if (length > sizeof(address->sa_data))
		length = sizeof(address->sa_data);
	if (start + length <= room)
		memcpy(address->sa_data, data + start, length);
	return true;
}

size_t
hijack_abi_ifconf(struct ifreq *to, size_t room, const struct rump_ifreq *from, size_t count)
{
	size_t found = 0;

	for (size_t i = 0; i < count; i++) {
		if (from[i].ifru_addr.sa_family != RUMP_AF_INET)
			continue;
		if (found < room) {
			memset(&to[found], 0, sizeof(to[found]));
			copy_name(to[found].ifr_name, from[i].ifrn_name);
			address_back(&to[found].ifr_addr, &from[i]);
		}
		found++;
	}
	return found;
}
