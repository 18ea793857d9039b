/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sendto, sendmsg, sendmmsg, and their counterparts: between user memory and messages.
 *
 * Theory of operation: a call's parts are gathered in one struct: data in a buffer (the caller's own
 * memory when it is here, a copy when it is a client's), address, control. Then it is sent or
 * received without touching user memory, and what came is copied out.
 */
#include <limits.h>
#include <string.h>
#include "kernel/base/clock.h"
#include "kernel/base/iovec.h"
#include "kernel/base/mem.h"
#include "kernel/base/syscall.h"
#include "kernel/net/socket_impl.h"

/* More of a client's data goes in several steps, where the protocol allows. */
#define BOUNCE_MAX (1024 * 1024)
#define CONTROL_IN_MAX 2048

struct transfer {
	struct lwp *l;
	struct file *fp;
	struct socket *so;
	struct rumpk_somsg msg;
	struct rumpk_uio uio;
	/* What the call names. */
	struct rump_iovec *iov;
	int iovcnt;
	size_t total;
	/* A client's data: the buffer, and what of it is still to be moved. */
	void *buf;
	size_t buflen;
	struct rump_iovec bounce;
	struct file *files[RUMPK_FILES_MAX];
	uint8_t control[RUMPK_CONTROL_MAX];
};

/* A transfer for the socket of a descriptor; the flags are MSG_*. */
static int
begin(struct lwp *l, int fd, int flags, enum rumpk_rw rw, struct transfer **tp)
{
	struct transfer *t = rumpk_alloc(sizeof(*t));
	int error;

	if (t == NULL)
		return RUMP_ENOBUFS;
	memset(t, 0, offsetof(struct transfer, files));
	error = rumpk_so_get(l, fd, &t->fp, &t->so);
	if (error != 0) {
		rumpk_free(t, sizeof(*t));
		return error;
	}
	t->l = l;
	t->msg.uio = &t->uio;
	t->msg.flags = flags & RUMP_MSG_USERFLAGS;
	t->msg.control = t->control;
	t->msg.cred = rumpk_proc_cred(l->proc);
	t->msg.pid = l->proc->pid;
	if ((t->so->protocol->flags & RUMPK_PR_RIGHTS) != 0)
		t->msg.files = t->files;
	t->uio.rw = rw;
	*tp = t;
	return 0;
}

static void
end(struct transfer *t)
{
	rumpk_control_rele(&t->msg);
	if (t->iov != NULL)
		rumpk_iovec_put(t->iov, t->iovcnt);
	rumpk_free(t->buf, t->buflen);
	rumpk_file_rele(t->fp);
	rumpk_free(t, sizeof(*t));
}

/* The data, as one piece of user memory or several. */
static int
set_data(struct transfer *t, rumpk_uaddr uiov, int count)
{
	int error;

	if (count < 0 || count > RUMP_IOV_MAX)
		return RUMP_EMSGSIZE;
	if (count > 0) {
		error = rumpk_iovec_get(t->l, uiov, count, &t->iov, &t->total);
		if (error != 0)
			return error;
	}
	t->iovcnt = count;
	return 0;
}

static int
set_single(struct transfer *t, rumpk_uaddr at, size_t len)
{
	if (len > SSIZE_MAX)
		return RUMP_EINVAL;
	if (at == 0 && len > 0)
		return RUMP_EFAULT;
	t->iov = rumpk_alloc(sizeof(*t->iov));
	if (t->iov == NULL)
		return RUMP_ENOBUFS;
	t->iov->iov_base = (void *)(uintptr_t)at;
	t->iov->iov_len = len;
	t->iovcnt = 1;
	t->total = len;
	return 0;
}

