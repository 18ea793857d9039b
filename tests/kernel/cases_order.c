/* SPDX-License-Identifier: BSD-2-Clause */
/* Which error is told where several would do, and names that are looked up in unusual ways. */
#include "tests/kernel/files.h"
#include <stdlib.h>

/* A file and a directory. */
static void
prepare(void)
{
	on_tmpfs();
	put("f", "text");
	rump_sys_mkdir("d", 0755);
}

static void
descriptors_first(void)
{
	int fd;

	prepare();
	fd = rump_sys_open("f", RUMP_O_RDONLY);
	ret("wrong mode", rump_sys_openat(99, "f", 3));
	ret("the root", rump_sys_openat(99, "/", RUMP_O_CREAT | RUMP_O_RDWR, 0644));
	ret("no path", rump_sys_openat(99, "", RUMP_O_RDONLY));
	ret("no path from a file", rump_sys_openat(fd, "", RUMP_O_RDONLY));
	ret("a path from a file", rump_sys_openat(fd, "f", RUMP_O_RDONLY));
	ret("mkdirat without a path", rump_sys_mkdirat(99, "", 0755));
	ret("linkat of a directory", rump_sys_linkat(RUMP_AT_FDCWD, "d", 99, "x", 0));
	ret("renameat of nothing", rump_sys_renameat(RUMP_AT_FDCWD, "x", 99, "y"));
	ret("renameat of dot", rump_sys_renameat(RUMP_AT_FDCWD, ".", 99, "y"));
	ret("truncate of nothing to less", rump_sys_truncate("x", -1));
	ret("truncate of a directory to less", rump_sys_truncate("d", -1));
	ret("ftruncate of nothing to less", rump_sys_ftruncate(99, -1));
	ret("flock both ways", rump_sys_flock(fd, RUMP_LOCK_SH | RUMP_LOCK_UN));
}

static void
making(void)
{
	prepare();
	ret("mknod of no type", rump_sys_mknod("x", 0644, 0));
	ret("mknod of no type, there", rump_sys_mknod("f", 0644, 0));
	ret("mknod of a directory, nowhere", rump_sys_mknod("x/y", RUMP_S_IFDIR | 0755, 0));
	ret("mkdir with a slash, a file", rump_sys_mkdir("f/", 0755));
	ret("mkdir with a slash, a directory", rump_sys_mkdir("d/", 0755));
	ret("link of a directory, nowhere", rump_sys_link("d", "x/y"));
	ret("link of a directory, there", rump_sys_link("d", "f"));
	ret("link with a slash, a file", rump_sys_link("f", "f/"));
	ret("link with a slash", rump_sys_link("f", "x/"));
	ret("the root", rump_sys_open("/", RUMP_O_CREAT | RUMP_O_RDONLY, 0644));
	ret("dot dot", rump_sys_open("d/..", RUMP_O_CREAT | RUMP_O_EXCL | RUMP_O_RDWR, 0644));
	ret("with a slash, a file", rump_sys_open("f/", RUMP_O_CREAT | RUMP_O_EXCL | RUMP_O_RDWR, 0644));
	rump_sys_chmod(".", 0555);
	become(10, 10);
	ret("with a slash, by others", rump_sys_open("x/", RUMP_O_CREAT | RUMP_O_EXCL | RUMP_O_RDWR, 0644));
	ret("symlink with a slash, by others", rump_sys_symlink("f", "x/"));
	ret("mkdir, by others", rump_sys_mkdir("d", 0755));
}

static void
removing(void)
{
	prepare();
	rump_sys_mkdir("d/e", 0755);
	ret("unlink dot", rump_sys_unlink("d/."));
	ret("unlink dot of the root", rump_sys_unlink("/."));
	ret("rmdir dot of the root", rump_sys_rmdir("/."));
	ret("rename nothing to dot", rump_sys_rename("x", "."));
	ret("rename nothing to dot dot", rump_sys_rename("x", "d/.."));
	ret("rename nothing to the root", rump_sys_rename("x", "/"));
	ret("rename dot dot to nowhere", rump_sys_rename("d/..", "x/y"));
	ret("rename dot dot to the root", rump_sys_rename("d/..", "/"));
	ret("rename the root to nowhere", rump_sys_rename("/", "x/y"));
	rump_sys_chmod("d", 0555);
	become(10, 10);
	ret("unlink a directory, by others", rump_sys_unlink("d/e"));
	ret("rmdir a file, by others", rump_sys_rmdir("f/"));
	ret("rename a file as a directory, by others", rump_sys_rename("f/", "x"));
	ret("rename a directory onto a file, by others", rump_sys_rename("d/e", "f"));
}

static void
walking(void)
{
	char longest[RUMP_MAXPATHLEN], name[300], buf[64];
	struct rump_stat st;

	prepare();
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	for (size_t i = 0; i + 2 < sizeof(longest); i += 2)
		memcpy(longest + i, "./", 2);
	longest[sizeof(longest) - 2] = '\0';
	ret("a link of 1022", rump_sys_symlink(longest, "long"));
	ret("alone", rump_sys_stat("long", &st));
	ret("with a slash", rump_sys_stat("long/", &st));
	rump_sys_chdir("d");
	rump_sys_chmod(".", 0644);
	become(10, 10);
	ret("dot", rump_sys_stat(".", &st));
	ret("dot slash", rump_sys_stat("./", &st));
	ret("nothing", rump_sys_stat("x", &st));
	ret("a name too long", rump_sys_stat(name, &st));
	ret("getcwd", rump_sys___getcwd(buf, sizeof(buf)) > 0 ? 0 : -1);
	become(0, 0);
	rump_sys_chdir("..");
	ret("chroot", rump_sys_chroot("."));
	rump_sys_chmod(".", 0);
	become(10, 10);
	ret("the root, dot dot", rump_sys_stat("/..", &st));
	become(0, 0);
	rump_sys_chmod(".", 0755);
}

static void
fixed_attributes(void)
{
	struct rump_timespec times[2] = {{.tv_sec = 1}, {.tv_sec = 1}};
	int fd;

	prepare();
	fd = rump_sys_open("f", RUMP_O_RDWR);
	ret("append only", rump_sys_chflags("f", RUMP_UF_APPEND));
	ret("chmod", rump_sys_chmod("f", 0600));
	ret("chown", rump_sys_chown("f", 10, 10));
	ret("utimens", rump_sys_utimensat(RUMP_AT_FDCWD, "f", times, 0));
	ret("truncate", rump_sys_truncate("f", 1));
	ret("ftruncate", rump_sys_ftruncate(fd, 1));
	ret("chown to nobody", rump_sys_chown("f", (uint32_t)-1, (uint32_t)-1));
	status_of("f");
	ret("nothing fixed", rump_sys_chflags("f", 0));
	become(10, 10);
	ret("chown to nobody, by others", rump_sys_chown("f", (uint32_t)-1, (uint32_t)-1));
	ret("and to the same", rump_sys_chown("f", 0, 0));
	ret("pathconf", rump_sys_pathconf("f", RUMP__PC_2_SYMLINKS));
}

const struct testcase order_cases[] = {
    {"order_descriptors_first", descriptors_first},
    {"order_making", making},
    {"order_removing", removing},
    {"order_walking", walking},
    {"order_fixed_attributes", fixed_attributes},
    {NULL, NULL},
};
