/* SPDX-License-Identifier: BSD-2-Clause */
#include "kernel/base/sysctl_nodes.h"
#include <string.h>
#include <rump/rumpuser.h>
#include "kernel/base/fdtable.h"
#include "kernel/base/log.h"
#include "kernel/base/mem.h"
#include "kernel/base/print.h"
#include "kernel/base/random.h"
#include "kernel/base/sysctl.h"

#define PERMANENT RUMP_CTLFLAG_PERMANENT
#define READWRITE (RUMP_CTLFLAG_PERMANENT | RUMP_CTLFLAG_READWRITE)
#define IMMEDIATE (RUMP_CTLFLAG_PERMANENT | RUMP_CTLFLAG_IMMEDIATE)
/* What there is without a limit: NetBSD's own idea of a machine. */
#define DEFAULT_PHYSMEM (INT64_C(512) * 1024 * 1024)
#define RANDOM_MAX 256

static char ostype[] = RUMPK_OSTYPE, osrelease[] = RUMPK_OSRELEASE, machine[] = RUMPK_MACHINE;
static char version[] = RUMPK_OSTYPE " " RUMPK_OSRELEASE " (rumpkit)\n";
static char hostname[256], domainname[256];
static char model[] = "rumpkit", machine_arch[] = "x86_64";
static int32_t osrevision = RUMPK_OSREVISION, maxproc = 15000, maxfiles = RUMPK_FD_MAX, argmax = 256 * 1024;
static int32_t posix1 = 200112, ngroups = RUMPK_NGROUPS, yes = 1, rawpartition = 3, iov_max = RUMP_IOV_MAX;
static int32_t login_name_max = 17, hostid, securelevel = -1, msgbufsize = 8192, monotonic_clock = 200112;
static int32_t ncpu = 2, byteorder = 1234, pagesize = RUMPK_PAGE_SIZE, alignbytes = 7, physmem;
static int64_t physmem64;
static struct rump_timespec boottime;
static struct {
	int32_t hz, tick, tickadj, stathz, profhz;
} clockrate = {100, 10000, 0, 100, 100};

static int
read_random(unsigned namelen, void *buf, size_t *len, size_t size)
{
	if (namelen > 0)
		return RUMP_ENOTDIR;
	*len = size;
	return buf != NULL ? rumpk_random(buf, size) : 0;
}

static int
read_urandom(struct lwp *l, const int32_t *name, unsigned namelen, void *buf, size_t *len)
{
	(void)l;
	(void)name;
	return read_random(namelen, buf, len, sizeof(int32_t));
}

static int
read_arandom(struct lwp *l, const int32_t *name, unsigned namelen, void *buf, size_t *len)
{
	(void)l;
	(void)name;
	return read_random(namelen, buf, len, RANDOM_MAX);
}

static int
read_msgbuf(struct lwp *l, const int32_t *name, unsigned namelen, void *buf, size_t *len)
{
	(void)l;
	(void)name;
	if (namelen > 0)
		return RUMP_ENOTDIR;
	if (buf == NULL) {
		*len = (size_t)msgbufsize;
		return 0;
	}
	*len = rumpk_log_get(buf, *len);
	return 0;
}

#define NODE(at, node_name) \
	{ \
		.number = (at), .name = (node_name), .type = RUMP_CTLTYPE_NODE, .flags = PERMANENT \
	}
#define LEAF(parent, at, node_name, kind, how, what) \
	{ \
		.under = {(parent)}, .number = (at), .name = (node_name), .type = (kind), .flags = (how), \
		.data = (what), .size = sizeof(what) \
	}
#define OBJECT(parent, at, node_name, kind, how, what) \
	{ \
		.under = {(parent)}, .number = (at), .name = (node_name), .type = (kind), .flags = (how), \
		.data = &(what), .size = sizeof(what) \
	}
#define INT(parent, at, node_name, what) OBJECT(parent, at, node_name, RUMP_CTLTYPE_INT, IMMEDIATE, what)
#define COMPUTED(parent, at, node_name, kind, how) \
	{ \
		.under = {(parent)}, .number = (at), .name = (node_name), .type = (kind), \
		.flags = PERMANENT, .size = sizeof(int32_t), .read = (how) \
	}

