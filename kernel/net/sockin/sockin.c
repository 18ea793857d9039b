/* SPDX-License-Identifier: BSD-2-Clause */
#include "kernel/net/sockin/sockin.h"
#include "kernel/base/mem.h"
#include "kernel/net/sockin/user.h"

static int
pcb_ctor(void *object)
{
	struct sockin_pcb *pcb = object;

	rumpk_mutex_init(&pcb->lock);
	pcb->so = NULL;
	return 0;
}

static struct rumpk_pool pool = RUMPK_POOL_INIT("sockin", struct sockin_pcb, pool_link, pcb_ctor);

/* Gives the socket a pcb around the host's socket. */
static int
adopt(struct socket *so, int fd)
{
	struct sockin_pcb *pcb = rumpk_pool_get(&pool);

	if (pcb == NULL) {
		sockin_user_close(fd);
		return RUMP_ENOBUFS;
	}
	rumpk_lock(pcb->lock);
	pcb->so = so;
	pcb->connecting = false;
	atomic_store_explicit(&pcb->watched, 0, memory_order_relaxed);
	pcb->fd = fd;
	so->pcb = pcb;
	rumpk_unlock(pcb->lock);
	return 0;
}

static int
attach(struct socket *so, const struct rumpk_cred *cred)
{
	int fd, error;

	(void)cred;
	error = sockin_user_socket(so->domain->family, so->protocol->type, so->protocol->number, &fd);
	return error != 0 ? error : adopt(so, fd);
}

static void
detach(struct socket *so)
{
	struct sockin_pcb *pcb = sockin_pcb(so);

	rumpk_lock(pcb->lock);
	pcb->so = NULL;
	rumpk_unlock(pcb->lock);
	sockin_unwatch(pcb);
	sockin_user_close(pcb->fd);
	so->pcb = NULL;
	rumpk_pool_put(&pool, pcb);
}

static int
do_bind(struct socket *so, const struct rumpk_sockaddr *addr, const struct rumpk_cred *cred)
{
	(void)cred;
	if (rumpk_sockaddr_family(addr) != so->domain->family)
		return addr->len < 2 ? RUMP_EINVAL : RUMP_EAFNOSUPPORT;
	return sockin_user_bind(sockin_pcb(so)->fd, addr->data, addr->len);
}

static int
do_listen(struct socket *so, int backlog)
{
	return sockin_user_listen(sockin_pcb(so)->fd, backlog);
}

static int
do_accept(struct socket *so, struct socket *newso, struct rumpk_sockaddr *addr)
{
	int fd, error;

	addr->len = RUMPK_SOCKADDR_MAX;
	error = sockin_user_accept(sockin_pcb(so)->fd, &fd, addr->data, &addr->len);
	if (error == 0)
		return adopt(newso, fd);
	addr->len = 0;
	if (error == RUMP_EWOULDBLOCK) {
		int failure = sockin_watch(sockin_pcb(so), SOCKIN_IN);

		return failure != 0 ? failure : error;
	}
	return error;
}

static int
do_connect(struct socket *so, const struct rumpk_sockaddr *addr, const struct rumpk_cred *cred)
{
	struct sockin_pcb *pcb = sockin_pcb(so);
	int error;

	(void)cred;
	if (addr->len < 2)
		return RUMP_EINVAL;
	if (rumpk_sockaddr_family(addr) != so->domain->family &&
	    (rumpk_sockaddr_family(addr) != RUMP_AF_UNSPEC ||
		(so->protocol->flags & RUMPK_PR_CONNREQUIRED) != 0))
		return RUMP_EAFNOSUPPORT;
	/* The thread of the events must not take the attempt's error before the attempt has answered. */
	rumpk_lock(pcb->lock);
	error = sockin_user_connect(pcb->fd, addr->data, addr->len);
	if (error == RUMP_EINPROGRESS) {
		int failure = sockin_watch_locked(pcb, SOCKIN_IN | SOCKIN_OUT);

		pcb->connecting = failure == 0;
		error = failure != 0 ? failure : error;
	}
	rumpk_unlock(pcb->lock);
	return error;
}

