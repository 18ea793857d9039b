/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Extended attributes: NetBSD's calls, which name the space, and those that it has like Linux, where the
 * beginning of the name does. All twenty-four come down to one request.
 */
#include "kernel/base/mem.h"
#include "kernel/vfs/calls.h"
#include "kernel/vfs/mount.h"
#include "kernel/vfs/vnfile.h"

#define VALUE_MAX RUMP_XATTR_SIZE_MAX

enum what { SET, GET, DELETE, LIST };

struct request {
	enum what what;
	int space;
	rumpk_uaddr uname, udata;
	size_t size;
	int flags;     /* RUMP_XATTR_CREATE, RUMP_XATTR_REPLACE */
	bool prefixed; /* the call is one of the second family */
	char name[RUMP_XATTR_NAME_MAX + 1];
};

/* The space belongs to the superuser, the other to who may read or write the file. */
static int
may(struct vnode *vp, const struct rumpk_cred *cred, const struct request *rq)
{
	if (rq->space == RUMP_EXTATTR_NAMESPACE_SYSTEM)
		return rumpk_cred_issuper(cred) ? 0 : RUMP_EPERM;
	if (rq->space != RUMP_EXTATTR_NAMESPACE_USER)
		return RUMP_EINVAL;
	return rumpk_vaccess(vp, rq->what == GET || rq->what == LIST ? RUMP_R_OK : RUMP_W_OK, cred);
}

/* [X vp] */
static int
set_locked(struct vnode *vp, const struct request *rq, const void *data)
{
	const struct vnodeops *ops = vnode_ops(vp);
	size_t len = 0;
	int error;

	if (rq->flags != 0) {
		error = ops->getextattr(vp, rq->space, rq->name, NULL, &len);
		if (error == 0 && (rq->flags & RUMP_XATTR_CREATE))
			return RUMP_EEXIST;
		if (error == RUMP_ENOATTR && (rq->flags & RUMP_XATTR_REPLACE))
			return RUMP_ENOATTR;
	}
	error = ops->setextattr(vp, rq->space, rq->name, data, rq->size);
	if (error == 0)
		rumpk_notify(&vp->v_notes, RUMP_NOTE_ATTRIB);
	return error;
}

static int
do_set(struct lwp *l, struct vnode *vp, struct request *rq, long *retval)
{
	char empty, *data = &empty;
	int error;

	if (vnode_ops(vp)->setextattr == NULL)
		return RUMP_EOPNOTSUPP;
	if (rq->size > VALUE_MAX)
		return rq->size > INT32_MAX ? RUMP_EINVAL : RUMP_ENOSPC;
	if (rq->size > 0 && rq->what == SET && (data = rumpk_alloc(rq->size)) == NULL)
		return RUMP_ENOMEM;
	error = data != &empty ? rumpk_copyin(l, rq->udata, data, rq->size) : 0;
	if (error == 0)
		error = mount_write_begin(vp->v_mount);
	if (error == 0) {
		vnode_lock(vp);
		error =
		    mount_dead(vp->v_mount) ? RUMP_EIO : set_locked(vp, rq, rq->what == SET ? data : NULL);
		vnode_unlock(vp);
		mount_write_end(vp->v_mount);
	}
	if (data != &empty)
		rumpk_free(data, rq->size);
	if (error == 0 && rq->what == SET && !rq->prefixed)
		retval[0] = (long)rq->size;
	return error;
}

static int
get_locked(struct vnode *vp, const struct request *rq, void *buf, size_t *lenp)
{
	const struct vnodeops *ops = vnode_ops(vp);

	if (mount_dead(vp->v_mount))
		return RUMP_EIO;
	return rq->what == LIST ? ops->listextattr(vp, rq->space, buf, lenp)
				: ops->getextattr(vp, rq->space, rq->name, buf, lenp);
}

/* A list for the second family: names end with a NUL instead of beginning with their lengths. */
static void
terminate_names(unsigned char *list, size_t len)
{
	for (size_t at = 0; at < len;) {
		size_t name = list[at];

		memmove(list + at, list + at + 1, name);
		list[at + name] = '\0';
		at += name + 1;
	}
}

static int
do_get(struct lwp *l, struct vnode *vp, struct request *rq, long *retval)
{
	size_t room = rq->size < 2 * VALUE_MAX ? rq->size : 2 * VALUE_MAX, len = room;
	unsigned char *buf = NULL;
	int error;

	if (rq->what == LIST ? vnode_ops(vp)->listextattr == NULL : vnode_ops(vp)->getextattr == NULL)
		return RUMP_EOPNOTSUPP;
	if (rq->size > INT32_MAX)
		return RUMP_EINVAL;
	/* With Linux's calls no room means to ask for the length. */
	if (rq->udata != 0 && !(rq->prefixed && rq->size == 0) && (buf = rumpk_alloc(room + 1)) == NULL)
		return RUMP_ENOMEM;
	vnode_lock_shared(vp);
	error = get_locked(vp, rq, buf, &len);
	vnode_unlock(vp);
	if (error == 0 && buf != NULL && rq->what == LIST && rq->prefixed)
		terminate_names(buf, len);
	if (error == 0 && buf != NULL && len > 0)
		error = rumpk_copyout(l, buf, rq->udata, len);
	rumpk_free(buf, room + 1);
	if (error == 0)
		retval[0] = (long)len;
	return error;
}

