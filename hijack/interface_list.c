/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What NetBSD has in its list of all addresses: the IPv4 ones, and interfaces by index and by link-level
 * address, for which it has no requests.
 */
#include <errno.h>
#include <linux/sockios.h>
#include <stdlib.h>
#include <string.h>

#include "hijack/abi/ifreq.h"
#include "hijack/copy.h"
#include "hijack/interface.h"

#define ENTRIES_MOST 65536
#define ENTRIES_MORE 8 /* than there were a moment ago */
#define TRIES 8

long
hijack_interface_list(int rump, struct hijack_interface_list *list)
{
	struct rump_ifconf conf = {0};
	long error = hijack_interface_perform(rump, RUMP_SIOCGIFCONF, &conf);

	for (int i = 0; error == 0 && i < TRIES; i++) {
		size_t room = (size_t)conf.ifc_len / sizeof(*list->entries) + ENTRIES_MORE;

		if (conf.ifc_len < 0 || room > ENTRIES_MOST)
			return -ENOMEM;
		list->entries = calloc(room, sizeof(*list->entries));
		if (list->entries == NULL)
			return -ENOMEM;
		conf.ifc_len = (int32_t)(room * sizeof(*list->entries));
		conf.ifcu_req = list->entries;
		error = hijack_interface_perform(rump, RUMP_SIOCGIFCONF, &conf);
		list->count = (size_t)conf.ifc_len / sizeof(*list->entries);
		if (error == 0 && list->count < room)
			return 0;
		free(list->entries);
	}
	return error != 0 ? error : -ENOMEM;
}

long
hijack_interface_addresses(int rump, uint64_t argument)
{
	struct ifreq *made = NULL;
	struct ifconf conf;
	struct hijack_interface_list list;
	size_t room, count;
	long error;

	if (hijack_copyin(&conf, argument, sizeof(conf)) != 0)
		return -EFAULT;
	error = hijack_interface_list(rump, &list);
	if (error != 0)
		return error;
	room = conf.ifc_buf != NULL && conf.ifc_len > 0 ? (size_t)conf.ifc_len / sizeof(*made) : 0;
	if (room > list.count)
		room = list.count;
	made = calloc(room + 1, sizeof(*made));
	if (made == NULL) {
		free(list.entries);
		return -ENOMEM;
	}
	count = hijack_abi_ifconf(made, room, list.entries, list.count);
	/* Without a buffer the answer is how much there is, with one how much has been written. */
	if (conf.ifc_buf != NULL && count > room)
		count = room;
	conf.ifc_len = (int)(count * sizeof(*made));
	if (conf.ifc_buf != NULL)
		error = hijack_copyout((uint64_t)(uintptr_t)conf.ifc_buf, made, count * sizeof(*made));
	if (error == 0)
		error = hijack_copyout(argument, &conf, sizeof(conf));
	free(made);
	free(list.entries);
	return error;
}

long
hijack_interface_find(int rump, unsigned int request, struct ifreq *ifr)
{
	struct sockaddr address;
	struct hijack_interface_list list;
	long error = hijack_interface_list(rump, &list);
	int index;

	if (error != 0)
		return error;
	error = -ENODEV;
	for (size_t i = 0; i < list.count && error != 0; i++) {
		const struct rump_ifreq *entry = &list.entries[i];

		if (!hijack_abi_interface_link(entry, &index, &address))
			continue;
		if (request == SIOCGIFNAME && index == ifr->ifr_ifindex) {
			memcpy(ifr->ifr_name, entry->ifrn_name, sizeof(ifr->ifr_name) - 1);
			error = 0;
		} else if (request == SIOCGIFHWADDR &&
			   strncmp(ifr->ifr_name, entry->ifrn_name, sizeof(ifr->ifr_name)) == 0) {
			ifr->ifr_hwaddr = address;
			error = 0;
		}
	}
	free(list.entries);
	return error;
}
