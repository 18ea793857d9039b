/* SPDX-License-Identifier: BSD-2-Clause */
/* Opening, reading and writing. */
#include "tests/kernel/files.h"
#include <stdio.h>

static void
open_flags(void)
{
	on_tmpfs();
	rump_sys_mkdir("d", 0755);
	rump_sys_symlink("f", "l");
	rump_sys_symlink("nowhere", "dangling");
	ret("missing", rump_sys_open("f", RUMP_O_RDONLY));
	good("create", rump_sys_open("f", RUMP_O_CREAT | RUMP_O_RDWR, 0644));
	ret("create again, exclusively", rump_sys_open("f", RUMP_O_CREAT | RUMP_O_EXCL | RUMP_O_RDWR, 0644));
	good("create again", rump_sys_open("f", RUMP_O_CREAT | RUMP_O_RDWR, 0644));
	ret("exclusively through a link",
	    rump_sys_open("dangling", RUMP_O_CREAT | RUMP_O_EXCL | RUMP_O_RDWR, 0644));
	good("through a dangling link", rump_sys_open("dangling", RUMP_O_CREAT | RUMP_O_RDWR, 0644));
	status_of("nowhere");
	ret("a link, not to be followed", rump_sys_open("l", RUMP_O_RDONLY | RUMP_O_NOFOLLOW));
	ret("directory for writing", rump_sys_open("d", RUMP_O_WRONLY));
	ret("directory to truncate", rump_sys_open("d", RUMP_O_RDONLY | RUMP_O_TRUNC));
	good("directory", rump_sys_open("d", RUMP_O_RDONLY | RUMP_O_DIRECTORY));
	ret("file as directory", rump_sys_open("f", RUMP_O_RDONLY | RUMP_O_DIRECTORY));
	ret("create a directory", rump_sys_open("n", RUMP_O_CREAT | RUMP_O_DIRECTORY | RUMP_O_RDONLY, 0755));
	ret("create what is a directory", rump_sys_open("d", RUMP_O_CREAT | RUMP_O_RDWR, 0644));
	good("the same, for reading", rump_sys_open("d", RUMP_O_CREAT | RUMP_O_RDONLY, 0644));
	ret("no access mode", rump_sys_open("f", RUMP_O_ACCMODE));
	ret("empty path", rump_sys_open("", RUMP_O_RDONLY));
	ret("file with a slash", rump_sys_open("f/", RUMP_O_RDONLY));
	ret("create with a slash", rump_sys_open("n/", RUMP_O_CREAT | RUMP_O_RDWR, 0644));
	ret("file as a directory on the way", rump_sys_open("f/x", RUMP_O_RDONLY));
	ret("missing on the way", rump_sys_open("n/x", RUMP_O_CREAT | RUMP_O_RDWR, 0644));
}

static void
created_mode(void)
{
	on_tmpfs();
	rump_sys_umask(027);
	rump_sys_close(rump_sys_open("f", RUMP_O_CREAT | RUMP_O_RDWR, 0666));
	status_of("f");
	rump_sys_close(rump_sys_open("s", RUMP_O_CREAT | RUMP_O_RDWR, 07777));
	status_of("s");
	rump_sys_mkdir("d", 01777);
	status_of("d");
	rump_sys_umask(0);
	rump_sys_mkdir("e", 07777);
	status_of("e");
	ret("create without permissions", rump_sys_open("z", RUMP_O_CREAT | RUMP_O_RDWR, 0) >= 0);
	status_of("z");
}

static void
truncation(void)
{
	int fd;

	on_tmpfs();
	put("f", "hello world");
	ret("shorter", rump_sys_truncate("f", 5));
	show("f");
	ret("longer", rump_sys_truncate("f", 8));
	status_of("f");
	ret("negative", rump_sys_truncate("f", -1));
	ret("missing", rump_sys_truncate("g", 1));
	rump_sys_mkdir("d", 0755);
	ret("directory", rump_sys_truncate("d", 0));
	fd = rump_sys_open("f", RUMP_O_RDONLY);
	ret("ftruncate for reading", rump_sys_ftruncate(fd, 0));
	rump_sys_close(fd);
	fd = rump_sys_open("f", RUMP_O_RDWR);
	ret("ftruncate", rump_sys_ftruncate(fd, 2));
	status_of("f");
	rump_sys_close(fd);
	ret("ftruncate, closed", rump_sys_ftruncate(fd, 2));
	rump_sys_close(rump_sys_open("f", RUMP_O_RDONLY | RUMP_O_TRUNC));
	status_of("f");
}

