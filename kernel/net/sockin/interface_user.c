/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"
#include <errno.h>
#include <ifaddrs.h>
#include <linux/if_packet.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <rump/rumpuser_component.h>
#include "abi/interface.h"
#include "kernel/net/sockin/address_user.h"
#include "kernel/net/sockin/user.h"

/* The end of an address of the family AF_LINK, struct dl_addr, which the tables do not describe: the link's
 * type, the lengths of the interface's name, of the address and of something more, then the name and the
 * address. */
enum { LINK_TYPE, LINK_NAME_LENGTH, LINK_ADDRESS_LENGTH, LINK_DATA = 4, LINK_SIZE = 8 };

enum value { ADDRESS, FLAGS, NUMBER };

static const struct request {
	uint32_t netbsd;
	unsigned long host;
	enum value value;
} requests[] = {
    {RUMP_SIOCGIFFLAGS, SIOCGIFFLAGS, FLAGS},
    {RUMP_SIOCGIFADDR, SIOCGIFADDR, ADDRESS},
    {RUMP_SIOCGIFDSTADDR, SIOCGIFDSTADDR, ADDRESS},
    {RUMP_SIOCGIFBRDADDR, SIOCGIFBRDADDR, ADDRESS},
    {RUMP_SIOCGIFNETMASK, SIOCGIFNETMASK, ADDRESS},
    {RUMP_SIOCGIFMETRIC, SIOCGIFMETRIC, NUMBER},
    {RUMP_SIOCGIFMTU, SIOCGIFMTU, NUMBER},
    {RUMP_SIOCGIFINDEX, SIOCGIFINDEX, NUMBER},
};

static bool
changes(uint32_t request)
{
	switch (request) {
	case RUMP_SIOCSIFFLAGS:
	case RUMP_SIOCSIFADDR:
	case RUMP_SIOCSIFDSTADDR:
	case RUMP_SIOCSIFBRDADDR:
	case RUMP_SIOCSIFNETMASK:
	case RUMP_SIOCSIFMETRIC:
	case RUMP_SIOCSIFMTU:
	case RUMP_SIOCAIFADDR:
	case RUMP_SIOCDIFADDR:
	case RUMP_SIOCAIFADDR_IN6:
	case RUMP_SIOCDIFADDR_IN6:
	case RUMP_SIOCALIFADDR:
	case RUMP_SIOCDLIFADDR:
	case RUMP_SIOCSIFMEDIA:
	case RUMP_SIOCIFCREATE:
	case RUMP_SIOCIFDESTROY:
		return true;
	default:
		return false;
	}
}

static void
put_address(struct rump_ifreq *ifr, const void *address, size_t size)
{
	struct sockaddr_storage host = {0};
	uint32_t len = sizeof(ifr->ifru_space);

	memcpy(&host, address, size);
	memset(ifr->ifru_space, 0, sizeof(ifr->ifru_space));
	sockin_address_from_host(&host, (socklen_t)size, ifr->ifru_space, &len);
}

int
sockin_user_interface(int fd, uint32_t request, struct rump_ifreq *ifr)
{
	const struct request *known = NULL;
	struct ifreq host = {0};

	if (changes(request))
		return RUMP_EPERM;
	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		if (requests[i].netbsd == request)
			known = &requests[i];
	}
	if (known == NULL)
		return RUMP_ENOTTY;
	memcpy(host.ifr_name, ifr->ifrn_name, sizeof(host.ifr_name) - 1);
	if (ioctl(fd, known->host, &host) == -1)
		return errno == ENODEV ? RUMP_ENXIO : rumpuser_component_errtrans(errno);
	switch (known->value) {
	case ADDRESS:
		put_address(ifr, &host.ifr_addr, sizeof(host.ifr_addr));
		break;
	case FLAGS:
		ifr->ifru_flags = (int16_t)abi_interface_flags_to_netbsd((uint16_t)host.ifr_flags);
		break;
	case NUMBER:
		ifr->ifru_metric = host.ifr_metric;
		break;
	}
	return 0;
}

/* The interface itself. */
static void
put_link(struct rump_ifreq *ifr, const struct sockaddr_ll *link)
{
	struct rump_sockaddr_dl made = {.sdl_family = RUMP_AF_LINK, .sdl_index = (uint16_t)link->sll_ifindex};
	uint8_t *to = (uint8_t *)ifr->ifru_space;
	size_t name = strlen(ifr->ifrn_name);
	size_t length = link->sll_halen < sizeof(link->sll_addr) ? link->sll_halen : sizeof(link->sll_addr);

	made.sdl_len = (uint8_t)(LINK_SIZE + name + length);
	made.sdl_addr[LINK_TYPE] = (uint8_t)abi_link_type_to_netbsd(link->sll_hatype);
	made.sdl_addr[LINK_NAME_LENGTH] = (uint8_t)name;
	made.sdl_addr[LINK_ADDRESS_LENGTH] = (uint8_t)length;
	memcpy(to, &made, LINK_SIZE);
	memcpy(to + LINK_SIZE, ifr->ifrn_name, name);
	memcpy(to + LINK_SIZE + name, link->sll_addr, length);
}

/* An address of the interface's. False: it is of no use here. An index of NetBSD's has 16 bits. */
static bool
make_entry(struct rump_ifreq *entry, const char *interface, const struct sockaddr *address)
{
	struct sockaddr_ll link;

	memset(entry, 0, sizeof(*entry));
	strncpy(entry->ifrn_name, interface, sizeof(entry->ifrn_name) - 1);
	switch (address->sa_family) {
	case AF_PACKET:
		memcpy(&link, address, sizeof(link));
		put_link(entry, &link);
		return link.sll_ifindex <= UINT16_MAX;
	case AF_INET:
		put_address(entry, address, sizeof(struct rump_sockaddr_in));
		return true;
	case AF_INET6:
		put_address(entry, address, sizeof(struct rump_sockaddr_in6));
		return true;
	default:
		return false;
	}
}

static bool
is_link(const struct ifaddrs *entry)
{
	return entry->ifa_addr != NULL && entry->ifa_addr->sa_family == AF_PACKET;
}

/* An address may have a name of its own on the host, which is the interface's with more behind a colon. */
static bool
is_of(const struct ifaddrs *entry, const char *interface)
{
	size_t length = strcspn(entry->ifa_name, ":");

	return entry->ifa_addr != NULL && length == strlen(interface) &&
	       memcmp(entry->ifa_name, interface, length) == 0;
}

int
sockin_user_addresses(void (*add)(void *arg, const struct rump_ifreq *entry), void *arg)
{
	void *cookie = rumpuser_component_unschedule();
	struct ifaddrs *all = NULL;
	struct rump_ifreq entry;
	int error = getifaddrs(&all) == -1 ? errno : 0;

	rumpuser_component_schedule(cookie);
	if (error != 0)
		return rumpuser_component_errtrans(error);
	for (const struct ifaddrs *link = all; link != NULL; link = link->ifa_next) {
		if (!is_link(link) || !make_entry(&entry, link->ifa_name, link->ifa_addr))
			continue;
		add(arg, &entry);
		for (const struct ifaddrs *own = all; own != NULL; own = own->ifa_next) {
			if (!is_link(own) && is_of(own, link->ifa_name) &&
			    make_entry(&entry, link->ifa_name, own->ifa_addr))
				add(arg, &entry);
		}
	}
	freeifaddrs(all);
	return 0;
}
