/* SPDX-License-Identifier: BSD-2-Clause */
#include "kernel/base/cons.h"
#include <string.h>
#include <rump/rumpuser.h>
#include "kernel/base/boot.h"
#include "kernel/base/fdtable.h"
#include "kernel/base/lock.h"
#include "kernel/base/lwp.h"

static rumpk_mutex lock;

void
rumpk_cons_init(void)
{
	rumpk_mutex_init(&lock);
}

int
rumpk_cons_write(struct rumpk_uio *uio)
{
	/* One write's text is not torn apart by another's. */
	rumpk_lock(lock);
	while (uio->resid > 0) {
		size_t len;
		const char *text = rumpk_uiopiece(uio, &len);

		for (size_t i = 0; i < len; i++)
			rumpuser_putchar(text[i]);
		rumpk_uioskip(uio, len);
	}
	rumpk_unlock(lock);
	return 0;
}

int
rumpk_cons_ioctl(unsigned long cmd, void *data)
{
	switch (cmd) {
	case RUMP_TIOCGETA:
		/* Enough of a terminal for isatty(). */
		memset(data, 0, sizeof(struct rump_termios));
		return 0;
	default:
		return RUMP_ENOTTY;
	}
}

static int
cons_write(struct file *fp, struct rumpk_uio *uio, int flags)
{
	(void)fp;
	(void)flags;
	return rumpk_cons_write(uio);
}

static int
cons_ioctl(struct file *fp, unsigned long cmd, void *data)
{
	(void)fp;
	return rumpk_cons_ioctl(cmd, data);
}

static int
cons_stat(struct file *fp, struct rump_stat *st)
{
	(void)fp;
	st->st_mode = 0600 | RUMP_S_IFCHR;
	return 0;
}

static int
cons_poll(struct file *fp, int events, struct rumpk_poll *rp)
{
	(void)fp;
	(void)rp;
	return events & (RUMP_POLLOUT | RUMP_POLLWRNORM);
}

static const struct fileops cons_ops = {
    .type = RUMPK_FT_MISC,
    .write = cons_write,
    .ioctl = cons_ioctl,
    .poll = cons_poll,
    .stat = cons_stat,
};

void
rumpk_cons_open(struct lwp *l)
{
	struct file *fp = rumpk_file_create(l);

	if (fp == NULL)
		return;
	fp->ops = &cons_ops;
	/* Also descriptor 0 is for writing only, as there is nothing to read. */
	atomic_store_explicit(&fp->flags, RUMPK_FWRITE, memory_order_relaxed);
	for (int i = 0; i < 3; i++) {
		int fd;

		rumpk_file_hold(fp);
		if (rumpk_fd_install(l, fp, false, &fd) != 0)
			rumpk_file_rele(fp);
	}
	rumpk_file_rele(fp);
}
