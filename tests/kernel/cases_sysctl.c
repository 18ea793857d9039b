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

const struct testcase sysctl_cases[] = {
    {"sysctl_names", names},
    {"sysctl_lengths", lengths},
    {"sysctl_wrong_names", wrong_names},
    {"sysctl_writing", writing},
    {"sysctl_queries", queries},
    {NULL, NULL},
};
