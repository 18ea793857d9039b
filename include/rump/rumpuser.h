/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The hypercalls: what a rump kernel asks of its host. RUMPUSER_VERSION 17, as NetBSD's
 * rump kernels expect it.
 *
 * Errors. A hypercall that returns an int returns 0 or a positive errno in NetBSD's numbering
 * (RUMP_E* of <rump/rumpdefs.h>), whatever the host's numbering is, unless it says otherwise.
 * The host's errno is not kept.
 *
 * Scheduling. A thread mostly makes a hypercall while it holds a CPU of the rump kernel. One that
 * may block gives it up with hyp_backend_unschedule(0, &nlocks, interlock), and takes it back with
 * hyp_backend_schedule(nlocks, interlock), exactly once each. Every hypercall is of one of three kinds:
 *
 *	always		gives the CPU up and takes it back in every case
 *	when waiting	does so only when it would wait
 *	never		does not, however long it takes; it may be called before there is a scheduler
 *
 * The interlock is NULL but in waits for condition variables. No lock of librumpuser's is held during an
 * upcall, so that upcalls can make hypercalls. Upcalls other than those two are made between
 * hyp_schedule() and hyp_unschedule().
 *
 * Signals that the program handles interrupt no hypercall: what they interrupt on the host is resumed.
 */
#ifndef RUMP_RUMPUSER_H
#define RUMP_RUMPUSER_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* librumpuser is compiled with hidden symbols by default. */
#pragma GCC visibility push(default)

#define RUMPUSER_VERSION 17

struct lwp;
struct modinfo;
struct rump_component;
struct rumpuser_mtx;
struct rumpuser_rw;
struct rumpuser_cv;

/*
 * The upcalls: what the hypervisor asks of the kernel. A kernel without a system call server may leave
 * those NULL that only the server makes: lwproc_rfork to getpid, but for lwproc_newlwp and lwproc_curlwp.
 */
struct rumpuser_hyperup {
	void (*hyp_schedule)(void);
	void (*hyp_unschedule)(void);
	void (*hyp_backend_unschedule)(int nlocks, int *countp, void *interlock);
	void (*hyp_backend_schedule)(int nlocks, void *interlock);
	void (*hyp_lwproc_switch)(struct lwp *newlwp);
	void (*hyp_lwproc_release)(void);
	int (*hyp_lwproc_rfork)(void *priv, int flags, const char *comm);
	int (*hyp_lwproc_newlwp)(pid_t pid);
	struct lwp *(*hyp_lwproc_curlwp)(void);
	int (*hyp_syscall)(int number, void *args, long *retval);
	void (*hyp_lwpexit)(void);
	void (*hyp_execnotify)(const char *comm);
	pid_t (*hyp_getpid)(void);
	/*
	 * hyp__extra[0], when not NULL, is hyp_lwpinterrupt: void (*)(struct lwp *). It makes the
	 * interruptible sleep that the lwp is in, or the next one that it enters within its present
	 * system call, or, before hyp_syscall, the one to come, end with RUMP_EINTR. The caller makes
	 * sure that the lwp is not released meanwhile. Called between hyp_schedule and hyp_unschedule.
	 * NetBSD's kernels leave it NULL.
	 */
	void *hyp__extra[8];
};

/*
 * The first hypercall of all: keeps a copy of the table of upcalls. Returns 0, or 1, with nothing kept, when
 * version is not RUMPUSER_VERSION. Never gives up the CPU.
 */
int rumpuser_init(int version, const struct rumpuser_hyperup *hyp);

/* Memory. None of these gives up the CPU; where one fails, *memp stays as it was. */

/*
 * Allocates len bytes, of any content, at a multiple of alignment, which is a power of two, or 0 for what
 * suits any type. RUMP_ENOMEM when the host refuses, RUMP_EINVAL for another alignment. A len of 0 is an
 * allocation too, to be freed. RUMP_MEMLIMIT is the kernel's affair.
 */
int rumpuser_malloc(size_t len, int alignment, void **memp);

