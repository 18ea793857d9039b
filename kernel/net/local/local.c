/* SPDX-License-Identifier: BSD-2-Clause */
#include "kernel/net/local/local.h"

static int
attach(struct socket *so, const struct rumpk_cred *cred)
{
	struct local_pcb *pcb = local_pcb_alloc(so->protocol->type);

	(void)cred;
	if (pcb == NULL)
		return RUMP_ENOBUFS;
	pcb->so = so;
	so->pcb = pcb;
	rumpk_lock(local_lock);
	local_collect();
	rumpk_unlock(local_lock);
	local_bury();
	return 0;
}

static void
detach(struct socket *so)
{
	local_pcb_close(local_pcb(so));
	so->pcb = NULL;
}

static void
status(struct socket *so, struct rump_stat *st)
{
	st->st_blksize = (uint32_t)atomic_load_explicit(&so->opts.sndbuf, memory_order_relaxed);
	/* No device; what the pcb is known by. */
	st->st_dev = UINT64_MAX;
	st->st_ino = (uint64_t)(uintptr_t)so->pcb >> 4;
}

/* clang-format off */
#define ALL_KINDS \
	.attach = attach, .detach = detach, .bind = local_bind, .connect = local_connect, \
	.connect2 = local_connect2, .shutdown = local_shutdown, .send = local_send, \
	.receive = local_receive, .ready = local_ready, .sockname = local_sockname, \
	.peername = local_peername, .getopt = local_getopt, .setopt = local_setopt, .stat = status
/* clang-format on */
static const struct rumpk_protops stream_ops = {ALL_KINDS, .listen = local_listen, .accept = local_accept};
static const struct rumpk_protops datagram_ops = {ALL_KINDS};

#define BUFFER 65536

static const struct rumpk_protocol protocols[] = {
    {.type = RUMP_SOCK_STREAM,
	.flags = RUMPK_PR_CONNREQUIRED | RUMPK_PR_RIGHTS | RUMPK_PR_LISTEN,
	.ops = &stream_ops,
	.sndbuf = BUFFER,
	.rcvbuf = BUFFER},
    {.type = RUMP_SOCK_DGRAM,
	.flags = RUMPK_PR_ATOMIC | RUMPK_PR_ADDR | RUMPK_PR_RIGHTS,
	.ops = &datagram_ops,
	.sndbuf = BUFFER,
	.rcvbuf = BUFFER},
    {.type = RUMP_SOCK_SEQPACKET,
	.flags = RUMPK_PR_CONNREQUIRED | RUMPK_PR_ATOMIC | RUMPK_PR_RIGHTS | RUMPK_PR_LISTEN,
	.ops = &stream_ops,
	.sndbuf = BUFFER,
	.rcvbuf = BUFFER},
};

struct rumpk_domain local_domain = {
    .family = RUMP_AF_LOCAL, .name = "local", .protocols = protocols, .nprotocols = 3};

static void
local_init(void)
{
	rumpk_mutex_init(&local_lock);
	rumpk_domain_register(&local_domain);
}

RUMPK_COMPONENT(local, RUMP_COMPONENT_NET, local_init);
