/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Control messages of sockets in the rump kernel. Descriptors that come with them are the rump kernel's and
 * get numbers here; those that are sent have to be the rump kernel's too, since it cannot hold the host's.
 */
#include "hijack/message_control.h"

#include <errno.h>
#include <string.h>

#include "hijack/abi/control.h"
#include "hijack/copy.h"
#include "hijack/credentials.h"
#include "hijack/descriptor.h"
#include "hijack/report.h"
#include "hijack/rump.h"

static_assert(sizeof(struct cmsghdr) == HIJACK_CONTROL_DATA, "where data begins");

static long
rights_in(int32_t *to, const uint8_t *from, size_t length)
{
	size_t count = length / sizeof(*to);

	memcpy(to, from, count * sizeof(*to));
	for (size_t i = 0; i < count; i++) {
		int rump = hijack_fd(to[i]);

		if (rump < 0 && hijack_verbose)
			hijack_report(
			    "descriptor %d is the host's: the rump kernel cannot pass it on", to[i]);
		if (rump < 0)
			return -EINVAL;
		to[i] = rump;
	}
	return (long)(count * sizeof(*to));
}

static bool
is_rights(const struct cmsghdr *host)
{
	return host->cmsg_level == SOL_SOCKET && host->cmsg_type == SCM_RIGHTS;
}

/* One message; its data is at from. Returns the length of what it became at to, 0 for nothing, or -errno. */
static long
one_in(const struct cmsghdr *host, const uint8_t *from, uint8_t *to)
{
	struct rump_cmsghdr netbsd = {0};
	int level = host->cmsg_level, type = host->cmsg_type;
	size_t length = host->cmsg_len - HIJACK_CONTROL_DATA;
	long made;

	if (level == SOL_SOCKET && type == SCM_CREDENTIALS)
		return hijack_credentials_check(from, length);
	if (is_rights(host)) {
		level = RUMP_SOL_SOCKET;
		type = RUMP_SCM_RIGHTS;
		made = rights_in((int32_t *)(void *)(to + HIJACK_CONTROL_DATA), from, length);
	} else {
		made = hijack_abi_control(&level, &type, to + HIJACK_CONTROL_DATA, from, length);
	}
	if (made < 0)
		return made;
	netbsd.cmsg_len = (uint32_t)(HIJACK_CONTROL_DATA + made);
	netbsd.cmsg_level = level;
	netbsd.cmsg_type = type;
	memcpy(to, &netbsd, sizeof(netbsd));
	return netbsd.cmsg_len;
}

/* Descriptors go in one message, and arrive in one, as on Linux; NetBSD takes no more. Returns its length. */
static long
more_rights(uint8_t *message, const uint8_t *from, size_t length)
{
	struct rump_cmsghdr header;
	long made;

	memcpy(&header, message, sizeof(header));
	made = rights_in((int32_t *)(void *)(message + header.cmsg_len), from, length);
	if (made < 0)
		return made;
	header.cmsg_len += (uint32_t)made;
	memcpy(message, &header, sizeof(header));
	return header.cmsg_len;
}

long
hijack_control_in(const struct msghdr *message, struct hijack_control *to)
{
	_Alignas(8) uint8_t from[HIJACK_CONTROL_MAX];
	size_t size = message->msg_controllen, at = 0, used = 0, last = 0;
	bool last_rights = false;

	if (size > sizeof(from))
		return -ENOBUFS;
	if (hijack_copyin(from, hijack_slot(message->msg_control), size) != 0)
		return -EFAULT;
	memset(to->data, 0, sizeof(to->data));
	while (size - at >= HIJACK_CONTROL_DATA) {
		struct cmsghdr host;
		long made;

		memcpy(&host, from + at, sizeof(host));
		if (host.cmsg_len < HIJACK_CONTROL_DATA || host.cmsg_len > size - at)
			return -EINVAL;
		if (last_rights && is_rights(&host)) {
			made = more_rights(to->data + last, from + at + HIJACK_CONTROL_DATA,
			    host.cmsg_len - HIJACK_CONTROL_DATA);
		} else {
			made = one_in(&host, from + at + HIJACK_CONTROL_DATA, to->data + used);
			last = used;
			last_rights = is_rights(&host);
		}
		if (made < 0)
			return made;
		used = last + hijack_abi_control_space((size_t)made);
		at += hijack_abi_control_space(host.cmsg_len);
		if (at > size)
			break;
	}
	return (long)used;
}