/* Frees what rumpuser_malloc() gave for len bytes. NULL is nothing to free. */
void rumpuser_free(void *mem, size_t len);

/*
 * Maps size bytes of zeroes, whole pages, readable, writable and with exec executable, at a multiple of
 * 1 << alignbit (0: of a page); at prefaddr, when not NULL, if that is free and aligned. RUMP_ENOMEM and
 * what else the host refuses with; RUMP_EINVAL for a size of 0 or an alignbit not in 0 to 46.
 */
int rumpuser_anonmmap(void *prefaddr, size_t size, int alignbit, int exec, void **memp);

/* Unmaps what rumpuser_anonmmap() gave for len bytes. */
void rumpuser_unmap(void *addr, size_t len);

/* Files and block I/O. */
#define RUMPUSER_OPEN_RDONLY 0x0000
#define RUMPUSER_OPEN_WRONLY 0x0001
#define RUMPUSER_OPEN_RDWR 0x0002
#define RUMPUSER_OPEN_ACCMODE 0x0003
#define RUMPUSER_OPEN_CREATE 0x0004
#define RUMPUSER_OPEN_EXCL 0x0008
#define RUMPUSER_OPEN_BIO 0x0010

/*
 * Opens the host's file for what mode says, creates it with mode 0644 less the umask with CREATE, and fails
 * with RUMP_EEXIST when it is there with EXCL besides. BIO announces block I/O, which needs no preparation
 * here. The descriptor is closed on exec, and a terminal does not become the process's. Returns the host's
 * error, or RUMP_EINVAL when mode asks for no kind of access. Always gives up the CPU.
 */
int rumpuser_open(const char *name, int mode, int *fdp);

/*
 * Waits for block I/O under way on fd, brings what was written to stable storage, and closes fd whatever
 * comes of that. Returns the first error. Always gives up the CPU.
 */
int rumpuser_close(int fd);

#define RUMPUSER_FT_OTHER 0
#define RUMPUSER_FT_DIR 1
#define RUMPUSER_FT_REG 2
#define RUMPUSER_FT_BLK 3
#define RUMPUSER_FT_CHR 4

/*
 * Tells size and type of the host's file, links followed; either pointer may be NULL. The size of a block
 * device is its capacity, for which the device is opened for a moment; that of other devices is 0. Returns
 * the host's error. Never gives up the CPU.
 */
int rumpuser_getfileinfo(const char *name, uint64_t *size, int *type);

#define RUMPUSER_BIO_READ 0x01
#define RUMPUSER_BIO_WRITE 0x02
#define RUMPUSER_BIO_SYNC 0x04
typedef void (*rump_biodone_fn)(void *arg, size_t transferred, int error);

/*
 * Transfers dlen bytes between data and the file at off, as op says READ or WRITE, and returns at once;
 * requests are served in any order, many at a time. With SYNC a write is on stable storage when it is done;
 * SYNC alone brings what has been written so far there. Always gives up the CPU.
 *
 * When the request is done, done(arg, transferred, error) is called by another thread, between hyp_schedule()
 * and hyp_unschedule(), where it may share that with others'. It may make hypercalls, this one too. The file
 * is a disk to the kernel:
 * - a request that the host serves piece by piece is done when all of it is;
 * - transferred counts what was transferred before an error; a write whose sync failed transferred nothing;
 * - a read that meets the end of the file, which must have shrunk, is RUMP_EIO, and the buffer is filled up
 * with zeroes: nothing that the kernel took for data is left in it;
 * - a write to what was opened for reading is RUMP_EROFS;
 * - what is no READ, WRITE or SYNC is RUMP_EINVAL, other errors are the host's.
 * Only when the host has no memory or, for half a second, not a single thread for block I/O, the caller
 * itself calls done, while it holds its CPU, with RUMP_ENOMEM or RUMP_EAGAIN.
 *
 * Reads use io_uring where the host allows it and threads elsewhere; RUMPUSER_BIO=threads in the environment
 * asks for threads in any case.
 */
void rumpuser_bio(int fd, int op, void *data, size_t dlen, int64_t off, rump_biodone_fn done, void *arg);

