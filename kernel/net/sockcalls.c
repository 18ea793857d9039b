/* SPDX-License-Identifier: BSD-2-Clause */
/* Making sockets, naming them, connecting them: the system calls. */
#include <string.h>
#include "kernel/base/syscall.h"
#include "kernel/net/socket_impl.h"

/* SOCK_CLOEXEC, SOCK_NONBLOCK and SOCK_NOSIGPIPE, in the type. */
static int
type_of(int type)
{
	return type & ~(int)(unsigned)RUMP_SOCK_FLAGS_MASK;
}

int
rumpk_sockaddr_in(struct lwp *l, rumpk_uaddr uaddr, uint32_t len, struct rumpk_sockaddr *addr)
{
	int error;

	memset(addr, 0, sizeof(*addr));
	if (len > RUMPK_SOCKADDR_MAX)
		return RUMP_ENAMETOOLONG;
	error = rumpk_copyin(l, uaddr, addr->data, len);
	if (error != 0)
		return error;
	addr->len = len;
	/* The length in the address is the call's, whatever the caller wrote there. */
	if (len > 0)
		addr->data[0] = (uint8_t)len;
	return 0;
}

int
rumpk_sockaddr_out(struct lwp *l, const struct rumpk_sockaddr *addr, rumpk_uaddr uaddr, rumpk_uaddr ulen)
{
	uint32_t room, len = addr->len;
	int error;

	if (uaddr == 0)
		return 0;
	error = rumpk_copyin(l, ulen, &room, sizeof(room));
	if (error != 0)
		return error;
	if (len > room)
		len = room;
	error = rumpk_copyout(l, addr->data, uaddr, len);
	return error != 0 ? error : rumpk_copyout(l, &len, ulen, sizeof(len));
}

static int
sys_socket(struct lwp *l, rumpk_args args, long *retval)
{
	int type = rumpk_arg_int(args, 1), fd, error;
	struct socket *so;

	error = rumpk_so_create(l, rumpk_arg_int(args, 0), type_of(type), rumpk_arg_int(args, 2), &so);
	if (error != 0)
		return error;
	error = rumpk_so_open(l, so, type, &fd);
	if (error != 0) {
		so->protocol->ops->detach(so);
		rumpk_so_free(so);
		return error;
	}
	*retval = fd;
	return 0;
}

static int
make_pair(struct lwp *l, rumpk_args args, struct socket *so[2])
{
	int error;

	error = rumpk_so_create(
	    l, rumpk_arg_int(args, 0), type_of(rumpk_arg_int(args, 1)), rumpk_arg_int(args, 2), &so[0]);
	if (error != 0)
		return error;
	error = rumpk_so_create(
	    l, rumpk_arg_int(args, 0), type_of(rumpk_arg_int(args, 1)), rumpk_arg_int(args, 2), &so[1]);
	if (error == 0) {
		const struct rumpk_protops *ops = so[0]->protocol->ops;

		error = ops->connect2 != NULL ? ops->connect2(so[0], so[1]) : RUMP_EOPNOTSUPP;
		if (error == 0)
			return 0;
		ops->detach(so[1]);
		rumpk_so_free(so[1]);
	}
	so[0]->protocol->ops->detach(so[0]);
	rumpk_so_free(so[0]);
	return error;
}

static int
sys_socketpair(struct lwp *l, rumpk_args args, long *retval)
{
	struct socket *so[2];
	int fds[2], error;

	(void)retval;
	error = make_pair(l, args, so);
	if (error != 0)
		return error;
	error = rumpk_so_open(l, so[0], rumpk_arg_int(args, 1), &fds[0]);
	if (error != 0) {
		so[0]->protocol->ops->detach(so[0]);
		rumpk_so_free(so[0]);
	} else {
		error = rumpk_so_open(l, so[1], rumpk_arg_int(args, 1), &fds[1]);
		if (error == 0) {
			error = rumpk_copyout(l, fds, args[3], sizeof(fds));
			if (error == 0)
				return 0;
			rumpk_fd_close(l, fds[0]);
			rumpk_fd_close(l, fds[1]);
			return error;
		}
		rumpk_fd_close(l, fds[0]);
	}
	so[1]->protocol->ops->detach(so[1]);
	rumpk_so_free(so[1]);
	return error;
}

