/* SPDX-License-Identifier: BSD-2-Clause */
/* Attributes: stat, access, and what changes mode, owner, flags and times. */
#include "kernel/vfs/calls.h"
#include "kernel/vfs/mount.h"
#include "kernel/vfs/vnfile.h"

/* A change, worked out once the vnode is locked. */
typedef int (*change_fn)(struct vnode *vp, const struct rumpk_cred *cred, const void *arg, struct vattr *va);

static int
change(struct lwp *l, struct vnode *vp, change_fn fn, const void *arg)
{
	struct vattr va = {.va_set = 0};
	int error = mount_write_begin(vp->v_mount);

	if (error != 0)
		return error;
	vnode_lock(vp);
	if (mount_dead(vp->v_mount))
		error = RUMP_EIO;
	else
		error = fn(vp, rumpk_proc_cred(l->proc), arg, &va);
	if (error == 0 && va.va_set != 0) {
		if (vnode_ops(vp)->setattr != NULL)
			error = vnode_ops(vp)->setattr(vp, &va);
		else
			error = RUMP_EOPNOTSUPP;
		if (error == 0)
			rumpk_notify(&vp->v_notes, RUMP_NOTE_ATTRIB);
	}
	vnode_unlock(vp);
	mount_write_end(vp->v_mount);
	return error;
}

static int
change_path(struct lwp *l, int atfd, rumpk_uaddr upath, unsigned follow, change_fn fn, const void *arg)
{
	struct vnode *vp;
	int error = rumpk_namei_user(l, atfd, upath, follow, &vp);

	if (error != 0)
		return error;
	error = change(l, vp, fn, arg);
	rumpk_vrele(vp);
	return error;
}

static int
change_fd(struct lwp *l, int fd, change_fn fn, const void *arg)
{
	struct file *fp;
	struct vnode *vp;
	int error = vnfile_get(l, fd, &fp, &vp);

	if (error != 0)
		return error;
	error = change(l, vp, fn, arg);
	rumpk_file_rele(fp);
	return error;
}

static unsigned
at_follow(uint64_t flag)
{
	return flag & RUMP_AT_SYMLINK_NOFOLLOW ? 0 : NAMEI_FOLLOW;
}

/* Whether its flags fix what else there is to change: append-only files have attributes that stay, too. */
static bool
fixed(const struct vnode *vp)
{
	return (vp->v_flags & VNODE_FIXED) != 0;
}

/* stat */

static int
do_stat(struct lwp *l, int atfd, rumpk_uaddr upath, unsigned follow, rumpk_uaddr ust)
{
	struct rump_stat st;
	struct vnode *vp;
	int error = rumpk_namei_user(l, atfd, upath, follow, &vp);

	if (error != 0)
		return error;
	error = rumpk_vnode_stat(vp, &st);
	rumpk_vrele(vp);
	return error != 0 ? error : rumpk_copyout(l, &st, ust, sizeof(st));
}

int
sys_stat(struct lwp *l, rumpk_args args, long *retval)
{
	(void)retval;
	return do_stat(l, RUMP_AT_FDCWD, args[0], NAMEI_FOLLOW, args[1]);
}

int
sys_lstat(struct lwp *l, rumpk_args args, long *retval)
{
	(void)retval;
	return do_stat(l, RUMP_AT_FDCWD, args[0], 0, args[1]);
}

int
sys_fstatat(struct lwp *l, rumpk_args args, long *retval)
{
	(void)retval;
	return do_stat(l, rumpk_arg_int(args, 0), args[1], at_follow(args[3]), args[2]);
}

/* access: by the real identity, unless told to use the effective one */

static int
do_access(struct lwp *l, int atfd, rumpk_uaddr upath, uint64_t mode, uint64_t flag)
{
	struct rumpk_cred real = *rumpk_proc_cred(l->proc);
	char path[RUMP_MAXPATHLEN];
	struct vnode *vp;
	int error;

	if (mode & ~(uint64_t)(RUMP_R_OK | RUMP_W_OK | RUMP_X_OK))
		return RUMP_EINVAL;
	if (!(flag & RUMP_AT_EACCESS)) {
		real.euid = real.uid;
		real.egid = real.gid;
	}
	error = rumpk_copyinpath(l, upath, path);
	if (error == 0)
		error = rumpk_namei(l, &real, atfd, path, at_follow(flag), &vp);
	if (error != 0)
		return error;
	if (mode != 0)
		error = rumpk_vaccess(vp, (int)mode, &real);
	rumpk_vrele(vp);
	return error;
}

