/* SPDX-License-Identifier: BSD-2-Clause */
/* Directories: making, removing and reading them, walking them. */
#include "tests/kernel/files.h"
#include <stdio.h>
#include <stdlib.h>

static void
make_remove(void)
{
	on_tmpfs();
	ret("mkdir", rump_sys_mkdir("d", 0750));
	status_of("d");
	ret("again", rump_sys_mkdir("d", 0755));
	ret("with a slash", rump_sys_mkdir("e/", 0755));
	ret("with slashes", rump_sys_mkdir("d//e///", 0755));
	status_of("d");
	ret("missing on the way", rump_sys_mkdir("x/y", 0755));
	put("f", "");
	ret("over a file", rump_sys_mkdir("f", 0755));
	ret("under a file", rump_sys_mkdir("f/d", 0755));
	ret("dot", rump_sys_mkdir(".", 0755));
	ret("dot dot", rump_sys_mkdir("..", 0755));
	ret("dot in a new one", rump_sys_mkdir("n/.", 0755));
	ret("root", rump_sys_mkdir("/", 0755));
	ret("empty", rump_sys_mkdir("", 0755));
	ret("rmdir not empty", rump_sys_rmdir("d"));
	ret("rmdir", rump_sys_rmdir("d/e"));
	ret("rmdir with a slash", rump_sys_rmdir("e/"));
	ret("rmdir missing", rump_sys_rmdir("e"));
	ret("rmdir a file", rump_sys_rmdir("f"));
	ret("rmdir dot", rump_sys_rmdir("d/."));
	ret("rmdir dot dot", rump_sys_rmdir("d/.."));
	ret("rmdir root", rump_sys_rmdir("/"));
	ret("unlink a directory", rump_sys_unlink("d"));
	ret("rmdir", rump_sys_rmdir("d"));
	list(".");
}

static void
removed_in_use(void)
{
	struct rump_stat st;
	char buf[512];
	int fd;

	on_tmpfs();
	rump_sys_mkdir("d", 0755);
	fd = rump_sys_open("d", RUMP_O_RDONLY);
	ret("rmdir", rump_sys_rmdir("d"));
	rump_sys_fstat(fd, &st);
	say("links %u", st.st_nlink);
	ret("create in it", rump_sys_openat(fd, "f", RUMP_O_CREAT | RUMP_O_RDWR, 0644));
	ret("make in it", rump_sys_mkdirat(fd, "e", 0755));
	ret("look in it", rump_sys_openat(fd, "f", RUMP_O_RDONLY));
	ret("read it", rump_sys_getdents(fd, buf, sizeof(buf)));
	rump_sys_mkdir("d", 0755);
	list("d");
}

static void
removed_current(void)
{
	char buf[100];

	on_tmpfs();
	rump_sys_mkdir("d", 0755);
	rump_sys_chdir("d");
	ret("rmdir", rump_sys_rmdir("../d"));
	ret("getcwd", rump_sys___getcwd(buf, sizeof(buf)));
	ret("create", rump_sys_open("f", RUMP_O_CREAT | RUMP_O_RDWR, 0644));
}

static void
entries(void)
{
	struct rump_stat st;
	char buf[1024];
	int fd, got, dots = 0;

	on_tmpfs();
	put("file", "x");
	rump_sys_mkdir("dir", 0755);
	rump_sys_symlink("file", "link");
	rump_sys_mkfifo("fifo", 0644);
	fd = rump_sys_open(".", RUMP_O_RDONLY);
	got = rump_sys_getdents(fd, buf, sizeof(buf));
	for (int at = 0; at < got;) {
		struct rump_dirent *entry = (void *)(buf + at);

		if (entry->d_name[0] == '.')
			dots++;
		else if (rump_sys_lstat(entry->d_name, &st) == 0)
			say("%s: type %d, length %d, number %s", entry->d_name, entry->d_type,
			    entry->d_namlen, entry->d_fileno == st.st_ino ? "right" : "wrong");
		if (entry->d_reclen % 8 != 0)
			say("record of %d", entry->d_reclen);
		at += entry->d_reclen;
	}
	say("dots %d", dots);
	ret("the end", rump_sys_getdents(fd, buf, sizeof(buf)));
	rump_sys_lseek(fd, 0, RUMP_SEEK_SET);
	say("again %d", rump_sys_getdents(fd, buf, sizeof(buf)) == got);
	ret("of a file", rump_sys_getdents(rump_sys_open("file", RUMP_O_RDONLY), buf, sizeof(buf)));
	ret("no room", rump_sys_getdents(rump_sys_open(".", RUMP_O_RDONLY), buf, 4));
	ret("closed", rump_sys_getdents(99, buf, sizeof(buf)));
}

