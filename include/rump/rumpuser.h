/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The hypercalls: what a rump kernel asks of its host. RUMPUSER_VERSION 17, as NetBSD's
 * rump kernels expect it.
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

/* The upcalls: what the hypervisor asks of the kernel. */
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
	 * system call, end with RUMP_EINTR. The caller makes sure that the lwp is not released
	 * meanwhile. Called between hyp_schedule and hyp_unschedule. NetBSD's kernels leave it NULL.
	 */
	void *hyp__extra[8];
};

int rumpuser_init(int version, const struct rumpuser_hyperup *hyp);

/* Memory. */
int rumpuser_malloc(size_t len, int alignment, void **memp);
void rumpuser_free(void *mem, size_t len);
int rumpuser_anonmmap(void *prefaddr, size_t size, int alignbit, int exec, void **memp);
void rumpuser_unmap(void *addr, size_t len);

/* Files and block I/O. */
#define RUMPUSER_OPEN_RDONLY 0x0000
#define RUMPUSER_OPEN_WRONLY 0x0001
#define RUMPUSER_OPEN_RDWR 0x0002
#define RUMPUSER_OPEN_ACCMODE 0x0003
#define RUMPUSER_OPEN_CREATE 0x0004
#define RUMPUSER_OPEN_EXCL 0x0008
#define RUMPUSER_OPEN_BIO 0x0010
int rumpuser_open(const char *name, int mode, int *fdp);
int rumpuser_close(int fd);

#define RUMPUSER_FT_OTHER 0
#define RUMPUSER_FT_DIR 1
#define RUMPUSER_FT_REG 2
#define RUMPUSER_FT_BLK 3
#define RUMPUSER_FT_CHR 4
int rumpuser_getfileinfo(const char *name, uint64_t *size, int *type);

#define RUMPUSER_BIO_READ 0x01
#define RUMPUSER_BIO_WRITE 0x02
#define RUMPUSER_BIO_SYNC 0x04
typedef void (*rump_biodone_fn)(void *arg, size_t transferred, int error);
void rumpuser_bio(int fd, int op, void *data, size_t dlen, int64_t off, rump_biodone_fn done, void *arg);

struct rumpuser_iovec {
	void *iov_base;
	size_t iov_len;
};
#define RUMPUSER_IOV_NOSEEK (-1)
int rumpuser_iovread(int fd, struct rumpuser_iovec *iov, size_t n, int64_t off, size_t *retv);
int rumpuser_iovwrite(int fd, const struct rumpuser_iovec *iov, size_t n, int64_t off, size_t *retv);

#define RUMPUSER_SYNCFD_READ 0x01
#define RUMPUSER_SYNCFD_WRITE 0x02
#define RUMPUSER_SYNCFD_BARRIER 0x04
#define RUMPUSER_SYNCFD_SYNC 0x08
int rumpuser_syncfd(int fd, int flags, uint64_t start, uint64_t len);

/* Clocks. */
#define RUMPUSER_CLOCK_RELWALL 0
#define RUMPUSER_CLOCK_ABSMONO 1
int rumpuser_clock_gettime(int clk, int64_t *sec, long *nsec);
int rumpuser_clock_sleep(int clk, int64_t sec, long nsec);

/* The host. */
#define RUMPUSER_PARAM_NCPU "_RUMPUSER_NCPU"
#define RUMPUSER_PARAM_HOSTNAME "_RUMPUSER_HOSTNAME"
int rumpuser_getparam(const char *name, void *buf, size_t len);
void rumpuser_seterrno(int error);
int rumpuser_kill(int64_t pid, int sig);
#define RUMPUSER_PANIC (-1)
void rumpuser_exit(int rv) __attribute__((noreturn));
void rumpuser_putchar(int c);
void rumpuser_dprintf(const char *format, ...) __attribute__((format(printf, 1, 2)));

#define RUMPUSER_RANDOM_HARD 0x01
#define RUMPUSER_RANDOM_NOWAIT 0x02
int rumpuser_getrandom(void *buf, size_t len, int flags, size_t *retp);