/* To the size in three ways, from 3 bytes. */
static void
grow_to(const char *what, int fd, int64_t size)
{
	say("%s", what);
	ret("ftruncate", rump_sys_ftruncate(fd, size));
	status_of("f");
	rump_sys_ftruncate(fd, 3);
	ret("truncate", rump_sys_truncate("f", size));
	status_of("f");
	rump_sys_ftruncate(fd, 3);
	ret("write there", rump_sys_pwrite(fd, "x", 1, size));
	status_of("f");
	rump_sys_ftruncate(fd, 3);
	ret("read there", rump_sys_pread(fd, &(char){0}, 1, size));
}

/* Sizes that no memory holds, and that what follows must not overflow with; and one over a mount's limit. */
static void
huge_sizes(void)
{
	struct rump_tmpfs_args args = {
	    .ta_version = RUMP_TMPFS_ARGS_VERSION, .ta_root_mode = 0777, .ta_size_max = 1 << 20};
	int fd;

	on_tmpfs();
	fd = rump_sys_open("f", RUMP_O_CREAT | RUMP_O_RDWR, 0644);
	grow_to("2^50", fd, INT64_C(1) << 50);
	grow_to("2^62", fd, INT64_C(1) << 62);
	grow_to("2^63 - 4096", fd, INT64_MAX - 4095);
	grow_to("2^63 - 2", fd, INT64_MAX - 1);
	rump_sys_mkdir("m", 0777);
	ret("mount", rump_sys_mount("tmpfs", "m", 0, &args, sizeof(args)));
	rump_sys_chdir("m");
	fd = rump_sys_open("f", RUMP_O_CREAT | RUMP_O_RDWR, 0644);
	grow_to("half of the limit", fd, 1 << 19);
	grow_to("twice the limit", fd, 1 << 21);
}

static void
appending(void)
{
	char buf[32] = {0};
	int fd, other;

	on_tmpfs();
	put("f", "one");
	fd = rump_sys_open("f", RUMP_O_RDWR | RUMP_O_APPEND);
	other = rump_sys_open("f", RUMP_O_WRONLY | RUMP_O_APPEND);
	ret("write", rump_sys_write(fd, "two", 3));
	ret("write by another", rump_sys_write(other, "three", 5));
	ret("write again", rump_sys_write(fd, "four", 4));
	say("at %lld", (long long)rump_sys_lseek(fd, 0, RUMP_SEEK_CUR));
	show("f");
	ret("back", rump_sys_lseek(fd, 1, RUMP_SEEK_SET));
	ret("write nothing", rump_sys_write(fd, "", 0));
	say("at %lld", (long long)rump_sys_lseek(fd, 0, RUMP_SEEK_CUR));
	ret("pwrite", rump_sys_pwrite(fd, "X", 1, 0));
	show("f");
	ret("back", rump_sys_lseek(fd, 0, RUMP_SEEK_SET));
	ret("read", rump_sys_read(fd, buf, 3));
	ret("write after reading", rump_sys_write(fd, "five", 4));
	show("f");
}

static void
offsets(void)
{
	char buf[16] = {0};
	int fd;

	on_tmpfs();
	put("f", "0123456789");
	fd = rump_sys_open("f", RUMP_O_RDWR);
	say("end %lld", (long long)rump_sys_lseek(fd, 0, RUMP_SEEK_END));
	ret("read at the end", rump_sys_read(fd, buf, 4));
	say("set %lld", (long long)rump_sys_lseek(fd, 3, RUMP_SEEK_SET));
	say("cur %lld", (long long)rump_sys_lseek(fd, 2, RUMP_SEEK_CUR));
	ret("read", rump_sys_read(fd, buf, 2));
	say("[%s]", buf);
	ret("before the beginning", (long)rump_sys_lseek(fd, -1, RUMP_SEEK_SET));
	ret("far before the end", (long)rump_sys_lseek(fd, -11, RUMP_SEEK_END));
	ret("no such whence", (long)rump_sys_lseek(fd, 0, 9));
	say("beyond %lld", (long long)rump_sys_lseek(fd, 90, RUMP_SEEK_END));
	ret("read beyond", rump_sys_read(fd, buf, 4));
	ret("pread", rump_sys_pread(fd, buf, 4, 6));
	ret("pread across the end", rump_sys_pread(fd, buf, 10, 6));
	ret("pread beyond", rump_sys_pread(fd, buf, 4, 10));
	ret("pread before", rump_sys_pread(fd, buf, 4, -1));
	ret("pwrite before", rump_sys_pwrite(fd, buf, 4, -1));
	ret("pwrite", rump_sys_pwrite(fd, "ab", 2, 4));
	show("f");
	say("still %lld", (long long)rump_sys_lseek(fd, 0, RUMP_SEEK_CUR));
}