int
sys_access(struct lwp *l, rumpk_args args, long *retval)
{
	(void)retval;
	return do_access(l, RUMP_AT_FDCWD, args[0], args[1] & UINT32_MAX, 0);
}

int
sys_faccessat(struct lwp *l, rumpk_args args, long *retval)
{
	(void)retval;
	return do_access(l, rumpk_arg_int(args, 0), args[1], args[2] & UINT32_MAX, args[3]);
}

/* chmod */

static int
change_mode(struct vnode *vp, const struct rumpk_cred *cred, const void *arg, struct vattr *va)
{
	uint32_t mode = *(const uint32_t *)arg & ALLPERMS;

	if (fixed(vp))
		return RUMP_EPERM;
	if (!rumpk_cred_issuper(cred)) {
		if (cred->euid != vp->v_uid)
			return RUMP_EPERM;
		if (vp->v_type != VDIR && (mode & RUMP_S_ISVTX))
			return RUMP_EFTYPE;
		if ((mode & RUMP_S_ISGID) && !rumpk_cred_ismember(cred, vp->v_gid))
			return RUMP_EPERM;
	}
	va->va_set = VA_MODE;
	va->va_mode = mode;
	return 0;
}

int
sys_chmod(struct lwp *l, rumpk_args args, long *retval)
{
	uint32_t mode = (uint32_t)args[1];

	(void)retval;
	return change_path(l, RUMP_AT_FDCWD, args[0], NAMEI_FOLLOW, change_mode, &mode);
}

int
sys_lchmod(struct lwp *l, rumpk_args args, long *retval)
{
	uint32_t mode = (uint32_t)args[1];

	(void)retval;
	return change_path(l, RUMP_AT_FDCWD, args[0], 0, change_mode, &mode);
}

int
sys_fchmod(struct lwp *l, rumpk_args args, long *retval)
{
	uint32_t mode = (uint32_t)args[1];

	(void)retval;
	return change_fd(l, rumpk_arg_int(args, 0), change_mode, &mode);
}

int
sys_fchmodat(struct lwp *l, rumpk_args args, long *retval)
{
	uint32_t mode = (uint32_t)args[2];

	(void)retval;
	return change_path(l, rumpk_arg_int(args, 0), args[1], at_follow(args[3]), change_mode, &mode);
}

/*
 * chown: -1 leaves a field. NetBSD's own takes away the set-id bit of what is changed; the POSIX one both,
 * unless the superuser calls.
 */

struct owners {
	uint32_t uid, gid;
	bool posix;
};

static int
change_owner(struct vnode *vp, const struct rumpk_cred *cred, const void *arg, struct vattr *va)
{
	const struct owners *to = arg;
	uint32_t taken;

	if (to->uid == UINT32_MAX && to->gid == UINT32_MAX && !to->posix)
		return 0;
	if (fixed(vp))
		return RUMP_EPERM;
	va->va_uid = to->uid == UINT32_MAX ? vp->v_uid : to->uid;
	va->va_gid = to->gid == UINT32_MAX ? vp->v_gid : to->gid;
	if (!rumpk_cred_issuper(cred)) {
		if (cred->euid != vp->v_uid || va->va_uid != vp->v_uid)
			return RUMP_EPERM;
		if (va->va_gid != vp->v_gid && !rumpk_cred_ismember(cred, va->va_gid))
			return RUMP_EPERM;
	}
	va->va_set = VA_UID | VA_GID;
	if (to->posix)
		taken = rumpk_cred_issuper(cred) ? 0 : RUMP_S_ISUID | RUMP_S_ISGID;
	else
		taken =
		    (to->uid != UINT32_MAX ? RUMP_S_ISUID : 0) | (to->gid != UINT32_MAX ? RUMP_S_ISGID : 0);
	if (vp->v_mode & taken) {
		va->va_set |= VA_MODE;
		va->va_mode = vp->v_mode & ~taken;
	}
	return 0;
}

