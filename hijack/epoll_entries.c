/* SPDX-License-Identifier: BSD-2-Clause */
/* The dispatcher's decisions about epoll. */
#include <fcntl.h>
#include <sys/syscall.h>

#include "hijack/beyond.h"
#include "hijack/epoll.h"
#include "hijack/files.h"
#include "hijack/start.h"

/* Programs that have no rump kernel have no need of it. */
long
hijack_epoll_create(const struct hijack_call *call)
{
	const struct hijack_call made = {call->number, {hijack_pass(call)}, 0};

	if (made.arg[0] >= 0 && made.arg[0] < HIJACK_FDS && hijack_start.server != NULL)
		(void)hijack_beyond(hijack_beyond_epoll_created, &made);
	return made.arg[0];
}

/* A set may have become a concern of the library's while the host waited for it. */
static long
look_again(const struct hijack_call *call, long result)
{
	struct hijack_call returned = *call;

	if (result <= 0 || !__atomic_load_n(&hijack_epoll_any, __ATOMIC_ACQUIRE))
		return result;
	returned.shadow = result;
	return hijack_beyond(hijack_beyond_epoll_passed, &returned);
}

long
hijack_epoll_left_to_host(const struct hijack_call *call, hijack_call_fn *pass)
{
	bool counted = hijack_epoll_pass_begin(call->arg[0]), concerned = hijack_epoll_concerned();
	long result = concerned ? 0 : pass(call);

	hijack_epoll_pass_end(call->arg[0], counted);
	return concerned ? hijack_beyond(hijack_beyond_epoll, call) : look_again(call, result);
}

long
hijack_epoll_wait(const struct hijack_call *call)
{
	return hijack_epoll_left_to_host(call, hijack_pass);
}

long
hijack_epoll_ctl(const struct hijack_call *call)
{
	if (hijack_fd(call->arg[2]) >= 0)
		return hijack_beyond(hijack_beyond_epoll_ctl, call);
	return hijack_fd_is_epoll(call->arg[2]) ? hijack_beyond(hijack_beyond_epoll_nest, call)
						: hijack_pass(call);
}

long
hijack_on_epoll(const struct hijack_call *call)
{
	if (call->number == SYS_dup ||
	    (call->number == SYS_fcntl && (call->arg[1] == F_DUPFD || call->arg[1] == F_DUPFD_CLOEXEC)))
		return hijack_beyond(hijack_beyond_epoll_dup, call);
	return hijack_pass(call);
}
