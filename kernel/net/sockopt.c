/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>
#include "kernel/base/clock.h"
#include "kernel/base/mem.h"
#include "kernel/base/syscall.h"
#include "kernel/net/socket_impl.h"

#define OPTION_MAX 16384
#define BUFFER_MAX (16 * 1024 * 1024)

static const uint32_t switches = RUMP_SO_DEBUG | RUMP_SO_REUSEADDR | RUMP_SO_KEEPALIVE | RUMP_SO_DONTROUTE |
				 RUMP_SO_BROADCAST | RUMP_SO_USELOOPBACK | RUMP_SO_OOBINLINE |
				 RUMP_SO_REUSEPORT | RUMP_SO_NOSIGPIPE | RUMP_SO_TIMESTAMP;

/* The protocol may object. */
static int
ask_protocol(struct socket *so, int name, int64_t value)
{
	return so->protocol->ops->sockopt != NULL ? so->protocol->ops->sockopt(so, name, value) : 0;
}

static int
set_number(struct socket *so, _Atomic(int32_t) *where, int name, int32_t value)
{
	int error;

	if (value <= 0 || value > BUFFER_MAX)
		return value <= 0 ? RUMP_EINVAL : RUMP_ENOBUFS;
	error = ask_protocol(so, name, value);
	if (error == 0)
		atomic_store_explicit(where, value, memory_order_relaxed);
	return error;
}

static int
set_switch(struct socket *so, int name, int32_t value)
{
	int error = ask_protocol(so, name, value != 0);

	if (error != 0)
		return error;
	if (value != 0)
		atomic_fetch_or_explicit(&so->opts.flags, (uint32_t)name, memory_order_relaxed);
	else
		atomic_fetch_and_explicit(&so->opts.flags, ~(uint32_t)name, memory_order_relaxed);
	return 0;
}

static int
set_timeout(_Atomic(int64_t) *where, const void *buf, size_t len)
{
	struct rump_timeval tv;
	int64_t ns;

	if (len != sizeof(tv))
		return RUMP_EINVAL;
	memcpy(&tv, buf, sizeof(tv));
	if (tv.tv_usec < 0 || tv.tv_usec >= 1000000 || tv.tv_sec < 0 ||
	    __builtin_mul_overflow(tv.tv_sec, RUMPK_NSEC, &ns))
		return RUMP_EDOM;
	atomic_store_explicit(where, ns + tv.tv_usec * INT64_C(1000), memory_order_relaxed);
	return 0;
}

static int
set_linger(struct socket *so, const void *buf, size_t len)
{
	struct rump_linger linger;
	int error;

	if (len != sizeof(linger))
		return RUMP_EINVAL;
	memcpy(&linger, buf, sizeof(linger));
	if (linger.l_linger < 0)
		return RUMP_EDOM;
	error = ask_protocol(so, RUMP_SO_LINGER, linger.l_onoff != 0 ? linger.l_linger : -1);
	if (error == 0)
		atomic_store_explicit(
		    &so->opts.linger, linger.l_onoff != 0 ? linger.l_linger : -1, memory_order_relaxed);
	return error;
}

static int
set_socket_option(struct socket *so, int name, const void *buf, size_t len)
{
	int32_t value;

	switch (name) {
	case RUMP_SO_LINGER:
		return set_linger(so, buf, len);
	case RUMP_SO_SNDTIMEO:
		return set_timeout(&so->opts.sndtimeo, buf, len);
	case RUMP_SO_RCVTIMEO:
		return set_timeout(&so->opts.rcvtimeo, buf, len);
	default:
		break;
	}
	if (len != sizeof(value))
		return RUMP_EINVAL;
	memcpy(&value, buf, sizeof(value));
	switch (name) {
	case RUMP_SO_SNDBUF:
		return set_number(so, &so->opts.sndbuf, name, value);
	case RUMP_SO_RCVBUF:
		return set_number(so, &so->opts.rcvbuf, name, value);
	case RUMP_SO_SNDLOWAT:
		return set_number(so, &so->opts.sndlowat, name, value);
	case RUMP_SO_RCVLOWAT:
		return set_number(so, &so->opts.rcvlowat, name, value);
	default:
		break;
	}
	if (name > 0 && (name & (name - 1)) == 0 && ((uint32_t)name & switches) != 0)
		return set_switch(so, name, value);
	return RUMP_ENOPROTOOPT;
}

static void
timeout_value(int64_t ns, struct rump_timeval *tv)
{
	memset(tv, 0, sizeof(*tv));
	tv->tv_sec = ns / RUMPK_NSEC;
	tv->tv_usec = (int32_t)(ns % RUMPK_NSEC / 1000);
}

