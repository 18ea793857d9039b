/* SPDX-License-Identifier: BSD-2-Clause */
#include "hijack/credentials.h"

#include <errno.h>
#include <string.h>
#include <sys/syscall.h>

#include "hijack/abi/socket.h"
#include "hijack/files.h"
#include "hijack/rump.h"

#define LOCAL_LEVEL 0 /* where options of local sockets are; Internet sockets have others there */
#define NOBODY UINT32_MAX

/* Whether id is one of the caller's three. */
static bool
is_own(long number, uint32_t id)
{
	uint32_t own[3];

	return hijack_own(number, (long)&own[0], (long)&own[1], (long)&own[2], 0, 0, 0) == 0 &&
	       (id == own[0] || id == own[1] || id == own[2]);
}

long
hijack_credentials_check(const void *data, size_t length)
{
	struct hijack_credentials given;

	if (length != sizeof(given))
		return -EINVAL;
	memcpy(&given, data, sizeof(given));
	return given.pid == hijack_own(SYS_getpid, 0, 0, 0, 0, 0, 0) && is_own(SYS_getresuid, given.uid) &&
		       is_own(SYS_getresgid, given.gid)
		   ? 0
		   : -EPERM;
}

static struct hijack_credentials
translate(int32_t pid, uint32_t uid, uint32_t gid)
{
	struct hijack_identity identity = hijack_identity();
	long own = hijack_rump_call(HIJACK_RUMP_getpid_with_ppid, NULL, 0, NULL);

	return (struct hijack_credentials){
	    .pid = own > 0 && pid == own ? (int32_t)hijack_own(SYS_getpid, 0, 0, 0, 0, 0, 0) : 0,
	    .uid = uid == 0 ? identity.uid : uid,
	    .gid = gid == 0 ? identity.gid : gid};
}

long
hijack_credentials_out(void *to, const void *from, size_t length)
{
	struct hijack_credentials made;
	struct rump_sockcred netbsd;

	if (length < sizeof(netbsd))
		return -EINVAL;
	memcpy(&netbsd, from, sizeof(netbsd));
	made = translate(netbsd.sc_pid, netbsd.sc_uid, netbsd.sc_gid);
	memcpy(to, &made, sizeof(made));
	return sizeof(made);
}

static bool
is_local(int rump)
{
	union hijack_address address = {{0}};
	uint32_t size = sizeof(address);

	return HIJACK_RUMP(getsockname, (uint64_t)rump, hijack_slot(&address), hijack_slot(&size)) == 0 &&
	       address.netbsd.sa_family == RUMP_AF_LOCAL;
}

long
hijack_credentials_peer(int rump, struct hijack_credentials *to)
{
	struct rump_unpcbid id;
	uint32_t size = sizeof(id);
	long error;

	if (!is_local(rump))
		return -ENOPROTOOPT;
	error = HIJACK_RUMP(getsockopt, (uint64_t)rump, LOCAL_LEVEL, RUMP_LOCAL_PEEREID, hijack_slot(&id),
	    hijack_slot(&size));
	/* Nobody is there. */
	if (error == -EINVAL || error == -ENOTCONN) {
		*to = (struct hijack_credentials){0, NOBODY, NOBODY};
		return 0;
	}
	if (error == 0)
		*to = translate(id.unp_pid, id.unp_euid, id.unp_egid);
	return error;
}

long
hijack_credentials_wanted(int rump, int *value)
{
	uint32_t size = sizeof(*value);

	if (!is_local(rump))
		return -ENOPROTOOPT;
	return HIJACK_RUMP(getsockopt, (uint64_t)rump, LOCAL_LEVEL, RUMP_LOCAL_CREDS, hijack_slot(value),
	    hijack_slot(&size));
}

long
hijack_credentials_want(int rump, uint64_t value, uint64_t size)
{
	if (!is_local(rump))
		return -ENOPROTOOPT;
	return HIJACK_RUMP(setsockopt, (uint64_t)rump, LOCAL_LEVEL, RUMP_LOCAL_CREDS, value, size);
}