static int
sys_bind(struct lwp *l, rumpk_args args, long *retval)
{
	struct rumpk_sockaddr addr;
	struct socket *so;
	struct file *fp;
	int error;

	(void)retval;
	error = rumpk_so_get(l, rumpk_arg_int(args, 0), &fp, &so);
	if (error != 0)
		return error;
	error = rumpk_sockaddr_in(l, args[1], (uint32_t)args[2], &addr);
	if (error == 0)
		error = so->protocol->ops->bind != NULL
			    ? so->protocol->ops->bind(so, &addr, rumpk_proc_cred(l->proc))
			    : RUMP_EOPNOTSUPP;
	rumpk_file_rele(fp);
	return error;
}

static int
do_listen(struct socket *so, int backlog)
{
	uint32_t state = atomic_load_explicit(&so->state, memory_order_acquire);
	int error;

	if (so->protocol->ops->listen == NULL || (so->protocol->flags & RUMPK_PR_LISTEN) == 0)
		return RUMP_EOPNOTSUPP;
	if ((state & (RUMPK_SO_CONNECTED | RUMPK_SO_CONNECTING)) != 0)
		return RUMP_EINVAL;
	if (backlog < 0)
		backlog = 0;
	if (backlog > RUMP_SOMAXCONN)
		backlog = RUMP_SOMAXCONN;
	error = so->protocol->ops->listen(so, backlog);
	if (error == 0)
		atomic_fetch_or_explicit(&so->state, RUMPK_SO_LISTENING, memory_order_release);
	return error;
}

static int
sys_listen(struct lwp *l, rumpk_args args, long *retval)
{
	struct socket *so;
	struct file *fp;
	int error;

	(void)retval;
	error = rumpk_so_get(l, rumpk_arg_int(args, 0), &fp, &so);
	if (error != 0)
		return error;
	error = do_listen(so, rumpk_arg_int(args, 1));
	rumpk_file_rele(fp);
	return error;
}

static bool
nonblocking(const struct file *fp)
{
	return (atomic_load_explicit(&fp->flags, memory_order_relaxed) & RUMP_O_NONBLOCK) != 0;
}

/* Waits for the connection that is in progress. */
static int
await_connection(struct socket *so)
{
	struct rumpk_sowait wait;
	int error = 0;

	rumpk_sowait_init(&wait, so, true, false);
	do {
		rumpk_sowait_mark(&wait);
		if ((atomic_load_explicit(&so->state, memory_order_acquire) & RUMPK_SO_CONNECTING) == 0)
			return rumpk_so_error(so);
		error = rumpk_sowait_sleep(&wait);
	} while (error == 0);
	return error;
}

static int
do_connect(struct lwp *l, struct file *fp, struct socket *so, const struct rumpk_sockaddr *addr)
{
	uint32_t state = atomic_load_explicit(&so->state, memory_order_acquire);
	int error;

	if (so->protocol->ops->connect == NULL || (state & RUMPK_SO_LISTENING) != 0)
		return RUMP_EOPNOTSUPP;
	if ((state & RUMPK_SO_CONNECTING) != 0)
		return RUMP_EALREADY;
	if ((state & RUMPK_SO_CONNECTED) != 0 && (so->protocol->flags & RUMPK_PR_CONNREQUIRED) != 0)
		return RUMP_EISCONN;
	/* Before the attempt: what completes it may be faster than its return. */
	if ((so->protocol->flags & RUMPK_PR_CONNREQUIRED) != 0)
		atomic_fetch_or_explicit(&so->state, RUMPK_SO_CONNECTING, memory_order_relaxed);
	error = so->protocol->ops->connect(so, addr, rumpk_proc_cred(l->proc));
	if (error != RUMP_EINPROGRESS)
		atomic_fetch_and_explicit(&so->state, ~(uint32_t)RUMPK_SO_CONNECTING, memory_order_relaxed);
	if (error == 0) {
		bool ended = rumpk_sockaddr_family(addr) == RUMP_AF_UNSPEC;

		if (ended)
			atomic_fetch_and_explicit(
			    &so->state, ~(uint32_t)RUMPK_SO_CONNECTED, memory_order_release);
		else
			atomic_fetch_or_explicit(&so->state, RUMPK_SO_CONNECTED, memory_order_release);
	}
	if (error != RUMP_EINPROGRESS || nonblocking(fp))
		return error;
	return await_connection(so);
}

