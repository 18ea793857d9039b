/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the embedded kernel's file system does beyond NetBSD's in-memory ones, or what a program that is not
 * in the same process cannot ask for: extended attributes, holes, files of the host (etfs), the memory
 * limit.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/stat.h>
#include <rump/rump.h>
#include <rump/rump_syscalls.h>
#include "tests/kernel/expect.h"

/* Extended attributes */

static void
attributes_of_netbsd(void)
{
	char buf[64];
	int fd = rump_sys_open("/f", RUMP_O_CREAT | RUMP_O_RDWR, 0644), user = RUMP_EXTATTR_NAMESPACE_USER;

	EXPECT(rump_sys_extattr_set_file("/f", user, "name", "value", 5) == 5);
	EXPECT(rump_sys_extattr_get_file("/f", user, "name", buf, sizeof(buf)) == 5 &&
	       memcmp(buf, "value", 5) == 0);
	EXPECT(rump_sys_extattr_get_file("/f", user, "name", NULL, 0) == 5);
	EXPECT_ERROR(rump_sys_extattr_get_fd(fd, user, "name", buf, 3), ERANGE);
	EXPECT_ERROR(rump_sys_extattr_get_fd(fd, RUMP_EXTATTR_NAMESPACE_SYSTEM, "name", buf, 3), ENODATA);
	EXPECT(rump_sys_extattr_set_fd(fd, user, "other", "", 0) == 0);
	EXPECT(rump_sys_extattr_list_fd(fd, user, NULL, 0) == 11);
	EXPECT(
	    rump_sys_extattr_list_file("/f", user, buf, sizeof(buf)) == 11 && (buf[0] == 4 || buf[0] == 5));
	EXPECT(rump_sys_extattr_set_file("/f", user, "name", "v", 1) == 1);
	EXPECT(rump_sys_extattr_get_file("/f", user, "name", buf, sizeof(buf)) == 1);
	EXPECT(rump_sys_extattr_delete_file("/f", user, "name") == 0);
	EXPECT_ERROR(rump_sys_extattr_delete_file("/f", user, "name"), ENODATA);
	EXPECT_ERROR(rump_sys_extattr_get_file("/f", 9, "name", buf, sizeof(buf)), EINVAL);
	rump_sys_close(fd);
	rump_sys_unlink("/f");
}

static void
attributes_like_linux(void)
{
	char buf[64];

	rump_sys_close(rump_sys_open("/f", RUMP_O_CREAT | RUMP_O_RDWR, 0644));
	rump_sys_symlink("f", "/l");
	EXPECT(rump_sys_setxattr("/l", "user.a", "12", 2, 0) == 0);
	EXPECT(rump_sys_getxattr("/f", "user.a", buf, sizeof(buf)) == 2);
	EXPECT(rump_sys_getxattr("/f", "user.a", buf, 0) == 2);
	EXPECT_ERROR(rump_sys_lgetxattr("/l", "user.a", buf, sizeof(buf)), ENODATA);
	EXPECT_ERROR(rump_sys_setxattr("/f", "user.a", "34", 2, RUMP_XATTR_CREATE), EEXIST);
	EXPECT_ERROR(rump_sys_setxattr("/f", "user.b", "34", 2, RUMP_XATTR_REPLACE), ENODATA);
	EXPECT(rump_sys_setxattr("/f", "user.a", "345", 3, RUMP_XATTR_REPLACE) == 0);
	EXPECT(rump_sys_listxattr("/f", buf, sizeof(buf)) == 7 && strcmp(buf, "user.a") == 0);
	EXPECT(rump_sys_listxattr("/f", NULL, 0) == 7);
	EXPECT(rump_sys_removexattr("/f", "user.a") == 0);
	EXPECT(rump_sys_listxattr("/f", buf, sizeof(buf)) == 0);
	rump_sys_setegid(9);
	rump_sys_seteuid(9);
	EXPECT_ERROR(rump_sys_setxattr("/f", "user.a", "12", 2, 0), EACCES);
	EXPECT_ERROR(rump_sys_getxattr("/f", "trusted.a", buf, 2), EPERM);
	rump_sys_seteuid(0);
	rump_sys_setegid(0);
	rump_sys_unlink("/l");
	rump_sys_unlink("/f");
}

/* Contents */