struct rumpuser_iovec {
	void *iov_base;
	size_t iov_len;
};
#define RUMPUSER_IOV_NOSEEK (-1)

/*
 * Read and write n pieces at off, without moving the file's position: less than all is transferred only at
 * the end of the file, or when an error comes after some of it, and *retv says how much. With an off of
 * NOSEEK they go on from the file's position, as streams need, and whatever one transfer by the host moves is
 * the answer. Return the host's error. Always give up the CPU.
 */
int rumpuser_iovread(int fd, struct rumpuser_iovec *iov, size_t n, int64_t off, size_t *retv);
int rumpuser_iovwrite(int fd, const struct rumpuser_iovec *iov, size_t n, int64_t off, size_t *retv);

#define RUMPUSER_SYNCFD_READ 0x01
#define RUMPUSER_SYNCFD_WRITE 0x02
#define RUMPUSER_SYNCFD_BARRIER 0x04
#define RUMPUSER_SYNCFD_SYNC 0x08

/*
 * With WRITE begins to bring len bytes from start (a len of 0: all to the end) to stable storage; with SYNC
 * too, they are there on return. READ makes reads see what others wrote, which they do on Linux anyway. One
 * of the two is needed, or the answer is RUMP_EINVAL, as for a range that ends beyond 2^63. With BARRIER,
 * block I/O on fd that was submitted before is done with the host on return, and a WRITE waits as with SYNC.
 * What has no storage needs no sync. Returns the host's error. Always gives up the CPU.
 */
int rumpuser_syncfd(int fd, int flags, uint64_t start, uint64_t len);

/*
 * Clocks. RELWALL is wall time since 1970, and for sleeping a duration; ABSMONO is a clock that never jumps,
 * whose start means nothing. Both have the host's resolution of a nanosecond.
 */
#define RUMPUSER_CLOCK_RELWALL 0
#define RUMPUSER_CLOCK_ABSMONO 1

/* Reads a clock. RUMP_EINVAL for another clock. Never gives up the CPU. */
int rumpuser_clock_gettime(int clk, int64_t *sec, long *nsec);

/*
 * Sleeps for the time given (RELWALL), measured by the monotonic clock, or until that clock shows it
 * (ABSMONO); not at all when that is past. Signals do not end or prolong the sleep. RUMP_EINVAL, without a
 * sleep, when nsec is not in 0 to 999,999,999 or for another clock. Always gives up the CPU.
 */
int rumpuser_clock_sleep(int clk, int64_t sec, long nsec);

/* The host. */
#define RUMPUSER_PARAM_NCPU "_RUMPUSER_NCPU"
#define RUMPUSER_PARAM_HOSTNAME "_RUMPUSER_HOSTNAME"

/*
 * Writes a parameter's value as a string. NCPU is RUMP_NCPU of the environment: a number from 1, or "host"
 * for as many CPUs as this process may use, or 2 when it is not set. HOSTNAME is "rump-", the process and the
 * host's name. Other names that begin with _ are RUMP_EINVAL, as is another RUMP_NCPU. Any other name is an
 * environment variable's; RUMP_ENOENT when that is not set. RUMP_ERANGE, with buf as it was, when the value
 * and its NUL do not fit. Never gives up the CPU.
 */
int rumpuser_getparam(const char *name, void *buf, size_t len);

/* Sets the calling thread's errno on the host to what stands for NetBSD's. Never gives up the CPU. */
void rumpuser_seterrno(int error);

/*
 * Sends the signal, a number of NetBSD's, to this process. pid is a process of the kernel's and means
 * nothing here. 0 sends nothing. RUMP_EINVAL for what is no signal. Never gives up the CPU.
 */
int rumpuser_kill(int64_t pid, int sig);

#define RUMPUSER_PANIC (-1)

/*
 * Ends the process: with the status rv, or for RUMPUSER_PANIC by abort(3), with a core as large as the hard
 * limit allows. What the kernel has printed is written out before; a panic is explained on stderr by the
 * kernel's last words, and in the system's log when stderr is gone. Never gives up the CPU.
 */
