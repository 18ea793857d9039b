/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Programs that use a rump kernel in another process. rumpclient(3) is the manual.
 *
 * The functions of the first half are NetBSD's, in name, arguments and constants. They work on the
 * calling thread's context, which is the process's default one unless rumpclient_ctx_use() chose
 * another. They return -1 with errno set on failure, unless told otherwise.
 * errno, and every error code of this interface, is the host's, also where a rump kernel reports it.
 *
 * System calls are made with the functions of <rump/rump_syscalls.h>. Any number of threads may
 * make them at the same time. A signal handler may make them too, whatever it interrupted, as long as
 * it returns: leaving one by longjmp in the middle of a call costs the thread's earlier call its
 * place. While a handler that makes no calls runs in the thread that receives for
 * all, the others' answers wait for it.
 */
#ifndef RUMP_RUMPCLIENT_H
#define RUMP_RUMPCLIENT_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

struct rumpclient;
struct rumpclient_fork;

/*
 * Connects the process to the server that the environment's RUMP_SERVER names, as a new process of
 * the rump kernel; after rumpclient_exec(), as the process that called that. Does nothing
 * when that was done already; in a child of fork(2) it has to be done again.
 * Returns 0, or -1: ENOENT when RUMP_SERVER is not set, EINVAL when it is no URL, EPROTO and
 * EPROTONOSUPPORT when what answers is no server of our kind, and what connect(2) says. One line on
 * standard error then says what is wrong and what to set.
 */
int rumpclient_init(void);

/*
 * Makes the system call of this number, with the len bytes of 8-byte argument slots at args.
 * retval takes two values. Returns 0 or a positive errno; ENOTCONN when there is no connection.
 */
int rumpclient_syscall(int number, const void *args, size_t len, register_t *retval);

/*
 * Forking by hand. rumpclient_prefork() has the kernel copy the process and returns what its child
 * presents, NULL on failure; then the program forks. The child calls rumpclient_fork_init() first of
 * all, which returns 0, or -1: ESRCH when the kernel no longer knows the copy. A parent whose fork
 * failed calls rumpclient_fork_cancel(). A parent whose child shares its memory (vfork) calls
 * rumpclient_fork_vparent() when it runs again, and may do so after any fork. Each of the three
 * frees the structure.
 */
struct rumpclient_fork *rumpclient_prefork(void);
int rumpclient_fork_init(struct rumpclient_fork *fork);
void rumpclient_fork_cancel(struct rumpclient_fork *fork);
void rumpclient_fork_vparent(struct rumpclient_fork *fork);

/* All of that around fork(2). Returns what fork(2) does; -1 in the child when its connection failed. */
pid_t rumpclient_fork(void);

/* The same around vfork(2). */
#define rumpclient_vfork() rumpclient__dofork(vfork)

/*
 * execve(2) that keeps the process in the rump kernel: the new program continues as it when it
 * calls rumpclient_init(). envp may be NULL for an empty environment. Returns -1 when it failed.
 */
int rumpclient_exec(const char *path, char *const argv[], char *const envp[]);

/*
 * daemon(3): detaches from the terminal; nochdir and noclose as there. Returns 0 or -1.
 */
int rumpclient_daemon(int nochdir, int noclose);

/*
 * For how many seconds a call tries to reconnect when the connection is lost. 0, the default: not
 * at all, calls fail with ENOTCONN from then on. INFTIME: for ever. ONCE: one attempt. DIE: the
 * program ends with status 1. A call that was under way is made again on the new connection. The server
 * sees a new process, without the old one's descriptors. Other negative numbers change nothing.
 */
#define RUMPCLIENT_RETRYCONN_INFTIME ((time_t)-1)
#define RUMPCLIENT_RETRYCONN_ONCE ((time_t)-2)
#define RUMPCLIENT_RETRYCONN_DIE ((time_t)-3)
void rumpclient_setconnretry(time_t seconds);

/*
 * The program is about to close the descriptor *fd, to use its number for something else (DUP2), or to close
 * all from *fd on (FCLOSEM). When that is the connection's, it moves to another
 * number. FCLOSEM closes all descriptors from *fd up to the connection's but that
 * one, and sets *fd to the next. Returns 0 or -1.
 */
enum rumpclient_closevariant { RUMPCLIENT_CLOSE_CLOSE, RUMPCLIENT_CLOSE_DUP2, RUMPCLIENT_CLOSE_FCLOSEM };
int rumpclient__closenotify(int *fd, enum rumpclient_closevariant variant);

/*
 * What rumpclient_vfork() consists of: the child must not return from the function that called
 * vfork, so this is inlined into its caller.
 */
