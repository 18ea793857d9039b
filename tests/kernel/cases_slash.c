/* SPDX-License-Identifier: BSD-2-Clause */
/* Slashes behind symbolic links: to a directory, to a file, to nothing, to themselves. */
#include <stdio.h>
#include "tests/kernel/files.h"

static const char *const kinds[] = {"to_dir", "to_file", "to_nothing", "to_itself"};
#define KINDS (sizeof(kinds) / sizeof(*kinds))

/* A directory of that name, current, with one of each. */
static void
prepare(const char *name)
{
	rump_sys_mkdir(name, 0755);
	rump_sys_chdir(name);
	rump_sys_mkdir("dir", 0755);
	put("file", "text");
	rump_sys_symlink("dir", kinds[0]);
	rump_sys_symlink("file", kinds[1]);
	rump_sys_symlink("nothing", kinds[2]);
	rump_sys_symlink(kinds[3], kinds[3]);
}

/* The link of that kind, with a slash, in a directory made for it; call says what comes of it. */
static void
each(void (*call)(const char *path))
{
	on_tmpfs();
	for (size_t i = 0; i < KINDS; i++) {
		char path[32], directory[8];

		snprintf(path, sizeof(path), "%s/", kinds[i]);
		snprintf(directory, sizeof(directory), "d%zu", i);
		prepare(directory);
		say("%s", path);
		call(path);
		list(".");
		rump_sys_chdir("..");
	}
}

static void
call_remove(const char *path)
{
	ret("unlink", rump_sys_unlink(path));
	ret("rmdir", rump_sys_rmdir(path));
	ret("unlinkat of a directory", rump_sys_unlinkat(RUMP_AT_FDCWD, path, RUMP_AT_REMOVEDIR));
}

static void
remove_them(void)
{
	each(call_remove);
}

static void
call_rename_from(const char *path)
{
	ret("to a new name", rump_sys_rename(path, "new"));
	ret("to a new name, with a slash", rump_sys_rename(path, "newer/"));
	ret("to a file", rump_sys_rename(path, "file"));
	ret("to a directory", rump_sys_rename(path, "dir"));
	ret("to a directory, with a slash", rump_sys_rename(path, "dir/"));
}

static void
rename_from(void)
{
	each(call_rename_from);
}

static void
call_rename_to(const char *path)
{
	rump_sys_mkdir("other", 0755);
	put("more", "more");
	ret("a file", rump_sys_rename("more", path));
	ret("a directory", rump_sys_rename("other", path));
	ret("a directory, with a slash", rump_sys_rename("other/", path));
	ret("nothing", rump_sys_rename("gone", path));
	ret("itself", rump_sys_rename(path, path));
}

static void
rename_to(void)
{
	each(call_rename_to);
}

static void
call_make(const char *path)
{
	ret("mkdir", rump_sys_mkdir(path, 0755));
	ret("mkfifo", rump_sys_mkfifo(path, 0644));
	ret("mknod", rump_sys_mknod(path, RUMP_S_IFCHR | 0644, 0x202));
	ret("symlink", rump_sys_symlink("x", path));
	ret("link to it", rump_sys_link("file", path));
	ret("link of it", rump_sys_link(path, "linked"));
}

static void
make(void)
{
	each(call_make);
}

static void
call_look(const char *path)
{
	struct rump_stat st;
	char target[16];

	if (ret("lstat", rump_sys_lstat(path, &st)) == 0)
		say("%o", st.st_mode & RUMP_S_IFMT);
	if (ret("stat", rump_sys_stat(path, &st)) == 0)
		say("%o", st.st_mode & RUMP_S_IFMT);
	ret("readlink", rump_sys_readlink(path, target, sizeof(target)));
	ret("access", rump_sys_access(path, RUMP_F_OK));
	ret("chmod", rump_sys_chmod(path, 0700));
	ret("lchmod", rump_sys_lchmod(path, 0700));
	ret("lchown", rump_sys_lchown(path, 1, 1));
	ret("chdir", rump_sys_chdir(path));
}

static void
look(void)
{
	each(call_look);
}

static void
call_open(const char *path)
{
	good("open", rump_sys_open(path, RUMP_O_RDONLY));
	good("to write", rump_sys_open(path, RUMP_O_RDWR));
	good("unfollowed", rump_sys_open(path, RUMP_O_RDONLY | RUMP_O_NOFOLLOW));
	good("a directory", rump_sys_open(path, RUMP_O_RDONLY | RUMP_O_DIRECTORY));
	good("create", rump_sys_open(path, RUMP_O_RDWR | RUMP_O_CREAT, 0644));
	good("create anew", rump_sys_open(path, RUMP_O_RDWR | RUMP_O_CREAT | RUMP_O_EXCL, 0644));
}

static void
open_them(void)
{
	each(call_open);
}

const struct testcase slash_cases[] = {
    {"slash_remove", remove_them},
    {"slash_rename_from", rename_from},
    {"slash_rename_to", rename_to},
    {"slash_make", make},
    {"slash_look", look},
    {"slash_open", open_them},
    {NULL, NULL},
};
