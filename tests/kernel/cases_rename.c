/* SPDX-License-Identifier: BSD-2-Clause */
/* rename, and links hard and symbolic. */
#include "tests/kernel/files.h"

static void
files(void)
{
	on_tmpfs();
	put("a", "aaa");
	put("b", "bbb");
	rump_sys_mkdir("d", 0755);
	ret("to a new name", rump_sys_rename("a", "c"));
	list(".");
	ret("over another", rump_sys_rename("c", "b"));
	list(".");
	show("b");
	ret("into a directory", rump_sys_rename("b", "d/b"));
	list("d");
	ret("missing", rump_sys_rename("nothing", "x"));
	ret("to a missing place", rump_sys_rename("d/b", "x/y"));
	ret("over a directory", rump_sys_rename("d/b", "d"));
	put("f", "f");
	rump_sys_mkdir("e", 0755);
	ret("file over an empty directory", rump_sys_rename("f", "e"));
	ret("with a slash", rump_sys_rename("f", "g/"));
	ret("from with a slash", rump_sys_rename("f/", "g"));
	ret("under a file", rump_sys_rename("f", "d/b/x"));
	ret("to itself", rump_sys_rename("f", "f"));
	show("f");
	ret("empty from", rump_sys_rename("", "x"));
	ret("empty to", rump_sys_rename("f", ""));
}

static void
directories(void)
{
	on_tmpfs();
	rump_sys_mkdir("a", 0755);
	rump_sys_mkdir("a/b", 0755);
	rump_sys_mkdir("a/b/c", 0755);
	rump_sys_mkdir("empty", 0755);
	rump_sys_mkdir("full", 0755);
	put("full/f", "");
	put("file", "");
	ret("to a new name", rump_sys_rename("a", "z"));
	list("z");
	ret("back", rump_sys_rename("z/", "a/"));
	ret("into itself", rump_sys_rename("a", "a/x"));
	ret("deep into itself", rump_sys_rename("a", "a/b/c/x"));
	ret("over its child", rump_sys_rename("a", "a/b"));
	ret("over its parent", rump_sys_rename("a/b", "a"));
	ret("over its grandparent", rump_sys_rename("a/b/c", "a"));
	ret("over a full one", rump_sys_rename("a", "full"));
	ret("over a file", rump_sys_rename("a", "file"));
	ret("over an empty one", rump_sys_rename("a", "empty"));
	list(".");
	list("empty");
	status_of("empty");
	ret("elsewhere", rump_sys_rename("empty/b", "b"));
	status_of("empty");
	status_of(".");
	list("b");
	show("b/../full/f");
	ret("file over its directory's parent", rump_sys_rename("full/f", "."));
	ret("to itself", rump_sys_rename("b", "b"));
}

static void
dots(void)
{
	on_tmpfs();
	rump_sys_mkdir("d", 0755);
	rump_sys_mkdir("e", 0755);
	ret("dot", rump_sys_rename("d/.", "x"));
	ret("dot dot", rump_sys_rename("d/..", "x"));
	ret("to dot", rump_sys_rename("d", "e/."));
	ret("to dot dot", rump_sys_rename("d", "e/.."));
	ret("the root", rump_sys_rename("/", "x"));
	ret("to the root", rump_sys_rename("d", "/"));
	ret("the mount", rump_sys_rename("../mnt", "../x"));
}

static void
same_file(void)
{
	on_tmpfs();
	put("a", "text");
	rump_sys_link("a", "b");
	rump_sys_mkdir("d", 0755);
	rump_sys_link("a", "d/c");
	ret("posix rename", rump_sys___posix_rename("a", "b"));
	list(".");
	ret("rename", rump_sys_rename("a", "b"));
	list(".");
	ret("rename elsewhere", rump_sys_rename("b", "d/c"));
	list(".");
	list("d");
	status_of("d/c");
}

static void
in_use(void)
{
	char buf[16] = {0};
	int fd, target;

	on_tmpfs();
	put("a", "first");
	put("b", "second");
	fd = rump_sys_open("a", RUMP_O_RDWR);
	target = rump_sys_open("b", RUMP_O_RDONLY);
	ret("rename", rump_sys_rename("a", "b"));
	ret("write", rump_sys_pwrite(fd, "F", 1, 0));
	show("b");
	ret("read the replaced one", rump_sys_read(target, buf, sizeof(buf)));
	say("[%s]", buf);
}

