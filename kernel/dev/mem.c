/* SPDX-License-Identifier: BSD-2-Clause */
/* The nodes that need no hardware: null, zero, random and urandom, console. */
#include <rump/rumpuser.h>
#include "kernel/base/cons.h"
#include "kernel/dev/dev.h"

/* NetBSD's numbers on amd64. */
enum { MAJOR_CONSOLE = 0, MAJOR_MEM = 2, MAJOR_RANDOM = 46 };
enum { MINOR_NULL = 2, MINOR_ZERO = 12 };
enum { MINOR_RANDOM = 0, MINOR_URANDOM = 1 };

static int
mem_open(uint64_t dev, uint32_t flags)
{
	(void)flags;
	return dev_minor(dev) == MINOR_NULL || dev_minor(dev) == MINOR_ZERO ? 0 : RUMP_ENXIO;
}

static int
mem_read(uint64_t dev, struct rumpk_uio *uio, int flags)
{
	(void)flags;
	if (dev_minor(dev) == MINOR_ZERO)
		rumpk_uiozero(uio->resid, uio);
	return 0;
}

static int
swallow(uint64_t dev, struct rumpk_uio *uio, int flags)
{
	(void)dev, (void)flags;
	rumpk_uioskip(uio, uio->resid);
	return 0;
}

static const struct rumpk_devops mem_ops = {
    .name = "mem",
    .open = mem_open,
    .read = mem_read,
    .write = swallow,
};

static int
random_open(uint64_t dev, uint32_t flags)
{
	(void)flags;
	return dev_minor(dev) == MINOR_RANDOM || dev_minor(dev) == MINOR_URANDOM ? 0 : RUMP_ENXIO;
}

/* Straight into the reader's memory. random(4) is for what has to be good; the host sees to it that it does
 * not wait forever. */
static int
random_read(uint64_t dev, struct rumpk_uio *uio, int flags)
{
	int hard = dev_minor(dev) == MINOR_RANDOM ? RUMPUSER_RANDOM_HARD : 0;

	if (flags & RUMPK_IO_NONBLOCK)
		hard |= RUMPUSER_RANDOM_NOWAIT;
	while (uio->resid > 0) {
		size_t len, got = 0;
		void *piece = rumpk_uiopiece(uio, &len);
		int error = rumpuser_getrandom(piece, len, hard, &got);

		if (error != 0)
			return error;
		if (got == 0)
			return RUMP_EAGAIN;
		rumpk_uioskip(uio, got);
	}
	return 0;
}

static const struct rumpk_devops random_ops = {
    .name = "rnd",
    .open = random_open,
    .read = random_read,
    .write = swallow,
};

static int
console_read(uint64_t dev, struct rumpk_uio *uio, int flags)
{
	(void)dev, (void)uio, (void)flags;
	return 0;
}

static int
console_write(uint64_t dev, struct rumpk_uio *uio, int flags)
{
	(void)dev, (void)flags;
	return rumpk_cons_write(uio);
}

static int
console_ioctl(uint64_t dev, unsigned long cmd, void *data, uint32_t fflags)
{
	(void)dev, (void)fflags;
	return rumpk_cons_ioctl(cmd, data);
}

static const struct rumpk_devops console_ops = {
    .name = "cons",
    .read = console_read,
    .write = console_write,
    .ioctl = console_ioctl,
};

void
mem_init(void)
{
	rumpk_dev_register(&console_ops, MAJOR_CONSOLE, UINT32_MAX);
	rumpk_dev_register(&mem_ops, MAJOR_MEM, UINT32_MAX);
	rumpk_dev_register(&random_ops, MAJOR_RANDOM, UINT32_MAX);
	rumpk_dev_node("/dev/console", VCHR, 0600, dev_make(MAJOR_CONSOLE, 0));
	rumpk_dev_node("/dev/null", VCHR, 0666, dev_make(MAJOR_MEM, MINOR_NULL));
	rumpk_dev_node("/dev/zero", VCHR, 0666, dev_make(MAJOR_MEM, MINOR_ZERO));
	rumpk_dev_node("/dev/random", VCHR, 0444, dev_make(MAJOR_RANDOM, MINOR_RANDOM));
	rumpk_dev_node("/dev/urandom", VCHR, 0644, dev_make(MAJOR_RANDOM, MINOR_URANDOM));
}