/* Points the uio at memory that can be moved to and from at once. */
static int
map_data(struct transfer *t)
{
	size_t len = t->total < BOUNCE_MAX ? t->total : BOUNCE_MAX;

	t->uio.resid = t->total;
	t->uio.iov = t->iov;
	t->uio.iovcnt = t->iovcnt;
	if (rumpk_proc_islocal(t->l->proc) || t->total == 0)
		return 0;
	if (t->total > BOUNCE_MAX && t->uio.rw == RUMPK_WRITE &&
	    (t->so->protocol->flags & RUMPK_PR_ATOMIC) != 0)
		return RUMP_EMSGSIZE;
	t->buf = rumpk_alloc(len);
	if (t->buf == NULL)
		return RUMP_ENOBUFS;
	t->buflen = len;
	t->bounce.iov_base = t->buf;
	t->bounce.iov_len = len;
	t->uio.iov = &t->bounce;
	t->uio.iovcnt = 1;
	t->uio.resid = len;
	return t->uio.rw == RUMPK_WRITE ? rumpk_iovec_copyin(t->l, t->iov, t->iovcnt, t->buf, len) : 0;
}

static bool
nonblocking(const struct transfer *t)
{
	return (atomic_load_explicit(&t->fp->flags, memory_order_relaxed) & RUMP_O_NONBLOCK) != 0;
}

/* The next piece of a client's data that is longer than the buffer. Addresses and control went before. */
static int
map_next(struct transfer *t, struct rumpk_uio *left)
{
	size_t len = left->resid < t->buflen ? left->resid : t->buflen;

	t->bounce = (struct rump_iovec){.iov_base = t->buf, .iov_len = len};
	t->uio.iov = &t->bounce;
	t->uio.iovcnt = 1;
	t->uio.resid = len;
	t->msg.addr.len = 0;
	t->msg.controllen = 0;
	return rumpk_iovec_copyin(t->l, left->iov, left->iovcnt, t->buf, len);
}

/* Sends all of it, where the protocol and the caller let that wait. */
static int
send_pieces(struct transfer *t, long *sent)
{
	struct rumpk_uio left = {.iov = t->iov, .iovcnt = t->iovcnt, .resid = t->total};
	int error;

	*sent = 0;
	for (;;) {
		size_t before = t->uio.resid, moved;

		error = rumpk_so_send(t->so, &t->msg, nonblocking(t));
		moved = before - t->uio.resid;
		*sent += (long)moved;
		if (error != 0 || t->buf == NULL || moved < before || (size_t)*sent == t->total)
			return error;
		rumpk_uioskip(&left, moved);
		error = map_next(t, &left);
		if (error != 0)
			return 0;
	}
}

static int
perform_send(struct transfer *t, long *retval)
{
	int error;

	error = map_data(t);
	if (error != 0)
		return error;
	error = send_pieces(t, retval);
	if (*retval > 0 && (error == RUMP_EINTR || error == RUMP_EWOULDBLOCK))
		error = 0;
	if (error == RUMP_EPIPE && (t->msg.flags & RUMP_MSG_NOSIGNAL) == 0 &&
	    (atomic_load_explicit(&t->fp->flags, memory_order_relaxed) & RUMP_O_NOSIGPIPE) == 0 &&
	    (atomic_load_explicit(&t->so->opts.flags, memory_order_relaxed) & RUMP_SO_NOSIGPIPE) == 0)
		rumpk_psignal(t->l->proc, RUMP_SIGPIPE);
	return error;
}

static int
perform_receive(struct transfer *t, long *retval)
{
	size_t before;
	int error;

	error = map_data(t);
	if (error != 0)
		return error;
	before = t->uio.resid;
	error = rumpk_so_receive(t->so, &t->msg, nonblocking(t));
	*retval = (long)(before - t->uio.resid);
	if (error == 0 && t->buf != NULL && *retval > 0)
		error = rumpk_iovec_copyout(t->l, t->iov, t->iovcnt, t->buf, (size_t)*retval);
	return error;
}

static int
get_addr(struct transfer *t, rumpk_uaddr uaddr, uint32_t len)
{
	return uaddr != 0 ? rumpk_sockaddr_in(t->l, uaddr, len, &t->msg.addr) : 0;
}