static int
sys_connect(struct lwp *l, rumpk_args args, long *retval)
{
	struct rumpk_sockaddr addr;
	struct socket *so;
	struct file *fp;
	int error;

	(void)retval;
	error = rumpk_so_get(l, rumpk_arg_int(args, 0), &fp, &so);
	if (error != 0)
		return error;
	error = rumpk_sockaddr_in(l, args[1], (uint32_t)args[2], &addr);
	if (error == 0)
		error = do_connect(l, fp, so, &addr);
	rumpk_file_rele(fp);
	return error;
}

/* The next connection, waiting for it: newso is without a pcb until then. */
static int
await_accept(struct file *fp, struct socket *so, struct socket *newso, struct rumpk_sockaddr *addr)
{
	struct rumpk_sowait wait;
	int error;

	rumpk_sowait_init(&wait, so, false, nonblocking(fp));
	do {
		rumpk_sowait_mark(&wait);
		error = rumpk_so_error(so);
		if (error != 0)
			return error;
		error = so->protocol->ops->accept(so, newso, addr);
		if (error != RUMP_EWOULDBLOCK)
			return error;
		error = rumpk_sowait_sleep(&wait);
	} while (error == 0);
	return error;
}

static void
inherit(const struct socket *so, struct socket *newso)
{
	const uint32_t not_inherited = RUMP_SO_ACCEPTCONN;

	atomic_store_explicit(&newso->opts.flags,
	    atomic_load_explicit(&so->opts.flags, memory_order_relaxed) & ~not_inherited,
	    memory_order_relaxed);
	atomic_store_explicit(&newso->opts.sndbuf,
	    atomic_load_explicit(&so->opts.sndbuf, memory_order_relaxed), memory_order_relaxed);
	atomic_store_explicit(&newso->opts.rcvbuf,
	    atomic_load_explicit(&so->opts.rcvbuf, memory_order_relaxed), memory_order_relaxed);
	atomic_store_explicit(&newso->opts.sndtimeo,
	    atomic_load_explicit(&so->opts.sndtimeo, memory_order_relaxed), memory_order_relaxed);
	atomic_store_explicit(&newso->opts.rcvtimeo,
	    atomic_load_explicit(&so->opts.rcvtimeo, memory_order_relaxed), memory_order_relaxed);
	atomic_store_explicit(&newso->opts.linger,
	    atomic_load_explicit(&so->opts.linger, memory_order_relaxed), memory_order_relaxed);
}

static int
accept_into(
    struct lwp *l, struct file *fp, struct socket *so, int flags, struct rumpk_sockaddr *addr, int *fdp)
{
	struct socket *newso;
	int error;

	if (so->protocol->ops->accept == NULL)
		return RUMP_EOPNOTSUPP;
	if ((atomic_load_explicit(&so->state, memory_order_acquire) & RUMPK_SO_LISTENING) == 0)
		return RUMP_EINVAL;
	newso = rumpk_so_alloc(so->domain, so->protocol);
	if (newso == NULL)
		return RUMP_ENOBUFS;
	inherit(so, newso);
	atomic_store_explicit(&newso->state, RUMPK_SO_CONNECTED, memory_order_relaxed);
	error = rumpk_sigio_inherit(&newso->sigio, &newso->notes, RUMPK_SO_SIGIO, &so->sigio);
	if (error == 0)
		error = await_accept(fp, so, newso, addr);
	if (error != 0) {
		rumpk_so_free(newso);
		return error;
	}
	error = rumpk_so_open(l, newso, flags, fdp);
	if (error != 0) {
		newso->protocol->ops->detach(newso);
		rumpk_so_free(newso);
	}
	return error;
}