void rumpuser_exit(int rv) __attribute__((noreturn));

/* Writes a character to the console, which is stdout; whole lines at the latest. Never gives up the CPU. */
void rumpuser_putchar(int c);

/* Prints to stderr at once. Never gives up the CPU. */
void rumpuser_dprintf(const char *format, ...) __attribute__((format(printf, 1, 2)));

#define RUMPUSER_RANDOM_HARD 0x01
#define RUMPUSER_RANDOM_NOWAIT 0x02

/*
 * Fills buf with random bytes, as good as cryptography wants, whether HARD is set or not; *retp is how
 * many there are. RUMP_EAGAIN when NOWAIT is set and the host, just booted, has none yet. Never gives up the
 * CPU.
 */
int rumpuser_getrandom(void *buf, size_t len, int flags, size_t *retp);

/* Threads and the current lwp. */

/*
 * Starts a host thread that runs f(arg). It is called name where the host shows such things (NULL: no name;
 * cut off at 15 characters). Signals from outside are blocked in it, so a program's handlers run in the
 * program's own threads. pri and cpuidx are hints that Linux has no use for.
 *
 * With mustjoin, *cookie is what rumpuser_thread_join() wants, which then has to be called; otherwise the
 * thread goes away by itself and cookie is not used. When the host is short of threads the call tries again
 * for a second before it gives RUMP_EAGAIN; RUMP_ENOMEM when there is no memory. Never gives up the CPU.
 */
int rumpuser_thread_create(
    void *(*f)(void *), void *arg, const char *name, int mustjoin, int pri, int cpuidx, void **cookie);

/* Ends the calling thread, as returning from f would. The CPU must have been given up. No upcall is made. */
void rumpuser_thread_exit(void) __attribute__((noreturn));

/* Waits for the end of a thread that is to be joined, and frees the cookie. Always gives up the CPU. */
int rumpuser_thread_join(void *cookie);

enum rumplwpop {
	RUMPUSER_LWP_CREATE,
	RUMPUSER_LWP_DESTROY,
	RUMPUSER_LWP_SET,
	RUMPUSER_LWP_CLEAR,
};

/*
 * CREATE and DESTROY say that an lwp comes into being or is gone, which needs nothing here. SET makes l the
 * calling host thread's current lwp; there must be none, unless l is NULL. CLEAR leaves none; l must be the
 * current one. What must not be aborts the process. Never gives up the CPU; called without one too.
 */
void rumpuser_curlwpop(int op, struct lwp *l);

/* The calling host thread's current lwp, or NULL. Never gives up the CPU; called without one too. */
struct lwp *rumpuser_curlwp(void);

/*
 * Mutexes. SPIN: entering never gives up the CPU. KMUTEX: the kernel asks for the owner. Entering one's own
 * mutex aborts the process.
 */
#define RUMPUSER_MTX_SPIN 0x01
#define RUMPUSER_MTX_KMUTEX 0x02

/* Makes a mutex, or aborts the process when there is no memory. Never gives up the CPU. */
void rumpuser_mutex_init(struct rumpuser_mtx **mtxp, int flags);

/* Takes the mutex. Gives up the CPU when waiting, unless the mutex is SPIN; then it waits with the CPU. */
void rumpuser_mutex_enter(struct rumpuser_mtx *mtx);

/* Takes the mutex. Never gives up the CPU; for threads that have none. */
void rumpuser_mutex_enter_nowrap(struct rumpuser_mtx *mtx);

/* Takes the mutex if it is free; RUMP_EBUSY if not. Never gives up the CPU. */
int rumpuser_mutex_tryenter(struct rumpuser_mtx *mtx);

/*
 * Releases the mutex, which the calling thread holds. From then on whoever takes it next may destroy it.
 * Never gives up the CPU.
 */
void rumpuser_mutex_exit(struct rumpuser_mtx *mtx);

/* Frees a mutex that nobody holds or waits for. Never gives up the CPU. */
void rumpuser_mutex_destroy(struct rumpuser_mtx *mtx);

