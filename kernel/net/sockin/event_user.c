/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"
#include <errno.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <rump/rumpuser_component.h>
#include "kernel/net/sockin/user.h"

#define BATCH 64

unsigned
sockin_user_ready(int fd)
{
	struct pollfd pfd = {.fd = fd, .events = POLLIN | POLLPRI | POLLOUT | POLLRDHUP};
	unsigned what = 0;

	if (poll(&pfd, 1, 0) <= 0)
		return 0;
	what |= (pfd.revents & POLLIN) != 0 ? SOCKIN_IN : 0;
	what |= (pfd.revents & POLLOUT) != 0 ? SOCKIN_OUT : 0;
	what |= (pfd.revents & POLLPRI) != 0 ? SOCKIN_OOB : 0;
	what |= (pfd.revents & POLLRDHUP) != 0 ? SOCKIN_EOF : 0;
	what |= (pfd.revents & POLLHUP) != 0 ? SOCKIN_HANGUP : 0;
	what |= (pfd.revents & POLLERR) != 0 ? SOCKIN_ERROR : 0;
	return what;
}

int64_t
sockin_user_incoming(int fd, bool listening)
{
	struct tcp_info info;
	socklen_t len = sizeof(info);
	int bytes = 0;

	if (!listening)
		return ioctl(fd, SIOCINQ, &bytes) == 0 ? bytes : 0;
	/* Of a listening socket this is the number of those that wait to be accepted. */
	return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) == 0 ? info.tcpi_unacked : 0;
}

int64_t
sockin_user_unsent(int fd)
{
	int bytes = 0;

	return ioctl(fd, SIOCOUTQ, &bytes) == 0 ? bytes : 0;
}

int
sockin_user_queue(int *queuep)
{
	*queuep = epoll_create1(EPOLL_CLOEXEC);
	return *queuep == -1 ? rumpuser_component_errtrans(errno) : 0;
}

int
sockin_user_watch(int queue, int fd, bool add, unsigned what, void *cookie)
{
	struct epoll_event event = {.events = EPOLLET | EPOLLRDHUP | EPOLLPRI, .data = {.ptr = cookie}};

	if ((what & SOCKIN_IN) != 0)
		event.events |= EPOLLIN;
	if ((what & SOCKIN_OUT) != 0)
		event.events |= EPOLLOUT;
	if (epoll_ctl(queue, add ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, fd, &event) == -1)
		return rumpuser_component_errtrans(errno);
	return 0;
}

void
sockin_user_unwatch(int queue, int fd)
{
	epoll_ctl(queue, EPOLL_CTL_DEL, fd, NULL);
}

static unsigned
meaning(uint32_t events)
{
	unsigned what = 0;

	what |= (events & EPOLLIN) != 0 ? SOCKIN_IN : 0;
	what |= (events & EPOLLOUT) != 0 ? SOCKIN_OUT : 0;
	what |= (events & EPOLLPRI) != 0 ? SOCKIN_OOB : 0;
	what |= (events & EPOLLRDHUP) != 0 ? SOCKIN_EOF : 0;
	what |= (events & EPOLLHUP) != 0 ? SOCKIN_HANGUP : 0;
	what |= (events & EPOLLERR) != 0 ? SOCKIN_ERROR : 0;
	return what;
}

size_t
sockin_user_wait(int queue, struct sockin_event *events, size_t room)
{
	void *cookie = rumpuser_component_unschedule();
	struct epoll_event host[BATCH];
	int n;

	do
		n = epoll_wait(queue, host, room < BATCH ? (int)room : BATCH, -1);
	while (n <= 0);
	rumpuser_component_schedule(cookie);
	for (int i = 0; i < n; i++) {
		events[i].cookie = host[i].data.ptr;
		events[i].what = meaning(host[i].events);
	}
	return (size_t)n;
}