static inline __attribute__((__always_inline__, __returns_twice__)) pid_t
rumpclient__dofork(pid_t (*forkfn)(void))
{
	struct rumpclient_fork *rumpclient_fork_ = rumpclient_prefork();
	pid_t rumpclient_pid_;

	if (rumpclient_fork_ == NULL)
		return -1;
	rumpclient_pid_ = forkfn();
	if (rumpclient_pid_ == 0)
		return rumpclient_fork_init(rumpclient_fork_) == 0 ? 0 : -1;
	if (rumpclient_pid_ == -1)
		rumpclient_fork_cancel(rumpclient_fork_);
	else
		rumpclient_fork_vparent(rumpclient_fork_);
	return rumpclient_pid_;
}

/*
 * Calls that do not wait, for programs with an event loop of their own. The program provides the
 * structure, which has to stay where it is from submission to completion; so has
 * all memory that the call's arguments name.
 */
struct rumpclient_call {
	int error;         /* of the completed call: 0 or a positive errno */
	int64_t retval[2]; /* of the completed call */
	void *data;        /* the program's own */
	uint64_t reserved[6];
};

/*
 * Starts a call. Returns 0 or -1: ENOTCONN when there is no connection, which is not retried.
 * The number and args as with rumpclient_syscall(); args is free again on return.
 */
int rumpclient_submit(struct rumpclient_call *call, int number, const void *args, size_t len);

/*
 * Receives what has arrived, without waiting, and returns a call that has completed, in the order in
 * which they did. NULL with errno EAGAIN when none has; with ENOENT when none is under way. A
 * connection that is lost completes all calls with ENOTCONN.
 */
struct rumpclient_call *rumpclient_complete(void);

/*
 * Asks the server to end a submitted call, which then completes with EINTR, unless it was done anyway.
 * Returns 0 or -1: EOPNOTSUPP when the server cannot do that, ENOENT when the call is not under way.
 */
int rumpclient_cancel(struct rumpclient_call *call);

/*
 * A descriptor to wait on: it is readable when rumpclient_complete() has something to do, also when
 * another thread of the process received it. It belongs to the library. -1 on failure.
 */
int rumpclient_fd(void);

/*
 * Contexts: a connection each, for programs that use several servers, or are several processes to
 * one. The functions do what those without ctx do; int results are 0 or -errno.
 */

/* Connects to url as a new process. NULL with errno on failure. Nothing is printed. */
struct rumpclient *rumpclient_ctx_new(const char *url);

/* Closes the connection, which ends the process in the rump kernel. No call may be under way. */
void rumpclient_ctx_free(struct rumpclient *ctx);

/* The calling thread's context, NULL when it has none yet. */
struct rumpclient *rumpclient_ctx_current(void);

/*
 * Makes ctx the calling thread's context, which rump_sys_* and the functions above then use. NULL:
 * the default one again. Returns what was set before, NULL for the default.
 */
struct rumpclient *rumpclient_ctx_use(struct rumpclient *ctx);

int rumpclient_ctx_syscall(
    struct rumpclient *ctx, int number, const void *args, size_t len, int64_t retval[2]);
int rumpclient_ctx_submit(
    struct rumpclient *ctx, struct rumpclient_call *call, int number, const void *args, size_t len);
struct rumpclient_call *rumpclient_ctx_complete(struct rumpclient *ctx);
int rumpclient_ctx_cancel(struct rumpclient *ctx, struct rumpclient_call *call);
int rumpclient_ctx_fd(struct rumpclient *ctx);
struct rumpclient_fork *rumpclient_ctx_prefork(struct rumpclient *ctx);

/*
 * Connects the forked child. Returns its context, or NULL with errno set. fork is not freed. The
 * parent's context is left as it is, but for the descriptor of its connection,
 * which is closed when the caller is a process of its own.
 */
struct rumpclient *rumpclient_ctx_fork_init(struct rumpclient_fork *fork);

int rumpclient_ctx_exec(struct rumpclient *ctx, const char *path, char *const argv[], char *const envp[]);
void rumpclient_ctx_setconnretry(struct rumpclient *ctx, time_t seconds);
int rumpclient_ctx_closenotify(struct rumpclient *ctx, int *fd, enum rumpclient_closevariant variant);

/* Whether the server can end a call for a signal, and so for rumpclient_cancel(). */
int rumpclient_ctx_can_interrupt(struct rumpclient *ctx);

/*
 * Has the library make its host system calls on the way of a call through fn: number and six arguments in, a
 * result or -errno out. For libraries that intercept system calls. NULL: directly.
 */
void rumpclient_set_hostcall(long (*fn)(long number, long a, long b, long c, long d, long e, long f));

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif
#endif
