/* SPDX-License-Identifier: BSD-2-Clause */
/* Who may do what; modes, owners, flags. */
#include "tests/kernel/files.h"

static void
by_mode(void)
{
	on_tmpfs();
	put("mine", "x");
	rump_sys_chown("mine", 10, 20);
	rump_sys_chmod("mine", 0640);
	put("group", "x");
	rump_sys_chown("group", 11, 20);
	rump_sys_chmod("group", 0460);
	put("other", "x");
	rump_sys_chmod("other", 0604);
	put("backwards", "x");
	rump_sys_chown("backwards", 10, 20);
	rump_sys_chmod("backwards", 0066);
	become(10, 20);
	show("mine");
	good("write mine", rump_sys_open("mine", RUMP_O_WRONLY));
	show("group");
	good("write group's", rump_sys_open("group", RUMP_O_WRONLY));
	show("other");
	ret("write other's", rump_sys_open("other", RUMP_O_WRONLY));
	ret("mine without permission for me", rump_sys_open("backwards", RUMP_O_RDONLY));
	ret("truncate other's", rump_sys_truncate("other", 0));
	ret("truncate by opening", rump_sys_open("other", RUMP_O_RDONLY | RUMP_O_TRUNC));
}

static void
directories_by_mode(void)
{
	on_tmpfs();
	rump_sys_mkdir("search", 0711);
	put("search/f", "x");
	rump_sys_mkdir("list", 0744);
	put("list/f", "x");
	rump_sys_mkdir("write", 0733);
	put("write/f", "x");
	rump_sys_mkdir("closed", 0700);
	rump_sys_mkdir("closed/d", 0777);
	become(10, 10);
	show("search/f");
	list("search");
	show("list/f");
	list("list");
	list("write");
	ret("create", rump_sys_mkdir("write/d", 0755));
	ret("create in the searchable", rump_sys_mkdir("search/d", 0755));
	ret("exists in the searchable", rump_sys_mkdir("search/f", 0755));
	ret("remove", rump_sys_unlink("write/f"));
	ret("remove in the searchable", rump_sys_unlink("search/f"));
	ret("rename out", rump_sys_rename("search/f", "write/g"));
	ret("through the closed", rump_sys_chdir("closed/d"));
	ret("stat through the closed", rump_sys_access("closed/d", 0));
	ret("into the listed", rump_sys_chdir("list"));
}

static void
access_call(void)
{
	on_tmpfs();
	put("f", "x");
	rump_sys_chmod("f", 0600);
	ret("exists", rump_sys_access("f", RUMP_F_OK));
	ret("missing", rump_sys_access("g", RUMP_F_OK));
	ret("read", rump_sys_access("f", RUMP_R_OK));
	ret("execute", rump_sys_access("f", RUMP_X_OK));
	rump_sys_chmod("f", 0610);
	ret("execute, by somebody", rump_sys_access("f", RUMP_X_OK));
	ret("no such mode", rump_sys_access("f", 010));
	become(10, 10);
	ret("as the real identity", rump_sys_access("f", RUMP_R_OK));
	ret("as the effective one", rump_sys_faccessat(RUMP_AT_FDCWD, "f", RUMP_R_OK, RUMP_AT_EACCESS));
	ret("as the real one again", rump_sys_faccessat(RUMP_AT_FDCWD, "f", RUMP_R_OK, 0));
}

static void
sticky(void)
{
	on_tmpfs();
	rump_sys_mkdir("s", 0777);
	rump_sys_chmod("s", 01777);
	put("s/root", "x");
	put("s/mine", "x");
	rump_sys_chown("s/mine", 10, 10);
	rump_sys_mkdir("open", 0777);
	rump_sys_chmod("open", 0777);
	become(10, 10);
	ret("unlink another's", rump_sys_unlink("s/root"));
	ret("rename another's", rump_sys_rename("s/root", "s/x"));
	ret("rename over another's", rump_sys_rename("s/mine", "s/root"));
	ret("rename mine", rump_sys_rename("s/mine", "s/x"));
	ret("unlink mine", rump_sys_unlink("s/x"));
	become(0, 0);
	list("s");
}

static void
chmods(void)
{
	int fd;

	on_tmpfs();
	put("f", "x");
	rump_sys_symlink("f", "l");
	ret("chmod", rump_sys_chmod("f", 04711));
	status_of("f");
	ret("through a link", rump_sys_chmod("l", 0600));
	status_of("f");
	ret("lchmod", rump_sys_lchmod("l", 0700));
	status_of("l");
	ret("missing", rump_sys_chmod("g", 0600));
	fd = rump_sys_open("f", RUMP_O_RDONLY);
	ret("fchmod", rump_sys_fchmod(fd, 01644));
	status_of("f");
	rump_sys_chown("f", 10, 30);
	become(10, 10);
	ret("mine", rump_sys_chmod("f", 0640));
	ret("sticky on a file", rump_sys_chmod("f", 01640));
	ret("setgid of another group", rump_sys_chmod("f", 02640));
	status_of("f");
	become(0, 0);
	become(11, 11);
	ret("another's", rump_sys_chmod("f", 0666));
	ret("another's, by descriptor", rump_sys_fchmod(fd, 0666));
}

