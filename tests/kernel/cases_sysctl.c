/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/kernel/case.h"
#include <string.h>

static long
get(int first, int second, void *buf, size_t *len)
{
	const int name[] = {first, second};

	return rump_sys___sysctl(name, 2, buf, len, NULL, 0);
}

static void
text(const char *what, int first, int second)
{
	char buf[256] = {0};
	size_t len = sizeof(buf);

	ret(what, get(first, second, buf, &len));
	say("[%s] %zu", buf, len);
}

static void
number(const char *what, int first, int second)
{
	int value = -1;
	size_t len = sizeof(value);

	ret(what, get(first, second, &value, &len));
	say("%d %zu", value, len);
}

static void
names(void)
{
	text("ostype", RUMP_CTL_KERN, RUMP_KERN_OSTYPE);
	text("osrelease", RUMP_CTL_KERN, RUMP_KERN_OSRELEASE);
	number("osrevision", RUMP_CTL_KERN, RUMP_KERN_OSREV);
	text("machine", RUMP_CTL_HW, RUMP_HW_MACHINE);
	text("machine_arch", RUMP_CTL_HW, RUMP_HW_MACHINE_ARCH);
	number("pagesize", RUMP_CTL_HW, RUMP_HW_PAGESIZE);
	number("byteorder", RUMP_CTL_HW, RUMP_HW_BYTEORDER);
	number("alignbytes", RUMP_CTL_HW, RUMP_HW_ALIGNBYTES);
	number("rawpartition", RUMP_CTL_KERN, RUMP_KERN_RAWPARTITION);
	number("physmem", RUMP_CTL_HW, RUMP_HW_PHYSMEM);
}

static void
lengths(void)
{
	char buf[64] = "untouched";
	size_t len = 0;

	ret("how long", get(RUMP_CTL_KERN, RUMP_KERN_OSTYPE, NULL, &len));
	say("%zu", len);
	len = 3;
	ret("too short", get(RUMP_CTL_KERN, RUMP_KERN_OSTYPE, buf, &len));
	say("%zu [%.4s]", len, buf);
	ret("no length", get(RUMP_CTL_KERN, RUMP_KERN_OSTYPE, buf, NULL));
	len = 2;
	ret("half a number", get(RUMP_CTL_HW, RUMP_HW_PAGESIZE, buf, &len));
	say("%zu", len);
}

static void
wrong_names(void)
{
	const int deep[] = {RUMP_CTL_KERN, RUMP_KERN_OSTYPE, 1}, top[] = {99}, node[] = {RUMP_CTL_KERN};
	char buf[64];
	size_t len = sizeof(buf);

	ret("no such node", get(RUMP_CTL_KERN, 9999, buf, &len));
	ret("no such tree", rump_sys___sysctl(top, 1, buf, &len, NULL, 0));
	ret("below a leaf", rump_sys___sysctl(deep, 3, buf, &len, NULL, 0));
	ret("a node", rump_sys___sysctl(node, 1, buf, &len, NULL, 0));
	ret("no name", rump_sys___sysctl(node, 0, buf, &len, NULL, 0));
	ret("a long name", rump_sys___sysctl(node, 13, buf, &len, NULL, 0));
	ret("a name nowhere", rump_sys___sysctl(NULL, 2, buf, &len, NULL, 0));
}

static void
writing(void)
{
	const int hostname[] = {RUMP_CTL_KERN, RUMP_KERN_HOSTNAME},
		  ostype[] = {RUMP_CTL_KERN, RUMP_KERN_OSTYPE};
	char old[256];
	size_t len = sizeof(old);

	ret("set", rump_sys___sysctl(hostname, 2, NULL, NULL, "elsewhere", 9));
	text("hostname", RUMP_CTL_KERN, RUMP_KERN_HOSTNAME);
	ret("exchange", rump_sys___sysctl(hostname, 2, old, &len, "third", 5));
	say("[%s] %zu", old, len);
	text("hostname", RUMP_CTL_KERN, RUMP_KERN_HOSTNAME);
	ret("read-only", rump_sys___sysctl(ostype, 2, NULL, NULL, "other", 5));
	rump_sys_setuid(9);
	ret("not allowed", rump_sys___sysctl(hostname, 2, NULL, NULL, "fourth", 6));
	text("hostname", RUMP_CTL_KERN, RUMP_KERN_HOSTNAME);
}

/* struct sysctlnode, as far as it matters here. */
struct node {
	uint32_t flags;
	int32_t number;
	char name[32];
	uint64_t rest[7];
};