/* The lwp that was current when the mutex was taken, or NULL while it is free. Never gives up the CPU. */
void rumpuser_mutex_owner(struct rumpuser_mtx *mtx, struct lwp **lp);

/*
 * Reader/writer locks, held by any number of readers or by one writer. Readers that come while a writer waits
 * wait behind it, so a reader must not enter a second time.
 */
enum rumprwlock {
	RUMPUSER_RW_READER,
	RUMPUSER_RW_WRITER,
};

/* Makes a lock, or aborts the process when there is no memory. Never gives up the CPU. */
void rumpuser_rw_init(struct rumpuser_rw **rwp);

/* Takes the lock for reading or writing. Gives up the CPU when waiting. */
void rumpuser_rw_enter(int kind, struct rumpuser_rw *rw);

/* The same if that takes no waiting; RUMP_EBUSY if it would. Never gives up the CPU. */
int rumpuser_rw_tryenter(int kind, struct rumpuser_rw *rw);

/*
 * Turns the only reader, the caller, to the writer without a moment in between when others could come in.
 * RUMP_EBUSY, still reading, when there are other readers. Never gives up the CPU.
 */
int rumpuser_rw_tryupgrade(struct rumpuser_rw *rw);

/* Turns the writer, the caller, to a reader without such a moment. Always gives up the CPU. */
void rumpuser_rw_downgrade(struct rumpuser_rw *rw);

/* Releases the lock, whichever way the caller holds it. Never gives up the CPU. */
void rumpuser_rw_exit(struct rumpuser_rw *rw);

/* Frees a lock that nobody holds or waits for. Never gives up the CPU. */
void rumpuser_rw_destroy(struct rumpuser_rw *rw);

/*
 * Whether (1 or 0) the current lwp holds the lock for writing, or whether anybody at all holds it for
 * reading. Never gives up the CPU.
 */
void rumpuser_rw_held(int kind, struct rumpuser_rw *rw, int *held);

/*
 * Condition variables. A signal wakes the one that has waited longest. Waits end by a signal, a broadcast or
 * their timeout, and by nothing else. Signals may be sent with the mutex held or without; a waiter that is
 * woken by the holder of its mutex goes on when that is released.
 *
 * The mutex that a wait is given is the interlock of both upcalls. It is held by the caller before and after
 * the wait, with one exception: the kernel's scheduler passes a mutex of its own, SPIN and not KMUTEX, that
 * hyp_backend_unschedule() takes and hyp_backend_schedule() releases. The order of events:
 *
 *	CPU given up, waiting begins, mutex released, ..., mutex taken, CPU taken back
 *	... for a mutex that is SPIN and KMUTEX: CPU taken back, mutex taken
 */

/* Makes a condition variable, or aborts the process when there is no memory. Never gives up the CPU. */
void rumpuser_cv_init(struct rumpuser_cv **cvp);

/* Frees one that nobody waits for; who has been signalled does not wait. Never gives up the CPU. */
void rumpuser_cv_destroy(struct rumpuser_cv *cv);

/* Waits. Always gives up the CPU. */
void rumpuser_cv_wait(struct rumpuser_cv *cv, struct rumpuser_mtx *mtx);

/* Waits, for threads that have no CPU. Never gives up the CPU. */
void rumpuser_cv_wait_nowrap(struct rumpuser_cv *cv, struct rumpuser_mtx *mtx);

/*
 * Waits for sec and nsec together at most, by the monotonic clock. A sum that is not positive has passed
 * already. 0 when signalled, RUMP_ETIMEDOUT when not. Always gives up the CPU.
 */
int rumpuser_cv_timedwait(struct rumpuser_cv *cv, struct rumpuser_mtx *mtx, int64_t sec, int64_t nsec);

/* Wakes the one that has waited longest, or all who wait now. Never give up the CPU. */
void rumpuser_cv_signal(struct rumpuser_cv *cv);
void rumpuser_cv_broadcast(struct rumpuser_cv *cv);

