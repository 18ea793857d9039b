/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How a component joins the kernel.
 *
 * A component is a shared library whose name contains "librump". It has no constructors: it
 * puts descriptions of itself into the link set "rump_components", where rump_init() finds
 * them through rumpuser_dl_bootstrap(), and their init functions run type by type, in the order
 * of the enumeration below.
 */
#ifndef KERNEL_BASE_COMPONENT_H
#define KERNEL_BASE_COMPONENT_H

#include <stddef.h>
#include <stdint.h>

/* What a component exports: rump_* for programs, rumpk_* for other components. */
#define RUMPK_EXPORT __attribute__((__visibility__("default")))

/* NetBSD's types, in its order. Their order of initialization is that of rump_init(). */
enum rump_component_type {
	RUMP_COMPONENT_DEV,
	RUMP_COMPONENT_DEV_AFTERMAINBUS,
	RUMP_COMPONENT_KERN,
	RUMP_COMPONENT_KERN_VFS,
	RUMP_COMPONENT_NET,
	RUMP_COMPONENT_NET_ROUTE,
	RUMP_COMPONENT_NET_IF,
	RUMP_COMPONENT_NET_IFCFG,
	RUMP_COMPONENT_POSTINIT,
	RUMP_COMPONENT_VFS,
	RUMP__FACTION_DEV,
	RUMP__FACTION_VFS,
	RUMP__FACTION_NET,
	RUMP_COMPONENT_SYSCALL,
	RUMP_COMPONENT_MAX
};

struct rump_component {
	int32_t rc_type;
	void (*rc_init)(void);
	struct rump_component *rc_next;
	struct rump_component **rc_prev;
};

/*
 * RUMPK_COMPONENT(vfs, RUMP__FACTION_VFS, vfs_init): makes vfs_init() run at boot. A library
 * may hold several. The bounds of the set have to be dynamic symbols of the library, which is
 * what the references to them are for.
 */
#define RUMPK_COMPONENT(name, type, init) \
	extern const struct rump_component *const __start_link_set_rump_components[] RUMPK_EXPORT; \
	extern const struct rump_component *const __stop_link_set_rump_components[] RUMPK_EXPORT; \
	__attribute__((__used__)) static const void *const rumpk_bounds_##name[] = { \
	    __start_link_set_rump_components, __stop_link_set_rump_components}; \
	static struct rump_component rumpk_component_##name = {.rc_type = (type), .rc_init = (init)}; \
	__attribute__((__used__, \
	    __section__( \
		"link_set_rump_components"))) static const struct rump_component *const rumpk_link_##name = \
	    &rumpk_component_##name

#endif
