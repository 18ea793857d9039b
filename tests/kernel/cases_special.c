/* SPDX-License-Identifier: BSD-2-Clause */
/* Devices, and what kqueue tells about files. */
#include "tests/kernel/files.h"

static void
devices(void)
{
	struct rump_stat st;
	char buf[16];
	int fd;

	fd = rump_sys_open("/dev/null", RUMP_O_RDWR);
	good("null", fd);
	ret("read", rump_sys_read(fd, buf, sizeof(buf)));
	ret("write", rump_sys_write(fd, buf, sizeof(buf)));
	rump_sys_fstat(fd, &st);
	say("%o %llx", st.st_mode & RUMP_S_IFMT, (unsigned long long)st.st_rdev);
	fd = rump_sys_open("/dev/zero", RUMP_O_RDWR);
	memset(buf, 'x', sizeof(buf));
	ret("read", rump_sys_read(fd, buf, sizeof(buf)));
	say("%d %d", buf[0], buf[15]);
	ret("write", rump_sys_write(fd, buf, sizeof(buf)));
	on_tmpfs();
	ret("mknod", rump_sys_mknod("null", RUMP_S_IFCHR | 0666, 0x202));
	status_of("null");
	fd = rump_sys_open("null", RUMP_O_WRONLY);
	ret("write", rump_sys_write(fd, buf, 3));
	ret("mknod of nothing", rump_sys_mknod("none", RUMP_S_IFCHR | 0666, 0xfe00));
	ret("open it", rump_sys_open("none", RUMP_O_RDONLY));
	ret("mknod of no type", rump_sys_mknod("x", 0666, 0));
	ret("mknod of a directory", rump_sys_mknod("x", RUMP_S_IFDIR | 0777, 0));
	ret("mknod again", rump_sys_mknod("null", RUMP_S_IFCHR | 0666, 0x202));
}

static int kq;

static void
watch(const char *path)
{
	struct rump_kevent kev = {.ident = (uintptr_t)rump_sys_open(path, RUMP_O_RDONLY),
	    .filter = RUMP_EVFILT_VNODE,
	    .flags = RUMP_EV_ADD | RUMP_EV_CLEAR,
	    .fflags = RUMP_NOTE_DELETE | RUMP_NOTE_WRITE | RUMP_NOTE_EXTEND | RUMP_NOTE_ATTRIB |
		      RUMP_NOTE_LINK | RUMP_NOTE_RENAME};

	if (rump_sys_kevent(kq, &kev, 1, NULL, 0, NULL) != 0)
		say("watch %s: %s", path, errno_name());
}

static void
told(const char *what)
{
	struct rump_timespec zero = {.tv_sec = 0};
	struct rump_kevent kev;
	int n = rump_sys_kevent(kq, NULL, 0, &kev, 1, &zero);

	if (n == 0)
		say("%s: nothing", what);
	else
		say("%s:%s%s%s%s%s%s", what, kev.fflags & RUMP_NOTE_DELETE ? " delete" : "",
		    kev.fflags & RUMP_NOTE_WRITE ? " write" : "",
		    kev.fflags & RUMP_NOTE_EXTEND ? " extend" : "",
		    kev.fflags & RUMP_NOTE_ATTRIB ? " attrib" : "",
		    kev.fflags & RUMP_NOTE_LINK ? " link" : "",
		    kev.fflags & RUMP_NOTE_RENAME ? " rename" : "");
}

static void
events_of_a_file(void)
{
	int fd;

	on_tmpfs();
	kq = rump_sys_kqueue();
	put("f", "0123456789");
	watch("f");
	told("at first");
	fd = rump_sys_open("f", RUMP_O_RDWR);
	told("open");
	rump_sys_pwrite(fd, "x", 1, 0);
	told("overwrite");
	rump_sys_pwrite(fd, "x", 1, 10);
	told("write at the end");
	rump_sys_fchmod(fd, 0600);
	told("chmod");
	rump_sys_utimes("f", NULL);
	told("utimes");
	rump_sys_link("f", "g");
	told("link");
	rump_sys_rename("f", "h");
	told("rename");
	rump_sys_unlink("g");
	told("unlink one name");
	rump_sys_unlink("h");
	told("unlink the last");
}

