/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The same operations on the kernel and on the host: few names, so that they meet. Where Linux and
 * NetBSD say the same thing differently, it is the table `alike` that knows.
 */
#define _GNU_SOURCE
#include "tests/kernel/stress.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILES 6
#define PATHLEN 1024
#define BUFLEN 20000

struct pair {
	struct dice dice;
	char rump_top[PATHLEN], host_top[PATHLEN];
	int rump_fd[FILES], host_fd[FILES];
	unsigned step;
	char what[2 * PATHLEN];
	bool told;
};

static const struct {
	int rump, host;
} alike[] = {{EPERM, EISDIR}, /* unlink of a directory */
    {EINVAL, ELOOP},          /* a link that is not to be followed: EFTYPE there */
    {EISDIR, EEXIST}, {EEXIST, EISDIR}, {ENOTDIR, EISDIR}, {EISDIR, ENOTDIR}, {ENOTDIR, ENOENT},
    {ENOENT, ENOTDIR}, {EISDIR, EINVAL}, {EEXIST, ENOENT}, {ENOENT, EISDIR}, {EEXIST, ENOTDIR},
    {EBUSY, EINVAL}, {EINVAL, EBADF}};

static bool
same_error(int rump, int host)
{
	for (size_t i = 0; i < sizeof(alike) / sizeof(alike[0]); i++)
		if (alike[i].rump == rump && alike[i].host == host)
			return true;
	return rump == host;
}

static bool
agree(struct pair *p, long rump, int rump_errno, long host, int host_errno, bool any_error)
{
	if (rump == host && (rump != -1 || any_error || same_error(rump_errno, host_errno)))
		return true;
	fprintf(stderr, "step %u: %s: kernel %ld (%s), host %ld (%s)\n", p->step, p->what, rump,
	    rump == -1 ? strerrorname_np(rump_errno) : "", host,
	    host == -1 ? strerrorname_np(host_errno) : "");
	return false;
}

#define BOTH(p, any, rump_call, host_call) \
	({ \
		long rump_ = (rump_call); \
		int rump_errno_ = errno; \
		long host_ = (host_call); \
		int host_errno_ = errno; \
		agree(p, rump_, rump_errno_, host_, host_errno_, any); \
	})

/* A path of one to three components; the same in both trees. */
static void
pick(struct pair *p, char rump[PATHLEN], char host[PATHLEN])
{
	char path[32] = "";
	unsigned parts = 1 + roll(&p->dice, 3);

	for (unsigned i = 0; i < parts; i++) {
		char part[3] = {'/', (char)('a' + roll(&p->dice, 4)), '\0'};

		strcat(path, part);
	}
	snprintf(rump, PATHLEN, "%.120s%s", p->rump_top, path);
	snprintf(host, PATHLEN, "%.120s%s", p->host_top, path);
	strcat(p->what, " ");
	strcat(p->what, path);
}

static void
pattern(char *buf, size_t len, unsigned step)
{
	for (size_t i = 0; i < len; i++)
		buf[i] = (char)(step * 31 + i * 7 + i / 257);
}

static bool
op_open(struct pair *p)
{
	static const int rump_modes[] = {RUMP_O_RDONLY, RUMP_O_WRONLY, RUMP_O_RDWR};
	static const int host_modes[] = {O_RDONLY, O_WRONLY, O_RDWR};
	unsigned slot = roll(&p->dice, FILES), mode = roll(&p->dice, 3), extra = roll(&p->dice, 32);
	char rump[PATHLEN], host[PATHLEN];
	int rflags = rump_modes[mode], hflags = host_modes[mode], rump_errno, host_errno;

	/* A directory that is there, to be made if it is not: Linux will not even have it read. */
	if (mode == 0)
		extra &= ~1u;
	rflags |=
	    (extra & 1 ? RUMP_O_CREAT : 0) | (extra & 2 ? RUMP_O_EXCL : 0) | (extra & 4 ? RUMP_O_APPEND : 0);
	hflags |= (extra & 1 ? O_CREAT : 0) | (extra & 2 ? O_EXCL : 0) | (extra & 4 ? O_APPEND : 0);
	if (!(extra & 1)) {
		rflags &= ~RUMP_O_EXCL;
		hflags &= ~O_EXCL;
	}
	if ((extra & 8) && mode != 0) {
		rflags |= RUMP_O_TRUNC;
		hflags |= O_TRUNC;
	}
	if (extra & 16) {
		rflags |= RUMP_O_NOFOLLOW;
		hflags |= O_NOFOLLOW;
	}
	sprintf(p->what, "open %x", extra * 4 + mode);
	pick(p, rump, host);
	if (p->rump_fd[slot] != -1) {
		rump_sys_close(p->rump_fd[slot]);
		close(p->host_fd[slot]);
	}
	p->rump_fd[slot] = rump_sys_open(rump, rflags, 0644);
	rump_errno = errno;
	p->host_fd[slot] = open(host, hflags, 0644);
	host_errno = errno;
	if (!agree(p, p->rump_fd[slot] == -1 ? -1 : 0, rump_errno, p->host_fd[slot] == -1 ? -1 : 0,
		host_errno, false))
		return false;
	if (p->rump_fd[slot] == -1)
		p->host_fd[slot] = -1;
	return true;
}