static void
queries(void)
{
	const int root[] = {RUMP_CTL_QUERY}, leaf[] = {RUMP_CTL_KERN, RUMP_KERN_OSTYPE, RUMP_CTL_QUERY};
	const int kern[] = {RUMP_CTL_KERN, RUMP_CTL_QUERY};
	static struct node nodes[64];
	struct node ask;
	size_t len = sizeof(nodes);

	memset(&ask, 0, sizeof(ask));
	ask.flags = 0x01000000;
	ret("root", rump_sys___sysctl(root, 1, nodes, &len, &ask, sizeof(ask)));
	for (size_t i = 0; i < len / sizeof(*nodes); i++)
		say("  %d %s %x", nodes[i].number, nodes[i].name, nodes[i].flags);
	len = sizeof(nodes);
	ret("kern", rump_sys___sysctl(kern, 2, nodes, &len, &ask, sizeof(ask)));
	for (size_t i = 0; i < len / sizeof(*nodes); i++)
		if (nodes[i].number <= RUMP_KERN_VERSION)
			say("  %d %s %x", nodes[i].number, nodes[i].name, nodes[i].flags);
	ret("leaf", rump_sys___sysctl(leaf, 3, nodes, &len, &ask, sizeof(ask)));
	ask.flags = 0;
	ret("another version", rump_sys___sysctl(root, 1, nodes, &len, &ask, sizeof(ask)));
}

/* kern.proc2 of so many numbers behind its own. */
static long
processes(int by, int value, int record, int count, void *buf, size_t *len)
{
	const int name[] = {RUMP_CTL_KERN, RUMP_KERN_PROC2, by, value, record, count};

	return rump_sys___sysctl(name, 6, buf, len, NULL, 0);
}

static uint64_t
lwps(void)
{
	struct rump_kinfo_proc2 self;
	size_t len = sizeof(self);

	if (processes(RUMP_KERN_PROC_PID, rump_sys_getpid(), sizeof(self), 1, &self, &len) == -1)
		return 0;
	return self.p_nlwps;
}

static void
process(void)
{
	struct rump_kinfo_proc2 self;
	size_t len = sizeof(self);

	memset(&self, 0, sizeof(self));
	rump_sys_setgid(7);
	rump_sys_seteuid(9);
	ret("self", processes(RUMP_KERN_PROC_PID, rump_sys_getpid(), sizeof(self), 1, &self, &len));
	say("%zu pid %d parent %d group %d session %d terminal %d", len, self.p_pid == rump_sys_getpid(),
	    self.p_ppid == rump_sys_getppid(), self.p__pgid == rump_sys_getpgrp(),
	    self.p_sid == rump_sys_getsid(0), self.p_tpgid);
	say("uid %u %u %u gid %u %u %u of %d", self.p_uid, self.p_ruid, self.p_svuid, self.p_gid, self.p_rgid,
	    self.p_svgid, self.p_ngroups);
	say("%.16s runs %d", self.p_ename, self.p_nlwps > 0);
}

static void
sleeper(void *arg)
{
	char byte;

	if (rump_sys_read(*(int *)arg, &byte, 1) != 1)
		say("read: %s", errno_name());
}

static void
process_lwps(void)
{
	uint64_t before = lwps();
	struct case_thread *thread;
	int pipe[2], calls = 0;

	ret("pipe", rump_sys_pipe(pipe));
	thread = case_thread(sleeper, &pipe[0]);
	while (lwps() != before + 1 && case_yield(&calls))
		continue;
	say("one more: %d", lwps() == before + 1);
	ret("wake", rump_sys_write(pipe[1], "x", 1));
	case_join(thread);
	while (lwps() != before && case_yield(&calls))
		continue;
	say("as before: %d", lwps() == before);
}

static void
process_lists(void)
{
	struct rump_kinfo_proc2 list[2];
	const int node[] = {RUMP_CTL_KERN, RUMP_KERN_PROC2, RUMP_CTL_QUERY};
	int self = rump_sys_getpid();
	char small[24];
	size_t len = 0;

	good("how much", processes(RUMP_KERN_PROC_ALL, 0, sizeof(*list), 1, NULL, &len));
	say("%d", len > sizeof(*list));
	len = sizeof(*list);
	ret("one of all", processes(RUMP_KERN_PROC_ALL, 0, sizeof(*list), 100, list, &len));
	say("%zu", len);
	len = sizeof(list);
	ret("nobody", processes(RUMP_KERN_PROC_PID, 29999, sizeof(*list), 2, list, &len));
	say("%zu", len);
	len = sizeof(list);
	ret("none", processes(RUMP_KERN_PROC_PID, self, sizeof(*list), 0, list, &len));
	say("%zu", len);
	len = sizeof(small);
	memset(small, 1, sizeof(small));
	ret("a part", processes(RUMP_KERN_PROC_PID, self, 16, 1, small, &len));
	say("%zu %d", len, small[16]);
	len = sizeof(list);
	ret("a large record", processes(RUMP_KERN_PROC_PID, self, sizeof(list), 1, list, &len));
	say("%zu %d", len, list[0].p_pid == self);
	len = sizeof(list);
	ret("by what", processes(99, 0, sizeof(*list), 1, list, &len));
	ret("no selection", get(RUMP_CTL_KERN, RUMP_KERN_PROC2, list, &len));
	ret("children", rump_sys___sysctl(node, 3, list, &len, NULL, 0));
	say("%zu", len);
}

const struct testcase sysctl_cases[] = {
    {"sysctl_names", names},
    {"sysctl_lengths", lengths},
    {"sysctl_wrong_names", wrong_names},
    {"sysctl_writing", writing},
    {"sysctl_queries", queries},
    {"sysctl_process", process},
    {"sysctl_process_lwps", process_lwps},
    {"sysctl_process_lists", process_lists},
    {NULL, NULL},
};