/* Every name once, however the directory changes while it is read. */
static void
reading_while_changing(void)
{
	char name[16], buf[1024];
	int seen[200] = {0}, fd, got, twice = 0, missing = 0, step = 0;

	on_tmpfs();
	rump_sys_mkdir("d", 0755);
	for (int i = 0; i < 200; i++) {
		snprintf(name, sizeof(name), "d/%d", i);
		put(name, "");
	}
	fd = rump_sys_open("d", RUMP_O_RDONLY);
	while ((got = rump_sys_getdents(fd, buf, sizeof(buf))) > 0) {
		for (int at = 0; at < got;) {
			struct rump_dirent *entry = (void *)(buf + at);

			if (entry->d_name[0] != '.' && entry->d_name[0] != 'n')
				twice += seen[atoi(entry->d_name)]++ != 0;
			at += entry->d_reclen;
		}
		/* Odd ones go, new ones come. */
		snprintf(name, sizeof(name), "d/%d", 2 * step + 1);
		rump_sys_unlink(name);
		snprintf(name, sizeof(name), "d/n%d", step++);
		put(name, "");
		if (step > 90)
			break;
	}
	for (int i = 0; i < 200; i += 2)
		missing += seen[i] == 0;
	say("twice %d, missing %d", twice, missing);
}

static void
walking(void)
{
	on_tmpfs();
	rump_sys_mkdir("a", 0755);
	rump_sys_mkdir("a/b", 0755);
	rump_sys_mkdir("a/b/c", 0755);
	put("a/f", "found");
	show("a/f");
	show("./a/./b/../f");
	show("a//b/c/..//../f");
	show("a/b/c/../../../a/f");
	show("a/f/../f");
	show("a/missing/../f");
	rump_sys_symlink("a/b", "l");
	show("l/../f");
	rump_sys_symlink("../f", "a/b/up");
	show("l/up");
	rump_sys_symlink("/nowhere/at/all", "absolute");
	show("absolute");
	rump_sys_symlink("l", "ll");
	status_of("ll");
	status_of("ll/");
	rump_sys_symlink("loop", "loop");
	show("loop");
	rump_sys_symlink("one", "two");
	rump_sys_symlink("two", "one");
	show("one/x");
	rump_sys_symlink("a/f/", "slash");
	show("slash");
}

static void
chain_of_links(void)
{
	char from[16], to[16];

	on_tmpfs();
	put("l0", "end");
	for (int i = 1; i <= 34; i++) {
		snprintf(from, sizeof(from), "l%d", i - 1);
		snprintf(to, sizeof(to), "l%d", i);
		rump_sys_symlink(from, to);
	}
	show("l31");
	show("l32");
	show("l33");
	show("l34");
}

static void
current(void)
{
	char buf[200];
	int fd;

	on_tmpfs();
	rump_sys_mkdir("d", 0755);
	rump_sys_mkdir("d/e", 0755);
	put("f", "x");
	ret("chdir", rump_sys_chdir("d/e"));
	if (rump_sys___getcwd(buf, sizeof(buf)) > 0)
		say("%s", strrchr(buf, 'm') != NULL ? strstr(buf, "/mnt") : buf);
	ret("up", rump_sys_chdir(".."));
	list(".");
	ret("file", rump_sys_chdir("../f"));
	ret("missing", rump_sys_chdir("nothing"));
	fd = rump_sys_open("..", RUMP_O_RDONLY);
	ret("fchdir", rump_sys_fchdir(fd));
	list(".");
	ret("fchdir to a file", rump_sys_fchdir(rump_sys_open("f", RUMP_O_RDONLY)));
	ret("fchdir to nothing", rump_sys_fchdir(99));
	ret("too short", rump_sys___getcwd(buf, 3));
	ret("too short by far", rump_sys___getcwd(buf, 1));
	rump_sys_chdir("/");
	ret("root", rump_sys___getcwd(buf, sizeof(buf)));
	say("%s", buf);
}

static void
root_changed(void)
{
	char buf[200];
	int outside;

	on_tmpfs();
	rump_sys_mkdir("jail", 0755);
	rump_sys_mkdir("jail/in", 0755);
	put("jail/f", "inside");
	put("f", "outside");
	rump_sys_symlink("/f", "jail/l");
	rump_sys_symlink("../../../f", "jail/in/l");
	outside = rump_sys_open(".", RUMP_O_RDONLY);
	rump_sys_chdir("jail/in");
	ret("chroot", rump_sys_chroot("../../jail"));
	show("/f");
	show("/../f");
	show("../../f");
	show("/l");
	show("/in/l");
	ret("getcwd", rump_sys___getcwd(buf, sizeof(buf)));
	say("%s", buf);
	ret("fchdir out", rump_sys_fchdir(outside));
	ret("file", rump_sys_chroot("/f"));
	ret("missing", rump_sys_chroot("/g"));
	ret("fchroot out", rump_sys_fchroot(outside));
	become(5, 5);
	ret("not as anybody", rump_sys_chroot("/in"));
}

