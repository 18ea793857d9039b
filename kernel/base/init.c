/* SPDX-License-Identifier: BSD-2-Clause */
#include <rump/rump.h>
#include <rump/rumpuser.h>
#include <stdbool.h>
#include <stdint.h>
#include "kernel/base/boot.h"
#include "kernel/base/component.h"
#include "kernel/base/cons.h"
#include "kernel/base/hyp.h"
#include "kernel/base/log.h"
#include "kernel/base/memlimit.h"
#include "kernel/base/print.h"
#include "kernel/base/proc.h"

/* NetBSD's number for its interface of rump.h. */
#define INTERFACE_VERSION 1

static enum { DOWN, BOOTING, UP } state;
static int boothowto;

/* Found at boot, by type, in the order in which they were found. */
static const struct rump_component *found[64];
static size_t nfound;

int
rump_getversion(void)
{
	return INTERFACE_VERSION;
}

int
rump_pub_getversion(void)
{
	return INTERFACE_VERSION;
}

void
rump_boot_sethowto(int howto)
{
	boothowto = howto;
}

int
rump_boot_gethowto(void)
{
	return boothowto;
}

void
rump_schedule(void)
{
}

void
rump_unschedule(void)
{
}

void
rump_pub_lwproc_sysent_usenative(void)
{
}

int
rump_daemonize_begin(void)
{
	if (state != DOWN)
		return RUMP_EALREADY;
	return rumpuser_daemonize_begin();
}

int
rump_daemonize_done(int error)
{
	return rumpuser_daemonize_done(error);
}

static void
found_component(const struct rump_component *component)
{
	if (nfound == sizeof(found) / sizeof(*found))
		rumpk_panic("too many components");
	found[nfound++] = component;
}

/* Modules of NetBSD's need NetBSD's kernel. */
static void
found_modules(const struct modinfo *const *modules, size_t count)
{
	(void)modules;
	(void)count;
}

/* The tables are the kernel's from now on. Nobody asks for symbols yet. */
static void *volatile symbols;
static char *volatile symbol_names;

static int
found_symbols(void *symtab, uint64_t symbytes, char *strtab, uint64_t strbytes)
{
	(void)symbytes;
	(void)strbytes;
	symbols = symtab;
	symbol_names = strtab;
	return 0;
}

/* A number of bytes with k, m or g; false when it is none. */
static bool
parse_size(const char *text, uint64_t *value)
{
	uint64_t n = 0;
	int shift = 0;

	if (*text < '0' || *text > '9')
		return false;
	for (; *text >= '0' && *text <= '9'; text++)
		if (__builtin_mul_overflow(n, UINT64_C(10), &n) ||
		    __builtin_add_overflow(n, (uint64_t)(*text - '0'), &n))
			return false;
	switch (*text) {
	case 'g':
	case 'G':
		shift += 10;
		/* FALLTHROUGH */
	case 'm':
	case 'M':
		shift += 10;
		/* FALLTHROUGH */
	case 'k':
	case 'K':
		shift += 10;
		text++;
		break;
	default:
		break;
	}
	*value = n << shift;
	return *text == '\0' && *value >> shift == n;
}

static void
read_parameters(void)
{
	char text[32];
	uint64_t limit;

	if (rumpuser_getparam("RUMP_VERBOSE", text, sizeof(text)) == 0 && text[0] != '\0' && text[0] != '0')
		rumpk_log_setverbose(true);
	if (rumpuser_getparam("RUMP_MEMLIMIT", text, sizeof(text)) != 0)
		return;
	if (!parse_size(text, &limit) || limit < 1024 * 1024)
		rumpk_panic("RUMP_MEMLIMIT=%s: not a size of at least 1m", text);
	rumpk_mem_setlimit(limit);
}

static void
init_base(void)
{
	rumpk_log_init();
	read_parameters();
	rumpk_cred_init();
	rumpk_lwp_init();
	rumpk_sleep_init();
	rumpk_file_init();
	rumpk_syscall_init();
	rumpk_callout_init();
	rumpk_proc_init();
	rumpk_cons_init();
	rumpk_kqueue_init();
	rumpk_poll_init();
	rumpk_rw_init();
	rumpk_fdcalls_init();
	rumpk_ioctl_init();
	rumpk_pipe_init();
	rumpk_nap_init();
	rumpk_ptimer_init();
	rumpk_ids_init();
	rumpk_session_init();
	rumpk_limits_calls_init();
	rumpk_sysctl_init();
	rumpk_halt_init();
}

/* Factions are there before their drivers, whatever the numbers of the types say. */
static const int order[] = {
    RUMP_COMPONENT_KERN,
    RUMP__FACTION_VFS,
    RUMP__FACTION_DEV,
    RUMP__FACTION_NET,
    RUMP_COMPONENT_VFS,
    RUMP_COMPONENT_KERN_VFS,
    RUMP_COMPONENT_DEV,
    RUMP_COMPONENT_DEV_AFTERMAINBUS,
    RUMP_COMPONENT_NET,
    RUMP_COMPONENT_NET_ROUTE,
    RUMP_COMPONENT_NET_IF,
    RUMP_COMPONENT_NET_IFCFG,
    RUMP_COMPONENT_SYSCALL,
    RUMP_COMPONENT_POSTINIT,
};
_Static_assert(sizeof(order) / sizeof(*order) == RUMP_COMPONENT_MAX, "every type has its place");

static void
init_components(void)
{
	for (size_t i = 0; i < sizeof(order) / sizeof(*order); i++)
		for (size_t j = 0; j < nfound; j++)
			if (found[j]->rc_type == order[i])
				found[j]->rc_init();
}

int
rump_init(void)
{
	if (state == UP)
		return 0;
	if (state == BOOTING)
		return RUMP_EALREADY;
	state = BOOTING;
	if (rumpuser_init(RUMPUSER_VERSION, &rumpk_hyp) != 0) {
		state = DOWN;
		return RUMP_EINVAL;
	}
	init_base();
	rumpuser_dl_bootstrap(found_modules, found_symbols, found_component);
	init_components();
	rumpk_cons_open(rumpk_curlwp());
	state = UP;
	return 0;
}