static int
sys_sendto(struct lwp *l, rumpk_args args, long *retval)
{
	struct transfer *t;
	int error;

	error = begin(l, rumpk_arg_int(args, 0), rumpk_arg_int(args, 3), RUMPK_WRITE, &t);
	if (error != 0)
		return error;
	error = set_single(t, args[1], args[2]);
	if (error == 0)
		error = get_addr(t, args[4], (uint32_t)args[5]);
	if (error == 0)
		error = perform_send(t, retval);
	end(t);
	return error;
}

static int
sys_recvfrom(struct lwp *l, rumpk_args args, long *retval)
{
	struct transfer *t;
	int error;

	error = begin(l, rumpk_arg_int(args, 0), rumpk_arg_int(args, 3), RUMPK_READ, &t);
	if (error != 0)
		return error;
	t->msg.control = NULL;
	error = set_single(t, args[1], args[2]);
	if (error == 0)
		error = perform_receive(t, retval);
	if (error == 0)
		error = rumpk_sockaddr_out(l, &t->msg.addr, args[4], args[5]);
	end(t);
	return error;
}

/* The control of a message to send. */
static int
get_control(struct transfer *t, const struct rump_msghdr *header)
{
	uint8_t buf[CONTROL_IN_MAX];
	int error;

	if (header->msg_control == NULL || header->msg_controllen == 0)
		return 0;
	if (header->msg_controllen > sizeof(buf))
		return RUMP_EMSGSIZE;
	error = rumpk_copyin(t->l, (rumpk_uaddr)(uintptr_t)header->msg_control, buf, header->msg_controllen);
	return error != 0 ? error : rumpk_control_in(t->l, buf, header->msg_controllen, &t->msg);
}

/* A transfer of what a header names; its end is the caller's. */
static int
begin_message(struct lwp *l, int fd, const struct rump_msghdr *header, int flags, enum rumpk_rw rw,
    struct transfer **tp)
{
	int error = begin(l, fd, flags, rw, tp);

	if (error != 0)
		return error;
	error = set_data(*tp, (rumpk_uaddr)(uintptr_t)header->msg_iov, header->msg_iovlen);
	if (error != 0)
		end(*tp);
	return error;
}

static int
send_message(struct lwp *l, int fd, struct rump_msghdr *header, int flags, long *retval)
{
	struct transfer *t;
	int error = begin_message(l, fd, header, flags, RUMPK_WRITE, &t);

	if (error != 0)
		return error;
	error = get_addr(t, (rumpk_uaddr)(uintptr_t)header->msg_name, header->msg_namelen);
	if (error == 0)
		error = get_control(t, header);
	if (error == 0)
		error = perform_send(t, retval);
	end(t);
	return error;
}

/* What came with the data goes where the header says, and the header tells of it. */
static int
put_message(struct transfer *t, struct rump_msghdr *header)
{
	size_t room = header->msg_control != NULL ? header->msg_controllen : 0;
	uint8_t buf[CONTROL_IN_MAX];
	uint32_t namelen = t->msg.addr.len;
	int error = 0;

	if (namelen > header->msg_namelen)
		namelen = header->msg_namelen;
	if (header->msg_name != NULL)
		error =
		    rumpk_copyout(t->l, t->msg.addr.data, (rumpk_uaddr)(uintptr_t)header->msg_name, namelen);
	header->msg_namelen = header->msg_name != NULL ? namelen : 0;
	if (error != 0)
		return error;
	if (room > sizeof(buf))
		room = sizeof(buf);
	rumpk_control_out(t->l, &t->msg, buf, &room);
	error = rumpk_copyout(t->l, buf, (rumpk_uaddr)(uintptr_t)header->msg_control, room);
	header->msg_controllen = (uint32_t)room;
	header->msg_flags = t->msg.flags & (RUMP_MSG_EOR | RUMP_MSG_TRUNC | RUMP_MSG_CTRUNC | RUMP_MSG_OOB |
					       RUMP_MSG_BCAST | RUMP_MSG_MCAST);
	return error;
}

static int
receive_message(struct lwp *l, int fd, struct rump_msghdr *header, int flags, long *retval)
{
	struct transfer *t;
	int error = begin_message(l, fd, header, flags, RUMPK_READ, &t);

	if (error != 0)
		return error;
	error = perform_receive(t, retval);
	if (error == 0)
		error = put_message(t, header);
	end(t);
	return error;
}

