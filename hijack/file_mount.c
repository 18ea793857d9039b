/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mounting in the rump kernel, and its directories as roots.
 *
 * Theory of operation
 *
 * A mount concerns the rump kernel when its directory lies inside. What is mounted is then looked for by its
 * name inside when it is below the prefix, and otherwise taken as it is: only the rump kernel knows its
 * devices. After chroot into the rump kernel all absolute names of the process are the rump kernel's, and the
 * prefix means nothing (see path.c); there is no way back.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>

#include "abi/mount.h"
#include "hijack/abi/mount_options.h"
#include "hijack/copy.h"
#include "hijack/descriptor.h"
#include "hijack/files.h"
#include "hijack/names.h"
#include "hijack/report.h"
#include "hijack/rump.h"

#define DATA_MAX 4096 /* a page, as Linux has it */
#define PROPAGATION (MS_PRIVATE | MS_SLAVE | MS_SHARED | MS_UNBINDABLE)

struct request {
	unsigned long flags;
	char type[64];
	char data[DATA_MAX];
	char options[DATA_MAX + 128];
	struct hijack_place target;
	struct hijack_place source;
	struct rump_statvfs mounted; /* what is to be changed */
};

/* A string that may be left out. */
static int
read_string(char *to, uint64_t from, size_t size)
{
	ssize_t length = 0;

	to[0] = '\0';
	if (from != 0)
		length = hijack_copyinstr(to, from, size);
	return length == -ENAMETOOLONG ? -EINVAL : length < 0 ? (int)length : 0;
}

/* A link inside may have a target with the prefix. */
static int
through_links(struct hijack_place *place)
{
	struct rump_stat st;
	int found;

	if (HIJACK_RUMP(fstatat, (uint64_t)place->directory, hijack_slot(place->path), hijack_slot(&st), 0) !=
	    -ENOENT)
		return 0;
	found = hijack_path_through_links(place, true);
	return found < 0 ? found : 0;
}

/* What is mounted, by its name for the rump kernel. */
static int
find_source(struct request *request, uint64_t name)
{
	struct hijack_place *source = &request->source;
	int error = read_string(source->path, name, sizeof(source->path));

	if (error != 0 || source->path[0] == '\0' || !hijack_path_concerns(AT_FDCWD, name))
		return error;
	error = hijack_path_find(AT_FDCWD, name, true, source);
	if (error == 0 && source->inside && source->shadow < 0)
		return through_links(source);
	return error != 0 ? error : -EINVAL;
}

static int
read_request(struct request *request, const struct hijack_call *call)
{
	int error = 0;

	request->flags = (unsigned long)call->arg[3];
	if (request->flags & MS_REMOUNT) {
		error = (int)HIJACK_RUMP(statvfs1, hijack_slot(request->target.path),
		    hijack_slot(&request->mounted), RUMP_ST_WAIT);
		snprintf(request->type, sizeof(request->type), "%s", request->mounted.f_fstypename);
		snprintf(
		    request->source.path, sizeof(request->source.path), "%s", request->mounted.f_mntfromname);
	} else {
		error = find_source(request, (uint64_t)call->arg[0]);
		if (error == 0)
			error = read_string(request->type, (uint64_t)call->arg[2], sizeof(request->type));
	}
	if (error == 0)
		error = read_string(request->data, (uint64_t)call->arg[4], sizeof(request->data));
	return error;
}

/* A directory that appears a second time. */
static int
bind(struct request *request)
{
	struct rump_stat st;

	/* A name that is the rump kernel's alone is a device's. */
	if (!request->source.inside)
		return -EINVAL;
	request->flags &= ~(unsigned long)MS_BIND;
	request->data[0] = '\0';
	snprintf(request->type, sizeof(request->type), "%s", "null");
	return (int)HIJACK_RUMP(
	    fstatat, RUMP_AT_FDCWD, hijack_slot(request->source.path), hijack_slot(&st), 0);
}

