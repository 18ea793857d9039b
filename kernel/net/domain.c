/* SPDX-License-Identifier: BSD-2-Clause */
#include "kernel/net/socket_impl.h"

static struct rumpk_domain *domains;

void
rumpk_domain_register(struct rumpk_domain *d)
{
	d->next = domains;
	domains = d;
}

static bool
matches(const struct rumpk_protocol *p, int type, int number)
{
	return p->type == type && (number == 0 || p->number == number);
}

int
rumpk_protocol_find(int family, int type, int number, const struct rumpk_domain **domain,
    const struct rumpk_protocol **protocol)
{
	struct rumpk_domain *d = domains;

	while (d != NULL && d->family != family)
		d = d->next;
	if (d == NULL)
		return RUMP_EAFNOSUPPORT;
	for (size_t i = 0; i < d->nprotocols; i++) {
		if (matches(&d->protocols[i], type, number)) {
			*domain = d;
			*protocol = &d->protocols[i];
			return 0;
		}
	}
	return number == 0 ? RUMP_EPROTOTYPE : RUMP_EPROTONOSUPPORT;
}

static void
net_init(void)
{
	rumpk_sockcalls_init();
	rumpk_sockopt_init();
	rumpk_msgcalls_init();
}

RUMPK_COMPONENT(net, RUMP__FACTION_NET, net_init);