static struct rumpk_sysctl tops[] = {
    NODE(RUMP_CTL_KERN, "kern"),
    NODE(RUMP_CTL_VM, "vm"),
    NODE(RUMP_CTL_VFS, "vfs"),
    NODE(RUMP_CTL_NET, "net"),
    NODE(RUMP_CTL_DEBUG, "debug"),
    NODE(RUMP_CTL_HW, "hw"),
    NODE(RUMP_CTL_MACHDEP, "machdep"),
    NODE(RUMP_CTL_USER, "user"),
    NODE(RUMP_CTL_DDB, "ddb"),
    NODE(RUMP_CTL_PROC, "proc"),
    {.number = RUMP_CTL_VENDOR, .name = "vendor", .type = RUMP_CTLTYPE_NODE, .flags = READWRITE},
    NODE(RUMP_CTL_EMUL, "emul"),
    NODE(RUMP_CTL_SECURITY, "security"),
};

static struct rumpk_sysctl kern[] = {
    LEAF(RUMP_CTL_KERN, RUMP_KERN_OSTYPE, "ostype", RUMP_CTLTYPE_STRING, PERMANENT, ostype),
    LEAF(RUMP_CTL_KERN, RUMP_KERN_OSRELEASE, "osrelease", RUMP_CTLTYPE_STRING, PERMANENT, osrelease),
    INT(RUMP_CTL_KERN, RUMP_KERN_OSREV, "osrevision", osrevision),
    LEAF(RUMP_CTL_KERN, RUMP_KERN_VERSION, "version", RUMP_CTLTYPE_STRING, PERMANENT, version),
    INT(RUMP_CTL_KERN, RUMP_KERN_MAXPROC, "maxproc", maxproc),
    INT(RUMP_CTL_KERN, RUMP_KERN_MAXFILES, "maxfiles", maxfiles),
    INT(RUMP_CTL_KERN, RUMP_KERN_ARGMAX, "argmax", argmax),
    INT(RUMP_CTL_KERN, RUMP_KERN_SECURELVL, "securelevel", securelevel),
    LEAF(RUMP_CTL_KERN, RUMP_KERN_HOSTNAME, "hostname", RUMP_CTLTYPE_STRING, READWRITE, hostname),
    INT(RUMP_CTL_KERN, RUMP_KERN_HOSTID, "hostid", hostid),
    OBJECT(RUMP_CTL_KERN, RUMP_KERN_CLOCKRATE, "clockrate", RUMP_CTLTYPE_STRUCT, PERMANENT, clockrate),
    INT(RUMP_CTL_KERN, RUMP_KERN_POSIX1, "posix1version", posix1),
    INT(RUMP_CTL_KERN, RUMP_KERN_NGROUPS, "ngroups", ngroups),
    INT(RUMP_CTL_KERN, RUMP_KERN_JOB_CONTROL, "job_control", yes),
    INT(RUMP_CTL_KERN, RUMP_KERN_SAVED_IDS, "saved_ids", yes),
    LEAF(RUMP_CTL_KERN, RUMP_KERN_DOMAINNAME, "domainname", RUMP_CTLTYPE_STRING, READWRITE, domainname),
    INT(RUMP_CTL_KERN, RUMP_KERN_RAWPARTITION, "rawpartition", rawpartition),
    INT(RUMP_CTL_KERN, RUMP_KERN_MSGBUFSIZE, "msgbufsize", msgbufsize),
    INT(RUMP_CTL_KERN, RUMP_KERN_FSYNC, "fsync", yes),
    INT(RUMP_CTL_KERN, RUMP_KERN_IOV_MAX, "iov_max", iov_max),
    INT(RUMP_CTL_KERN, RUMP_KERN_LOGIN_NAME_MAX, "login_name_max", login_name_max),
    COMPUTED(RUMP_CTL_KERN, RUMP_KERN_MSGBUF, "msgbuf", RUMP_CTLTYPE_INT, read_msgbuf),
    INT(RUMP_CTL_KERN, RUMP_KERN_MONOTONIC_CLOCK, "monotonic_clock", monotonic_clock),
    COMPUTED(RUMP_CTL_KERN, RUMP_KERN_URND, "urandom", RUMP_CTLTYPE_INT, read_urandom),
    COMPUTED(RUMP_CTL_KERN, RUMP_KERN_ARND, "arandom", RUMP_CTLTYPE_INT, read_arandom),
    OBJECT(RUMP_CTL_KERN, RUMP_KERN_BOOTTIME, "boottime", RUMP_CTLTYPE_STRUCT, PERMANENT, boottime),
    {.under = {RUMP_CTL_KERN},
	.number = RUMP_KERN_PROC2,
	.name = "proc2",
	.type = RUMP_CTLTYPE_NODE,
	.flags = PERMANENT,
	.give = rumpk_sysctl_proc2},
};