static void
across_mounts(void)
{
	struct rump_tmpfs_args args = {.ta_version = RUMP_TMPFS_ARGS_VERSION, .ta_root_mode = 0755};

	on_tmpfs();
	rump_sys_mkdir("m", 0755);
	rump_sys_mount("tmpfs", "m", 0, &args, sizeof(args));
	put("f", "x");
	put("m/g", "y");
	rump_sys_mkdir("m/d", 0755);
	ret("file in", rump_sys_rename("f", "m/f"));
	ret("file out", rump_sys_rename("m/g", "g"));
	ret("directory out", rump_sys_rename("m/d", "d"));
	ret("link in", rump_sys_link("f", "m/l"));
	ret("over the mount", rump_sys_rename("d", "m"));
	ret("the mount", rump_sys_rename("m", "n"));
	ret("remove the mount", rump_sys_rmdir("m"));
	show("m/g");
	show("m/../f");
	rump_sys_unmount("m", 0);
	list("m");
}

static void
hard_links(void)
{
	struct rump_stat a, b;

	on_tmpfs();
	put("a", "text");
	rump_sys_mkdir("d", 0755);
	ret("link", rump_sys_link("a", "b"));
	ret("link elsewhere", rump_sys_link("a", "d/c"));
	status_of("a");
	rump_sys_stat("a", &a);
	rump_sys_stat("d/c", &b);
	say("same %d", a.st_ino == b.st_ino && a.st_dev == b.st_dev);
	put("b", "changed");
	show("d/c");
	ret("unlink", rump_sys_unlink("a"));
	status_of("b");
	ret("over a name", rump_sys_link("b", "d/c"));
	ret("over a directory", rump_sys_link("b", "d"));
	ret("of a directory", rump_sys_link("d", "e"));
	ret("of nothing", rump_sys_link("x", "y"));
	ret("to a missing place", rump_sys_link("b", "x/y"));
	ret("with a slash", rump_sys_link("b", "y/"));
	rump_sys_symlink("b", "l");
	ret("of a symbolic link", rump_sys_link("l", "m"));
	status_of("m");
	rump_sys_symlink("nowhere", "dangling");
	ret("of a dangling one", rump_sys_link("dangling", "n"));
	ret("to dot", rump_sys_link("b", "."));
}

static void
symbolic_links(void)
{
	char buf[32] = {0};

	on_tmpfs();
	ret("symlink", rump_sys_symlink("target", "l"));
	status_of("l");
	ret("readlink", rump_sys_readlink("l", buf, sizeof(buf)));
	say("[%s]", buf);
	memset(buf, 0, sizeof(buf));
	ret("cut", rump_sys_readlink("l", buf, 3));
	say("[%s]", buf);
	ret("no room", rump_sys_readlink("l", buf, 0));
	ret("over a name", rump_sys_symlink("x", "l"));
	put("f", "");
	ret("readlink of a file", rump_sys_readlink("f", buf, sizeof(buf)));
	ret("readlink of nothing", rump_sys_readlink("x", buf, sizeof(buf)));
	ret("with a slash", rump_sys_symlink("x", "y/"));
	ret("mkdir through it", rump_sys_mkdir("l", 0755));
	ret("mkdir through it, with a slash", rump_sys_mkdir("l/", 0755));
	list(".");
	ret("rmdir through it", rump_sys_rmdir("l"));
	ret("rmdir through it, with a slash", rump_sys_rmdir("l/"));
	list(".");
	ret("unlink", rump_sys_unlink("l"));
	list(".");
}

static void
many_links(void)
{
	struct rump_stat st;
	char name[32];
	int made = 0;

	on_tmpfs();
	put("a", "");
	for (int i = 0; i < 1000; i++) {
		memcpy(name, "l0000", 6);
		name[1] = (char)('0' + i / 1000 % 10);
		name[2] = (char)('0' + i / 100 % 10);
		name[3] = (char)('0' + i / 10 % 10);
		name[4] = (char)('0' + i % 10);
		made += rump_sys_link("a", name) == 0;
	}
	rump_sys_stat("a", &st);
	say("made %d links %u", made, st.st_nlink);
}

const struct testcase rename_cases[] = {
    {"rename_files", files},
    {"rename_directories", directories},
    {"rename_dots", dots},
    {"rename_same_file", same_file},
    {"rename_in_use", in_use},
    {"rename_across_mounts", across_mounts},
    {"link_hard", hard_links},
    {"link_symbolic", symbolic_links},
    {"link_many", many_links},
    {NULL, NULL},
};
