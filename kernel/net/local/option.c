/* SPDX-License-Identifier: BSD-2-Clause */
/* Options of the domain (level 0), and credentials as messages. */
#include <string.h>
#include "kernel/net/local/local.h"

static uint32_t
flag_of(int name)
{
	switch (name) {
	case RUMP_LOCAL_CREDS:
		return PCB_CREDS;
	case RUMP_LOCAL_CONNWAIT:
		return PCB_CONNWAIT;
	default:
		return 0;
	}
}

int
local_getopt(struct socket *so, int level, int name, void *buf, size_t *len)
{
	struct local_pcb *pcb = local_pcb(so);
	uint32_t flag = flag_of(name);
	int32_t value;
	int error = 0;

	if (level != 0 || (flag == 0 && name != RUMP_LOCAL_PEEREID))
		return RUMP_ENOPROTOOPT;
	rumpk_lock(pcb->lock);
	if (name != RUMP_LOCAL_PEEREID) {
		value = (pcb->flags & flag) != 0;
		memcpy(buf, &value, sizeof(value));
		*len = sizeof(value);
	} else if ((pcb->flags & PCB_PEERID) != 0) {
		memcpy(buf, &pcb->peerid, sizeof(pcb->peerid));
		*len = sizeof(pcb->peerid);
	} else {
		error = RUMP_EINVAL;
	}
	rumpk_unlock(pcb->lock);
	return error;
}

int
local_setopt(
    struct socket *so, int level, int name, const void *buf, size_t len, const struct rumpk_cred *cred)
{
	struct local_pcb *pcb = local_pcb(so);
	uint32_t flag = flag_of(name);
	int32_t value;

	(void)cred;
	if (level != 0 || flag == 0)
		return RUMP_ENOPROTOOPT;
	if (len != sizeof(value))
		return RUMP_EINVAL;
	memcpy(&value, buf, sizeof(value));
	rumpk_lock(pcb->lock);
	if (value != 0)
		pcb->flags |= flag;
	else
		pcb->flags &= ~flag;
	rumpk_unlock(pcb->lock);
	return 0;
}

void
local_add_cred(struct rumpk_somsg *msg, const struct local_record *record)
{
	/* NetBSD's struct sockcred, with room for all groups. */
	struct {
		struct rump_sockcred sc;
		uint32_t more[RUMPK_NGROUPS - 1];
	} full = {0};
	const struct rumpk_cred *cred = record->cred;
	uint32_t n = cred->ngroups < RUMPK_NGROUPS ? cred->ngroups : RUMPK_NGROUPS;

	full.sc.sc_pid = record->pid;
	full.sc.sc_uid = cred->uid;
	full.sc.sc_euid = cred->euid;
	full.sc.sc_gid = cred->gid;
	full.sc.sc_egid = cred->egid;
	full.sc.sc_ngroups = (int32_t)n;
	memcpy(
	    (uint8_t *)&full + offsetof(struct rump_sockcred, sc_groups), cred->groups, n * sizeof(uint32_t));
	rumpk_control_add(msg, RUMP_SOL_SOCKET, RUMP_SCM_CREDS, &full,
	    sizeof(full.sc) + (n > 1 ? (n - 1) * sizeof(uint32_t) : 0));
}