static struct rumpk_sysctl hw[] = {
    LEAF(RUMP_CTL_HW, RUMP_HW_MACHINE, "machine", RUMP_CTLTYPE_STRING, PERMANENT, machine),
    LEAF(RUMP_CTL_HW, RUMP_HW_MODEL, "model", RUMP_CTLTYPE_STRING, PERMANENT, model),
    INT(RUMP_CTL_HW, RUMP_HW_NCPU, "ncpu", ncpu),
    INT(RUMP_CTL_HW, RUMP_HW_BYTEORDER, "byteorder", byteorder),
    INT(RUMP_CTL_HW, RUMP_HW_PHYSMEM, "physmem", physmem),
    INT(RUMP_CTL_HW, RUMP_HW_USERMEM, "usermem", physmem),
    INT(RUMP_CTL_HW, RUMP_HW_PAGESIZE, "pagesize", pagesize),
    LEAF(RUMP_CTL_HW, RUMP_HW_MACHINE_ARCH, "machine_arch", RUMP_CTLTYPE_STRING, PERMANENT, machine_arch),
    INT(RUMP_CTL_HW, RUMP_HW_ALIGNBYTES, "alignbytes", alignbytes),
    OBJECT(RUMP_CTL_HW, RUMP_HW_PHYSMEM64, "physmem64", RUMP_CTLTYPE_QUAD, IMMEDIATE, physmem64),
    OBJECT(RUMP_CTL_HW, RUMP_HW_USERMEM64, "usermem64", RUMP_CTLTYPE_QUAD, IMMEDIATE, physmem64),
    INT(RUMP_CTL_HW, RUMP_HW_NCPUONLINE, "ncpuonline", ncpu),
};

static int32_t
parse_int(const char *text)
{
	int32_t n = 0;

	for (; *text >= '0' && *text <= '9' && n < 100000; text++)
		n = n * 10 + (*text - '0');
	return n;
}

void
rumpk_sysctl_nodes_init(void)
{
	char text[16];
	uint64_t limit = rumpk_mem_limit();

	if (rumpuser_getparam(RUMPUSER_PARAM_HOSTNAME, hostname, sizeof(hostname)) != 0)
		memcpy(hostname, "rump", sizeof("rump"));
	if (rumpuser_getparam(RUMPUSER_PARAM_NCPU, text, sizeof(text)) == 0 && parse_int(text) > 0)
		ncpu = parse_int(text);
	physmem64 = limit < INT64_MAX ? (int64_t)limit : DEFAULT_PHYSMEM;
	physmem = physmem64 < INT32_MAX ? (int32_t)physmem64 : INT32_MAX;
	rumpk_log("%s", version);
	if (limit != UINT64_MAX)
		rumpk_log("total memory = %llu KB\n", (unsigned long long)limit / 1024);
	else
		rumpk_log("total memory = as much as the host gives\n");
	rumpk_log("%d virtual CPU%s\n", (int)ncpu, ncpu == 1 ? "" : "s");
	rumpuser_clock_gettime(RUMPUSER_CLOCK_RELWALL, &boottime.tv_sec, &boottime.tv_nsec);
	rumpk_sysctl_register(tops, sizeof(tops) / sizeof(*tops));
	rumpk_sysctl_register(kern, sizeof(kern) / sizeof(*kern));
	rumpk_sysctl_register(hw, sizeof(hw) / sizeof(*hw));
}
