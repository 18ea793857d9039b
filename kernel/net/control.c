/* SPDX-License-Identifier: BSD-2-Clause */
/* Control messages: a header of 12 bytes, data from the next multiple of 8 on, and so each after the other.
 */
#include <string.h>
#include "kernel/net/socket_impl.h"

#define ALIGNMENT 8

static size_t
aligned(size_t len)
{
	return (len + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
}

#define HEADER aligned(sizeof(struct rump_cmsghdr))

void
rumpk_control_rele(struct rumpk_somsg *msg)
{
	for (size_t i = 0; i < msg->nfiles; i++)
		rumpk_file_rele(msg->files[i]);
	msg->nfiles = 0;
}

/* SCM_RIGHTS: descriptors become files. */
static int
take_files(struct lwp *l, const uint8_t *data, size_t len, struct rumpk_somsg *msg)
{
	size_t count = len / sizeof(int32_t);

	if (len % sizeof(int32_t) != 0 || msg->nfiles + count > RUMPK_FILES_MAX)
		return RUMP_EINVAL;
	if (msg->files == NULL)
		return RUMP_EOPNOTSUPP;
	for (size_t i = 0; i < count; i++) {
		int32_t fd;
		struct file *fp;

		memcpy(&fd, data + i * sizeof(fd), sizeof(fd));
		fp = rumpk_fd_get(l, fd);
		if (fp == NULL)
			return RUMP_EBADF;
		msg->files[msg->nfiles++] = fp;
	}
	return 0;
}

static int
take_one(struct lwp *l, const struct rump_cmsghdr *header, const uint8_t *whole, struct rumpk_somsg *msg)
{
	size_t space = aligned(header->cmsg_len);

	if (header->cmsg_level == RUMP_SOL_SOCKET && header->cmsg_type == RUMP_SCM_RIGHTS)
		return take_files(l, whole + HEADER, header->cmsg_len - HEADER, msg);
	if (msg->controllen + space > RUMPK_CONTROL_MAX)
		return RUMP_EINVAL;
	memset(msg->control + msg->controllen, 0, space);
	memcpy(msg->control + msg->controllen, whole, header->cmsg_len);
	msg->controllen += space;
	return 0;
}

int
rumpk_control_in(struct lwp *l, const uint8_t *control, size_t len, struct rumpk_somsg *msg)
{
	size_t at = 0;
	int error = 0;

	while (error == 0 && len - at >= sizeof(struct rump_cmsghdr)) {
		struct rump_cmsghdr header;

		memcpy(&header, control + at, sizeof(header));
		if (header.cmsg_len < HEADER || header.cmsg_len > len - at)
			error = RUMP_EINVAL;
		else
			error = take_one(l, &header, control + at, msg);
		at = aligned(header.cmsg_len) < len - at ? at + aligned(header.cmsg_len) : len;
	}
	if (error != 0)
		rumpk_control_rele(msg);
	return error;
}

void
rumpk_control_add(struct rumpk_somsg *msg, int level, int type, const void *data, size_t len)
{
	struct rump_cmsghdr header = {
	    .cmsg_len = (uint32_t)(HEADER + len), .cmsg_level = level, .cmsg_type = type};
	size_t space = aligned(HEADER + len);

	if (msg->control == NULL || msg->controllen + space > RUMPK_CONTROL_MAX) {
		msg->flags |= RUMP_MSG_CTRUNC;
		return;
	}
	memset(msg->control + msg->controllen, 0, space);
	memcpy(msg->control + msg->controllen, &header, sizeof(header));
	memcpy(msg->control + msg->controllen + HEADER, data, len);
	msg->controllen += space;
}

/* As many files as there is room for become descriptors; the others are closed. */
static size_t
give_files(struct lwp *l, struct rumpk_somsg *msg, uint8_t *control, size_t room)
{
	struct rump_cmsghdr header = {.cmsg_level = RUMP_SOL_SOCKET, .cmsg_type = RUMP_SCM_RIGHTS};
	bool cloexec = (msg->flags & RUMP_MSG_CMSG_CLOEXEC) != 0;
	size_t given = 0;

	for (; given < msg->nfiles && room >= HEADER + (given + 1) * sizeof(int32_t); given++) {
		int fd;
		int32_t number;

		if (rumpk_fd_install(l, msg->files[given], cloexec, &fd) != 0)
			break;
		number = fd;
		memcpy(control + HEADER + given * sizeof(number), &number, sizeof(number));
	}
	if (given < msg->nfiles)
		msg->flags |= RUMP_MSG_CTRUNC;
	for (size_t i = given; i < msg->nfiles; i++)
		rumpk_file_rele(msg->files[i]);
	msg->nfiles = 0;
	if (given == 0)
		return 0;
	header.cmsg_len = (uint32_t)(HEADER + given * sizeof(int32_t));
	memcpy(control, &header, sizeof(header));
	return aligned(header.cmsg_len) < room ? aligned(header.cmsg_len) : room;
}

void
rumpk_control_out(struct lwp *l, struct rumpk_somsg *msg, uint8_t *control, size_t *len)
{
	size_t room = *len, used = 0;

	memset(control, 0, room);
	if (msg->nfiles > 0)
		used = give_files(l, msg, control, room);
	if (msg->controllen > room - used) {
		msg->flags |= RUMP_MSG_CTRUNC;
		msg->controllen = room - used;
	}
	if (msg->controllen > 0)
		memcpy(control + used, msg->control, msg->controllen);
	*len = used + msg->controllen;
}
