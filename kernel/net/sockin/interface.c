/* SPDX-License-Identifier: BSD-2-Clause */
/* Interfaces are the host's, which can be asked about but not changed from here. */
#include "kernel/net/sockin/sockin.h"
#include "kernel/base/lwp.h"
#include "kernel/base/mem.h"
#include "kernel/base/uio.h"
#include "kernel/net/sockin/user.h"

#define ENTRIES_MOST 4096

struct list {
	struct rump_ifreq *entries;
	size_t room, count;
};

static void
add_entry(void *arg, const struct rump_ifreq *entry)
{
	struct list *list = arg;

	if (list->count < list->room)
		list->entries[list->count] = *entry;
	list->count++;
}

/* SIOCGIFCONF: as much as there is room for, or without a buffer how much there is. */
static int
list_addresses(struct rump_ifconf *conf)
{
	struct list list = {0};
	size_t size;
	int error;

	if (conf->ifc_len < 0)
		return RUMP_EINVAL;
	if (conf->ifcu_req != NULL)
		list.room = (size_t)conf->ifc_len / sizeof(*list.entries);
	if (list.room > ENTRIES_MOST)
		list.room = ENTRIES_MOST;
	size = (list.room + 1) * sizeof(*list.entries);
	list.entries = rumpk_alloc(size);
	if (list.entries == NULL)
		return RUMP_ENOMEM;
	error = sockin_user_addresses(add_entry, &list);
	if (conf->ifcu_req != NULL && list.count > list.room)
		list.count = list.room;
	if (error == 0 && conf->ifcu_req != NULL)
		error = rumpk_copyout(rumpk_curlwp(), list.entries, (rumpk_uaddr)(uintptr_t)conf->ifcu_req,
		    list.count * sizeof(*list.entries));
	conf->ifc_len = (int32_t)(list.count * sizeof(*list.entries));
	rumpk_free(list.entries, size);
	return error;
}

int
sockin_interface(struct socket *so, unsigned long cmd, void *data)
{
	if (cmd == RUMP_SIOCGIFCONF)
		return list_addresses(data);
	return sockin_user_interface(sockin_pcb(so)->fd, (uint32_t)cmd, data);
}