static void
root_changed_from_outside(void)
{
	char buf[200];

	on_tmpfs();
	rump_sys_mkdir("jail", 0755);
	rump_sys_mkdir("elsewhere", 0755);
	put("jail/f", "inside");
	rump_sys_chdir("elsewhere");
	ret("chroot", rump_sys_chroot("../jail"));
	ret("getcwd", rump_sys___getcwd(buf, sizeof(buf)));
	say("%s", buf);
	show("f");
}

static void
at_descriptors(void)
{
	char buf[64] = {0};
	struct rump_stat st;
	int d, f;

	on_tmpfs();
	rump_sys_mkdir("d", 0755);
	put("d/f", "text");
	put("f", "other");
	d = rump_sys_open("d", RUMP_O_RDONLY);
	f = rump_sys_open("f", RUMP_O_RDONLY);
	good("openat", rump_sys_openat(d, "f", RUMP_O_RDONLY));
	ret("openat what is no file", rump_sys_openat(rump_sys_kqueue(), "f", RUMP_O_RDONLY));
	good("openat, here", rump_sys_openat(RUMP_AT_FDCWD, "f", RUMP_O_RDONLY));
	ret("openat a file", rump_sys_openat(f, "f", RUMP_O_RDONLY));
	ret("openat nothing", rump_sys_openat(99, "f", RUMP_O_RDONLY));
	good("openat nothing, absolute", rump_sys_openat(99, "/", RUMP_O_RDONLY));
	ret("mkdirat", rump_sys_mkdirat(d, "e", 0755));
	ret("symlinkat", rump_sys_symlinkat("f", d, "l"));
	ret("readlinkat", rump_sys_readlinkat(d, "l", buf, sizeof(buf)));
	say("%s", buf);
	ret("linkat", rump_sys_linkat(d, "f", d, "g", 0));
	ret("linkat of a link, followed", rump_sys_linkat(d, "l", d, "h", RUMP_AT_SYMLINK_FOLLOW));
	ret("linkat of a link", rump_sys_linkat(d, "l", d, "i", 0));
	status_of("d/h");
	status_of("d/i");
	ret("renameat", rump_sys_renameat(d, "g", RUMP_AT_FDCWD, "g"));
	ret("fstatat", rump_sys_fstatat(d, "l", &st, RUMP_AT_SYMLINK_NOFOLLOW));
	say("%o", st.st_mode & RUMP_S_IFMT);
	ret("fstatat, followed", rump_sys_fstatat(d, "l", &st, 0));
	say("%o", st.st_mode & RUMP_S_IFMT);
	ret("faccessat", rump_sys_faccessat(d, "f", RUMP_R_OK, 0));
	ret("fchmodat", rump_sys_fchmodat(d, "f", 0600, 0));
	ret("fchownat", rump_sys_fchownat(d, "f", 3, 4, 0));
	status_of("d/f");
	ret("mkfifoat", rump_sys_mkfifoat(d, "p", 0644));
	ret("mknodat", rump_sys_mknodat(d, "n", RUMP_S_IFCHR | 0600, 0x202));
	status_of("d/n");
	ret("unlinkat a directory", rump_sys_unlinkat(d, "e", 0));
	ret("unlinkat", rump_sys_unlinkat(d, "e", RUMP_AT_REMOVEDIR));
	ret("unlinkat a file as one", rump_sys_unlinkat(d, "f", RUMP_AT_REMOVEDIR));
	ret("unlinkat a file", rump_sys_unlinkat(d, "f", 0));
	list("d");
	list(".");
}

const struct testcase directory_cases[] = {
    {"directory_make_remove", make_remove},
    {"directory_removed_in_use", removed_in_use},
    {"directory_removed_current", removed_current},
    {"directory_entries", entries},
    {"directory_reading_while_changing", reading_while_changing},
    {"directory_walking", walking},
    {"directory_chain_of_links", chain_of_links},
    {"directory_current", current},
    {"directory_root_changed", root_changed},
    {"directory_root_changed_from_outside", root_changed_from_outside},
    {"directory_at_descriptors", at_descriptors},
    {NULL, NULL},
};