static void
holes(void)
{
	struct rump_stat st;
	char buf[4] = "xxx";
	int fd = rump_sys_open("/f", RUMP_O_CREAT | RUMP_O_RDWR, 0644);

	EXPECT(rump_sys_pwrite(fd, "y", 1, INT64_C(1) << 45) == 1);
	rump_sys_fstat(fd, &st);
	EXPECT(st.st_size == (INT64_C(1) << 45) + 1 && st.st_blocks == 8);
	EXPECT(rump_sys_pread(fd, buf, 3, INT64_C(1) << 40) == 3 && buf[0] == 0 && buf[2] == 0);
	EXPECT(rump_sys_pread(fd, buf, 3, INT64_C(1) << 45) == 1 && buf[0] == 'y');
	EXPECT(rump_sys_posix_fallocate(fd, 1000, 10000) == 0);
	rump_sys_fstat(fd, &st);
	EXPECT(st.st_blocks == 32);
	EXPECT(rump_sys_pwrite(fd, "abcdef", 6, 4093) == 6);
	EXPECT(rump_sys_fdiscard(fd, 4094, 8194 - 4094) == 0);
	EXPECT(rump_sys_pread(fd, buf, 3, 4093) == 3 && buf[0] == 'a' && buf[1] == 0 && buf[2] == 0);
	rump_sys_fstat(fd, &st);
	EXPECT(st.st_blocks == 24 && st.st_size == (INT64_C(1) << 45) + 1);
	EXPECT(rump_sys_ftruncate(fd, 10) == 0);
	rump_sys_fstat(fd, &st);
	EXPECT(st.st_blocks == 8);
	EXPECT(rump_sys_fdiscard(fd, 0, 100000) == 0);
	rump_sys_fstat(fd, &st);
	EXPECT(st.st_blocks == 0 && st.st_size == 10);
	rump_sys_close(fd);
	rump_sys_unlink("/f");
}

/* Files of the host */

static char host[] = "/tmp/rumpkit-etfs.XXXXXX";

static const char *
host_file(const char *name, const char *text, size_t len)
{
	static char path[64];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", host, name);
	fd = open(path, O_CREAT | O_RDWR | O_TRUNC, 0644);
	if (fd == -1 || write(fd, text, len) != (ssize_t)len)
		failed = "a file of the host";
	close(fd);
	return path;
}

static void
etfs_regular(void)
{
	char buf[16] = {0};
	struct rump_stat st;
	int fd;

	EXPECT(
	    rump_pub_etfs_register("/no/such/dir/f", host_file("f", "0123456789", 10), RUMP_ETFS_REG) == 0);
	EXPECT(rump_pub_etfs_register("/no/such/dir/f", host_file("f", "0123456789", 10), RUMP_ETFS_REG) ==
	       RUMP_EEXIST);
	fd = rump_sys_open("/no/such/dir/f", RUMP_O_RDWR);
	EXPECT(fd >= 0);
	EXPECT(rump_sys_read(fd, buf, sizeof(buf)) == 10 && memcmp(buf, "0123456789", 10) == 0);
	EXPECT(rump_sys_pwrite(fd, "ab", 2, 9) == 2);
	EXPECT(rump_sys_fsync(fd) == 0);
	EXPECT(
	    rump_sys_fstat(fd, &st) == 0 && st.st_size == 11 && (st.st_mode & RUMP_S_IFMT) == RUMP_S_IFREG);
	rump_sys_close(fd);
	EXPECT_ERROR(rump_sys_open("/no/such/dir/g", RUMP_O_RDWR), ENOENT);
	EXPECT(rump_pub_etfs_remove("/no/such/dir/f") == 0);
	EXPECT(rump_pub_etfs_remove("/no/such/dir/f") == RUMP_ENOENT);
	EXPECT_ERROR(rump_sys_open("/no/such/dir/f", RUMP_O_RDWR), ENOENT);
}

static void
etfs_errors(void)
{
	const char *path = host_file("f", "0123456789", 10);

	EXPECT(rump_pub_etfs_register("relative", path, RUMP_ETFS_REG) == RUMP_EINVAL);
	EXPECT(rump_pub_etfs_register("/k", "/no/such/host/file", RUMP_ETFS_REG) == RUMP_ENOENT);
	EXPECT(rump_pub_etfs_register("/k", path, RUMP_ETFS_DIR) == RUMP_ENOTDIR);
	EXPECT(rump_pub_etfs_register_withsize("/k", path, RUMP_ETFS_REG, 11, 1) == RUMP_EINVAL);
	EXPECT(rump_pub_etfs_register_withsize("/k", path, RUMP_ETFS_REG, 5, 6) == RUMP_EINVAL);
	EXPECT(rump_pub_etfs_remove("/k") == RUMP_ENOENT);
}

