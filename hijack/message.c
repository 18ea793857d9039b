/* SPDX-License-Identifier: BSD-2-Clause */
/* Sending and receiving. Data goes between the rump kernel and the program's buffers; headers and addresses
 * are translated. */
#include <errno.h>
#include <linux/limits.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "hijack/abi/socket.h"
#include "hijack/copy.h"
#include "hijack/files.h"
#include "hijack/message_control.h"
#include "hijack/message_whole.h"
#include "hijack/rump.h"
#include "hijack/sleep.h"
#include "hijack/sockets.h"

/* The flags of a message; a kernel may leave those of the call beside them. */
#define COMES_WITH_IT (MSG_OOB | MSG_EOR | MSG_TRUNC | MSG_CTRUNC)

#define PIECES_MAX 1024 /* of a message, as Linux has it */

long
hijack_inside_sendto(const struct hijack_call *call)
{
	union hijack_address address;
	int flags = hijack_abi_message_flags((int)call->arg[3]), size = 0;
	struct hijack_sleep sleep;
	long n;

	if (flags < 0)
		return flags;
	if (call->arg[4] != 0) {
		size = hijack_address_in((uint64_t)call->arg[4], (uint32_t)call->arg[5], &address);
		if (size < 0)
			return size;
	}
	sleep = hijack_sleep_message((int)call->arg[0], POLLOUT, (int)call->arg[3]);
	do
		n = HIJACK_RUMP(sendto, (uint64_t)call->arg[0], (uint64_t)call->arg[1] + sleep.done,
		    (uint64_t)call->arg[2] - sleep.done, (uint64_t)(flags | sleep.flags),
		    size > 0 ? hijack_slot(&address) : 0, (uint64_t)size);
	while (hijack_sleep_again(&sleep, n, (size_t)call->arg[2]));
	return sleep.result;
}

/* How much a call that sleeps outside has to receive: 0 for what there is. */
static size_t
wanted(const struct hijack_call *call)
{
	int type = 0;
	uint32_t size = sizeof(type);

	return (call->arg[3] & (MSG_WAITALL | MSG_PEEK)) == MSG_WAITALL &&
		       HIJACK_RUMP(getsockopt, (uint64_t)call->arg[0], RUMP_SOL_SOCKET, RUMP_SO_TYPE,
			   hijack_slot(&type), hijack_slot(&size)) == 0 &&
		       type == RUMP_SOCK_STREAM
		   ? (size_t)call->arg[2]
		   : 0;
}

/* What tells the length of a message is received with a header. */
static long
receive_whole(const struct hijack_call *call)
{
	struct iovec piece = {.iov_base = (void *)(uintptr_t)call->arg[1], .iov_len = (size_t)call->arg[2]};
	struct msghdr host = {
	    .msg_name = (void *)(uintptr_t)call->arg[4], .msg_iov = &piece, .msg_iovlen = 1};
	uint64_t size = (uint64_t)call->arg[5];
	long n;

	if (call->arg[4] != 0 && hijack_copyin(&host.msg_namelen, size, sizeof(host.msg_namelen)) != 0)
		return -EFAULT;
	n = hijack_message_receive(call->arg[0], &host, (int)call->arg[3]);
	if (n >= 0 && call->arg[4] != 0 &&
	    hijack_copyout(size, &host.msg_namelen, sizeof(host.msg_namelen)) != 0)
		return -EFAULT;
	return n;
}

long
hijack_inside_recvfrom(const struct hijack_call *call)
{
	union hijack_address address = {{0}};
	uint32_t size = sizeof(address);
	int flags = hijack_abi_message_flags((int)call->arg[3]), error;
	struct hijack_sleep sleep;
	size_t all = 0;
	long n;

	if (call->arg[3] & MSG_TRUNC)
		return receive_whole(call);
	if (flags < 0)
		return flags;
	sleep = hijack_sleep_message((int)call->arg[0], POLLIN, (int)call->arg[3]);
	if (sleep.outside && flags & RUMP_MSG_WAITALL) {
		all = wanted(call);
		flags &= ~RUMP_MSG_WAITALL;
	}
	do
		n = HIJACK_RUMP(recvfrom, (uint64_t)call->arg[0], (uint64_t)call->arg[1] + sleep.done,
		    (uint64_t)call->arg[2] - sleep.done, (uint64_t)(flags | sleep.flags),
		    call->arg[4] != 0 ? hijack_slot(&address) : 0,
		    call->arg[4] != 0 ? hijack_slot(&size) : 0);
	while (hijack_sleep_again(&sleep, n, all));
	n = sleep.result;
	if (n < 0 || call->arg[4] == 0)
		return n;
	error = hijack_address_out((uint64_t)call->arg[4], (uint64_t)call->arg[5], &address, size);
	return error != 0 ? error : n;
}

