/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Stand-ins for components, one a macro, for the tests of what reads components. They are never run.
 */
#define EXPORT __attribute__((visibility("default")))

#if defined(PART_RUMP)
/* The kernel: needs nothing but hypercalls. */
void rumpuser_putchar(int c);
EXPORT void rumpns_printf(void);
EXPORT int rumpns_version = 799;
void
rumpns_printf(void)
{
	rumpuser_putchar('.');
}
#elif defined(PART_SYSPROXY)
extern void rumpns_printf(void);
EXPORT void rump_init_server(void);
void
rump_init_server(void)
{
	rumpns_printf();
}
#elif defined(PART_VFS)
/* Linked to librump, so it names it as needed. */
extern int rumpns_version;
EXPORT void rumpns_vget(void);
EXPORT void (*rumpns_vfsops)(void) = rumpns_vget;
void
rumpns_vget(void)
{
	rumpns_version++;
}
#elif defined(PART_ONE)
/* Data of rumpvfs, a function of rumpdev_disk, which calls back, and one of rumpdev_leaf's pointers. */
extern void (*rumpns_vfsops)(void);
extern void rumpns_strategy(void);
extern void rumpns_leaf(void);
EXPORT void rumpns_one_done(void);
EXPORT void (**rumpns_one_ops)(void) = &rumpns_vfsops;
EXPORT void (*rumpns_one_leaf)(void) = rumpns_leaf;
void
rumpns_one_done(void)
{
	rumpns_strategy();
}
#elif defined(PART_DISK)
extern void rumpns_one_done(void);
EXPORT void rumpns_strategy(void);
void
rumpns_strategy(void)
{
	rumpns_one_done();
}
#elif defined(PART_LEAF)
EXPORT void rumpns_leaf(void);
void
rumpns_leaf(void)
{
}
#elif defined(PART_LOST)
/* Two symbols of nobody's, one that may be missing, and a hypercall that there is none of. */
extern void rumpns_nowhere(void);
extern void rumpns_nowhere_either(void);
extern void rumpns_perhaps(void) __attribute__((weak));
extern void rumpuser_future(void);
EXPORT void rumpns_lost(void);
void
rumpns_lost(void)
{
	if (rumpns_perhaps)
		rumpns_perhaps();
	rumpns_nowhere();
	rumpns_nowhere_either();
	rumpuser_future();
}
#elif defined(PART_STRAY)
/* A pointer to what one component of NetBSD's defines, and a call of another's. */
extern void rumpns_scsipi_done(void);
extern void rumpns_if_up(void);
EXPORT void rumpns_stray(void);
EXPORT void (*rumpns_stray_ops)(void) = rumpns_scsipi_done;
void
rumpns_stray(void)
{
	rumpns_if_up();
}
#elif defined(PART_CALLER)
/* Calls of what NetBSD's components define: one of these is there, without it. */
extern void rumpns_vn_lock(void);
extern void rumpns_usbd_transfer(void);
EXPORT void rumpns_caller(void);
void
rumpns_caller(void)
{
	rumpns_vn_lock();
	rumpns_usbd_transfer();
}
#elif defined(PART_GONE)
EXPORT void rumpns_gone(void);
void
rumpns_gone(void)
{
}
#elif defined(PART_ORPHAN)
extern void rumpns_gone(void);
EXPORT void rumpns_orphan(void);
void
rumpns_orphan(void)
{
	rumpns_gone();
}
#else
/* One that uses nothing and defines nothing. */
extern int nothing;
#endif
