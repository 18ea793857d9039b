/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Messages on the host's sockets. A descriptor of the rump kernel's is none of the host's to pass on: what
 * would arrive is its shadow, an eventfd that means nothing to anybody. So such a message is refused, as the
 * rump kernel's sockets refuse the host's descriptors.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "hijack/abi/control.h"
#include "hijack/copy.h"
#include "hijack/descriptor.h"
#include "hijack/files.h"
#include "hijack/report.h"

#define MESSAGES_MAX 1024 /* at once, as Linux has it */

/* Whether one of the descriptors at from, in the program's memory, is a shadow. */
static bool
has_shadow(uint64_t from, size_t size)
{
	int32_t fds[64];

	while (size >= sizeof(fds[0])) {
		size_t piece = size < sizeof(fds) ? size & ~(sizeof(fds[0]) - 1) : sizeof(fds);

		if (hijack_copyin(fds, from, piece) != 0)
			return false;
		for (size_t i = 0; i < piece / sizeof(fds[0]); i++) {
			if (hijack_fd(fds[i]) < 0)
				continue;
			if (hijack_verbose)
				hijack_report("descriptor %d is the rump kernel's: the host's sockets cannot "
					      "pass it on",
				    fds[i]);
			return true;
		}
		from += piece;
		size -= piece;
	}
	return false;
}

/* Whether a message may go to the host. What cannot be read or is malformed is for the host to refuse. */
static bool
is_hosts(uint64_t address)
{
	struct msghdr message;
	struct cmsghdr control;
	uint64_t at;
	size_t left;

	if (hijack_copyin(&message, address, sizeof(message)) != 0)
		return true;
	at = (uint64_t)(uintptr_t)message.msg_control;
	left = message.msg_controllen;
	while (left >= sizeof(control) && hijack_copyin(&control, at, sizeof(control)) == 0 &&
	       control.cmsg_len >= sizeof(control) && control.cmsg_len <= left) {
		size_t space = hijack_abi_control_space(control.cmsg_len);

		if (control.cmsg_level == SOL_SOCKET && control.cmsg_type == SCM_RIGHTS &&
		    has_shadow(at + sizeof(control), control.cmsg_len - sizeof(control)))
			return false;
		if (space >= left)
			break;
		at += space;
		left -= space;
	}
	return true;
}

long
hijack_beyond_host_message(const struct hijack_call *call)
{
	return is_hosts((uint64_t)call->arg[1]) ? hijack_pass(call) : -EINVAL;
}

/* Those before the one that is refused are sent. */
long
hijack_beyond_host_messages(const struct hijack_call *call)
{
	struct hijack_call changed = *call;
	unsigned int count = (unsigned int)call->arg[2], good = 0;

	if (count > MESSAGES_MAX)
		count = MESSAGES_MAX;
	while (good < count && is_hosts((uint64_t)call->arg[1] + good * sizeof(struct mmsghdr)))
		good++;
	if (good == count)
		return hijack_pass(call);
	changed.arg[2] = (long)good;
	return good > 0 ? hijack_pass(&changed) : -EINVAL;
}