/* Leaves out what was sent of a message, and what goes with its first byte. */
static void
skip(struct rump_msghdr *netbsd, size_t sent)
{
	struct rump_iovec *piece = netbsd->msg_iov;

	netbsd->msg_control = NULL;
	netbsd->msg_controllen = 0;
	for (; netbsd->msg_iovlen > 0 && sent >= piece->iov_len; netbsd->msg_iovlen--)
		sent -= (piece++)->iov_len;
	netbsd->msg_iov = piece;
	if (netbsd->msg_iovlen > 0) {
		piece->iov_base = (char *)piece->iov_base + sent;
		piece->iov_len -= sent;
	}
}

/* The rump kernel's header for a message of the program's; its pieces stay where they are. */
static int
translate(const struct msghdr *host, struct rump_msghdr *netbsd)
{
	if (host->msg_iovlen > PIECES_MAX)
		return -EMSGSIZE;
	*netbsd = (struct rump_msghdr){
	    .msg_iov = (struct rump_iovec *)host->msg_iov, .msg_iovlen = (int32_t)host->msg_iovlen};
	return 0;
}

/* Sends all of a message, piece by piece if need be; pieces is room for what is left of it. */
static long
send_pieces(long rump, struct rump_msghdr *netbsd, struct rump_iovec *pieces, int flags)
{
	struct hijack_sleep sleep;
	size_t all = 0;
	long n;

	if (hijack_copyin(
		pieces, hijack_slot(netbsd->msg_iov), (size_t)netbsd->msg_iovlen * sizeof(*pieces)) != 0)
		return -EFAULT;
	for (int32_t i = 0; i < netbsd->msg_iovlen; i++)
		all += pieces[i].iov_len;
	netbsd->msg_iov = pieces;
	sleep = hijack_sleep_begin((int)rump, POLLOUT);
	do {
		n = HIJACK_RUMP(
		    sendmsg, (uint64_t)rump, hijack_slot(netbsd), (uint64_t)(flags | sleep.flags));
		if (n > 0)
			skip(netbsd, (size_t)n);
	} while (hijack_sleep_again(&sleep, n, all));
	return sleep.result;
}

/* flags are NetBSD's. */
static long
send_translated(long rump, struct rump_msghdr *netbsd, int flags)
{
	struct rump_iovec *pieces;
	long result;

	if (flags & RUMP_MSG_DONTWAIT || !hijack_sleeps_outside())
		return HIJACK_RUMP(sendmsg, (uint64_t)rump, hijack_slot(netbsd), (uint64_t)flags);
	pieces = malloc(((size_t)netbsd->msg_iovlen + 1) * sizeof(*pieces));
	if (pieces == NULL)
		return -ENOMEM;
	result = send_pieces(rump, netbsd, pieces, flags);
	free(pieces);
	return result;
}

long
hijack_message_send(long rump, const struct msghdr *host, int flags)
{
	union hijack_address address;
	struct hijack_control control;
	struct rump_msghdr netbsd;
	int error = translate(host, &netbsd), size;
	long controls;

	flags = hijack_abi_message_flags(flags);
	if (error != 0 || flags < 0)
		return error != 0 ? error : flags;
	if (host->msg_name != NULL && host->msg_namelen > 0) {
		size = hijack_address_in(hijack_slot(host->msg_name), host->msg_namelen, &address);
		if (size < 0)
			return size;
		netbsd.msg_name = &address;
		netbsd.msg_namelen = (uint32_t)size;
	}
	if (host->msg_control != NULL && host->msg_controllen > 0) {
		controls = hijack_control_in(host, &control);
		if (controls < 0)
			return controls;
		netbsd.msg_control = controls > 0 ? control.data : NULL;
		netbsd.msg_controllen = (uint32_t)controls;
	}
	return send_translated(rump, &netbsd, flags);
}

/* A message that is to be there as a whole is left to the rump kernel, whatever that makes of signals. */
static struct hijack_sleep
sleep_for_message(long rump, int flags)
{
	return hijack_sleep_message((int)rump, POLLIN, flags & MSG_WAITALL ? MSG_DONTWAIT : flags);
}