static void
events_of_a_directory(void)
{
	on_tmpfs();
	kq = rump_sys_kqueue();
	rump_sys_mkdir("d", 0755);
	watch("d");
	put("d/f", "");
	told("create");
	rump_sys_mkdir("d/e", 0755);
	told("mkdir");
	rump_sys_rename("d/f", "d/g");
	told("rename in it");
	rump_sys_rename("d/g", "g");
	told("rename out of it");
	rump_sys_rename("g", "d/g");
	told("rename into it");
	rump_sys_unlink("d/g");
	told("unlink");
	rump_sys_rmdir("d/e");
	told("rmdir in it");
	rump_sys_symlink("x", "d/l");
	told("symlink");
	rump_sys_rename("d", "dd");
	told("rename");
	rump_sys_unlink("dd/l");
	told("unlink");
	rump_sys_rmdir("dd");
	told("rmdir");
}

static void
event_readable(void)
{
	struct rump_timespec zero = {.tv_sec = 0};
	struct rump_kevent kev = {.filter = RUMP_EVFILT_READ, .flags = RUMP_EV_ADD};
	int fd;

	on_tmpfs();
	kq = rump_sys_kqueue();
	put("f", "0123456789");
	fd = rump_sys_open("f", RUMP_O_RDWR);
	rump_sys_lseek(fd, 4, RUMP_SEEK_SET);
	kev.ident = (uintptr_t)fd;
	ret("add", rump_sys_kevent(kq, &kev, 1, NULL, 0, NULL));
	ret("readable", rump_sys_kevent(kq, NULL, 0, &kev, 1, &zero));
	say("%lld bytes", (long long)kev.data);
	rump_sys_lseek(fd, 0, RUMP_SEEK_END);
	ret("at the end", rump_sys_kevent(kq, NULL, 0, &kev, 1, &zero));
	rump_sys_pwrite(fd, "more", 4, 10);
	ret("more", rump_sys_kevent(kq, NULL, 0, &kev, 1, &zero));
	say("%lld bytes", (long long)kev.data);
	kev = (struct rump_kevent){.ident = (uintptr_t)fd, .filter = RUMP_EVFILT_WRITE, .flags = RUMP_EV_ADD};
	ret("for writing", rump_sys_kevent(kq, &kev, 1, NULL, 0, NULL));
}

/* A fifo that mknod makes is as good as mkfifo's. */
static void
fifo_by_mknod(void)
{
	char buf[8] = "";
	int in, out;

	on_tmpfs();
	ret("mknod", rump_sys_mknod("p", RUMP_S_IFIFO | 0642, 0));
	ret("again", rump_sys_mknod("p", RUMP_S_IFIFO | 0642, 0));
	ret("with a device number", rump_sys_mknod("q", RUMP_S_IFIFO | 0600, 0x202));
	ret("mknodat", rump_sys_mknodat(RUMP_AT_FDCWD, "r", RUMP_S_IFIFO | 0600, 0));
	status_of("p");
	status_of("q");
	good("open to read", in = rump_sys_open("p", RUMP_O_RDONLY | RUMP_O_NONBLOCK));
	good("open to write", out = rump_sys_open("p", RUMP_O_WRONLY));
	ret("write", rump_sys_write(out, "abc", 3));
	ret("read", rump_sys_read(in, buf, sizeof(buf)));
	say("%s", buf);
	ret("a socket", rump_sys_mknod("s", RUMP_S_IFSOCK | 0600, 0));
	ret("a file", rump_sys_mknod("f", RUMP_S_IFREG | 0600, 0));
	ret("a link", rump_sys_mknod("l", RUMP_S_IFLNK | 0600, 0));
	list(".");
}

static void
fifo_by_mknod_of_others(void)
{
	on_tmpfs();
	rump_sys_mkdir("d", 0777);
	rump_sys_chmod("d", 0777);
	become(10, 10);
	ret("mknod", rump_sys_mknod("d/p", RUMP_S_IFIFO | 0600, 0));
	ret("a device", rump_sys_mknod("d/n", RUMP_S_IFCHR | 0600, 0x202));
	list("d");
}

const struct testcase special_cases[] = {
    {"device_nodes", devices},
    {"events_of_a_file", events_of_a_file},
    {"events_of_a_directory", events_of_a_directory},
    {"event_readable", event_readable},
    {"fifo_by_mknod", fifo_by_mknod},
    {"fifo_by_mknod_of_others", fifo_by_mknod_of_others},
    {NULL, NULL},
};