static bool
op_write(struct pair *p)
{
	static _Thread_local char buf[BUFLEN];
	unsigned slot = roll(&p->dice, FILES),
		 len = roll(&p->dice, 4) ? roll(&p->dice, 300) : roll(&p->dice, BUFLEN);
	int64_t offset = roll(&p->dice, 3) ? roll(&p->dice, 30000) : roll(&p->dice, 400000);

	if (p->rump_fd[slot] == -1)
		return true;
	pattern(buf, len, p->step);
	sprintf(p->what, "write %u bytes, slot %u", len, slot);
	if (roll(&p->dice, 2))
		return BOTH(
		    p, false, rump_sys_write(p->rump_fd[slot], buf, len), write(p->host_fd[slot], buf, len));
	sprintf(p->what, "pwrite %u bytes at %ld, slot %u", len, (long)offset, slot);
	/* Linux appends even then. */
	if (fcntl(p->host_fd[slot], F_GETFL) & O_APPEND)
		return true;
	return BOTH(p, false, rump_sys_pwrite(p->rump_fd[slot], buf, len, offset),
	    pwrite(p->host_fd[slot], buf, len, offset));
}

static bool
op_read(struct pair *p)
{
	static _Thread_local char rump[BUFLEN], host[BUFLEN];
	unsigned slot = roll(&p->dice, FILES), len = roll(&p->dice, BUFLEN);
	int64_t offset = roll(&p->dice, 30000);
	bool at = roll(&p->dice, 2);

	if (p->rump_fd[slot] == -1)
		return true;
	memset(rump, 0, sizeof(rump));
	memset(host, 0, sizeof(host));
	sprintf(p->what, "%s %u bytes, slot %u", at ? "pread" : "read", len, slot);
	if (!(at ? BOTH(p, false, rump_sys_pread(p->rump_fd[slot], rump, len, offset),
		       pread(p->host_fd[slot], host, len, offset))
		 : BOTH(p, false, rump_sys_read(p->rump_fd[slot], rump, len),
		       read(p->host_fd[slot], host, len))))
		return false;
	if (memcmp(rump, host, sizeof(rump)) == 0)
		return true;
	fprintf(stderr, "step %u: %s: contents differ\n", p->step, p->what);
	return false;
}

static bool
op_size(struct pair *p)
{
	unsigned slot = roll(&p->dice, FILES);
	int64_t size = roll(&p->dice, 40000);
	char rump[PATHLEN], host[PATHLEN];

	if (roll(&p->dice, 2)) {
		strcpy(p->what, "truncate");
		pick(p, rump, host);
		return BOTH(p, false, rump_sys_truncate(rump, size), truncate(host, size));
	}
	if (p->rump_fd[slot] == -1)
		return true;
	sprintf(p->what, "ftruncate or lseek to %ld, slot %u", (long)size, slot);
	if (roll(&p->dice, 2))
		return BOTH(p, false, rump_sys_lseek(p->rump_fd[slot], size, RUMP_SEEK_SET),
		    lseek(p->host_fd[slot], size, SEEK_SET));
	return BOTH(p, false, rump_sys_ftruncate(p->rump_fd[slot], size), ftruncate(p->host_fd[slot], size));
}