static void
access_modes(void)
{
	char c = 'x';
	int fd;

	on_tmpfs();
	put("f", "text");
	fd = rump_sys_open("f", RUMP_O_WRONLY);
	ret("read of a file for writing", rump_sys_read(fd, &c, 1));
	rump_sys_close(fd);
	fd = rump_sys_open("f", RUMP_O_RDONLY);
	ret("write to a file for reading", rump_sys_write(fd, &c, 1));
	ret("pwrite to a file for reading", rump_sys_pwrite(fd, &c, 1, 0));
	rump_sys_close(fd);
	rump_sys_mkdir("d", 0755);
	fd = rump_sys_open("d", RUMP_O_RDONLY);
	ret("read of a directory", rump_sys_read(fd, &c, 1));
	rump_sys_close(fd);
	ret("read closed", rump_sys_read(fd, &c, 1));
}

static void
holes(void)
{
	static char buf[20000];
	struct rump_stat st;
	size_t zeros = 0;
	int fd;

	on_tmpfs();
	fd = rump_sys_open("f", RUMP_O_CREAT | RUMP_O_RDWR, 0644);
	ret("write", rump_sys_pwrite(fd, "end", 3, 16384));
	rump_sys_fstat(fd, &st);
	say("size %lld", (long long)st.st_size);
	ret("read", rump_sys_pread(fd, buf, sizeof(buf), 0));
	for (size_t i = 0; i < 16384; i++)
		zeros += buf[i] == 0;
	say("%zu zeros, then %.3s", zeros, buf + 16384);
	ret("cut", rump_sys_ftruncate(fd, 16385));
	ret("grow", rump_sys_ftruncate(fd, 16390));
	memset(buf, 'x', sizeof(buf));
	ret("read", rump_sys_pread(fd, buf, 6, 16384));
	say("%d %d %d", buf[0], buf[1], buf[5]);
}

static void
vectors(void)
{
	char a[4] = {0}, b[8] = {0};
	struct rump_iovec out[] = {{.iov_base = "one", .iov_len = 3}, {.iov_base = "", .iov_len = 0},
	    {.iov_base = "two", .iov_len = 3}};
	struct rump_iovec in[] = {{.iov_base = a, .iov_len = 2}, {.iov_base = b, .iov_len = 7}};
	int fd;

	on_tmpfs();
	fd = rump_sys_open("f", RUMP_O_CREAT | RUMP_O_RDWR, 0644);
	ret("writev", rump_sys_writev(fd, out, 3));
	ret("pwritev", rump_sys_pwritev(fd, out, 3, 4));
	show("f");
	ret("preadv", rump_sys_preadv(fd, in, 2, 1));
	say("[%s] [%s]", a, b);
	rump_sys_lseek(fd, 0, RUMP_SEEK_SET);
	ret("readv", rump_sys_readv(fd, in, 2));
	say("[%s] [%s]", a, b);
	ret("none", rump_sys_readv(fd, in, 0));
	ret("too many", rump_sys_readv(fd, in, RUMP_IOV_MAX + 1));
}

static void
unlinked(void)
{
	char buf[8] = {0};
	struct rump_stat st;
	int fd;

	on_tmpfs();
	fd = rump_sys_open("f", RUMP_O_CREAT | RUMP_O_RDWR, 0644);
	ret("write", rump_sys_write(fd, "still", 5));
	ret("unlink", rump_sys_unlink("f"));
	status_of("f");
	ret("write more", rump_sys_write(fd, "!", 1));
	ret("read", rump_sys_pread(fd, buf, 8, 0));
	say("[%s]", buf);
	rump_sys_fstat(fd, &st);
	say("links %u size %lld", st.st_nlink, (long long)st.st_size);
	put("f", "new");
	ret("read the old one", rump_sys_pread(fd, buf, 8, 0));
	show("f");
	ret("chmod the old one", rump_sys_fchmod(fd, 0600));
	ret("close", rump_sys_close(fd));
}

