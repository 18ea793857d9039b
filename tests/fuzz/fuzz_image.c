/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Arbitrary images, mounted in a whole kernel: walked, read, and, where the file system can be written to,
 * changed and unmounted. Built once for each file system, whose name is FUZZ_TYPE; FUZZ_WRITES says that it
 * can be written to. An input is an image without the zeroes at its end.
 */
#include "config.h"

#include <err.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <rump/rump.h>
#include <rump/rump_syscalls.h>
#include <rump/rumpdefs.h>

#define SMALLEST_IMAGE 65536
#define MOST_FILES 300

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int image;
static char image_path[64];

/* What the kernel says of broken images is not wanted a million times. */
static char **
without_console(int *argc, char **argv)
{
	static char no_console[] = "-close_fd_mask=2";
	static char **more;

	more = calloc((size_t)*argc + 2, sizeof(*more));

	if (more == NULL)
		err(1, NULL);
	memcpy(more, argv, (size_t)*argc * sizeof(*more));
	more[(*argc)++] = no_console;
	return more;
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	if (getenv("FUZZ_CONSOLE") == NULL)
		*argv = without_console(argc, *argv);
	if (rump_init() != 0)
		errx(1, "the kernel does not start");
	image = memfd_create("image", 0);
	if (image == -1)
		err(1, "memfd_create");
	snprintf(image_path, sizeof(image_path), "/proc/self/fd/%d", image);
	if (rump_sys_mkdir("/mnt", 0755) == -1)
		errx(1, "mkdir");
	return 0;
}

static void walk(const char *directory, int depth, int *budget);

static void
look_at(const char *path, int depth, int *budget)
{
	struct rump_stat st;
	char buf[2048];
	int fd;

	if (rump_sys_lstat(path, &st) == -1)
		return;
	(void)rump_sys_llistxattr(path, buf, sizeof(buf));
	(void)rump_sys_lgetxattr(path, "user.a", buf, sizeof(buf));
	switch (st.st_mode & RUMP_S_IFMT) {
	case RUMP_S_IFLNK:
		(void)rump_sys_readlink(path, buf, sizeof(buf));
		break;
	case RUMP_S_IFDIR:
		if (depth > 0)
			walk(path, depth - 1, budget);
		break;
	case RUMP_S_IFREG:
		fd = rump_sys_open(path, RUMP_O_RDONLY);
		(void)rump_sys_pread(fd, buf, sizeof(buf), 0);
		(void)rump_sys_pread(fd, buf, sizeof(buf), st.st_size / 2);
		(void)rump_sys_pread(fd, buf, sizeof(buf), st.st_size - 1);
		(void)rump_sys_close(fd);
		break;
	default:
		break;
	}
}

static void
walk(const char *directory, int depth, int *budget)
{
	char buf[4096], path[RUMP_PATH_MAX];
	int fd = rump_sys_open(directory, RUMP_O_RDONLY), n;

	while (fd != -1 && *budget > 0 && (n = rump_sys_getdents(fd, buf, sizeof(buf))) > 0) {
		for (int at = 0; at < n && (*budget)-- > 0;) {
			const struct rump_dirent *entry = (const void *)(buf + at);

			if (entry->d_namlen == 0 || strlen(entry->d_name) != entry->d_namlen ||
			    strchr(entry->d_name, '/') != NULL)
				abort();
			at += entry->d_reclen;
			if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
				continue;
			if (snprintf(path, sizeof(path), "%s/%s", directory, entry->d_name) <
			    (int)sizeof(path))
				look_at(path, depth, budget);
		}
	}
	(void)rump_sys_close(fd);
}

#ifdef FUZZ_WRITES
static void
change(void)
{
	char block[3000];
	int fd = rump_sys_open("/mnt/new", RUMP_O_RDWR | RUMP_O_CREAT, 0644);

	memset(block, 'x', sizeof(block));
	(void)rump_sys_write(fd, block, sizeof(block));
	(void)rump_sys_fsync(fd);
	(void)rump_sys_close(fd);
	(void)rump_sys_mkdir("/mnt/dir", 0755);
	(void)rump_sys_rename("/mnt/new", "/mnt/dir/new");
	(void)rump_sys_setxattr("/mnt/dir/new", "user.a", "1", 1, 0);
	(void)rump_sys_truncate("/mnt/a", 5000);
	(void)rump_sys_unlink("/mnt/b");
	(void)rump_sys_rename("/mnt/dir", "/mnt/d/dir");
	(void)rump_sys_symlink("target", "/mnt/d/symlink");
	(void)rump_sys_link("/mnt/a", "/mnt/d/link");
	(void)rump_sys_rename("/mnt/a", "/mnt/d/c");
	(void)rump_sys_rmdir("/mnt/d/e");
}
#endif

static void
mounted(int flags)
{
	char device[] = "/dev/image";
	struct rump_ufs_args args = {.fspec = device};
	int budget = MOST_FILES;

	if (rump_sys_mount(FUZZ_TYPE, "/mnt", flags, &args, sizeof(args)) == -1)
		return;
	walk("/mnt", 6, &budget);
#ifdef FUZZ_WRITES
	if ((flags & RUMP_MNT_RDONLY) == 0)
		change();
#endif
	if (rump_sys_unmount("/mnt", 0) == -1 && rump_sys_unmount("/mnt", RUMP_MNT_FORCE) == -1)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t whole = size < SMALLEST_IMAGE ? SMALLEST_IMAGE : (size + 4095) & ~(size_t)4095;

	if (ftruncate(image, 0) == -1 || ftruncate(image, (off_t)whole) == -1 ||
	    pwrite(image, data, size, 0) != (ssize_t)size)
		err(1, "image");
	if (rump_pub_etfs_register("/dev/image", image_path, RUMP_ETFS_BLK) != 0)
		errx(1, "etfs");
	mounted(RUMP_MNT_RDONLY);
#ifdef FUZZ_WRITES
	mounted(0);
#endif
	/* Nothing of the mount may be left. */
	if (rump_pub_etfs_remove("/dev/image") != 0)
		abort();
	return 0;
}