/* How many wait and have not been signalled yet. Never gives up the CPU. */
void rumpuser_cv_has_waiters(struct rumpuser_cv *cv, int *waiters);

/* The dynamic linker. */
typedef void (*rump_modinit_fn)(const struct modinfo *const *modules, size_t count);
typedef int (*rump_symload_fn)(void *symtab, uint64_t symbytes, char *strtab, uint64_t strbytes);
typedef void (*rump_compload_fn)(const struct rump_component *component);

/*
 * Tells the kernel what of it is in this process, once, in the order of the loaded objects from the last to
 * the first, the program. symload gets one ELF symbol table and its string table, sizes in bytes, which are
 * the kernel's to keep: the defined symbols that start with rump, RUMP or __, with their addresses, of the
 * program and of objects whose file's name contains "librump". It is not called when there are none. Then for
 * each object modinit gets its link set "modules", when it has one, and compload every member of its link set
 * "rump_components". A static program has nothing to tell. Never gives up the CPU.
 */
void rumpuser_dl_bootstrap(rump_modinit_fn modinit, rump_symload_fn symload, rump_compload_fn compload);

/* Going to the background. Neither gives up the CPU. */

/*
 * Before rumpuser_init(), while the process has one thread: forks, and returns in the child, in a session of
 * its own. The parent waits until the child calls rumpuser_daemonize_done(), and exits with its verdict; when
 * the child ends without one, with the child's own status, 128 and its signal, or 1. RUMP_EINPROGRESS when
 * called again.
 */
int rumpuser_daemonize_begin(void);

/*
 * Gives the parent its exit status: 0, or an errno, on which the caller is to end. With 0 stdin, stdout and
 * stderr become /dev/null. RUMP_ENOENT without a rumpuser_daemonize_begin(), RUMP_EPIPE when the parent is
 * gone.
 */
int rumpuser_daemonize_done(int error);

/*
 * The system call server, which rump_sp(7) describes. A client, the arg of these calls, is what
 * hyp_lwproc_rfork() was given, and is there as long as the processes made with it are.
 *
 * The calls that reach a client give up the CPU always, also where they need not wait for it.
 */

/*
 * Starts serving at url, unix:// or tcp:// or tcp6://, and returns; the strings tell clients what the kernel
 * is, as uname would. RUMP_EALREADY when it is serving; what is wrong with the URL or its address otherwise,
 * said on stderr in full. Never gives up the CPU.
 */
int rumpuser_sp_init(const char *url, const char *ostype, const char *osrelease, const char *machine);

/*
 * Copy len bytes from the client's memory, or to it. RUMP_EFAULT when there is no such memory, or no client
 * any more; some of the bytes may have been copied then.
 */
int rumpuser_sp_copyin(void *arg, const void *uaddr, void *kaddr, size_t len);
int rumpuser_sp_copyout(void *arg, const void *kaddr, void *uaddr, size_t len);

/*
 * Copies a string with its NUL, at most *len bytes, and says in *len how many those were. RUMP_ENAMETOOLONG
 * when there is no NUL in so many, RUMP_EFAULT as above.
 */
int rumpuser_sp_copyinstr(void *arg, const void *uaddr, void *kaddr, size_t *len);

/* Copies *len bytes, which are a string with its NUL. RUMP_EFAULT as above. */
int rumpuser_sp_copyoutstr(void *arg, const void *kaddr, void *uaddr, size_t *len);

/* Maps len bytes of zeroes in the client, at *addr of its memory. RUMP_ENOMEM when that is not to be had. */
int rumpuser_sp_anonmmap(void *arg, size_t len, void **addr);

/* Sends the client a signal, a number of NetBSD's. 0 also when the client is gone. */
int rumpuser_sp_raise(void *arg, int signo);

/*
 * Ends serving: the socket is removed and all clients are disconnected. The client whose system call makes
 * this one, when it is arg, gets its answer before, for which a second is spared at most. With NULL nobody
 * does. Nothing when it is not serving. Never gives up the CPU.
 */
void rumpuser_sp_fini(void *arg);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