/* Threads and the current lwp. */
int rumpuser_thread_create(void *(*f)(void *), void *arg, const char *name, int mustjoin, int pri, int cpuidx,
    void **cookie);
void rumpuser_thread_exit(void) __attribute__((noreturn));
int rumpuser_thread_join(void *cookie);

enum rumplwpop {
	RUMPUSER_LWP_CREATE,
	RUMPUSER_LWP_DESTROY,
	RUMPUSER_LWP_SET,
	RUMPUSER_LWP_CLEAR,
};
void rumpuser_curlwpop(int op, struct lwp *l);
struct lwp *rumpuser_curlwp(void);

/* Mutexes. */
#define RUMPUSER_MTX_SPIN 0x01
#define RUMPUSER_MTX_KMUTEX 0x02
void rumpuser_mutex_init(struct rumpuser_mtx **mtxp, int flags);
void rumpuser_mutex_enter(struct rumpuser_mtx *mtx);
void rumpuser_mutex_enter_nowrap(struct rumpuser_mtx *mtx);
int rumpuser_mutex_tryenter(struct rumpuser_mtx *mtx);
void rumpuser_mutex_exit(struct rumpuser_mtx *mtx);
void rumpuser_mutex_destroy(struct rumpuser_mtx *mtx);
void rumpuser_mutex_owner(struct rumpuser_mtx *mtx, struct lwp **lp);

/* Reader/writer locks. */
enum rumprwlock {
	RUMPUSER_RW_READER,
	RUMPUSER_RW_WRITER,
};
void rumpuser_rw_init(struct rumpuser_rw **rwp);
void rumpuser_rw_enter(int kind, struct rumpuser_rw *rw);
int rumpuser_rw_tryenter(int kind, struct rumpuser_rw *rw);
int rumpuser_rw_tryupgrade(struct rumpuser_rw *rw);
void rumpuser_rw_downgrade(struct rumpuser_rw *rw);
void rumpuser_rw_exit(struct rumpuser_rw *rw);
void rumpuser_rw_destroy(struct rumpuser_rw *rw);
void rumpuser_rw_held(int kind, struct rumpuser_rw *rw, int *held);

/* Condition variables. */
void rumpuser_cv_init(struct rumpuser_cv **cvp);
void rumpuser_cv_destroy(struct rumpuser_cv *cv);
void rumpuser_cv_wait(struct rumpuser_cv *cv, struct rumpuser_mtx *mtx);
void rumpuser_cv_wait_nowrap(struct rumpuser_cv *cv, struct rumpuser_mtx *mtx);
int rumpuser_cv_timedwait(struct rumpuser_cv *cv, struct rumpuser_mtx *mtx, int64_t sec, int64_t nsec);
void rumpuser_cv_signal(struct rumpuser_cv *cv);
void rumpuser_cv_broadcast(struct rumpuser_cv *cv);
void rumpuser_cv_has_waiters(struct rumpuser_cv *cv, int *waiters);

/* The dynamic linker. */
typedef void (*rump_modinit_fn)(const struct modinfo *const *modules, size_t count);
typedef int (*rump_symload_fn)(void *symtab, uint64_t symbytes, char *strtab, uint64_t strbytes);
typedef void (*rump_compload_fn)(const struct rump_component *component);
void rumpuser_dl_bootstrap(rump_modinit_fn modinit, rump_symload_fn symload, rump_compload_fn compload);

/* Going to the background. */
int rumpuser_daemonize_begin(void);
int rumpuser_daemonize_done(int error);

/* The system call server. */
int rumpuser_sp_init(const char *url, const char *ostype, const char *osrelease, const char *machine);
int rumpuser_sp_copyin(void *arg, const void *uaddr, void *kaddr, size_t len);
int rumpuser_sp_copyinstr(void *arg, const void *uaddr, void *kaddr, size_t *len);
int rumpuser_sp_copyout(void *arg, const void *kaddr, void *uaddr, size_t len);
int rumpuser_sp_copyoutstr(void *arg, const void *kaddr, void *uaddr, size_t *len);
int rumpuser_sp_anonmmap(void *arg, size_t len, void **addr);
int rumpuser_sp_raise(void *arg, int signo);
void rumpuser_sp_fini(void *arg);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