/* Owners are given as the program sees them. */
static void
translate_owners(struct abi_mount *mount, const char *type)
{
	if (strcmp(type, "tmpfs") == 0) {
		mount->args.tmpfs.ta_root_uid = hijack_inner_uid(mount->args.tmpfs.ta_root_uid);
		mount->args.tmpfs.ta_root_gid = hijack_inner_gid(mount->args.tmpfs.ta_root_gid);
	} else if (strcmp(type, "msdos") == 0) {
		mount->args.msdos.uid = hijack_inner_uid(mount->args.msdos.uid);
		mount->args.msdos.gid = hijack_inner_gid(mount->args.msdos.gid);
	}
}

static long
mount_request(struct request *request)
{
	const char *type = hijack_abi_mount_type(request->type), *bad = NULL;
	struct abi_mount mount;
	int error = type[0] == '\0' ? -EINVAL
				    : hijack_abi_mount_options(request->flags, request->data,
					  request->options, sizeof(request->options));

	if (error == 0)
		error = abi_mount_prepare(&mount, type, request->source.path, request->options, &bad);
	if (error != 0 && hijack_verbose)
		hijack_report("mount: %s: %s", type,
		    error == -ENODEV ? "no such type of file system"
		    : bad != NULL    ? bad
				     : "flags that the rump kernel does not have");
	if (error != 0)
		return error;
	translate_owners(&mount, type);
	return HIJACK_RUMP(__mount50, hijack_slot(type), hijack_slot(request->target.path),
	    (uint64_t)mount.flags, mount.size > 0 ? hijack_slot(&mount.args) : 0, mount.size);
}

static long
mount_inside(struct request *request, const struct hijack_call *call)
{
	unsigned long flags = (unsigned long)call->arg[3];
	int error;

	/* Nothing spreads from or to a mount of the rump kernel's. */
	if (flags & PROPAGATION)
		return flags & (PROPAGATION & ~MS_PRIVATE) ? -EINVAL : 0;
	if (flags & MS_MOVE || request->target.shadow >= 0)
		return -EINVAL;
	error = through_links(&request->target);
	if (error == 0)
		error = read_request(request, call);
	if (error == 0 && flags & MS_BIND) {
		if (flags & MS_REMOUNT)
			request->flags &= ~(unsigned long)MS_BIND;
		else
			error = bind(request);
	}
	return error != 0 ? error : mount_request(request);
}

long
hijack_beyond_mount(const struct hijack_call *call)
{
	struct request *request = calloc(1, sizeof(*request));
	struct hijack_call changed = *call;
	long error;

	if (request == NULL)
		return -ENOMEM;
	error = hijack_path_find(AT_FDCWD, (uint64_t)call->arg[1], true, &request->target);
	if (error == 0 && !request->target.inside) {
		if (request->target.renamed)
			changed.arg[1] = (long)request->target.path;
		error = hijack_pass(&changed);
	} else if (error == 0) {
		error = mount_inside(request, call);
	}
	free(request);
	return error;
}

/* A mount that is in use cannot be taken away from new users alone: MNT_DETACH finds it busy. */
long
hijack_inside_umount2(const struct hijack_place *place, const long *rest)
{
	char target[1];

	if (rest[0] & ~(MNT_FORCE | MNT_DETACH | UMOUNT_NOFOLLOW))
		return -EINVAL;
	if (rest[0] & UMOUNT_NOFOLLOW &&
	    HIJACK_RUMP(readlink, hijack_slot(place->path), hijack_slot(target), 1) >= 0)
		return -EINVAL;
	return HIJACK_RUMP(unmount, hijack_slot(place->path), rest[0] & MNT_FORCE ? RUMP_MNT_FORCE : 0);
}

static long
new_root(long error)
{
	if (error == 0)
		hijack_process()->root_inside = true;
	if (error == 0)
		hijack_names_rooted();
	return error;
}

long
hijack_inside_chroot(const struct hijack_place *place, const long *rest)
{
	(void)rest;
	return new_root(HIJACK_RUMP(chroot, hijack_slot(place->path)));
}

long
hijack_chroot_fd(int rump)
{
	return new_root(HIJACK_RUMP(fchroot, (uint64_t)rump));
}