static int
chown_path(
    struct lwp *l, int atfd, rumpk_uaddr upath, unsigned follow, uint64_t uid, uint64_t gid, bool posix)
{
	struct owners to = {(uint32_t)uid, (uint32_t)gid, posix};

	return change_path(l, atfd, upath, follow, change_owner, &to);
}

static int
chown_fd(struct lwp *l, rumpk_args args, bool posix)
{
	struct owners to = {(uint32_t)args[1], (uint32_t)args[2], posix};

	return change_fd(l, rumpk_arg_int(args, 0), change_owner, &to);
}

int
sys_chown(struct lwp *l, rumpk_args args, long *retval)
{
	(void)retval;
	return chown_path(l, RUMP_AT_FDCWD, args[0], NAMEI_FOLLOW, args[1], args[2], false);
}

int
sys_lchown(struct lwp *l, rumpk_args args, long *retval)
{
	(void)retval;
	return chown_path(l, RUMP_AT_FDCWD, args[0], 0, args[1], args[2], false);
}

int
sys_fchown(struct lwp *l, rumpk_args args, long *retval)
{
	(void)retval;
	return chown_fd(l, args, false);
}

int
sys_fchownat(struct lwp *l, rumpk_args args, long *retval)
{
	(void)retval;
	return chown_path(l, rumpk_arg_int(args, 0), args[1], at_follow(args[4]), args[2], args[3], false);
}

int
sys_posix_chown(struct lwp *l, rumpk_args args, long *retval)
{
	(void)retval;
	return chown_path(l, RUMP_AT_FDCWD, args[0], NAMEI_FOLLOW, args[1], args[2], true);
}

int
sys_posix_lchown(struct lwp *l, rumpk_args args, long *retval)
{
	(void)retval;
	return chown_path(l, RUMP_AT_FDCWD, args[0], 0, args[1], args[2], true);
}

int
sys_posix_fchown(struct lwp *l, rumpk_args args, long *retval)
{
	(void)retval;
	return chown_fd(l, args, true);
}

/* chflags */

static int
change_flags(struct vnode *vp, const struct rumpk_cred *cred, const void *arg, struct vattr *va)
{
	uint32_t flags = *(const uint32_t *)arg;

	va->va_set = VA_FLAGS;
	va->va_flags = flags;
	if (rumpk_cred_issuper(cred))
		return 0;
	if (cred->euid != vp->v_uid || vp->v_type == VCHR || vp->v_type == VBLK)
		return RUMP_EPERM;
	if ((flags ^ vp->v_flags) & RUMP_SF_SETTABLE)
		return RUMP_EPERM;
	return 0;
}

int
sys_chflags(struct lwp *l, rumpk_args args, long *retval)
{
	uint32_t flags = (uint32_t)args[1];

	(void)retval;
	return change_path(l, RUMP_AT_FDCWD, args[0], NAMEI_FOLLOW, change_flags, &flags);
}

int
sys_lchflags(struct lwp *l, rumpk_args args, long *retval)
{
	uint32_t flags = (uint32_t)args[1];

	(void)retval;
	return change_path(l, RUMP_AT_FDCWD, args[0], 0, change_flags, &flags);
}

int
sys_fchflags(struct lwp *l, rumpk_args args, long *retval)
{
	uint32_t flags = (uint32_t)args[1];

	(void)retval;
	return change_fd(l, rumpk_arg_int(args, 0), change_flags, &flags);
}

/* utimes and utimensat */

struct times {
	struct rump_timespec ts[2]; /* access, modification; UTIME_NOW and UTIME_OMIT as tv_nsec */
	bool now;                   /* none were given */
};

