/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Messages on the host's sockets. A descriptor of the rump kernel's is none of the host's to pass on: what
 * would arrive is its shadow, an eventfd that means nothing to anybody. So a carrier goes in its place, and
 * the receiver makes of that what it carries (carry.c).
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "hijack/abi/control.h"
#include "hijack/carry.h"
#include "hijack/copy.h"
#include "hijack/descriptor.h"
#include "hijack/files.h"

#define MESSAGES_MAX 1024   /* at once, as Linux has it */
#define DESCRIPTORS_MAX 253 /* in a message, likewise */
#define CONTROL_MAX 4096    /* of a message that carries any of the rump kernel's */

/*
 * Steps through control messages in the program's memory: *at is where the next one's header is, *left how
 * much there is from there. Returns whether there is one; what is malformed is for the host to refuse.
 */
static bool
next_control(uint64_t *at, size_t *left, struct cmsghdr *control, uint64_t *data)
{
	size_t space;

	if (*left < sizeof(*control) || hijack_copyin(control, *at, sizeof(*control)) != 0 ||
	    control->cmsg_len < sizeof(*control) || control->cmsg_len > *left)
		return false;
	*data = *at + sizeof(*control);
	space = hijack_abi_control_space(control->cmsg_len);
	*at += space;
	*left -= space < *left ? space : *left;
	return true;
}

/* The descriptors of a control message; at most so many. */
static size_t
rights_of(const struct cmsghdr *control, uint64_t data, int32_t fds[DESCRIPTORS_MAX])
{
	size_t count = (control->cmsg_len - sizeof(*control)) / sizeof(fds[0]);

	if (control->cmsg_level != SOL_SOCKET || control->cmsg_type != SCM_RIGHTS)
		return 0;
	if (count > DESCRIPTORS_MAX || hijack_copyin(fds, data, count * sizeof(fds[0])) != 0)
		return 0;
	return count;
}

/* Whether fn says yes of one of the descriptors that a message passes on; the others after it are not asked
 * about. */
static bool
any_right(const struct msghdr *message, bool (*fn)(int fd, bool close_on_exec), bool close_on_exec)
{
	uint64_t at = (uint64_t)(uintptr_t)message->msg_control, data;
	size_t left = message->msg_controllen;
	int32_t fds[DESCRIPTORS_MAX];
	struct cmsghdr control;

	while (next_control(&at, &left, &control, &data)) {
		size_t count = rights_of(&control, data, fds);

		for (size_t i = 0; i < count; i++)
			if (fn(fds[i], close_on_exec))
				return true;
	}
	return false;
}

static bool
is_shadow(int fd, bool close_on_exec)
{
	(void)close_on_exec;
	return hijack_fd(fd) >= 0;
}

static bool
has_shadow(const struct msghdr *message)
{
	return any_right(message, is_shadow, false);
}

struct carriers {
	size_t count;
	int32_t fd[DESCRIPTORS_MAX];
};

/* Puts carriers in the place of shadows among the descriptors at data. Returns 0 or -errno. */
static int
load(struct carriers *carriers, uint8_t *data, size_t size)
{
	for (; size >= sizeof(int32_t); data += sizeof(int32_t), size -= sizeof(int32_t)) {
		int32_t fd;
		int rump;

		memcpy(&fd, data, sizeof(fd));
		rump = hijack_fd(fd);
		if (rump < 0)
			continue;
		if (carriers->count == DESCRIPTORS_MAX)
			return -EINVAL;
		fd = hijack_carry_out(rump);
		if (fd < 0)
			return fd;
		carriers->fd[carriers->count++] = fd;
		memcpy(data, &fd, sizeof(fd));
	}
	return 0;
}

/* The same in all control messages, which are a copy. */
static int
load_all(struct carriers *carriers, uint8_t *controls, size_t size)
{
	uint64_t at = (uint64_t)(uintptr_t)controls, data;
	struct cmsghdr control;
	int error = 0;

	while (error == 0 && next_control(&at, &size, &control, &data)) {
		if (control.cmsg_level == SOL_SOCKET && control.cmsg_type == SCM_RIGHTS)
			error =
			    load(carriers, (uint8_t *)(uintptr_t)data, control.cmsg_len - sizeof(control));
	}
	return error;
}

