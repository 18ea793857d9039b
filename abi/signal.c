/* SPDX-License-Identifier: BSD-2-Clause */
#include <signal.h>
#include <stddef.h>

#include <rump/rumpdefs.h>

#include "abi/signal.h"

static const unsigned char host_signal[] = {
#define X(name) [RUMP_##name] = name,
#define NETBSD_ONLY(name, stand_in) [RUMP_##name] = stand_in,
#include "abi/signal.def"
#undef X
#undef NETBSD_ONLY
};

static const unsigned char netbsd_signal[] = {
#define X(name) [name] = RUMP_##name,
#define NETBSD_ONLY(name, stand_in)
#include "abi/signal.def"
#undef X
#undef NETBSD_ONLY
};

int
abi_signal_to_netbsd(int host)
{
	return host > 0 && (size_t)host < sizeof(netbsd_signal) ? netbsd_signal[host] : 0;
}

int
abi_signal_to_host(int netbsd)
{
	return netbsd > 0 && (size_t)netbsd < sizeof(host_signal) ? host_signal[netbsd] : 0;
}
