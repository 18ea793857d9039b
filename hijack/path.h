/* SPDX-License-Identifier: BSD-2-Clause */
/* On which side a path lies, and under which name. */
#ifndef HIJACK_PATH_H
#define HIJACK_PATH_H

#include <linux/limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where a call's path leads. */
struct hijack_place {
	bool inside;    /* in the rump kernel */
	bool renamed;   /* on the host, but under path, absolute, instead of what the program gave */
	long directory; /* inside: what the path is relative to, as the rump kernel's *at() calls take it */
	long base;      /* inside: the number of the program's for directory, unless that is RUMP_AT_FDCWD */
	long shadow;    /* inside: a name of this descriptor's of the program, under /proc or /dev; or -1 */
	char path[PATH_MAX];
};

/* Names that the host has for what the process itself has open, as /proc/self/fd/3. */
enum hijack_own_kind { HIJACK_OWN_NOTHING, HIJACK_OWN_DESCRIPTOR, HIJACK_OWN_DIRECTORY, HIJACK_OWN_PROGRAM };

struct hijack_own_name {
	enum hijack_own_kind kind;
	long fd;          /* a shadow */
	const char *rest; /* behind the name, without slashes; empty: it is all */
};

/* Whether path is such a name, or lies below one, and concerns the rump kernel. */
bool hijack_path_own(const char *path, struct hijack_own_name *own);

/* Whether it is the host's list of network interfaces, in a program whose Internet sockets are the rump
 * kernel's. */
bool hijack_path_lists_interfaces(const char *path);

/*
 * Whether a path, relative to a directory descriptor, may lie in the rump kernel: a quick look, by the
 * dispatcher. False for what cannot be read; the host says EFAULT.
 */
bool hijack_path_concerns(long directory, uint64_t path);

/*
 * What a path below "/memfd:" means: $ORIGIN of a program that lies in the rump kernel, and runs as a memory
 * file. Any other path is returned as it is.
 */
const char *hijack_path_of_memory(const char *path);

/*
 * Whether a path of the host's, at which nothing was found, goes through links, which may then lead to the
 * rump kernel. Asked only after ENOENT.
 */
bool hijack_path_has_links(long directory, uint64_t path);

/*
 * Finds the place of the program's path relative to its directory descriptor. follow: a link at the end is
 * followed. Returns 0 or -errno.
 */
int hijack_path_find(long directory, uint64_t path, bool follow, struct hijack_place *place);

/*
 * Looks again at a place inside where nothing was found: whether links with targets as the program sees them
 * lead elsewhere inside. Returns 1 if they do, 0, or -ELOOP.
 */
int hijack_path_through_links(struct hijack_place *place, bool follow);

/* An inner name of the rump kernel's as the program sees it. */
void hijack_path_seen(char path[PATH_MAX], const char *inner);

/* Completes a path by the current directory's name. 0 or -errno. */
int hijack_path_absolute(char path[PATH_MAX]);

/* Follows all links in a path of the program's. 0 with its place inside, or -errno. */
int hijack_path_real(char path[PATH_MAX], struct hijack_place *place);

/* The length of what names inside have before them for the program. */
size_t hijack_path_prefix(void);

/*
 * The current directory as the program sees it; -ENOENT when it was removed. And the name it had then, as
 * far as anybody asked for it before; on Linux, names that begin with ".." still lead somewhere. Both return
 * the length or -errno.
 */
long hijack_path_current(char *path, size_t size);
long hijack_path_last_current(char path[PATH_MAX]);

#endif