static long
send_carrying(const struct hijack_call *call, const struct msghdr *message, long flags)
{
	_Alignas(8) uint8_t controls[CONTROL_MAX];
	struct carriers carriers = {.count = 0};
	struct msghdr changed = *message;
	const struct hijack_call send = {SYS_sendmsg, {call->arg[0], (long)&changed, flags}, 0};
	long result;

	if (message->msg_controllen > sizeof(controls))
		return -ENOBUFS;
	if (hijack_copyin(controls, (uint64_t)(uintptr_t)message->msg_control, message->msg_controllen) != 0)
		return -EFAULT;
	changed.msg_control = controls;
	result = load_all(&carriers, controls, message->msg_controllen);
	if (result == 0)
		result = hijack_pass(&send);
	for (size_t i = 0; i < carriers.count; i++)
		(void)hijack_own(SYS_close, carriers.fd[i], 0, 0, 0, 0, 0);
	return result;
}

static long
send_one(const struct hijack_call *call)
{
	struct msghdr message;

	if (hijack_copyin(&message, (uint64_t)call->arg[1], sizeof(message)) != 0 || !has_shadow(&message))
		return hijack_pass(call);
	return send_carrying(call, &message, call->arg[2]);
}

/* One after the other, from the first that carries something on; an error counts only when it was the first.
 */
static long
send_several(const struct hijack_call *call)
{
	struct hijack_call changed = *call;
	size_t count = (unsigned int)call->arg[2], done = 0;
	struct mmsghdr message;
	long n;

	if (count > MESSAGES_MAX)
		count = MESSAGES_MAX;
	while (
	    done < count &&
	    hijack_copyin(&message, (uint64_t)call->arg[1] + done * sizeof(message), sizeof(message)) == 0 &&
	    !has_shadow(&message.msg_hdr))
		done++;
	if (done == count)
		return hijack_pass(call);
	changed.arg[2] = (long)done;
	if (done > 0)
		return hijack_pass(&changed);
	if (hijack_copyin(&message, (uint64_t)call->arg[1], sizeof(message)) != 0)
		return hijack_pass(call);
	n = send_carrying(call, &message.msg_hdr, call->arg[3]);
	if (n < 0)
		return n;
	message.msg_len = (unsigned int)n;
	return hijack_copyout((uint64_t)call->arg[1], &message, sizeof(message)) == 0 ? 1 : -EFAULT;
}

static bool
take_in(int fd, bool close_on_exec)
{
	(void)hijack_carry_in(fd, close_on_exec);
	return false;
}

/* Makes of the carriers that came with a message what they carry. */
static void
unload(const struct msghdr *message, bool close_on_exec)
{
	(void)any_right(message, take_in, close_on_exec);
}

static long
receive_one(const struct hijack_call *call)
{
	long n = hijack_pass(call);
	struct msghdr message;

	if (n >= 0 && hijack_copyin(&message, (uint64_t)call->arg[1], sizeof(message)) == 0)
		unload(&message, (call->arg[2] & MSG_CMSG_CLOEXEC) != 0);
	return n;
}

static long
receive_several(const struct hijack_call *call)
{
	long n = hijack_pass(call);
	struct mmsghdr message;

	for (long i = 0; i < n; i++) {
		uint64_t from = (uint64_t)call->arg[1] + (uint64_t)i * sizeof(message);

		if (hijack_copyin(&message, from, sizeof(message)) == 0)
			unload(&message.msg_hdr, (call->arg[3] & MSG_CMSG_CLOEXEC) != 0);
	}
	return n;
}

long
hijack_beyond_host_message(const struct hijack_call *call)
{
	switch (call->number) {
	case SYS_sendmsg:
		return send_one(call);
	case SYS_sendmmsg:
		return send_several(call);
	case SYS_recvmsg:
		return receive_one(call);
	default:
		return receive_several(call);
	}
}
