/* SPDX-License-Identifier: BSD-2-Clause */
/* Mounts and what is known about them. */
#include "tests/kernel/files.h"
#include <stdlib.h>

static struct rump_tmpfs_args args = {.ta_version = RUMP_TMPFS_ARGS_VERSION, .ta_root_mode = 0755};

static int
mount_at(const char *path, int flags)
{
	return rump_sys_mount("tmpfs", path, flags, &args, sizeof(args));
}

static void
mounting(void)
{
	rump_sys_mkdir("m", 0700);
	put("f", "");
	put("m/under", "covered");
	ret("mount", mount_at("m", 0));
	status_of("m");
	list("m");
	put("m/f", "mounted");
	rump_sys_chdir("m");
	list("..");
	ret("busy", rump_sys_unmount("../m", 0));
	rump_sys_chdir("..");
	ret("not a mount", rump_sys_unmount("m/f", 0));
	ret("nothing", rump_sys_unmount("n", 0));
	ret("twice", mount_at("m", 0));
	list("m");
	ret("unmount", rump_sys_unmount("m", 0));
	list("m");
	ret("unmount", rump_sys_unmount("m", 0));
	list("m");
	ret("unmount again", rump_sys_unmount("m", 0));
	ret("on a file", mount_at("f", 0));
	ret("on nothing", mount_at("n", 0));
	ret("no such type", rump_sys_mount("nofs", "m", 0, &args, sizeof(args)));
	ret("no arguments", rump_sys_mount("tmpfs", "m", 0, NULL, 0));
	ret("short arguments", rump_sys_mount("tmpfs", "m", 0, &args, 8));
	args.ta_version = 99;
	ret("unknown version", mount_at("m", 0));
	args.ta_version = RUMP_TMPFS_ARGS_VERSION;
	become(10, 10);
	ret("by anybody", mount_at("m", 0));
	ret("unmount by anybody", rump_sys_unmount("m", 0));
}

static void
busy(void)
{
	int fd;

	rump_sys_mkdir("m", 0700);
	mount_at("m", 0);
	fd = rump_sys_open("m/f", RUMP_O_CREAT | RUMP_O_RDWR, 0644);
	ret("open file", rump_sys_unmount("m", 0));
	rump_sys_unlink("m/f");
	ret("open file without a name", rump_sys_unmount("m", 0));
	rump_sys_close(fd);
	rump_sys_mkdir("m/n", 0755);
	mount_at("m/n", 0);
	ret("another mount in it", rump_sys_unmount("m", 0));
	ret("that first", rump_sys_unmount("m/n", 0));
	ret("then this", rump_sys_unmount("m", 0));
}

static void
forced(void)
{
	char buf[8];
	int fd;

	rump_sys_mkdir("m", 0700);
	mount_at("m", 0);
	fd = rump_sys_open("m/f", RUMP_O_CREAT | RUMP_O_RDWR, 0644);
	rump_sys_write(fd, "text", 4);
	ret("by force", rump_sys_unmount("m", RUMP_MNT_FORCE));
	say("reading works %d", rump_sys_pread(fd, buf, 4, 0) == 4);
	ret("close", rump_sys_close(fd));
	list("m");
}

static void
read_only(void)
{
	struct rump_timeval tv[2] = {{.tv_sec = 1}, {.tv_sec = 1}};
	int fd;

	rump_sys_mkdir("m", 0700);
	mount_at("m", 0);
	put("m/f", "text");
	rump_sys_mkdir("m/d", 0755);
	fd = rump_sys_open("m/f", RUMP_O_RDWR);
	ret("with a writer", mount_at("m", RUMP_MNT_UPDATE | RUMP_MNT_RDONLY));
	rump_sys_close(fd);
	ret("update", mount_at("m", RUMP_MNT_UPDATE | RUMP_MNT_RDONLY));
	show("m/f");
	ret("write", rump_sys_open("m/f", RUMP_O_WRONLY));
	ret("create", rump_sys_open("m/g", RUMP_O_CREAT | RUMP_O_RDWR, 0644));
	ret("exists, for reading", rump_sys_open("m/f", RUMP_O_CREAT | RUMP_O_RDONLY, 0644) >= 0);
	ret("mkdir", rump_sys_mkdir("m/e", 0755));
	ret("mkdir of what exists", rump_sys_mkdir("m/d", 0755));
	ret("rmdir", rump_sys_rmdir("m/d"));
	ret("unlink", rump_sys_unlink("m/f"));
	ret("unlink of nothing", rump_sys_unlink("m/x"));
	ret("rename", rump_sys_rename("m/f", "m/g"));
	ret("link", rump_sys_link("m/f", "m/g"));
	ret("symlink", rump_sys_symlink("x", "m/l"));
	ret("chmod", rump_sys_chmod("m/f", 0600));
	ret("chown", rump_sys_chown("m/f", 1, 1));
	ret("utimes", rump_sys_utimes("m/f", tv));
	ret("truncate", rump_sys_truncate("m/f", 0));
	ret("access", rump_sys_access("m/f", RUMP_W_OK));
	ret("back", mount_at("m", RUMP_MNT_UPDATE));
	ret("unlink", rump_sys_unlink("m/f"));
	ret("update of no mount", mount_at("m/d", RUMP_MNT_UPDATE));
}