static int
do_shutdown(struct socket *so, int how)
{
	int error = sockin_user_shutdown(sockin_pcb(so)->fd, how);

	/* NetBSD's protocols do not mind; what follows from it is in so->state. */
	return error == RUMP_ENOTCONN ? 0 : error;
}

static int
sockname(struct socket *so, struct rumpk_sockaddr *addr)
{
	addr->len = RUMPK_SOCKADDR_MAX;
	return sockin_user_sockname(sockin_pcb(so)->fd, addr->data, &addr->len);
}

static int
peername(struct socket *so, struct rumpk_sockaddr *addr)
{
	addr->len = RUMPK_SOCKADDR_MAX;
	return sockin_user_peername(sockin_pcb(so)->fd, addr->data, &addr->len);
}

static int
getopt(struct socket *so, int level, int name, void *buf, size_t *len)
{
	return sockin_user_getopt(sockin_pcb(so)->fd, level, name, buf, len);
}

static int
setopt(struct socket *so, int level, int name, const void *buf, size_t len, const struct rumpk_cred *cred)
{
	(void)cred;
	return sockin_user_setopt(sockin_pcb(so)->fd, level, name, buf, len);
}

static int
sockopt(struct socket *so, int name, int64_t value)
{
	return sockin_user_sockopt(sockin_pcb(so)->fd, name, value);
}

static int
do_ioctl(struct socket *so, unsigned long cmd, void *data)
{
	switch (cmd) {
	case RUMP_SIOCATMARK:
		return sockin_user_atmark(sockin_pcb(so)->fd, data);
	case RUMP_FIONWRITE:
		*(int32_t *)data = (int32_t)sockin_user_unsent(sockin_pcb(so)->fd);
		return 0;
	default:
		return sockin_interface(so, cmd, data);
	}
}

/* clang-format off */
#define BOTH_KINDS \
	.attach = attach, .detach = detach, .bind = do_bind, .connect = do_connect, .shutdown = do_shutdown, \
	.send = sockin_send, .receive = sockin_receive, .ready = sockin_ready, .sockname = sockname, \
	.peername = peername, .getopt = getopt, .setopt = setopt, .sockopt = sockopt, .ioctl = do_ioctl
/* clang-format on */
static const struct rumpk_protops stream_ops = {BOTH_KINDS, .listen = do_listen, .accept = do_accept};
static const struct rumpk_protops datagram_ops = {BOTH_KINDS};

static const struct rumpk_protocol protocols[] = {
    {.type = RUMP_SOCK_STREAM,
	.number = RUMP_IPPROTO_TCP,
	.flags = RUMPK_PR_CONNREQUIRED | RUMPK_PR_LISTEN,
	.ops = &stream_ops,
	.sndbuf = 32768,
	.rcvbuf = 32768},
    {.type = RUMP_SOCK_DGRAM,
	.number = RUMP_IPPROTO_UDP,
	.flags = RUMPK_PR_ATOMIC | RUMPK_PR_ADDR,
	.ops = &datagram_ops,
	.sndbuf = 9216,
	.rcvbuf = 41600},
};

static struct rumpk_domain inet = {
    .family = RUMP_AF_INET, .name = "inet", .protocols = protocols, .nprotocols = 2};
static struct rumpk_domain inet6 = {
    .family = RUMP_AF_INET6, .name = "inet6", .protocols = protocols, .nprotocols = 2};

static void
sockin_init(void)
{
	rumpk_pool_init(&pool);
	sockin_events_init();
	rumpk_domain_register(&inet);
	rumpk_domain_register(&inet6);
}

RUMPK_COMPONENT(sockin, RUMP_COMPONENT_NET, sockin_init);