enum hijack_kind
hijack_kind_of(int rump)
{
	struct rump_stat st;

	return HIJACK_RUMP(__fstat50, (uint64_t)rump, hijack_slot(&st)) == 0 &&
		       (st.st_mode & RUMP_S_IFMT) == RUMP_S_IFSOCK
		   ? HIJACK_KIND_SOCKET
		   : HIJACK_KIND_FILE;
}

/* Gives descriptors numbers, as many as there is room for; the others are closed. Returns the data's length.
 */
static size_t
rights_out(int32_t *numbers, size_t length, size_t room, bool close_on_exec)
{
	size_t count = length / sizeof(*numbers), given = 0;

	for (size_t i = 0; i < count; i++) {
		long fd = -EMFILE;

		if (given == i && (i + 1) * sizeof(*numbers) <= room)
			fd = hijack_fd_install(numbers[i], hijack_kind_of(numbers[i]), close_on_exec);
		else
			(void)HIJACK_RUMP(close, (uint64_t)numbers[i]);
		if (fd >= 0)
			numbers[given++] = (int32_t)fd;
	}
	return given * sizeof(*numbers);
}

/* Writes one message where the program wants it. Returns how much room it took, or -EFAULT. */
static long
put(uint64_t to, size_t room, const struct cmsghdr *host, const uint8_t *data)
{
	size_t space = hijack_abi_control_space(host->cmsg_len);

	if (hijack_copyout(to, host, sizeof(*host)) != 0 ||
	    hijack_copyout(to + sizeof(*host), data, host->cmsg_len - sizeof(*host)) != 0)
		return -EFAULT;
	return (long)(space < room ? space : room);
}

/* One message of the rump kernel's, with length bytes of data. Returns what put() does. */
static long
one_out(const struct rump_cmsghdr *netbsd, uint8_t *data, size_t length, uint64_t to, size_t room, int *flags)
{
	_Alignas(8) uint8_t made[HIJACK_CONTROL_MAX + HIJACK_CONTROL_GROWS];
	struct cmsghdr host = {.cmsg_level = netbsd->cmsg_level, .cmsg_type = netbsd->cmsg_type};
	bool rights = netbsd->cmsg_level == RUMP_SOL_SOCKET && netbsd->cmsg_type == RUMP_SCM_RIGHTS;
	size_t space = room > HIJACK_CONTROL_DATA ? room - HIJACK_CONTROL_DATA : 0, kept;
	long size = (long)length;

	if (rights) {
		host.cmsg_level = SOL_SOCKET;
		host.cmsg_type = SCM_RIGHTS;
		kept = rights_out((int32_t *)(void *)data, length, space, *flags & MSG_CMSG_CLOEXEC);
		memcpy(made, data, kept);
	} else if (netbsd->cmsg_level == RUMP_SOL_SOCKET && netbsd->cmsg_type == RUMP_SCM_CREDS) {
		host.cmsg_level = SOL_SOCKET;
		host.cmsg_type = SCM_CREDENTIALS;
		size = hijack_credentials_out(made, data, length);
		kept = size < 0 || (size_t)size > space ? space : (size_t)size;
	} else {
		size = hijack_abi_control_back(&host.cmsg_level, &host.cmsg_type, made, data, length);
		kept = size < 0 || (size_t)size > space ? space : (size_t)size;
	}
	if (size < 0)
		return 0;
	if (kept < (size_t)size)
		*flags |= MSG_CTRUNC;
	if (room < HIJACK_CONTROL_DATA || (kept == 0 && size > 0 && rights))
		return 0;
	host.cmsg_len = HIJACK_CONTROL_DATA + kept;
	return put(to, room, &host, made);
}

int
hijack_control_out(struct hijack_control *from, size_t size, struct msghdr *message, int *flags)
{
	size_t room = message->msg_control != NULL ? message->msg_controllen : 0, at = 0, used = 0;

	if (size > sizeof(from->data))
		size = sizeof(from->data);
	while (at + HIJACK_CONTROL_DATA <= size) {
		struct rump_cmsghdr netbsd;
		long put_there;

		memcpy(&netbsd, from->data + at, sizeof(netbsd));
		if (netbsd.cmsg_len < HIJACK_CONTROL_DATA || netbsd.cmsg_len > size - at)
			break;
		put_there = one_out(&netbsd, from->data + at + HIJACK_CONTROL_DATA,
		    netbsd.cmsg_len - HIJACK_CONTROL_DATA, hijack_slot(message->msg_control) + used,
		    room - used, flags);
		if (put_there < 0)
			return (int)put_there;
		used += (size_t)put_there;
		at += hijack_abi_control_space(netbsd.cmsg_len);
	}
	message->msg_controllen = used;
	return 0;
}