static void
etfs_window(void)
{
	char buf[16] = {0};
	int fd;

	EXPECT(rump_pub_etfs_register_withsize("/w", host_file("f", "0123456789", 10), RUMP_ETFS_REG, 3, 4) ==
	       0);
	fd = rump_sys_open("/w", RUMP_O_RDWR);
	EXPECT(rump_sys_read(fd, buf, sizeof(buf)) == 4 && memcmp(buf, "3456", 4) == 0);
	EXPECT_ERROR(rump_sys_pwrite(fd, "XYZ", 3, 2), ENOSPC);
	EXPECT_ERROR(rump_sys_pwrite(fd, "X", 1, 4), ENOSPC);
	EXPECT(rump_sys_pread(fd, buf, 4, 0) == 4 && memcmp(buf, "34XY", 4) == 0);
	rump_sys_close(fd);
	EXPECT(rump_pub_etfs_remove("/w") == 0);
}

static void
etfs_disk(void)
{
	static char sectors[8192], buf[1024];
	struct rump_disklabel label;
	struct rump_stat st;
	int64_t size = 0;
	int fd;

	for (size_t i = 0; i < sizeof(sectors); i++)
		sectors[i] = (char)(i / 512 + 'a');
	EXPECT(rump_pub_etfs_register("/dev/disk", host_file("d", sectors, sizeof(sectors)), RUMP_ETFS_BLK) ==
	       0);
	EXPECT(rump_sys_stat("/dev/disk", &st) == 0 && (st.st_mode & RUMP_S_IFMT) == RUMP_S_IFBLK);
	fd = rump_sys_open("/dev/disk", RUMP_O_RDWR);
	EXPECT(fd >= 0);
	EXPECT(rump_sys_pread(fd, buf, 1024, 512) == 1024 && buf[0] == 'b' && buf[1023] == 'c');
	EXPECT(
	    rump_sys_pread(fd, buf, 700, 500) == 700 && buf[11] == 'a' && buf[12] == 'b' && buf[699] == 'c');
	EXPECT(rump_sys_pwrite(fd, "xyz", 3, 511) == 3 && rump_sys_pread(fd, buf, 5, 510) == 5);
	EXPECT(memcmp(buf, "axyzb", 5) == 0);
	memset(buf, 'Z', sizeof(buf));
	EXPECT(rump_sys_pwrite(fd, buf, 512, 8192 - 512) == 512);
	EXPECT(rump_sys_pread(fd, buf, 1024, 8192 - 512) == 512);
	EXPECT(rump_sys_pread(fd, buf, 512, 8192) == 0);
	EXPECT(rump_sys_ioctl(fd, RUMP_DIOCGMEDIASIZE, &size) == 0 && size == 8192);
	EXPECT(rump_sys_ioctl(fd, RUMP_DIOCGDINFO, &label) == 0 && label.d_secsize == 512 &&
	       label.d_secperunit == 16);
	EXPECT_ERROR(rump_sys_ioctl(fd, RUMP_TIOCGETA, buf), ENOTTY);
	EXPECT(rump_sys_fsync(fd) == 0);
	EXPECT(rump_pub_etfs_remove("/dev/disk") == RUMP_EBUSY);
	rump_sys_close(fd);
	EXPECT(rump_pub_etfs_remove("/dev/disk") == 0);
	EXPECT(rump_pub_etfs_register(
		   "/dev/rdisk", host_file("d", sectors, sizeof(sectors)), RUMP_ETFS_CHR) == 0);
	fd = rump_sys_open("/dev/rdisk", RUMP_O_RDONLY);
	EXPECT(rump_sys_read(fd, buf, 512) == 512 && buf[0] == 'a');
	EXPECT_ERROR(rump_sys_pread(fd, buf, 100, 512), EINVAL);
	EXPECT_ERROR(rump_sys_pread(fd, buf, 512, 100), EINVAL);
	rump_sys_close(fd);
	EXPECT(rump_pub_etfs_remove("/dev/rdisk") == 0);
}

static bool
lists(const char *path, const char *name)
{
	char buf[4096];
	int fd = rump_sys_open(path, RUMP_O_RDONLY), got;
	bool found = false;

	while ((got = rump_sys_getdents(fd, buf, sizeof(buf))) > 0)
		for (int at = 0; at < got; at += ((struct rump_dirent *)(void *)(buf + at))->d_reclen)
			found |= strcmp(((struct rump_dirent *)(void *)(buf + at))->d_name, name) == 0;
	rump_sys_close(fd);
	return found;
}