static bool
op_name(struct pair *p)
{
	char rump[PATHLEN], host[PATHLEN], target[32];

	switch (roll(&p->dice, 5)) {
	case 0:
	case 1:
		strcpy(p->what, "mkdir");
		pick(p, rump, host);
		return BOTH(p, false, rump_sys_mkdir(rump, 0755), mkdir(host, 0755));
	case 2:
		strcpy(p->what, "rmdir");
		pick(p, rump, host);
		return BOTH(p, false, rump_sys_rmdir(rump), rmdir(host));
	case 3:
		strcpy(p->what, "unlink");
		pick(p, rump, host);
		return BOTH(p, false, rump_sys_unlink(rump), unlink(host));
	default:
		snprintf(target, sizeof(target), "%s%c", roll(&p->dice, 2) ? "../" : "",
		    (char)('a' + roll(&p->dice, 4)));
		sprintf(p->what, "symlink %s", target);
		pick(p, rump, host);
		return BOTH(p, false, rump_sys_symlink(target, rump), symlink(target, host));
	}
}

static bool
op_two_names(struct pair *p)
{
	char rump[PATHLEN], host[PATHLEN], rump2[PATHLEN], host2[PATHLEN];

	if (roll(&p->dice, 3)) {
		strcpy(p->what, "rename");
		pick(p, rump, host);
		pick(p, rump2, host2);
		return BOTH(p, true, rump_sys___posix_rename(rump, rump2), rename(host, host2));
	}
	strcpy(p->what, "link");
	pick(p, rump, host);
	pick(p, rump2, host2);
	return BOTH(p, true,
	    rump_sys_linkat(RUMP_AT_FDCWD, rump, RUMP_AT_FDCWD, rump2, RUMP_AT_SYMLINK_FOLLOW),
	    linkat(AT_FDCWD, host, AT_FDCWD, host2, AT_SYMLINK_FOLLOW));
}

static bool
same_status(struct pair *p, const struct rump_stat *r, const struct stat *h)
{
	bool directory = S_ISDIR(h->st_mode);

	if ((r->st_mode & 0170777) == (h->st_mode & 0170777) && (directory || r->st_size == h->st_size) &&
	    (directory || r->st_nlink == h->st_nlink))
		return true;
	/* A link's own permissions mean nothing. */
	if (S_ISLNK(h->st_mode) && (r->st_mode & RUMP_S_IFMT) == RUMP_S_IFLNK && r->st_size == h->st_size)
		return true;
	fprintf(stderr, "step %u: %s: kernel %o %lld bytes %u links, host %o %lld bytes %lu links\n", p->step,
	    p->what, r->st_mode, (long long)r->st_size, r->st_nlink, h->st_mode, (long long)h->st_size,
	    (unsigned long)h->st_nlink);
	return false;
}

static bool
op_status(struct pair *p)
{
	char rump[PATHLEN], host[PATHLEN];
	struct rump_stat r;
	struct stat h;
	unsigned slot = roll(&p->dice, FILES), which = roll(&p->dice, 4);
	uint32_t mode = 0700 | roll(&p->dice, 0100);

	if (which == 0 && p->rump_fd[slot] != -1) {
		sprintf(p->what, "fstat, slot %u", slot);
		return BOTH(p, false, rump_sys_fstat(p->rump_fd[slot], &r), fstat(p->host_fd[slot], &h)) &&
		       same_status(p, &r, &h);
	}
	strcpy(p->what, which == 1 ? "chmod" : which == 2 ? "stat" : "lstat");
	pick(p, rump, host);
	if (which == 1)
		return BOTH(p, false, rump_sys_chmod(rump, mode), chmod(host, mode));
	memset(&r, 0, sizeof(r));
	memset(&h, 0, sizeof(h));
	if (!(which == 2 ? BOTH(p, false, rump_sys_stat(rump, &r), stat(host, &h))
			 : BOTH(p, false, rump_sys_lstat(rump, &r), lstat(host, &h))))
		return false;
	return h.st_mode == 0 || same_status(p, &r, &h);
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

#define NAMES 64

static int
rump_names(const char *path, char *names[NAMES])
{
	char buf[1024];
	int fd = rump_sys_open(path, RUMP_O_RDONLY), count = 0, got;

	while (fd != -1 && (got = rump_sys_getdents(fd, buf, sizeof(buf))) > 0)
		for (int at = 0; at < got;) {
			struct rump_dirent *entry = (void *)(buf + at);

			if (count < NAMES)
				names[count++] = strdup(entry->d_name);
			at += entry->d_reclen;
		}
	if (fd != -1)
		rump_sys_close(fd);
	return count;
}

static int
host_names(const char *path, char *names[NAMES])
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	int count = 0;

	while (dir != NULL && (entry = readdir(dir)) != NULL && count < NAMES)
		names[count++] = strdup(entry->d_name);
	if (dir != NULL)
		closedir(dir);
	return count;
}

