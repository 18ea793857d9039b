/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * For tests of librumphijack: a library to preload with it, which has some of libc's calls and, as others of
 * its kind, cannot have one called inside another. When that happens, it says so and ends the program.
 */
#include <dlfcn.h>
#include <sched.h>
#include <stdint.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

static _Thread_local int inside;

static void *
enter(const char *name)
{
	static const char text[] = "entered again\n";

	if (inside++ > 0) {
		(void)!write(STDOUT_FILENO, text, sizeof(text) - 1);
		_exit(3);
	}
	return dlsym(RTLD_NEXT, name);
}

#define WRAP(type, name, parameters, ...) \
	type name parameters \
	{ \
		type(*next) parameters = (type(*) parameters)(uintptr_t)enter(#name); \
		type result = next(__VA_ARGS__); \
\
		inside--; \
		return result; \
	}

WRAP(int, close, (int fd), fd)
WRAP(int, connect, (int fd, const struct sockaddr *address, socklen_t size), fd, address, size)
WRAP(int, fstat, (int fd, struct stat *status), fd, status)
WRAP(int, getpeername, (int fd, struct sockaddr *address, socklen_t *size), fd, address, size)
WRAP(int, sched_yield, (void))
WRAP(int, socket, (int domain, int type, int protocol), domain, type, protocol)
WRAP(pid_t, fork, (void))
WRAP(ssize_t, getrandom, (void *data, size_t size, unsigned int flags), data, size, flags)
WRAP(ssize_t, recv, (int fd, void *data, size_t size, int flags), fd, data, size, flags)
WRAP(ssize_t, recvmsg, (int fd, struct msghdr *message, int flags), fd, message, flags)