static void
syncing(void)
{
	int fd, reader;

	on_tmpfs();
	put("f", "x");
	fd = rump_sys_open("f", RUMP_O_RDWR);
	reader = rump_sys_open("f", RUMP_O_RDONLY);
	ret("fsync", rump_sys_fsync(fd));
	ret("fdatasync", rump_sys_fdatasync(fd));
	ret("fsync for reading", rump_sys_fsync(reader));
	ret("fdatasync for reading", rump_sys_fdatasync(reader));
	ret("range", rump_sys_fsync_range(fd, RUMP_FFILESYNC, 0, 10));
	ret("range of no kind", rump_sys_fsync_range(fd, 0, 0, 10));
	ret("range of both kinds", rump_sys_fsync_range(fd, RUMP_FFILESYNC | RUMP_FDATASYNC, 0, 10));
	ret("range for reading", rump_sys_fsync_range(reader, RUMP_FFILESYNC, 0, 10));
	ret("range backwards", rump_sys_fsync_range(fd, RUMP_FDATASYNC, 10, -5));
	rump_sys_close(fd);
	ret("closed", rump_sys_fsync(fd));
	good("O_SYNC", fd = rump_sys_open("f", RUMP_O_RDWR | RUMP_O_SYNC));
	ret("write", rump_sys_write(fd, "abc", 3));
}

static void
allocation(void)
{
	char buf[8];
	struct rump_stat st;
	int fd, p[2];

	on_tmpfs();
	fd = rump_sys_open("f", RUMP_O_CREAT | RUMP_O_RDWR, 0644);
	rump_sys_write(fd, "0123456789", 10);
	ret_error("fallocate negative", rump_sys_posix_fallocate(fd, -1, 10));
	rump_sys_pipe(p);
	ret_error("fallocate a pipe", rump_sys_posix_fallocate(p[0], 0, 10));
	ret_error("fallocate nothing there", rump_sys_posix_fallocate(99, 0, 10));
	rump_sys_fstat(fd, &st);
	say("size %lld", (long long)st.st_size);
	ret("discard negative", rump_sys_fdiscard(fd, -1, 3));
	ret("pread", rump_sys_pread(fd, buf, 8, 0));
	ret_error("fadvise", rump_sys_posix_fadvise(fd, 0, 0, 0));
	ret_error("fadvise what", rump_sys_posix_fadvise(fd, 0, 0, 77));
}

static void
ioctls(void)
{
	struct rump_termios termios;
	int fd, n = -1;

	on_tmpfs();
	put("f", "0123456789");
	fd = rump_sys_open("f", RUMP_O_RDWR);
	rump_sys_lseek(fd, 4, RUMP_SEEK_SET);
	ret("FIONREAD", rump_sys_ioctl(fd, RUMP_FIONREAD, &n));
	say("%d", n);
	n = 1;
	ret("FIONBIO", rump_sys_ioctl(fd, RUMP_FIONBIO, &n));
	ret("TIOCGETA", rump_sys_ioctl(fd, RUMP_TIOCGETA, &termios));
	say("flags %x", rump_sys_fcntl(fd, RUMP_F_GETFL, NULL) & (RUMP_O_NONBLOCK | RUMP_O_ACCMODE));
}

static void
flags_shown(void)
{
	int fd;

	on_tmpfs();
	fd = rump_sys_open(
	    "f", RUMP_O_CREAT | RUMP_O_RDWR | RUMP_O_APPEND | RUMP_O_CLOEXEC | RUMP_O_NONBLOCK, 0644);
	say("%x", rump_sys_fcntl(fd, RUMP_F_GETFL, NULL));
	say("cloexec %d", rump_sys_fcntl(fd, RUMP_F_GETFD, NULL));
	fd = rump_sys_open("f", RUMP_O_WRONLY | RUMP_O_SYNC);
	say("%x", rump_sys_fcntl(fd, RUMP_F_GETFL, NULL));
	say("cloexec %d", rump_sys_fcntl(fd, RUMP_F_GETFD, NULL));
	fd = rump_sys_open("f", RUMP_O_RDONLY | RUMP_O_NOFOLLOW);
	say("%x", rump_sys_fcntl(fd, RUMP_F_GETFL, NULL));
}