/* Whether both trees hold the same, from there down; links are not followed. */
static bool
same_tree(struct pair *p, const char *rump, const char *host)
{
	char *r[NAMES], *h[NAMES], rump_path[PATHLEN], host_path[PATHLEN];
	int rcount = rump_names(rump, r), hcount = host_names(host, h);
	bool same = rcount == hcount;
	struct rump_stat rst;
	struct stat hst;

	qsort(r, (size_t)rcount, sizeof(*r), by_name);
	qsort(h, (size_t)hcount, sizeof(*h), by_name);
	snprintf(p->what, sizeof(p->what), "tree %s", rump);
	for (int i = 0; i < rcount && same; i++) {
		same = strcmp(r[i], h[i]) == 0;
		if (!same || r[i][0] == '.')
			continue;
		snprintf(rump_path, sizeof(rump_path), "%.950s/%s", rump, r[i]);
		snprintf(host_path, sizeof(host_path), "%.950s/%s", host, h[i]);
		same = rump_sys_lstat(rump_path, &rst) == 0 && lstat(host_path, &hst) == 0 &&
		       same_status(p, &rst, &hst) &&
		       (!S_ISDIR(hst.st_mode) || same_tree(p, rump_path, host_path));
	}
	/* The innermost has been named. */
	if (!same && !p->told)
		fprintf(stderr, "step %u: %s: the trees differ\n", p->step, rump);
	p->told |= !same;
	for (int i = 0; i < rcount; i++)
		free(r[i]);
	for (int i = 0; i < hcount; i++)
		free(h[i]);
	return same;
}

static bool
step(struct pair *p)
{
	uint32_t kind = roll(&p->dice, 100);

	if (kind < 18)
		return op_open(p);
	if (kind < 36)
		return op_write(p);
	if (kind < 48)
		return op_read(p);
	if (kind < 55)
		return op_size(p);
	if (kind < 72)
		return op_name(p);
	if (kind < 88)
		return op_two_names(p);
	if (kind < 99)
		return op_status(p);
	return same_tree(p, p->rump_top, p->host_top);
}

bool
stress_compare(uint64_t seed, unsigned count, const char *name, const char *host)
{
	struct pair p = {.dice = {seed}};
	bool same = true;

	/* One deeper than the name, so that a link to ".." stays within it. */
	snprintf(p.rump_top, sizeof(p.rump_top), "/%s", name);
	snprintf(p.host_top, sizeof(p.host_top), "%s/%s", host, name);
	for (int i = 0; i < FILES; i++)
		p.rump_fd[i] = p.host_fd[i] = -1;
	for (int i = 0; i < 2; i++) {
		if (rump_sys_mkdir(p.rump_top, 0755) != 0 || mkdir(p.host_top, 0755) != 0) {
			fprintf(stderr, "no directory for %s\n", name);
			return false;
		}
		strcat(p.rump_top, i == 0 ? "/r" : "");
		strcat(p.host_top, i == 0 ? "/r" : "");
	}
	for (p.step = 0; p.step < count && same; p.step++)
		same = step(&p);
	same = same && same_tree(&p, p.rump_top, p.host_top);
	if (!same)
		fprintf(stderr, "seed %llu of %s\n", (unsigned long long)seed, name);
	for (int i = 0; i < FILES; i++)
		if (p.rump_fd[i] != -1) {
			rump_sys_close(p.rump_fd[i]);
			close(p.host_fd[i]);
		}
	return same;
}