static int
do_request(struct lwp *l, struct vnode *vp, struct request *rq, long *retval)
{
	int error = 0;

	if (rq->what != LIST)
		error = rumpk_copyinstr(l, rq->uname, rq->name, sizeof(rq->name), NULL);
	if (error == 0 && rq->prefixed)
		rq->space = strncmp(rq->name, "system.", 7) == 0 || strncmp(rq->name, "security.", 9) == 0 ||
				    strncmp(rq->name, "trusted.", 8) == 0
				? RUMP_EXTATTR_NAMESPACE_SYSTEM
				: RUMP_EXTATTR_NAMESPACE_USER;
	if (error == 0 && vnode_ops(vp)->getextattr == NULL)
		error = RUMP_EOPNOTSUPP;
	if (error == 0)
		error = may(vp, rumpk_proc_cred(l->proc), rq);
	if (error == 0)
		error = rq->what == SET || rq->what == DELETE ? do_set(l, vp, rq, retval)
							      : do_get(l, vp, rq, retval);
	return error == RUMP_EOPNOTSUPP && rq->prefixed ? RUMP_ENOTSUP : error;
}

static int
on_path(struct lwp *l, rumpk_uaddr upath, unsigned follow, struct request *rq, long *retval)
{
	struct vnode *vp;
	int error = rumpk_namei_user(l, RUMP_AT_FDCWD, upath, follow, &vp);

	if (error != 0)
		return error;
	error = do_request(l, vp, rq, retval);
	rumpk_vrele(vp);
	return error;
}

static int
on_fd(struct lwp *l, int fd, struct request *rq, long *retval)
{
	struct file *fp;
	struct vnode *vp;
	int error = vnfile_get(l, fd, &fp, &vp);

	if (error != 0)
		return error;
	error = do_request(l, vp, rq, retval);
	rumpk_file_rele(fp);
	return error;
}

int
sys_extattrctl(struct lwp *l, rumpk_args args, long *retval)
{
	(void)l, (void)args, (void)retval;
	return RUMP_EOPNOTSUPP;
}

/* args[0] is a path or a descriptor in all of them. */
#define ON_PATH(call, follow, ...) \
	int call(struct lwp *l, rumpk_args args, long *retval) \
	{ \
		struct request rq = {__VA_ARGS__}; \
		return on_path(l, args[0], follow, &rq, retval); \
	}
#define ON_FD(call, ...) \
	int call(struct lwp *l, rumpk_args args, long *retval) \
	{ \
		struct request rq = {__VA_ARGS__}; \
		return on_fd(l, rumpk_arg_int(args, 0), &rq, retval); \
	}

#define BSD_NAMED(kind) .what = kind, .space = rumpk_arg_int(args, 1), .uname = args[2]
#define BSD_DATA(kind) BSD_NAMED(kind), .udata = args[3], .size = args[4]
#define BSD_LIST .what = LIST, .space = rumpk_arg_int(args, 1), .udata = args[2], .size = args[3]
#define PREFIXED_NAMED(kind) .what = kind, .prefixed = true, .uname = args[1]
#define PREFIXED_DATA(kind) PREFIXED_NAMED(kind), .udata = args[2], .size = args[3]
#define PREFIXED_SET PREFIXED_DATA(SET), .flags = rumpk_arg_int(args, 4)
#define PREFIXED_LIST .what = LIST, .prefixed = true, .udata = args[1], .size = args[2]

ON_PATH(sys_extattr_set_file, NAMEI_FOLLOW, BSD_DATA(SET))
ON_PATH(sys_extattr_get_file, NAMEI_FOLLOW, BSD_DATA(GET))
ON_PATH(sys_extattr_delete_file, NAMEI_FOLLOW, BSD_NAMED(DELETE))
ON_PATH(sys_extattr_list_file, NAMEI_FOLLOW, BSD_LIST)
ON_PATH(sys_extattr_set_link, 0, BSD_DATA(SET))
ON_PATH(sys_extattr_get_link, 0, BSD_DATA(GET))
ON_PATH(sys_extattr_delete_link, 0, BSD_NAMED(DELETE))
ON_PATH(sys_extattr_list_link, 0, BSD_LIST)
ON_FD(sys_extattr_set_fd, BSD_DATA(SET))
ON_FD(sys_extattr_get_fd, BSD_DATA(GET))
ON_FD(sys_extattr_delete_fd, BSD_NAMED(DELETE))
ON_FD(sys_extattr_list_fd, BSD_LIST)
ON_PATH(sys_setxattr, NAMEI_FOLLOW, PREFIXED_SET)
ON_PATH(sys_lsetxattr, 0, PREFIXED_SET)
ON_FD(sys_fsetxattr, PREFIXED_SET)
ON_PATH(sys_getxattr, NAMEI_FOLLOW, PREFIXED_DATA(GET))
ON_PATH(sys_lgetxattr, 0, PREFIXED_DATA(GET))
ON_FD(sys_fgetxattr, PREFIXED_DATA(GET))
ON_PATH(sys_listxattr, NAMEI_FOLLOW, PREFIXED_LIST)
ON_PATH(sys_llistxattr, 0, PREFIXED_LIST)
ON_FD(sys_flistxattr, PREFIXED_LIST)
ON_PATH(sys_removexattr, NAMEI_FOLLOW, PREFIXED_NAMED(DELETE))
ON_PATH(sys_lremovexattr, 0, PREFIXED_NAMED(DELETE))
ON_FD(sys_fremovexattr, PREFIXED_NAMED(DELETE))