static void
path_limits(void)
{
	char name[600], path[1200];

	on_tmpfs();
	memset(name, 'n', sizeof(name));
	name[255] = '\0';
	put(name, "long");
	show(name);
	name[255] = 'n';
	name[256] = '\0';
	ret("a longer name", rump_sys_open(name, RUMP_O_CREAT | RUMP_O_RDWR, 0644));
	ret("a longer name, stat", rump_sys_mkdir(name, 0755));
	path[0] = '\0';
	for (int i = 0; i < 511; i++)
		strcat(path, "./");
	strcat(path, "f");
	put("f", "deep");
	show(path);
	strcat(path, "f");
	say("length %zu", strlen(path));
	ret("too long", rump_sys_open(path, RUMP_O_RDONLY));
}

static void
pathconfs(void)
{
	int fd;

	on_tmpfs();
	put("f", "x");
	ret("name", rump_sys_pathconf("f", RUMP__PC_NAME_MAX));
	ret("path", rump_sys_pathconf("f", RUMP__PC_PATH_MAX));
	ret("link", rump_sys_pathconf("f", RUMP__PC_LINK_MAX));
	ret("pipe", rump_sys_pathconf("f", RUMP__PC_PIPE_BUF));
	ret("chown", rump_sys_pathconf("f", RUMP__PC_CHOWN_RESTRICTED));
	ret("trunc", rump_sys_pathconf("f", RUMP__PC_NO_TRUNC));
	ret("sync", rump_sys_pathconf("f", RUMP__PC_SYNC_IO));
	ret("bits", rump_sys_pathconf("f", RUMP__PC_FILESIZEBITS));
	ret("symlink", rump_sys_pathconf("f", RUMP__PC_SYMLINK_MAX));
	ret("canon", rump_sys_pathconf("f", RUMP__PC_MAX_CANON));
	ret("no such", rump_sys_pathconf("f", 999));
	ret("missing", rump_sys_pathconf("g", RUMP__PC_NAME_MAX));
	fd = rump_sys_open("f", RUMP_O_RDONLY);
	ret("by descriptor", rump_sys_fpathconf(fd, RUMP__PC_NAME_MAX));
	ret("of a kqueue", rump_sys_fpathconf(rump_sys_kqueue(), RUMP__PC_NAME_MAX));
}

static void
block_boundaries(void)
{
	static char buf[9000], back[9000];
	int fd, same = 1;

	on_tmpfs();
	fd = rump_sys_open("f", RUMP_O_CREAT | RUMP_O_RDWR, 0644);
	for (size_t i = 0; i < sizeof(buf); i++)
		buf[i] = (char)(i * 7 + i / 251);
	ret("write", rump_sys_write(fd, buf, sizeof(buf)));
	ret("overwrite across a page", rump_sys_pwrite(fd, "ABCDEF", 6, 4093));
	memcpy(buf + 4093, "ABCDEF", 6);
	ret("read", rump_sys_pread(fd, back, sizeof(back), 0));
	same = memcmp(buf, back, sizeof(buf)) == 0;
	say("same %d", same);
	ret("read in the middle", rump_sys_pread(fd, back, 5000, 1234));
	say("same %d", memcmp(buf + 1234, back, 5000) == 0);
}

const struct testcase file_cases[] = {
    {"file_open_flags", open_flags},
    {"file_created_mode", created_mode},
    {"file_truncation", truncation},
    {"file_huge_sizes", huge_sizes},
    {"file_appending", appending},
    {"file_offsets", offsets},
    {"file_access_modes", access_modes},
    {"file_holes", holes},
    {"file_vectors", vectors},
    {"file_unlinked", unlinked},
    {"file_syncing", syncing},
    {"file_allocation", allocation},
    {"file_ioctls", ioctls},
    {"file_flags_shown", flags_shown},
    {"file_path_limits", path_limits},
    {"file_pathconfs", pathconfs},
    {"file_block_boundaries", block_boundaries},
    {NULL, NULL},
};