static int
change_times(struct vnode *vp, const struct rumpk_cred *cred, const void *arg, struct vattr *va)
{
	const struct times *to = arg;
	struct rump_timespec now = rumpk_vnode_now();
	bool both_now =
	    to->now || (to->ts[0].tv_nsec == RUMP_UTIME_NOW && to->ts[1].tv_nsec == RUMP_UTIME_NOW);
	int error;

	if (fixed(vp))
		return RUMP_EPERM;
	if (!rumpk_cred_issuper(cred) && cred->euid != vp->v_uid) {
		error = both_now ? rumpk_vaccess(vp, RUMP_W_OK, cred) : RUMP_EPERM;
		if (error != 0)
			return error;
	}
	va->va_atime = to->now || to->ts[0].tv_nsec == RUMP_UTIME_NOW ? now : to->ts[0];
	va->va_mtime = to->now || to->ts[1].tv_nsec == RUMP_UTIME_NOW ? now : to->ts[1];
	if (to->now || to->ts[0].tv_nsec != RUMP_UTIME_OMIT)
		va->va_set |= VA_ATIME;
	if (to->now || to->ts[1].tv_nsec != RUMP_UTIME_OMIT)
		va->va_set |= VA_MTIME;
	/* A modification before the file was made moves that back: it came from elsewhere. */
	if ((va->va_set & VA_MTIME) && (va->va_mtime.tv_sec < vp->v_birthtime.tv_sec ||
					   (va->va_mtime.tv_sec == vp->v_birthtime.tv_sec &&
					       va->va_mtime.tv_nsec < vp->v_birthtime.tv_nsec))) {
		va->va_set |= VA_BIRTHTIME;
		va->va_birthtime = va->va_mtime;
	}
	return 0;
}

static bool
valid(const struct rump_timespec *ts)
{
	return (ts->tv_nsec >= 0 && ts->tv_nsec < 1000000000) || ts->tv_nsec == RUMP_UTIME_NOW ||
	       ts->tv_nsec == RUMP_UTIME_OMIT;
}

static int
times_nsec(struct lwp *l, rumpk_uaddr uts, struct times *to)
{
	int error;

	to->now = uts == 0;
	if (to->now)
		return 0;
	error = rumpk_copyin(l, uts, to->ts, sizeof(to->ts));
	if (error == 0 && !(valid(&to->ts[0]) && valid(&to->ts[1])))
		error = RUMP_EINVAL;
	return error;
}

static int
times_usec(struct lwp *l, rumpk_uaddr utv, struct times *to)
{
	struct rump_timeval tv[2];
	int error;

	to->now = utv == 0;
	if (to->now)
		return 0;
	error = rumpk_copyin(l, utv, tv, sizeof(tv));
	for (int i = 0; i < 2 && error == 0; i++) {
		if (tv[i].tv_usec < 0 || tv[i].tv_usec >= 1000000)
			error = RUMP_EINVAL;
		to->ts[i].tv_sec = tv[i].tv_sec;
		to->ts[i].tv_nsec = tv[i].tv_usec * 1000;
	}
	return error;
}

static int
utimes_path(struct lwp *l, rumpk_uaddr upath, unsigned follow, rumpk_uaddr utv)
{
	struct times to;
	int error = times_usec(l, utv, &to);

	return error != 0 ? error : change_path(l, RUMP_AT_FDCWD, upath, follow, change_times, &to);
}

int
sys_utimes(struct lwp *l, rumpk_args args, long *retval)
{
	(void)retval;
	return utimes_path(l, args[0], NAMEI_FOLLOW, args[1]);
}

int
sys_lutimes(struct lwp *l, rumpk_args args, long *retval)
{
	(void)retval;
	return utimes_path(l, args[0], 0, args[1]);
}

int
sys_futimes(struct lwp *l, rumpk_args args, long *retval)
{
	struct times to;
	int error = times_usec(l, args[1], &to);

	(void)retval;
	return error != 0 ? error : change_fd(l, rumpk_arg_int(args, 0), change_times, &to);
}

int
sys_utimensat(struct lwp *l, rumpk_args args, long *retval)
{
	struct times to;
	int error = times_nsec(l, args[2], &to);

	(void)retval;
	return error != 0
		   ? error
		   : change_path(l, rumpk_arg_int(args, 0), args[1], at_follow(args[3]), change_times, &to);
}

int
sys_futimens(struct lwp *l, rumpk_args args, long *retval)
{
	struct times to;
	int error = times_nsec(l, args[1], &to);

	(void)retval;
	return error != 0 ? error : change_fd(l, rumpk_arg_int(args, 0), change_times, &to);
}