static void
chowns(void)
{
	uint32_t groups[] = {20, 21};
	int fd;

	on_tmpfs();
	put("f", "x");
	rump_sys_symlink("f", "l");
	ret("chown", rump_sys_chown("f", 10, 20));
	status_of("f");
	ret("the group alone", rump_sys_chown("f", (uint32_t)-1, 22));
	ret("the owner alone", rump_sys_chown("l", 12, (uint32_t)-1));
	status_of("f");
	ret("lchown", rump_sys_lchown("l", 7, 8));
	status_of("l");
	fd = rump_sys_open("f", RUMP_O_RDONLY);
	ret("fchown", rump_sys_fchown(fd, 10, 20));
	rump_sys_chmod("f", 06755);
	ret("set-id, by the superuser", rump_sys_chown("f", 10, 20));
	status_of("f");
	rump_sys_chmod("f", 06755);
	ret("the POSIX way", rump_sys___posix_chown("f", 10, 20));
	status_of("f");
	rump_sys_setgroups(2, groups);
	become(10, 20);
	ret("give away", rump_sys_chown("f", 11, (uint32_t)-1));
	ret("to a group of mine", rump_sys_chown("f", (uint32_t)-1, 21));
	status_of("f");
	ret("to another group", rump_sys_chown("f", (uint32_t)-1, 50));
	ret("nothing", rump_sys_chown("f", (uint32_t)-1, (uint32_t)-1));
}

static void
new_files(void)
{
	on_tmpfs();
	rump_sys_mkdir("d", 0777);
	rump_sys_chmod("d", 0777);
	rump_sys_chown("d", 1, 77);
	become(10, 20);
	put("d/f", "x");
	rump_sys_mkdir("d/e", 0755);
	rump_sys_symlink("f", "d/l");
	status_of("d/f");
	status_of("d/e");
	status_of("d/l");
	ret("a device", rump_sys_mknod("d/n", RUMP_S_IFCHR | 0600, 0x202));
	ret("a fifo", rump_sys_mkfifo("d/p", 0644));
	status_of("d/p");
}

static void
flags(void)
{
	struct rump_stat st;
	int fd;

	on_tmpfs();
	put("f", "x");
	ret("nodump", rump_sys_chflags("f", RUMP_UF_NODUMP));
	rump_sys_stat("f", &st);
	say("%x", st.st_flags);
	ret("immutable", rump_sys_chflags("f", RUMP_UF_IMMUTABLE));
	ret("write", rump_sys_open("f", RUMP_O_WRONLY));
	ret("unlink", rump_sys_unlink("f"));
	ret("rename", rump_sys_rename("f", "g"));
	ret("link", rump_sys_link("f", "g"));
	ret("chmod", rump_sys_chmod("f", 0600));
	ret("chown", rump_sys_chown("f", 1, 1));
	ret("utimes", rump_sys_utimes("f", NULL));
	ret("clear", rump_sys_chflags("f", 0));
	ret("append only", rump_sys_chflags("f", RUMP_UF_APPEND));
	ret("write", rump_sys_open("f", RUMP_O_WRONLY));
	good("append", fd = rump_sys_open("f", RUMP_O_WRONLY | RUMP_O_APPEND));
	ret("write", rump_sys_write(fd, "y", 1));
	ret("unlink", rump_sys_unlink("f"));
	rump_sys_close(fd);
	rump_sys_chflags("f", 0);
	rump_sys_chown("f", 10, 10);
	become(10, 10);
	ret("mine", rump_sys_chflags("f", RUMP_UF_NODUMP));
	ret("the system's", rump_sys_chflags("f", RUMP_SF_IMMUTABLE));
	become(0, 0);
	become(11, 11);
	ret("another's", rump_sys_chflags("f", 0));
}

static unsigned
mode_of(const char *name)
{
	struct rump_stat st;

	return rump_sys_stat(name, &st) == 0 ? st.st_mode & 07777 : 0;
}

/* What becomes of the set-id bits of a file that is changed; each file is of a user, who is among others. */
static void
change_setid(const char *when)
{
	static const char *const names[] = {
	    "written", "extended", "nothing", "cut", "cut_open", "opened", "touched"};
	int fd;

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		put(names[i], "contents");
		rump_sys_chown(names[i], 10, 10);
		rump_sys_chmod(names[i], 06777);
	}
	if (strcmp(when, "root") != 0)
		become(11, 11);
	fd = rump_sys_open("written", RUMP_O_WRONLY);
	rump_sys_write(fd, "x", 1);
	say("%s, written: %o", when, mode_of("written"));
	fd = rump_sys_open("extended", RUMP_O_WRONLY | RUMP_O_APPEND);
	rump_sys_write(fd, "x", 1);
	say("%s, extended: %o", when, mode_of("extended"));
	fd = rump_sys_open("nothing", RUMP_O_WRONLY);
	rump_sys_write(fd, "", 0);
	say("%s, nothing written: %o", when, mode_of("nothing"));
	rump_sys_truncate("cut", 3);
	say("%s, truncated: %o", when, mode_of("cut"));
	fd = rump_sys_open("cut_open", RUMP_O_WRONLY);
	rump_sys_ftruncate(fd, 3);
	say("%s, truncated when open: %o", when, mode_of("cut_open"));
	rump_sys_open("opened", RUMP_O_WRONLY | RUMP_O_TRUNC);
	say("%s, truncated by opening: %o", when, mode_of("opened"));
	rump_sys_utimes("touched", NULL);
	say("%s, touched: %o", when, mode_of("touched"));
	become(0, 0);
}

static void
setid_in(void (*file_system)(void))
{
	if (file_system != NULL)
		file_system();
	change_setid("root");
	change_setid("another");
}

static void
setid(void)
{
	setid_in(NULL);
}

static void
setid_tmpfs(void)
{
	setid_in(on_tmpfs);
}

const struct testcase permission_cases[] = {
    {"permission_by_mode", by_mode},
    {"permission_directories", directories_by_mode},
    {"permission_access", access_call},
    {"permission_sticky", sticky},
    {"permission_chmod", chmods},
    {"permission_chown", chowns},
    {"permission_new_files", new_files},
    {"permission_flags", flags},
    {"permission_setid", setid},
    {"permission_setid_tmpfs", setid_tmpfs},
    {NULL, NULL},
};
