/* SPDX-License-Identifier: BSD-2-Clause */
/* Names: nodes in the file system, and who has which. */
#include <string.h>
#include "kernel/base/lwp.h"
#include "kernel/net/local/local.h"
#include "kernel/vfs/bind.h"
#include "kernel/vfs/namei.h"

#define PATH_AT offsetof(struct rump_sockaddr_un, sun_path)
#define BUCKETS 256

/* Bound pcbs by their vnode. Guarded by the domain's lock. */
static struct local_pcb *bound[BUCKETS];

static struct local_pcb **
bucket(const struct vnode *vp)
{
	uintptr_t n = (uintptr_t)vp;

	return &bound[(n >> 6 ^ n >> 14) % BUCKETS];
}

/* The path in an address, terminated; path has RUMP_MAXPATHLEN bytes. */
static int
path_of(const struct rumpk_sockaddr *addr, char *path)
{
	if (addr->len < PATH_AT)
		return RUMP_EINVAL;
	if (rumpk_sockaddr_family(addr) != RUMP_AF_LOCAL)
		return RUMP_EAFNOSUPPORT;
	memcpy(path, addr->data + PATH_AT, addr->len - PATH_AT);
	path[addr->len - PATH_AT] = '\0';
	return 0;
}

static void
set_name(struct local_pcb *pcb, const struct rumpk_sockaddr *addr)
{
	rumpk_lock(pcb->lock);
	pcb->addr = *addr;
	rumpk_unlock(pcb->lock);
}

int
local_bind(struct socket *so, const struct rumpk_sockaddr *addr, const struct rumpk_cred *cred)
{
	struct local_pcb *pcb = local_pcb(so);
	char path[RUMP_MAXPATHLEN];
	struct vnode *vp = NULL;
	int error = path_of(addr, path);

	(void)cred;
	if (error == 0 && path[0] == '\0')
		error = RUMP_EINVAL;
	if (error != 0)
		return error;
	rumpk_lock(local_lock);
	error = pcb->addr.len != 0 ? RUMP_EINVAL : 0;
	/* Taken, while the node is being made. */
	if (error == 0)
		set_name(pcb, addr);
	rumpk_unlock(local_lock);
	if (error != 0)
		return error;
	error = rumpk_vfs_bind(rumpk_curlwp(), path, &vp);
	rumpk_lock(local_lock);
	if (error != 0) {
		set_name(pcb, &(struct rumpk_sockaddr){0});
	} else {
		pcb->vnode = vp;
		pcb->hash_next = *bucket(vp);
		*bucket(vp) = pcb;
	}
	rumpk_unlock(local_lock);
	return error;
}

struct vnode *
local_unname(struct local_pcb *pcb)
{
	struct vnode *vp = pcb->vnode;

	if (vp != NULL) {
		struct local_pcb **at = bucket(vp);

		while (*at != pcb)
			at = &(*at)->hash_next;
		*at = pcb->hash_next;
		pcb->vnode = NULL;
	}
	return vp;
}

/* With the domain's lock. */
static struct local_pcb *
owner(const struct vnode *vp)
{
	struct local_pcb *pcb = *bucket(vp);

	while (pcb != NULL && pcb->vnode != vp)
		pcb = pcb->hash_next;
	return pcb;
}

int
local_find(
    const struct rumpk_sockaddr *addr, const struct rumpk_cred *cred, int type, struct local_pcb **pcbp)
{
	char path[RUMP_MAXPATHLEN];
	struct local_pcb *pcb;
	struct vnode *vp;
	int error = path_of(addr, path);

	if (error == 0)
		error = rumpk_namei(rumpk_curlwp(), cred, RUMP_AT_FDCWD, path, NAMEI_FOLLOW, &vp);
	if (error != 0)
		return error;
	error = vp->v_type != VSOCK ? RUMP_ENOTSOCK : rumpk_vaccess(vp, RUMP_W_OK, cred);
	if (error == 0) {
		rumpk_lock(local_lock);
		pcb = owner(vp);
		if (pcb == NULL)
			error = RUMP_ECONNREFUSED;
		else if (pcb->type != type)
			error = RUMP_EPROTOTYPE;
		else
			local_pcb_hold(*pcbp = pcb);
		rumpk_unlock(local_lock);
	}
	rumpk_vrele(vp);
	return error;
}

void
local_name(const struct local_pcb *pcb, struct rumpk_sockaddr *addr)
{
	if (pcb != NULL && pcb->addr.len != 0) {
		*addr = pcb->addr;
		return;
	}
	memset(addr, 0, sizeof(*addr));
	addr->len = PATH_AT;
	addr->data[0] = PATH_AT;
	addr->data[1] = RUMP_AF_LOCAL;
}

int
local_sockname(struct socket *so, struct rumpk_sockaddr *addr)
{
	rumpk_lock(local_lock);
	local_name(local_pcb(so), addr);
	rumpk_unlock(local_lock);
	return 0;
}

int
local_peername(struct socket *so, struct rumpk_sockaddr *addr)
{
	if ((atomic_load_explicit(&so->state, memory_order_acquire) & RUMPK_SO_CONNECTED) == 0)
		return RUMP_ENOTCONN;
	rumpk_lock(local_lock);
	local_name(local_pcb(so)->peer, addr);
	rumpk_unlock(local_lock);
	return 0;
}