static int
do_accept(struct lwp *l, rumpk_args args, int flags, bool inherit_nonblocking, long *retval)
{
	struct rumpk_sockaddr addr = {0};
	struct socket *so;
	struct file *fp;
	int fd, error;

	error = rumpk_so_get(l, rumpk_arg_int(args, 0), &fp, &so);
	if (error != 0)
		return error;
	if (inherit_nonblocking && nonblocking(fp))
		flags |= RUMP_SOCK_NONBLOCK;
	error = accept_into(l, fp, so, flags, &addr, &fd);
	if (error == 0) {
		error = rumpk_sockaddr_out(l, &addr, args[1], args[2]);
		if (error != 0)
			rumpk_fd_close(l, fd);
		else
			*retval = fd;
	}
	rumpk_file_rele(fp);
	return error;
}

static int
sys_accept(struct lwp *l, rumpk_args args, long *retval)
{
	return do_accept(l, args, 0, true, retval);
}

static int
sys_paccept(struct lwp *l, rumpk_args args, long *retval)
{
	return do_accept(l, args, rumpk_arg_int(args, 4), false, retval);
}

static int
sys_shutdown(struct lwp *l, rumpk_args args, long *retval)
{
	int how = rumpk_arg_int(args, 1), error;
	struct socket *so;
	struct file *fp;

	(void)retval;
	error = rumpk_so_get(l, rumpk_arg_int(args, 0), &fp, &so);
	if (error != 0)
		return error;
	if (how != RUMP_SHUT_RD && how != RUMP_SHUT_WR && how != RUMP_SHUT_RDWR)
		error = RUMP_EINVAL;
	else
		error = so->protocol->ops->shutdown != NULL ? so->protocol->ops->shutdown(so, how)
							    : RUMP_EOPNOTSUPP;
	if (error == 0) {
		uint32_t bits = how == RUMP_SHUT_RD   ? RUMPK_SO_RDSHUT
				: how == RUMP_SHUT_WR ? RUMPK_SO_WRSHUT
						      : RUMPK_SO_RDSHUT | RUMPK_SO_WRSHUT;

		atomic_fetch_or_explicit(&so->state, bits, memory_order_release);
		rumpk_so_notify(so, RUMPK_NOTE_READABLE | RUMPK_NOTE_WRITABLE | RUMPK_NOTE_HANGUP);
	}
	rumpk_file_rele(fp);
	return error;
}

typedef int (*name_fn)(struct socket *so, struct rumpk_sockaddr *addr);

static int
get_name(struct lwp *l, rumpk_args args, bool peer)
{
	struct rumpk_sockaddr addr = {0};
	struct socket *so;
	struct file *fp;
	name_fn f;
	int error;

	error = rumpk_so_get(l, rumpk_arg_int(args, 0), &fp, &so);
	if (error != 0)
		return error;
	f = peer ? so->protocol->ops->peername : so->protocol->ops->sockname;
	error = f != NULL ? f(so, &addr) : RUMP_EOPNOTSUPP;
	if (error == 0)
		error = args[1] == 0 ? RUMP_EFAULT : rumpk_sockaddr_out(l, &addr, args[1], args[2]);
	rumpk_file_rele(fp);
	return error;
}

static int
sys_getsockname(struct lwp *l, rumpk_args args, long *retval)
{
	(void)retval;
	return get_name(l, args, false);
}

static int
sys_getpeername(struct lwp *l, rumpk_args args, long *retval)
{
	(void)retval;
	return get_name(l, args, true);
}

static const struct rumpk_syscall calls[] = {
    {RUMPK_SYS___socket30, sys_socket},
    {RUMPK_SYS_socketpair, sys_socketpair},
    {RUMPK_SYS_bind, sys_bind},
    {RUMPK_SYS_listen, sys_listen},
    {RUMPK_SYS_connect, sys_connect},
    {RUMPK_SYS_accept, sys_accept},
    {RUMPK_SYS_paccept, sys_paccept},
    {RUMPK_SYS_shutdown, sys_shutdown},
    {RUMPK_SYS_getsockname, sys_getsockname},
    {RUMPK_SYS_getpeername, sys_getpeername},
};

void
rumpk_sockcalls_init(void)
{
	rumpk_syscall_register(calls, sizeof(calls) / sizeof(*calls));
}
