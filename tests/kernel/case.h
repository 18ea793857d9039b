/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The test programs over rump_sys_*: cases that run against any kernel, inside the program or at
 * the other end of a connection, and print what the kernel answers in lines that can be compared.
 *
 * A case is a function. It runs in a host process and a rump kernel process of its own, whose
 * descriptors 0 to 2 are on the console, and with a directory of its own as current directory when
 * there are file systems. What it prints must not depend on time, on process numbers or on how
 * the kernel is reached.
 */
#ifndef TESTS_KERNEL_CASE_H
#define TESTS_KERNEL_CASE_H

#include <rump/rump_syscalls.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct testcase {
	const char *name;
	void (*run)(void);
};

/* Cases that need nothing but librump, and those that need file systems. A table ends with a NULL name. */
extern const struct testcase descriptor_cases[], pipe_cases[], kqueue_cases[], poll_cases[], process_cases[],
    identity_cases[], time_cases[], sysctl_cases[], stress_cases[], file_cases[], directory_cases[],
    rename_cases[], order_cases[], permission_cases[], filetime_cases[], filelock_cases[], special_cases[],
    slash_cases[], mount_cases[], stream_cases[], datagram_cases[], readiness_cases[], local_cases[],
    rights_cases[], sigio_cases[];

/* Prints a line. */
void say(const char *format, ...) __attribute__((__format__(__printf__, 1, 2)));

/* Prints "what: value", or "what: -1 ENAME" for a call that failed; returns the value. */
long ret(const char *what, long value);

/* The same for calls that return their error: "what: ENAME" or "what: 0". */
int ret_error(const char *what, int error);

/* Prints "what: ok", or "what: -1 ENAME": for values that are not the same every time. Returns the value. */
long good(const char *what, long value);

/* The name of the last failed call's error, in NetBSD's terms. */
const char *errno_name(void);

/*
 * Runs f(arg) in a rump kernel process forked from this one, as fork(2) does; returns when that
 * has ended. Its memory is the caller's own or a copy: it tells what it has to tell by say().
 */
void in_child(void (*f)(void *), void *arg);

/* Runs f(arg) in another thread of the case's process. case_join() waits for it. */
struct case_thread;
struct case_thread *case_thread(void (*f)(void *), void *arg);
void case_join(struct case_thread *thread);

/* Lets other threads run, for a condition that comes soon: false after too many calls. */
bool case_yield(int *calls);

#endif
