/* SPDX-License-Identifier: BSD-2-Clause */
/* Timestamps. */
#include "tests/kernel/files.h"

static struct rump_stat before;

/* Remembers a file's times, all of them moved back so that the next change shows. */
static void
remember(const char *path)
{
	struct rump_timespec past[2] = {{.tv_sec = 1000, .tv_nsec = 1}, {.tv_sec = 1000, .tv_nsec = 2}};

	rump_sys_utimensat(RUMP_AT_FDCWD, path, past, RUMP_AT_SYMLINK_NOFOLLOW);
	rump_sys_lstat(path, &before);
}

static bool
differ(const struct rump_timespec *a, const struct rump_timespec *b)
{
	return a->tv_sec != b->tv_sec || a->tv_nsec != b->tv_nsec;
}

static void
changed(const char *what, const char *path)
{
	struct rump_stat now;

	rump_sys_lstat(path, &now);
	say("%s:%s%s", what, differ(&before.st_atim, &now.st_atim) ? " access" : "",
	    differ(&before.st_mtim, &now.st_mtim) ? " modification" : "");
}

static void
what_moves(void)
{
	char c;
	int fd;

	on_tmpfs();
	put("f", "text");
	fd = rump_sys_open("f", RUMP_O_RDWR);
	remember("f");
	rump_sys_read(fd, &c, 1);
	changed("read", "f");
	remember("f");
	rump_sys_pread(fd, &c, 0, 0);
	changed("read nothing", "f");
	remember("f");
	rump_sys_write(fd, "x", 1);
	changed("write", "f");
	remember("f");
	rump_sys_write(fd, "x", 0);
	changed("write nothing", "f");
	remember("f");
	rump_sys_ftruncate(fd, 1);
	changed("truncate", "f");
	remember("f");
	rump_sys_chmod("f", 0600);
	changed("chmod", "f");
	remember("f");
	rump_sys_link("f", "g");
	changed("link", "f");
	remember("f");
	rump_sys_rename("g", "h");
	changed("rename", "f");
	rump_sys_mkdir("d", 0755);
	remember("d");
	put("d/f", "");
	changed("create in a directory", "d");
	remember("d");
	list("d");
	changed("read a directory", "d");
	remember("d");
	rump_sys_rename("d/f", "d/g");
	changed("rename in a directory", "d");
	remember("d");
	rump_sys_unlink("d/g");
	changed("unlink in a directory", "d");
	remember("d");
	rump_sys_access("d/none", 0);
	changed("look in a directory", "d");
}

static void
show_times(const char *path)
{
	struct rump_stat st;

	if (rump_sys_lstat(path, &st) == -1)
		say("%s: %s", path, errno_name());
	else
		say("%s: %lld.%09ld %lld.%09ld", path, (long long)st.st_atim.tv_sec, (long)st.st_atim.tv_nsec,
		    (long long)st.st_mtim.tv_sec, (long)st.st_mtim.tv_nsec);
}

static void
setting(void)
{
	struct rump_timeval tv[2] = {{.tv_sec = 5, .tv_usec = 6}, {.tv_sec = 7, .tv_usec = 8}};
	struct rump_timespec ts[2] = {{.tv_sec = 11, .tv_nsec = 12}, {.tv_sec = -13, .tv_nsec = 999999999}};
	struct rump_stat st;
	int fd;

	on_tmpfs();
	put("f", "x");
	rump_sys_symlink("f", "l");
	ret("utimes", rump_sys_utimes("f", tv));
	show_times("f");
	ret("lutimes", rump_sys_lutimes("l", tv));
	show_times("l");
	ret("utimensat", rump_sys_utimensat(RUMP_AT_FDCWD, "l", ts, 0));
	show_times("f");
	fd = rump_sys_open("f", RUMP_O_RDONLY);
	ret("futimes", rump_sys_futimes(fd, tv));
	show_times("f");
	ret("futimens", rump_sys_futimens(fd, ts));
	show_times("f");
	ts[0].tv_nsec = RUMP_UTIME_OMIT;
	ts[1] = (struct rump_timespec){.tv_sec = 21, .tv_nsec = 22};
	ret("leave access", rump_sys_futimens(fd, ts));
	show_times("f");
	ts[0] = (struct rump_timespec){.tv_sec = 31, .tv_nsec = 32};
	ts[1].tv_nsec = RUMP_UTIME_NOW;
	ret("modification now", rump_sys_futimens(fd, ts));
	rump_sys_stat("f", &st);
	say("%lld recent %d", (long long)st.st_atim.tv_sec, st.st_mtim.tv_sec > 1000000);
	ts[1].tv_nsec = 1000000000;
	ret("too many nanoseconds", rump_sys_futimens(fd, ts));
	tv[0].tv_usec = 1000000;
	ret("too many microseconds", rump_sys_utimes("f", tv));
	tv[0].tv_usec = -1;
	ret("negative microseconds", rump_sys_utimes("f", tv));
	ret("missing", rump_sys_utimes("g", NULL));
	ret("now", rump_sys_utimes("f", NULL));
	rump_sys_stat("f", &st);
	say("recent %d", st.st_atim.tv_sec > 1000000);
}

static void
who_may(void)
{
	struct rump_timeval tv[2] = {{.tv_sec = 5}, {.tv_sec = 7}};

	on_tmpfs();
	put("writable", "x");
	rump_sys_chmod("writable", 0666);
	put("readable", "x");
	rump_sys_chmod("readable", 0644);
	put("mine", "x");
	rump_sys_chown("mine", 10, 10);
	become(10, 10);
	ret("mine", rump_sys_utimes("mine", tv));
	ret("writable, now", rump_sys_utimes("writable", NULL));
	ret("writable, then", rump_sys_utimes("writable", tv));
	ret("readable, now", rump_sys_utimes("readable", NULL));
}

static void
birth(void)
{
	struct rump_timeval tv[2] = {{.tv_sec = 5}, {.tv_sec = 7}};
	struct rump_stat st;

	on_tmpfs();
	put("f", "x");
	rump_sys_stat("f", &st);
	say("born recently %d", st.st_birthtim.tv_sec > 1000000);
	rump_sys_utimes("f", tv);
	rump_sys_stat("f", &st);
	say("born %lld", st.st_birthtim.tv_sec > 1000000 ? 1LL : (long long)st.st_birthtim.tv_sec);
}

const struct testcase filetime_cases[] = {
    {"filetime_what_moves", what_moves},
    {"filetime_setting", setting},
    {"filetime_who_may", who_may},
    {"filetime_birth", birth},
    {NULL, NULL},
};