static int
sys_sendmsg(struct lwp *l, rumpk_args args, long *retval)
{
	struct rump_msghdr header;
	int error;

	error = rumpk_copyin(l, args[1], &header, sizeof(header));
	return error != 0 ? error
			  : send_message(l, rumpk_arg_int(args, 0), &header, rumpk_arg_int(args, 2), retval);
}

static int
sys_recvmsg(struct lwp *l, rumpk_args args, long *retval)
{
	struct rump_msghdr header;
	int error;

	error = rumpk_copyin(l, args[1], &header, sizeof(header));
	if (error == 0)
		error = receive_message(l, rumpk_arg_int(args, 0), &header, rumpk_arg_int(args, 2), retval);
	return error != 0 ? error : rumpk_copyout(l, &header, args[1], sizeof(header));
}

#define MMSG_MAX 1024

typedef int message_fn(struct lwp *l, int fd, struct rump_msghdr *header, int flags, long *retval);

/* One message of several: the one whose header is at `at`. */
static int
one_of_several(struct lwp *l, int fd, rumpk_uaddr at, int flags, message_fn *move)
{
	struct rump_mmsghdr one;
	long moved = 0;
	int error = rumpk_copyin(l, at, &one, sizeof(one));

	if (error == 0)
		error = move(l, fd, &one.msg_hdr, flags, &moved);
	if (error != 0)
		return error;
	one.msg_len = (uint32_t)moved;
	return rumpk_copyout(l, &one, at, sizeof(one));
}

static int
several(struct lwp *l, rumpk_args args, int flags, int64_t deadline, message_fn *move, long *retval)
{
	uint32_t count = (uint32_t)args[2] < MMSG_MAX ? (uint32_t)args[2] : MMSG_MAX, done = 0;
	bool wait_for_one = (flags & RUMP_MSG_WAITFORONE) != 0;
	int error = 0;

	flags &= ~RUMP_MSG_WAITFORONE;
	while (done < count && (done == 0 || deadline == RUMPK_FOREVER || rumpk_monotonic() < deadline)) {
		error = one_of_several(
		    l, rumpk_arg_int(args, 0), args[1] + done * sizeof(struct rump_mmsghdr), flags, move);
		if (error != 0)
			break;
		done++;
		if (wait_for_one)
			flags |= RUMP_MSG_DONTWAIT;
	}
	*retval = done;
	return done > 0 ? 0 : error;
}

static int
sys_sendmmsg(struct lwp *l, rumpk_args args, long *retval)
{
	return several(
	    l, args, rumpk_arg_int(args, 3) & ~RUMP_MSG_WAITFORONE, RUMPK_FOREVER, send_message, retval);
}

static int
sys_recvmmsg(struct lwp *l, rumpk_args args, long *retval)
{
	int64_t deadline = RUMPK_FOREVER;
	struct rump_timespec ts;
	int error = 0;

	if (args[4] != 0) {
		error = rumpk_copyin(l, args[4], &ts, sizeof(ts));
		if (error == 0)
			error = rumpk_timespec_check(&ts);
		if (error != 0)
			return error;
		deadline = rumpk_deadline(rumpk_timespec_ns(&ts));
	}
	return several(l, args, rumpk_arg_int(args, 3), deadline, receive_message, retval);
}

static const struct rumpk_syscall calls[] = {
    {RUMPK_SYS_sendto, sys_sendto},
    {RUMPK_SYS_recvfrom, sys_recvfrom},
    {RUMPK_SYS_sendmsg, sys_sendmsg},
    {RUMPK_SYS_recvmsg, sys_recvmsg},
    {RUMPK_SYS_sendmmsg, sys_sendmmsg},
    {RUMPK_SYS_recvmmsg, sys_recvmmsg},
};

void
rumpk_msgcalls_init(void)
{
	rumpk_syscall_register(calls, sizeof(calls) / sizeof(*calls));
}