static void
limits(void)
{
	static char buf[65536];
	struct rump_statvfs st;
	char name[16] = "m/a";
	int fd, error = 0;
	long done = 0;

	rump_sys_mkdir("m", 0700);
	args.ta_size_max = 1 << 20;
	args.ta_nodes_max = 20;
	ret("mount", mount_at("m", 0));
	rump_sys_statvfs1("m", &st, RUMP_ST_WAIT);
	say("%llu bytes, %llu files", (unsigned long long)(st.f_blocks * st.f_frsize),
	    (unsigned long long)st.f_files);
	fd = rump_sys_open("m/big", RUMP_O_CREAT | RUMP_O_RDWR, 0644);
	for (int i = 0; i < 64 && !error; i++) {
		long got = rump_sys_write(fd, buf, sizeof(buf));

		error = got == -1;
		done += got > 0 ? got : 0;
	}
	say("full: %s, nearly all written %d", error ? errno_name() : "no", done > 900000 && done <= 1 << 20);
	rump_sys_ftruncate(fd, 0);
	ret("room again", rump_sys_pwrite(fd, buf, sizeof(buf), 0));
	rump_sys_close(fd);
	rump_sys_unlink("m/big");
	for (error = 0; !error && name[2] < 'z'; name[2]++) {
		error = (fd = rump_sys_open(name, RUMP_O_CREAT | RUMP_O_RDWR, 0644)) == -1;
		if (!error)
			rump_sys_close(fd);
	}
	say("no more files: %s", error ? errno_name() : "no");
	ret("one less", rump_sys_unlink("m/a"));
	good("one more", rump_sys_mkdir("m/d", 0755));
}

static void
known(void)
{
	static struct rump_statvfs st[512]; /* other cases' too */
	struct rump_tmpfs_args got;
	int n, fd, before;

	before = rump_sys_getvfsstat(NULL, 0, RUMP_ST_NOWAIT);
	rump_sys_mkdir("m", 0700);
	args.ta_root_uid = 3;
	args.ta_root_mode = 0751;
	args.ta_size_max = 1 << 22;
	rump_sys_mount("tmpfs", "m", RUMP_MNT_NOATIME | RUMP_MNT_NOSUID, &args, sizeof(args));
	status_of("m");
	n = rump_sys_getvfsstat(NULL, 0, RUMP_ST_NOWAIT);
	say("one more %d", n - before);
	n = rump_sys_getvfsstat(st, sizeof(st), RUMP_ST_NOWAIT);
	say("the first: %s on %s", st[0].f_fstypename, st[0].f_mntonname);
	say("the last: %s from %s, flags %lx", st[n - 1].f_fstypename, st[n - 1].f_mntfromname,
	    st[n - 1].f_flag);
	ret("room for one", rump_sys_getvfsstat(st, sizeof(st[0]), RUMP_ST_NOWAIT));
	ret("statvfs", rump_sys_statvfs1("m", &st[0], RUMP_ST_WAIT));
	say("%s, names of %lu, block %lu", st[0].f_fstypename, st[0].f_namemax, st[0].f_bsize);
	fd = rump_sys_open("m", RUMP_O_RDONLY);
	ret("fstatvfs", rump_sys_fstatvfs1(fd, &st[1], RUMP_ST_WAIT));
	say("same %d", st[0].f_fsid == st[1].f_fsid);
	ret("of nothing", rump_sys_statvfs1("n", &st[0], RUMP_ST_WAIT));
	got.ta_version = RUMP_TMPFS_ARGS_VERSION;
	ret("arguments", rump_sys_mount("tmpfs", "m", RUMP_MNT_GETARGS, &got, sizeof(got)));
	say("version %d, mode %o, owner %u", got.ta_version, got.ta_root_mode, got.ta_root_uid);
	rump_sys_sync();
}

static void
not_there(void)
{
	char handle[64];
	size_t size = sizeof(handle);

	on_tmpfs();
	put("f", "");
	say("quotactl fails %d", rump_sys___quotactl("f", NULL) == -1);
	say("getfh of nothing fails %d", rump_sys_getfh("none", handle, &size) == -1);
}

const struct testcase mount_cases[] = {
    {"mount_mounting", mounting},
    {"mount_busy", busy},
    {"mount_forced", forced},
    {"mount_read_only", read_only},
    {"mount_limits", limits},
    {"mount_known", known},
    {"mount_not_there", not_there},
    {NULL, NULL},
};
