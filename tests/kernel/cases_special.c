/* SPDX-License-Identifier: BSD-2-Clause */
/* Fifos, devices, extended attributes, and what kqueue tells about files. */
#include "tests/kernel/files.h"

static void
fifo_ends(void)
{
	char buf[32] = {0};
	int r, w;

	on_tmpfs();
	ret("mkfifo", rump_sys_mkfifo("p", 0640));
	status_of("p");
	ret("again", rump_sys_mkfifo("p", 0640));
	ret("write without a reader", rump_sys_open("p", RUMP_O_WRONLY | RUMP_O_NONBLOCK));
	good("read", r = rump_sys_open("p", RUMP_O_RDONLY | RUMP_O_NONBLOCK));
	ret("nobody writes", rump_sys_read(r, buf, 1));
	good("write", w = rump_sys_open("p", RUMP_O_WRONLY | RUMP_O_NONBLOCK | RUMP_O_NOSIGPIPE));
	ret("nothing yet", rump_sys_read(r, buf, 1));
	ret("write", rump_sys_write(w, "hello", 5));
	ret("read", rump_sys_read(r, buf, 3));
	ret("read the rest", rump_sys_read(r, buf + 3, 10));
	say("[%s]", buf);
	ret("read the writing end", rump_sys_read(w, buf, 1));
	ret("write the reading end", rump_sys_write(r, buf, 1));
	ret("seek", (long)rump_sys_lseek(r, 0, RUMP_SEEK_CUR));
	ret("pread", rump_sys_pread(r, buf, 1, 0));
	rump_sys_write(w, "last", 4);
	rump_sys_close(w);
	ret("what was left", rump_sys_read(r, buf, 10));
	ret("end of file", rump_sys_read(r, buf, 10));
	good("write again", w = rump_sys_open("p", RUMP_O_WRONLY | RUMP_O_NONBLOCK | RUMP_O_NOSIGPIPE));
	rump_sys_close(r);
	good("both", r = rump_sys_open("p", RUMP_O_RDWR));
	ret("write to itself", rump_sys_write(r, "me", 2));
	ret("read from itself", rump_sys_read(r, buf, 10));
}

static void
open_writer(void *arg)
{
	int w = rump_sys_open("p", RUMP_O_WRONLY);

	(void)arg;
	rump_sys_write(w, "through", 7);
	rump_sys_close(w);
}

static void
fifo_blocking(void)
{
	struct case_thread *thread;
	char buf[32] = {0};
	int r;

	on_tmpfs();
	rump_sys_mkfifo("p", 0640);
	thread = case_thread(open_writer, NULL);
	r = rump_sys_open("p", RUMP_O_RDONLY);
	good("open", r);
	ret("read", rump_sys_read(r, buf, sizeof(buf)));
	say("[%s]", buf);
	case_join(thread);
	ret("end", rump_sys_read(r, buf, sizeof(buf)));
}

static void
fifo_poll(void)
{
	struct rump_pollfd p = {.events = RUMP_POLLIN};
	int r, w;

	on_tmpfs();
	rump_sys_mkfifo("p", 0640);
	r = rump_sys_open("p", RUMP_O_RDONLY | RUMP_O_NONBLOCK);
	w = rump_sys_open("p", RUMP_O_WRONLY);
	p.fd = r;
	ret("nothing", rump_sys_poll(&p, 1, 0));
	rump_sys_write(w, "x", 1);
	ret("something", rump_sys_poll(&p, 1, 0));
	say("%x", p.revents);
	p = (struct rump_pollfd){.fd = w, .events = RUMP_POLLOUT};
	ret("room", rump_sys_poll(&p, 1, 0));
	say("%x", p.revents);
}

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

static void
attributes(void)
{
	char buf[64] = {0};
	int fd;

	on_tmpfs();
	put("f", "x");
	fd = rump_sys_open("f", RUMP_O_RDWR);
	ret("set", rump_sys_extattr_set_file("f", RUMP_EXTATTR_NAMESPACE_USER, "name", "value", 5));
	ret("get", rump_sys_extattr_get_file("f", RUMP_EXTATTR_NAMESPACE_USER, "name", buf, sizeof(buf)));
	ret("size", rump_sys_extattr_get_file("f", RUMP_EXTATTR_NAMESPACE_USER, "name", NULL, 0));
	ret("missing", rump_sys_extattr_get_fd(fd, RUMP_EXTATTR_NAMESPACE_USER, "none", buf, sizeof(buf)));
	ret("list", rump_sys_extattr_list_file("f", RUMP_EXTATTR_NAMESPACE_USER, buf, sizeof(buf)));
	ret("delete", rump_sys_extattr_delete_file("f", RUMP_EXTATTR_NAMESPACE_USER, "name"));
	ret("delete again", rump_sys_extattr_delete_file("f", RUMP_EXTATTR_NAMESPACE_USER, "name"));
	ret("setxattr", rump_sys_setxattr("f", "user.a", "12", 2, 0));
	ret("getxattr", rump_sys_getxattr("f", "user.a", buf, sizeof(buf)));
	ret("listxattr", rump_sys_listxattr("f", buf, sizeof(buf)));
	ret("create again", rump_sys_setxattr("f", "user.a", "12", 2, RUMP_XATTR_CREATE));
	ret("replace nothing", rump_sys_setxattr("f", "user.b", "12", 2, RUMP_XATTR_REPLACE));
	ret("removexattr", rump_sys_removexattr("f", "user.a"));
	ret("of nothing", rump_sys_getxattr("g", "user.a", buf, sizeof(buf)));
	ret("closed", rump_sys_fgetxattr(99, "user.a", buf, sizeof(buf)));
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
}

const struct testcase special_cases[] = {
    {"fifo_ends", fifo_ends},
    {"fifo_blocking", fifo_blocking},
    {"fifo_poll", fifo_poll},
    {"device_nodes", devices},
    {"attributes", attributes},
    {"events_of_a_file", events_of_a_file},
    {"events_of_a_directory", events_of_a_directory},
    {"event_readable", event_readable},
    {NULL, NULL},
};