long
hijack_message_receive(long rump, struct msghdr *host, int flags)
{
	struct hijack_sleep sleep;
	union hijack_address address = {{0}}, translated = {{0}};
	struct hijack_control control;
	struct hijack_whole whole;
	struct rump_msghdr netbsd;
	int error = translate(host, &netbsd), given = flags & MSG_CMSG_CLOEXEC, host_flags = flags;
	uint32_t room = host->msg_namelen, made;
	long n;

	flags = hijack_abi_message_flags(flags & ~MSG_TRUNC);
	if (error != 0 || flags < 0)
		return error != 0 ? error : flags;
	error = hijack_whole_begin(&whole, rump, &netbsd, host_flags);
	if (error != 0)
		return error;
	if (host->msg_name != NULL) {
		netbsd.msg_name = &address;
		netbsd.msg_namelen = sizeof(address);
	}
	if (host->msg_control != NULL && host->msg_controllen > 0) {
		netbsd.msg_control = control.data;
		netbsd.msg_controllen = HIJACK_CONTROL_MAX;
	}
	sleep = sleep_for_message(rump, host_flags);
	do
		n = HIJACK_RUMP(
		    recvmsg, (uint64_t)rump, hijack_slot(&netbsd), (uint64_t)(flags | sleep.flags));
	while (hijack_sleep_again(&sleep, n, 0));
	n = sleep.result;
	given |= hijack_whole_end(&whole, n);
	if (n < 0)
		return n;
	error = hijack_control_out(
	    &control, netbsd.msg_control != NULL ? netbsd.msg_controllen : 0, host, &given);
	if (error != 0)
		return error;
	host->msg_flags = (hijack_abi_message_flags_back(netbsd.msg_flags) & COMES_WITH_IT) | given;
	if (host->msg_name == NULL)
		return n;
	made = (uint32_t)hijack_abi_address_back(&translated, &address, netbsd.msg_namelen);
	made = hijack_local_address_out(&translated, made);
	host->msg_namelen = made;
	if (hijack_copyout(hijack_slot(host->msg_name), &translated, room < made ? room : made) != 0)
		return -EFAULT;
	return n;
}

long
hijack_inside_sendmsg(const struct hijack_call *call)
{
	struct msghdr host;

	if (hijack_copyin(&host, (uint64_t)call->arg[1], sizeof(host)) != 0)
		return -EFAULT;
	return hijack_message_send(call->arg[0], &host, (int)call->arg[2]);
}

long
hijack_inside_recvmsg(const struct hijack_call *call)
{
	struct msghdr host;
	long n;

	if (hijack_copyin(&host, (uint64_t)call->arg[1], sizeof(host)) != 0)
		return -EFAULT;
	n = hijack_message_receive(call->arg[0], &host, (int)call->arg[2]);
	if (n >= 0 && hijack_copyout((uint64_t)call->arg[1], &host, sizeof(host)) != 0)
		return -EFAULT;
	return n;
}

/* Several at once: as many calls, until one fails; an error counts only when it was the first. */
long
hijack_inside_sendmmsg(const struct hijack_call *call)
{
	unsigned int count = (unsigned int)call->arg[2], done;
	long n = 0;

	for (done = 0; done < count; done++) {
		uint64_t at = (uint64_t)call->arg[1] + done * sizeof(struct mmsghdr);
		struct mmsghdr message;

		if (hijack_copyin(&message, at, sizeof(message)) != 0)
			n = -EFAULT;
		else
			n = hijack_message_send(call->arg[0], &message.msg_hdr, (int)call->arg[3]);
		if (n < 0)
			break;
		message.msg_len = (unsigned int)n;
		if (hijack_copyout(at, &message, sizeof(message)) != 0)
			return -EFAULT;
	}
	return done > 0 ? (long)done : n;
}

long
hijack_inside_recvmmsg(const struct hijack_call *call)
{
	unsigned int count = (unsigned int)call->arg[2], done;
	int flags = (int)call->arg[3];
	long n = 0;

	for (done = 0; done < count; done++) {
		uint64_t at = (uint64_t)call->arg[1] + done * sizeof(struct mmsghdr);
		struct mmsghdr message;

		if (hijack_copyin(&message, at, sizeof(message)) != 0)
			n = -EFAULT;
		else
			n = hijack_message_receive(call->arg[0], &message.msg_hdr, flags);
		if (n < 0)
			break;
		message.msg_len = (unsigned int)n;
		if (hijack_copyout(at, &message, sizeof(message)) != 0)
			return -EFAULT;
		if (flags & MSG_WAITFORONE)
			flags |= MSG_DONTWAIT;
	}
	return done > 0 ? (long)done : n;
}