static int
get_number(struct socket *so, int name, int32_t *value)
{
	switch (name) {
	case RUMP_SO_SNDBUF:
		*value = atomic_load_explicit(&so->opts.sndbuf, memory_order_relaxed);
		return 0;
	case RUMP_SO_RCVBUF:
		*value = atomic_load_explicit(&so->opts.rcvbuf, memory_order_relaxed);
		return 0;
	case RUMP_SO_SNDLOWAT:
		*value = atomic_load_explicit(&so->opts.sndlowat, memory_order_relaxed);
		return 0;
	case RUMP_SO_RCVLOWAT:
		*value = atomic_load_explicit(&so->opts.rcvlowat, memory_order_relaxed);
		return 0;
	case RUMP_SO_TYPE:
		*value = so->protocol->type;
		return 0;
	case RUMP_SO_ERROR:
		*value = rumpk_so_error(so);
		return 0;
	case RUMP_SO_OVERFLOWED:
		*value = 0;
		return 0;
	case RUMP_SO_ACCEPTCONN:
		*value = (atomic_load_explicit(&so->state, memory_order_relaxed) & RUMPK_SO_LISTENING) != 0;
		return 0;
	default:
		break;
	}
	if (name <= 0 || (name & (name - 1)) != 0 || ((uint32_t)name & switches) == 0)
		return RUMP_ENOPROTOOPT;
	*value = (atomic_load_explicit(&so->opts.flags, memory_order_relaxed) & (uint32_t)name) != 0;
	return 0;
}

/* buf has OPTION_MAX bytes. */
static int
get_socket_option(struct socket *so, int name, void *buf, size_t *len)
{
	struct rump_linger linger;
	struct rump_timeval tv;
	int32_t value;
	int error;

	switch (name) {
	case RUMP_SO_LINGER:
		value = atomic_load_explicit(&so->opts.linger, memory_order_relaxed);
		linger.l_onoff = value >= 0;
		linger.l_linger = value >= 0 ? value : 0;
		*len = sizeof(linger);
		memcpy(buf, &linger, sizeof(linger));
		return 0;
	case RUMP_SO_SNDTIMEO:
	case RUMP_SO_RCVTIMEO:
		timeout_value(
		    atomic_load_explicit(name == RUMP_SO_SNDTIMEO ? &so->opts.sndtimeo : &so->opts.rcvtimeo,
			memory_order_relaxed),
		    &tv);
		*len = sizeof(tv);
		memcpy(buf, &tv, sizeof(tv));
		return 0;
	default:
		break;
	}
	error = get_number(so, name, &value);
	if (error != 0)
		return error;
	*len = sizeof(value);
	memcpy(buf, &value, sizeof(value));
	return 0;
}

static int
set_option(struct lwp *l, struct socket *so, int level, int name, const void *buf, size_t len)
{
	if (level == RUMP_SOL_SOCKET)
		return set_socket_option(so, name, buf, len);
	if (so->protocol->ops->setopt == NULL)
		return RUMP_ENOPROTOOPT;
	return so->protocol->ops->setopt(so, level, name, buf, len, rumpk_proc_cred(l->proc));
}

static int
sys_setsockopt(struct lwp *l, rumpk_args args, long *retval)
{
	size_t len = (uint32_t)args[4];
	struct socket *so;
	struct file *fp;
	void *buf;
	int error;

	(void)retval;
	error = rumpk_so_get(l, rumpk_arg_int(args, 0), &fp, &so);
	if (error != 0)
		return error;
	if (len > OPTION_MAX) {
		rumpk_file_rele(fp);
		return RUMP_EINVAL;
	}
	buf = rumpk_alloc(len);
	error = buf == NULL ? RUMP_ENOBUFS : rumpk_copyin(l, args[3], buf, len);
	if (error == 0)
		error = set_option(l, so, rumpk_arg_int(args, 1), rumpk_arg_int(args, 2), buf, len);
	rumpk_free(buf, len);
	rumpk_file_rele(fp);
	return error;
}

static int
get_option(struct socket *so, int level, int name, void *buf, size_t *len)
{
	if (level == RUMP_SOL_SOCKET)
		return get_socket_option(so, name, buf, len);
	return so->protocol->ops->getopt != NULL ? so->protocol->ops->getopt(so, level, name, buf, len)
						 : RUMP_ENOPROTOOPT;
}

static int
sys_getsockopt(struct lwp *l, rumpk_args args, long *retval)
{
	size_t len = OPTION_MAX;
	uint32_t room = 0;
	struct socket *so;
	struct file *fp;
	void *buf;
	int error;

	(void)retval;
	error = rumpk_so_get(l, rumpk_arg_int(args, 0), &fp, &so);
	if (error != 0)
		return error;
	buf = rumpk_zalloc(OPTION_MAX);
	error = buf == NULL ? RUMP_ENOBUFS : 0;
	if (error == 0 && args[3] != 0)
		error = rumpk_copyin(l, args[4], &room, sizeof(room));
	if (error == 0)
		error = get_option(so, rumpk_arg_int(args, 1), rumpk_arg_int(args, 2), buf, &len);
	if (error == 0 && args[3] != 0) {
		if (room > len)
			room = (uint32_t)len;
		error = rumpk_copyout(l, buf, args[3], room);
		if (error == 0)
			error = rumpk_copyout(l, &room, args[4], sizeof(room));
	}
	rumpk_free(buf, OPTION_MAX);
	rumpk_file_rele(fp);
	return error;
}

static const struct rumpk_syscall calls[] = {
    {RUMPK_SYS_setsockopt, sys_setsockopt},
    {RUMPK_SYS_getsockopt, sys_getsockopt},
};

void
rumpk_sockopt_init(void)
{
	rumpk_syscall_register(calls, sizeof(calls) / sizeof(*calls));
}
