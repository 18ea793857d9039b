/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/kernel/case.h"

static void
ids(const char *what)
{
	say("%s: uid %d euid %d gid %d egid %d", what, (int)rump_sys_getuid(), (int)rump_sys_geteuid(),
	    (int)rump_sys_getgid(), (int)rump_sys_getegid());
}

static void
super(void)
{
	ids("at first");
	ret("issetugid", rump_sys_issetugid());
	ret("setgid", rump_sys_setgid(20));
	ret("setuid", rump_sys_setuid(100));
	ids("after");
	ret("issetugid", rump_sys_issetugid());
	ret("back", rump_sys_setuid(0));
	ret("somebody else", rump_sys_seteuid(101));
	ret("the same", rump_sys_setuid(100));
	ret("setegid", rump_sys_setegid(0));
	ret("setgid", rump_sys_setgid(20));
}

static void
effective(void)
{
	ret("seteuid", rump_sys_seteuid(50));
	ids("in disguise");
	ret("another", rump_sys_seteuid(51));
	ret("setuid", rump_sys_setuid(51));
	ret("back", rump_sys_seteuid(0));
	ids("again");
	ret("setegid", rump_sys_setegid(60));
	ids("group");
	ret("minus one", rump_sys_seteuid((uint32_t)-1));
	ids("same");
}

static void
real_and_effective(void)
{
	ret("setreuid", rump_sys_setreuid(70, 80));
	ids("split");
	ret("swap", rump_sys_setreuid(80, 70));
	ids("swapped");
	ret("not allowed", rump_sys_setreuid(90, (uint32_t)-1));
	ret("to the saved one", rump_sys_seteuid(70));
	ret("none", rump_sys_setreuid((uint32_t)-1, (uint32_t)-1));
	ids("at last");
}

static void
real_and_effective_groups(void)
{
	ret("setregid", rump_sys_setregid(70, 80));
	ids("split");
	ret("setuid", rump_sys_setuid(1));
	ret("swap", rump_sys_setregid(80, 70));
	ids("swapped");
	ret("not allowed", rump_sys_setregid(90, (uint32_t)-1));
}

static void
groups(void)
{
	uint32_t list[20] = {7, 3, 9}, back[20] = {0};
	int n;

	ret("at first", rump_sys_getgroups(0, NULL));
	ret("setgroups", rump_sys_setgroups(3, list));
	n = rump_sys_getgroups(20, back);
	ret("getgroups", n);
	for (int i = 0; i < n; i++)
		say("  %u", back[i]);
	ret("too little room", rump_sys_getgroups(2, back));
	ret("negative", rump_sys_getgroups(-1, back));
	ret("too many", rump_sys_setgroups(17, list));
	ret("nowhere", rump_sys_setgroups(3, NULL));
	ret("none", rump_sys_setgroups(0, NULL));
	ret("none", rump_sys_getgroups(0, NULL));
	rump_sys_setuid(5);
	ret("not allowed", rump_sys_setgroups(1, list));
}

static void
child_changes(void *arg)
{
	(void)arg;
	ids("inherited");
	ret("issetugid", rump_sys_issetugid());
	ret("seteuid", rump_sys_seteuid(0));
	ret("setuid", rump_sys_setuid(33));
}

static void
inherits(void)
{
	rump_sys_setegid(11);
	rump_sys_seteuid(12);
	in_child(child_changes, NULL);
	ids("the parent");
}

static void
unprivileged(void)
{
	struct rump_rlimit limit = {100, 200};
	struct rump_timespec ts = {1, 0};

	ret("lower", rump_sys_setrlimit(RUMP_RLIMIT_FSIZE, &limit));
	rump_sys_setuid(9);
	limit.rlim_max = 300;
	ret("raise", rump_sys_setrlimit(RUMP_RLIMIT_FSIZE, &limit));
	limit.rlim_max = 150;
	ret("lower again", rump_sys_setrlimit(RUMP_RLIMIT_FSIZE, &limit));
	ret("set the clock", rump_sys_clock_settime(RUMP_CLOCK_REALTIME, &ts));
	ret("setlogin", rump_sys___setlogin("me"));
	ret("reboot", rump_sys_reboot(0, NULL));
}

const struct testcase identity_cases[] = {
    {"identity_super", super},
    {"identity_effective", effective},
    {"identity_real_and_effective", real_and_effective},
    {"identity_groups_real_and_effective", real_and_effective_groups},
    {"identity_groups", groups},
    {"identity_inherits", inherits},
    {"identity_unprivileged", unprivileged},
    {NULL, NULL},
};