static void
etfs_directory(void)
{
	char path[64], buf[16] = {0};
	int fd;

	snprintf(path, sizeof(path), "%s/sub", host);
	mkdir(path, 0755);
	host_file("sub/deep", "deep", 4);
	host_file("f", "shallow", 7);
	EXPECT(rump_pub_etfs_register("/host", host, RUMP_ETFS_DIR) == 0);
	EXPECT(!lists("/", "host"));
	fd = rump_sys_open("/host/f", RUMP_O_RDONLY);
	EXPECT(rump_sys_read(fd, buf, sizeof(buf)) == 7);
	rump_sys_close(fd);
	EXPECT_ERROR(rump_sys_open("/host/sub/deep", RUMP_O_RDONLY), ENOENT);
	EXPECT_ERROR(rump_sys_open("/host/new", RUMP_O_CREAT | RUMP_O_RDWR, 0644), EOPNOTSUPP);
	EXPECT(rump_pub_etfs_remove("/host") == 0);
	EXPECT(rump_pub_etfs_register("/host", host, RUMP_ETFS_DIR_SUBDIRS) == 0);
	fd = rump_sys_open("/host/sub/deep", RUMP_O_RDONLY);
	EXPECT(rump_sys_read(fd, buf, sizeof(buf)) == 4);
	rump_sys_close(fd);
	EXPECT(rump_pub_etfs_remove("/host") == 0);
	unlink(host_file("sub/deep", "", 0));
	rmdir(path);
}

/* The rest */

static void
deep_tree_is_unmounted(void)
{
	struct rump_tmpfs_args args = {.ta_version = RUMP_TMPFS_ARGS_VERSION, .ta_root_mode = 0755};
	int made = 0;

	rump_sys_mkdir("/m", 0755);
	EXPECT(rump_sys_mount("tmpfs", "/m", 0, &args, sizeof(args)) == 0);
	rump_sys_chdir("/m");
	for (int i = 0; i < 20000; i++)
		made += rump_sys_mkdir("d", 0755) == 0 && rump_sys_chdir("d") == 0;
	EXPECT(made == 20000);
	EXPECT_ERROR(rump_sys_unmount("/m", 0), EBUSY);
	rump_sys_chdir("/");
	EXPECT(rump_sys_unmount("/m", 0) == 0);
	EXPECT(rump_sys_rmdir("/m") == 0);
}

/* Two processes that want each other's byte: whichever comes second is told, and lets go. */
struct wanting {
	pthread_barrier_t *both;
	int64_t first, then;
	int error;
};

static void *
want_both(void *arg)
{
	struct wanting *w = arg;
	struct rump_flock fl = {
	    .l_type = RUMP_F_WRLCK, .l_whence = RUMP_SEEK_SET, .l_start = w->first, .l_len = 1};
	int fd;

	rump_pub_lwproc_rfork(RUMP_RFFD_COPY);
	fd = rump_sys_open("/lock", RUMP_O_RDWR);
	rump_sys_fcntl(fd, RUMP_F_SETLK, &fl);
	pthread_barrier_wait(w->both);
	fl.l_start = w->then;
	w->error = rump_sys_fcntl(fd, RUMP_F_SETLKW, &fl) == 0 ? 0 : errno;
	rump_sys_close(fd);
	rump_pub_lwproc_releaselwp();
	return NULL;
}

static void
deadlock_is_told(void)
{
	pthread_barrier_t both;
	struct wanting w[2] = {{&both, 0, 1, -1}, {&both, 1, 0, -1}};
	pthread_t threads[2];

	pthread_barrier_init(&both, NULL, 2);
	rump_sys_close(rump_sys_open("/lock", RUMP_O_CREAT | RUMP_O_RDWR, 0644));
	for (int i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, want_both, &w[i]);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	EXPECT((w[0].error == 0 && w[1].error == EDEADLK) || (w[0].error == EDEADLK && w[1].error == 0));
	rump_sys_unlink("/lock");
	pthread_barrier_destroy(&both);
}

static void
null_paths_fail(void)
{
	EXPECT_ERROR(rump_sys_open(NULL, RUMP_O_RDONLY), EFAULT);
	EXPECT_ERROR(rump_sys_mkdir(NULL, 0755), EFAULT);
	EXPECT_ERROR(rump_sys_rename("/tmp", NULL), EFAULT);
	EXPECT_ERROR(rump_sys_stat("/", NULL), EFAULT);
}

int
main(void)
{
	if (mkdtemp(host) == NULL || rump_init() != 0)
		return 1;
	printf("1..11\n");
	test("extended attributes by NetBSD's calls", attributes_of_netbsd);
	test("extended attributes by calls like Linux's", attributes_like_linux);
	test("holes take no room", holes);
	test("a file of the host", etfs_regular);
	test("what cannot be registered", etfs_errors);
	test("a part of a file of the host", etfs_window);
	test("a disk of the host", etfs_disk);
	test("a directory of the host", etfs_directory);
	test("a deep tree is unmounted without recursion", deep_tree_is_unmounted);
	test("a deadlock of locks is told", deadlock_is_told);
	test("null addresses are told", null_paths_fail);
	unlink(host_file("f", "", 0));
	unlink(host_file("d", "", 0));
	rmdir(host);
	return failures != 0;
}
