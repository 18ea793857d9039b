/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests about network interfaces. */
#include "hijack/interface.h"

#include <errno.h>
#include <linux/sockios.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "abi/interface.h"
#include "hijack/abi/ifreq.h"
#include "hijack/copy.h"
#include "hijack/descriptor.h"
#include "hijack/files.h"
#include "hijack/rump.h"

long
hijack_interface_perform(int rump, unsigned int request, void *argument)
{
	long result = HIJACK_RUMP(ioctl, (uint64_t)rump, request, hijack_slot(argument));

	return result == -ENXIO ? -ENODEV : result;
}

/* Flags that only NetBSD has stay as they are. */
static long
set_flags(int rump, struct rump_ifreq *ifr)
{
	int all = abi_interface_flags_to_netbsd(-1), wanted = (uint16_t)ifr->ifru_flags;
	long error = hijack_interface_perform(rump, RUMP_SIOCGIFFLAGS, ifr);

	if (error != 0)
		return error;
	ifr->ifru_flags = (int16_t)(((uint16_t)ifr->ifru_flags & ~all) | wanted);
	return hijack_interface_perform(rump, RUMP_SIOCSIFFLAGS, ifr);
}

/* To set the address 0.0.0.0 is to have none. */
static long
set_address(int rump, struct rump_ifreq *ifr)
{
	struct rump_sockaddr_in wanted;
	long error;

	memcpy(&wanted, &ifr->ifru_addr, sizeof(wanted));
	if (wanted.sin_addr.s_addr != 0)
		return hijack_interface_perform(rump, RUMP_SIOCSIFADDR, ifr);
	error = hijack_interface_perform(rump, RUMP_SIOCGIFADDR, ifr);
	if (error == -EADDRNOTAVAIL)
		return 0;
	return error != 0 ? error : hijack_interface_perform(rump, RUMP_SIOCDIFADDR, ifr);
}

/* Of interfaces that have no such address Linux tells that it is 0.0.0.0, or that the other end is this one.
 */
static long
get_other_address(int rump, const struct hijack_interface_request *request, struct rump_ifreq *ifr)
{
	long error = hijack_interface_perform(rump, request->netbsd, ifr);

	if (error != -EINVAL)
		return error;
	error = hijack_interface_perform(rump, RUMP_SIOCGIFADDR, ifr);
	if (error == 0 && request->host == SIOCGIFBRDADDR)
		memset(ifr->ifru_addr.sa_data, 0, sizeof(ifr->ifru_addr.sa_data));
	return error;
}

static long
same_request(int rump, const struct hijack_interface_request *request, struct ifreq *host)
{
	struct rump_ifreq ifr;
	long error = hijack_abi_ifreq(&ifr, host, request);

	if (error != 0)
		return error;
	switch (request->host) {
	case SIOCSIFFLAGS:
		return set_flags(rump, &ifr);
	case SIOCSIFADDR:
		return set_address(rump, &ifr);
	case SIOCGIFBRDADDR:
	case SIOCGIFDSTADDR:
		error = get_other_address(rump, request, &ifr);
		break;
	default:
		error = hijack_interface_perform(rump, request->netbsd, &ifr);
		break;
	}
	if (error == 0 && !request->sets)
		hijack_abi_ifreq_back(host, &ifr, request);
	return error;
}

/* Those that there is nothing like in NetBSD. */
static bool
is_unknown(unsigned int request)
{
	switch (request) {
	case SIOCGIFTXQLEN:
	case SIOCSIFTXQLEN:
	case SIOCGIFMAP:
	case SIOCSIFMAP:
	case SIOCSIFHWADDR:
	case SIOCSIFHWBROADCAST:
	case SIOCSIFNAME:
	case SIOCADDMULTI:
	case SIOCDELMULTI:
	case SIOCGIFPFLAGS:
	case SIOCSIFPFLAGS:
	case SIOCETHTOOL:
	case SIOCGMIIPHY:
	case SIOCGARP:
	case SIOCSARP:
	case SIOCDARP:
		return true;
	default:
		return false;
	}
}

static bool
is_answered(unsigned int request)
{
	return request == SIOCGIFCONF || request == SIOCGIFNAME || request == SIOCGIFHWADDR ||
	       is_unknown(request) || hijack_abi_interface_request(request) != NULL;
}

static long
request_on(int rump, unsigned int request, uint64_t argument)
{
	const struct hijack_interface_request *known = hijack_abi_interface_request(request);
	struct ifreq ifr;
	long error;

	if (request == SIOCGIFCONF)
		return hijack_interface_addresses(rump, argument);
	if (is_unknown(request))
		return -EOPNOTSUPP;
	if (hijack_copyin(&ifr, argument, sizeof(ifr)) != 0)
		return -EFAULT;
	ifr.ifr_name[sizeof(ifr.ifr_name) - 1] = '\0';
	error = known != NULL ? same_request(rump, known, &ifr) : hijack_interface_find(rump, request, &ifr);
	return error == 0 && !(known != NULL && known->sets) ? hijack_copyout(argument, &ifr, sizeof(ifr))
							     : error;
}

/* On a socket made for it. -ENOTTY, too, when the kernel has no Internet sockets. */
static long
request_anew(unsigned int request, uint64_t argument)
{
	const struct hijack_interface_request *known = hijack_abi_interface_request(request);
	long rump, result;

	/* Addresses are the business of their own domain's sockets. */
	if (known != NULL && known->value == HIJACK_INTERFACE_ADDRESS)
		return -ENOTTY;
	rump = HIJACK_RUMP(__socket30, RUMP_AF_INET, RUMP_SOCK_DGRAM | RUMP_SOCK_CLOEXEC, 0);
	if (rump < 0)
		return rump == -EAFNOSUPPORT || rump == -EPROTONOSUPPORT ? -ENOTTY : rump;
	result = request_on((int)rump, request, argument);
	(void)HIJACK_RUMP(close, (uint64_t)rump);
	return result;
}

long
hijack_inside_interface(const struct hijack_call *call)
{
	unsigned int request = (unsigned int)call->arg[1];
	long result;

	if (hijack_fd_kind(call->shadow) != HIJACK_KIND_SOCKET)
		return -ENOTTY;
	if (request == SIOCADDRT || request == SIOCDELRT)
		return hijack_route_request((int)call->arg[0], request, (uint64_t)call->arg[2]);
	if (!is_answered(request))
		return -ENOTTY;
	result = request_on((int)call->arg[0], request, (uint64_t)call->arg[2]);
	return result == -ENOTTY ? request_anew(request, (uint64_t)call->arg[2]) : result;
}

long
hijack_beyond_interface(const struct hijack_call *call)
{
	int domain = AF_UNSPEC;
	socklen_t size = sizeof(domain);
	long result =
	    hijack_raw(SYS_getsockopt, call->arg[0], SOL_SOCKET, SO_DOMAIN, (long)&domain, (long)&size, 0);

	if (result == 0 && domain == AF_UNIX && is_answered((unsigned int)call->arg[1])) {
		result = request_anew((unsigned int)call->arg[1], (uint64_t)call->arg[2]);
		if (result != -ENOTTY)
			return result;
	}
	return hijack_pass(call);
}
