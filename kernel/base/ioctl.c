/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>
#include "kernel/base/boot.h"
#include "kernel/base/fdtable.h"
#include "kernel/base/lwp.h"
#include "kernel/base/mem.h"
#include "kernel/base/syscall.h"

/* A command names its argument: how many bytes, and which way they go. */
#define CMD_OUT 0x40000000u
#define CMD_IN 0x80000000u
#define CMD_VOID 0x20000000u

static size_t
cmd_len(unsigned long cmd)
{
	return (cmd >> 16) & 0x1fff;
}

static int
set_flag(struct file *fp, unsigned long cmd, const void *data)
{
	uint32_t flag = cmd == RUMP_FIONBIO ? RUMP_O_NONBLOCK : RUMP_O_ASYNC;
	int32_t on;

	memcpy(&on, data, sizeof(on));
	if (on != 0)
		atomic_fetch_or_explicit(&fp->flags, flag, memory_order_relaxed);
	else
		atomic_fetch_and_explicit(&fp->flags, ~flag, memory_order_relaxed);
	return 0;
}

static int
perform(struct file *fp, unsigned long cmd, void *data)
{
	int error = fp->ops->ioctl != NULL ? fp->ops->ioctl(fp, cmd, data) : RUMP_ENOTTY;

	if (cmd != RUMP_FIONBIO && cmd != RUMP_FIOASYNC)
		return error;
	/* A file that knows nothing of these is content with its flag. */
	if (error != 0 && error != RUMP_ENOTTY)
		return error;
	return set_flag(fp, cmd, data);
}

/* Copies the argument in, performs, copies it out. A command without an argument gets the address itself. */
static int
with_argument(struct lwp *l, struct file *fp, unsigned long cmd, rumpk_uaddr uaddr)
{
	size_t len = cmd_len(cmd);
	uint64_t small[16];
	void *data = small;
	int error = 0;

	if (len > sizeof(small)) {
		data = rumpk_alloc(len);
		if (data == NULL)
			return RUMP_ENOMEM;
	}
	memset(data, 0, len > sizeof(small) ? len : sizeof(small));
	if ((cmd & CMD_IN) != 0 && len > 0)
		error = rumpk_copyin(l, uaddr, data, len);
	else if ((cmd & CMD_VOID) != 0)
		memcpy(data, &uaddr, sizeof(uaddr));
	if (error == 0)
		error = perform(fp, cmd, data);
	if (error == 0 && (cmd & CMD_OUT) != 0 && len > 0)
		error = rumpk_copyout(l, data, uaddr, len);
	if (data != small)
		rumpk_free(data, len);
	return error;
}

static int
sys_ioctl(struct lwp *l, rumpk_args args, long *retval)
{
	int fd = rumpk_arg_int(args, 0), error;
	/* Commands are 32 bits; what a caller's sign extension left above is not part of them. */
	unsigned long cmd = (uint32_t)args[1];
	struct file *fp = rumpk_fd_get(l, fd);

	(void)retval;
	if (fp == NULL)
		return RUMP_EBADF;
	if ((atomic_load_explicit(&fp->flags, memory_order_relaxed) & (RUMPK_FREAD | RUMPK_FWRITE)) == 0)
		error = RUMP_EBADF;
	else if (cmd == RUMP_FIOCLEX || cmd == RUMP_FIONCLEX)
		error = rumpk_fd_setcloexec(l->proc->fdtable, fd, cmd == RUMP_FIOCLEX);
	else
		error = with_argument(l, fp, cmd, args[2]);
	rumpk_file_rele(fp);
	return error;
}

void
rumpk_ioctl_init(void)
{
	static const struct rumpk_syscall call = {RUMPK_SYS_ioctl, sys_ioctl};

	rumpk_syscall_register(&call, 1);
}
