/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Works on an ext2 image with NetBSD's own file system, over block I/O:
 *
 *	disk PREFIX IMAGE ROUNDS
 *
 * Threads write, read back, rewrite and remove files of their own at the same time; what they leave is
 *checked again after the file system has been unmounted and mounted anew. /left.<thread> is there at the end.
 */
#include "config.h"

#include <dlfcn.h>
#include <err.h>
#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include <rump/rumpdefs.h>

#define THREADS 6
#define PIECE 8192
#define PIECES 24
#define MOUNT_POINT "/mnt"
#define DEVICE "/dev/image"
#define ETFS_BLK 1

static struct {
	int (*init)(void);
	int (*etfs_register)(const char *key, const char *hostpath, int type);
	int (*rfork)(int flags);
	void (*releaselwp)(void);
	int (*open)(const char *path, int flags, ...);
	int (*close)(int fd);
	ssize_t (*pread)(int fd, void *buf, size_t len, off_t off);
	ssize_t (*pwrite)(int fd, const void *buf, size_t len, off_t off);
	int (*fsync)(int fd);
	int (*ftruncate)(int fd, off_t length);
	int (*unlink)(const char *path);
	int (*mkdir)(const char *path, mode_t mode);
	int (*mount)(const char *type, const char *path, int flags, void *data, size_t len);
	int (*unmount)(const char *path, int flags);
	int (*reboot)(int how, char *command);
} kernel;

static unsigned rounds;

static void
load(const char *prefix)
{
	static const char *const components[] = {
	    "librump", "librumpvfs", "librumpfs_ffs", "librumpfs_ext2fs"};
	static const struct {
		const char *name;
		void *pointer;
	} symbols[] = {
	    {"rump_init", &kernel.init},
	    {"rump_pub_etfs_register", &kernel.etfs_register},
	    {"rump_pub_lwproc_rfork", &kernel.rfork},
	    {"rump_pub_lwproc_releaselwp", &kernel.releaselwp},
	    {"rump___sysimpl_open", &kernel.open},
	    {"rump___sysimpl_close", &kernel.close},
	    {"rump___sysimpl_pread", &kernel.pread},
	    {"rump___sysimpl_pwrite", &kernel.pwrite},
	    {"rump___sysimpl_fsync", &kernel.fsync},
	    {"rump___sysimpl_ftruncate", &kernel.ftruncate},
	    {"rump___sysimpl_unlink", &kernel.unlink},
	    {"rump___sysimpl_mkdir", &kernel.mkdir},
	    {"rump___sysimpl_mount50", &kernel.mount},
	    {"rump___sysimpl_unmount", &kernel.unmount},
	    {"rump___sysimpl_reboot", &kernel.reboot},
	};

	for (size_t i = 0; i < sizeof(components) / sizeof(components[0]); i++) {
		char path[4096];

		snprintf(path, sizeof(path), "%s/lib/%s.so.0", prefix, components[i]);
		if (dlopen(path, RTLD_LAZY | RTLD_GLOBAL) == NULL)
			errx(1, "%s", dlerror());
	}
	for (size_t i = 0; i < sizeof(symbols) / sizeof(symbols[0]); i++) {
		void *found = dlsym(RTLD_DEFAULT, symbols[i].name);

		if (found == NULL)
			errx(1, "%s", dlerror());
		memcpy(symbols[i].pointer, &found, sizeof(found));
	}
}

/* Each piece of each round of each thread's is unlike all others. */
static void
fill(unsigned char *data, unsigned thread, unsigned round, unsigned piece)
{
	unsigned state = (thread * 1000003 + round) * 1009 + piece + 1;

	for (size_t i = 0; i < PIECE; i++) {
		state = state * 1103515245 + 12345;
		data[i] = (unsigned char)(state >> 16);
	}
}

static void
check(int fd, unsigned thread, unsigned round)
{
	unsigned char expected[PIECE], data[PIECE];

	for (unsigned piece = 0; piece < PIECES; piece++) {
		fill(expected, thread, round, piece);
		if (kernel.pread(fd, data, PIECE, (off_t)piece * PIECE) != PIECE)
			errx(1, "thread %u, round %u: short read", thread, round);
		if (memcmp(data, expected, PIECE) != 0)
			errx(
			    1, "thread %u, round %u: piece %u is not what was written", thread, round, piece);
	}
}

static void *
work(void *arg)
{
	unsigned thread = (unsigned)(uintptr_t)arg;
	unsigned char data[PIECE];
	char name[64];

	if (kernel.rfork(RUMP_RFFD_CLEAR) != 0)
		errx(1, "rfork");
	snprintf(name, sizeof(name), MOUNT_POINT "/left.%u", thread);
	for (unsigned round = 0; round < rounds; round++) {
		int fd = kernel.open(name, RUMP_O_RDWR | RUMP_O_CREAT, 0644);

		if (fd == -1)
			errx(1, "open %s: NetBSD's errno %d", name, errno);
		for (unsigned i = 0; i < PIECES; i++) {
			unsigned piece = (i * 7 + round) % PIECES;

			fill(data, thread, round, piece);
			if (kernel.pwrite(fd, data, PIECE, (off_t)piece * PIECE) != PIECE)
				errx(1, "pwrite: NetBSD's errno %d", errno);
		}
		if (round % 3 == 0 && kernel.fsync(fd) == -1)
			errx(1, "fsync: NetBSD's errno %d", errno);
		check(fd, thread, round);
		kernel.close(fd);
		if (round % 4 == 1 && round != rounds - 1 && kernel.unlink(name) == -1)
			errx(1, "unlink: NetBSD's errno %d", errno);
	}
	kernel.releaselwp();
	return NULL;
}

static void
mount_image(void)
{
	struct rump_ufs_args args = {.fspec = (char *)(uintptr_t)DEVICE};

	if (kernel.mount("ext2fs", MOUNT_POINT, 0, &args, sizeof(args)) == -1)
		errx(1, "mount: NetBSD's errno %d", errno);
}

int
main(int argc, char **argv)
{
	pthread_t threads[THREADS];

	if (argc != 4)
		errx(2, "usage: disk prefix image rounds");
	rounds = (unsigned)strtoul(argv[3], NULL, 10);
	load(argv[1]);
	if (kernel.init() != 0 || kernel.etfs_register(DEVICE, argv[2], ETFS_BLK) != 0)
		errx(1, "no kernel, or no device");
	if (kernel.mkdir(MOUNT_POINT, 0755) == -1)
		errx(1, "mkdir: NetBSD's errno %d", errno);
	mount_image();
	for (uintptr_t i = 0; i < THREADS; i++)
		if (pthread_create(&threads[i], NULL, work, (void *)i) != 0)
			errx(1, "pthread_create");
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);

	if (kernel.unmount(MOUNT_POINT, 0) == -1)
		errx(1, "unmount: NetBSD's errno %d", errno);
	mount_image();
	for (unsigned i = 0; i < THREADS; i++) {
		char name[64];
		int fd;

		snprintf(name, sizeof(name), MOUNT_POINT "/left.%u", i);
		fd = kernel.open(name, RUMP_O_RDONLY);
		if (fd == -1)
			errx(1, "%s is gone: NetBSD's errno %d", name, errno);
		check(fd, i, rounds - 1);
		kernel.close(fd);
	}
	if (kernel.unmount(MOUNT_POINT, 0) == -1)
		errx(1, "unmount: NetBSD's errno %d", errno);
	kernel.reboot(0, NULL);
	errx(1, "the kernel goes on after reboot");
}
