/* SPDX-License-Identifier: BSD-2-Clause */
/* File systems to mount when the kernel is up (--mount). */
#ifndef RUMP_SERVER_MOUNTSPEC_H
#define RUMP_SERVER_MOUNTSPEC_H

#include "abi/mount.h"
#include "rump_server/complaint.h"

struct mountspec {
	const char *spec; /* as given; not owned */
	char *fields;     /* a copy that the strings below point into */
	const char *type, *special, *directory;
	struct abi_mount mount;
};

/* Parses "type,special,dir[,option...]". Returns 0, or -1 with a complaint. mountspec_free() in any case. */
int mountspec_parse(struct mountspec *mount, const char *spec, struct complaint *complaint);
void mountspec_free(struct mountspec *mount);

#endif
