/* SPDX-License-Identifier: BSD-2-Clause */
#include "kernel/base/cons.h"
#include <string.h>
#include <rump/rumpuser.h>
#include "kernel/base/boot.h"
#include "kernel/base/fdtable.h"
#include "kernel/base/lock.h"
#include "kernel/base/lwp.h"

static rumpk_mutex lock;

/*
 * Settings of a terminal that does nothing about them but keep them. There is no input to edit, and output
 * goes out as it is.
 */
static struct rump_termios termios = {
    .c_cflag = RUMP_CREAD | RUMP_CS8 | RUMP_CLOCAL,
    .c_ispeed = RUMP_B9600,
    .c_ospeed = RUMP_B9600,
};
static struct rump_winsize winsize;

void
rumpk_cons_init(void)
{
	rumpk_mutex_init(&lock);
	memset(termios.c_cc, RUMP__POSIX_VDISABLE, sizeof(termios.c_cc));
	termios.c_cc[RUMP_VMIN] = 1;
	termios.c_cc[RUMP_VTIME] = 0;
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
	int error = 0;

	rumpk_lock(lock);
	switch (cmd) {
	case RUMP_TIOCGETA:
		memcpy(data, &termios, sizeof(termios));
		break;
	case RUMP_TIOCSETA:
	case RUMP_TIOCSETAW:
	case RUMP_TIOCSETAF:
		memcpy(&termios, data, sizeof(termios));
		break;
	case RUMP_TIOCGWINSZ:
		memcpy(data, &winsize, sizeof(winsize));
		break;
	case RUMP_TIOCSWINSZ:
		memcpy(&winsize, data, sizeof(winsize));
		break;
	case RUMP_TIOCOUTQ:
		memset(data, 0, sizeof(int));
		break;
	case RUMP_TIOCFLUSH:
	case RUMP_TIOCDRAIN:
	case RUMP_TIOCSTART:
	case RUMP_TIOCSTOP:
		break;
	default:
		error = RUMP_ENOTTY;
	}
	rumpk_unlock(lock);
	return error;
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
