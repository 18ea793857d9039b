/* SPDX-License-Identifier: BSD-2-Clause */
#include <rump/rump.h>
#include "kernel/base/lwp.h"
#include "kernel/base/mem.h"
#include "kernel/base/print.h"
#include "kernel/dev/hostdisk.h"
#include "kernel/vfs/etfs.h"
#include "kernel/vfs/etfs_node.h"
#include "kernel/vfs/mount.h"

struct key {
	struct key *next;
	struct vnode *vp; /* held */
	uint64_t disk;
	bool is_disk;
	size_t len;
	char text[]; /* without the leading slash, terminated */
};

uint32_t etfs_nkeys;
static rumpk_mutex lock;
static struct key *keys;
static struct mount *etfs_mount;

static int
etfs_statvfs(struct mount *mp, struct rump_statvfs *st)
{
	(void)mp, (void)st;
	return 0;
}

static struct vfsops etfs_vfsops = {.vfs_name = "etfs", .vfs_statvfs = etfs_statvfs};

void
etfs_init(void)
{
	rumpk_mutex_init(&lock);
	if (mount_create(&etfs_vfsops, RUMP_MNT_LOCAL, &etfs_mount) != 0)
		rumpk_panic("no memory for etfs");
}

/* The longest key that path begins with, up to a slash or the end. [lock] */
static struct key *
find(const char *path)
{
	struct key *best = NULL;

	for (struct key *k = keys; k != NULL; k = k->next)
		if (strncmp(path, k->text, k->len) == 0 && (path[k->len] == '/' || path[k->len] == '\0') &&
		    (best == NULL || k->len > best->len))
			best = k;
	return best;
}

bool
etfs_lookup(char *path, char **end, struct vnode **vpp)
{
	struct key *k;

	rumpk_lock(lock);
	k = find(path);
	if (k != NULL) {
		rumpk_vref(k->vp);
		*vpp = k->vp;
		*end = path + k->len;
	}
	rumpk_unlock(lock);
	return k != NULL;
}

/* What of the host's file the key stands for; also whether it is of the right kind. */
static int
window(const char *hostpath, enum rump_etfs_type type, uint64_t begin, uint64_t *size)
{
	bool directory = type == RUMP_ETFS_DIR || type == RUMP_ETFS_DIR_SUBDIRS;
	uint64_t hostsize;
	int hosttype, error = rumpuser_getfileinfo(hostpath, &hostsize, &hosttype);

	if (error != 0)
		return error;
	if (directory) {
		if (hosttype != RUMPUSER_FT_DIR)
			return RUMP_ENOTDIR;
		if (begin != 0 || *size != RUMP_ETFS_SIZE_ENDOFF)
			return RUMP_EISDIR;
		return 0;
	}
	if (begin > hostsize)
		return RUMP_EINVAL;
	if (*size == RUMP_ETFS_SIZE_ENDOFF)
		*size = hostsize - begin;
	return *size > hostsize - begin ? RUMP_EINVAL : 0;
}

static int
make_vnode(struct key *k, const char *hostpath, enum rump_etfs_type type, uint64_t begin, uint64_t size)
{
	int error;

	switch (type) {
	case RUMP_ETFS_REG:
		return etfs_reg_create(etfs_mount, hostpath, begin, size, &k->vp);
	case RUMP_ETFS_BLK:
	case RUMP_ETFS_CHR:
		error = hostdisk_create(hostpath, begin, size, &k->disk);
		if (error != 0)
			return error;
		error =
		    etfs_dev_create(etfs_mount, type == RUMP_ETFS_BLK ? VBLK : VCHR, k->disk, size, &k->vp);
		if (error != 0)
			(void)hostdisk_destroy(k->disk);
		k->is_disk = error == 0;
		return error;
	case RUMP_ETFS_DIR:
	case RUMP_ETFS_DIR_SUBDIRS:
		return etfs_dir_create(etfs_mount, hostpath, type == RUMP_ETFS_DIR_SUBDIRS, &k->vp);
	}
	return RUMP_EINVAL;
}

static void
key_free(struct key *k)
{
	if (k->vp != NULL) {
		rumpk_vgone(k->vp);
		rumpk_vunhold(k->vp);
	}
	rumpk_free(k, sizeof(*k) + k->len + 1);
}

/* [lock] */
static struct key **
find_exactly(const char *text)
{
	struct key **where;

	for (where = &keys; *where != NULL && strcmp((*where)->text, text) != 0; where = &(*where)->next)
		;
	return where;
}

static int
enter(struct key *k)
{
	int error = RUMP_EEXIST;

	rumpk_lock(lock);
	if (*find_exactly(k->text) == NULL) {
		k->next = keys;
		keys = k;
		__atomic_fetch_add(&etfs_nkeys, 1, __ATOMIC_RELEASE);
		error = 0;
	}
	rumpk_unlock(lock);
	return error;
}

static int
register_key(const char *text, const char *hostpath, enum rump_etfs_type type, uint64_t begin, uint64_t size)
{
	struct key *k;
	bool whole; /* it grows with the host's file */
	int error;

	if (text[0] != '/')
		return RUMP_EINVAL;
	while (*text == '/')
		text++;
	if (strlen(text) >= RUMP_MAXPATHLEN)
		return RUMP_ENAMETOOLONG;
	if (*text == '\0')
		return RUMP_EINVAL;
	whole = type == RUMP_ETFS_REG && begin == 0 && size == RUMP_ETFS_SIZE_ENDOFF;
	error = window(hostpath, type, begin, &size);
	if (error != 0)
		return error;
	k = rumpk_zalloc(sizeof(*k) + strlen(text) + 1);
	if (k == NULL)
		return RUMP_ENOMEM;
	k->len = strlen(text);
	memcpy(k->text, text, k->len + 1);
	error = make_vnode(k, hostpath, type, begin, whole ? UINT64_MAX : size);
	if (error == 0)
		error = enter(k);
	if (error != 0) {
		if (k->is_disk)
			(void)hostdisk_destroy(k->disk);
		key_free(k);
	}
	return error;
}

static int
remove_key(const char *text)
{
	struct key **where, *k;
	int error = 0;

	if (text[0] != '/')
		return RUMP_EINVAL;
	while (*text == '/')
		text++;
	/* The mount of a disk that was left by force closes it some time after its last file. */
	rumpk_rcu_drain();
	rumpk_lock(lock);
	where = find_exactly(text);
	k = *where;
	if (k == NULL)
		error = RUMP_ENOENT;
	else if (k->is_disk)
		error = hostdisk_destroy(k->disk);
	if (error == 0) {
		*where = k->next;
		__atomic_fetch_sub(&etfs_nkeys, 1, __ATOMIC_RELEASE);
	}
	rumpk_unlock(lock);
	if (error == 0)
		key_free(k);
	return error;
}

int
rump_pub_etfs_register(const char *key, const char *hostpath, enum rump_etfs_type type)
{
	return register_key(key, hostpath, type, 0, RUMP_ETFS_SIZE_ENDOFF);
}

int
rump_pub_etfs_register_withsize(
    const char *key, const char *hostpath, enum rump_etfs_type type, uint64_t begin, uint64_t size)
{
	return register_key(key, hostpath, type, begin, size);
}

int
rump_pub_etfs_remove(const char *key)
{
	return remove_key(key);
}
