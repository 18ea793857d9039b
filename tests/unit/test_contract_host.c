/* SPDX-License-Identifier: BSD-2-Clause */
/* The scheduling contract of memory, files, block I/O, the loader, and the rest of the host. */
#include "config.h"

#include "tests/unit/unit.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rump/rumpdefs.h>

#include "tests/unit/faults.h"
#include "tests/unit/recording_kernel.h"

/* librumpuser has some until the process ends. */
const int unit_keeps_descriptors = 1;

static char *path;
static int fd, pipes[2];
static char data[512];
static struct rumpuser_iovec iov = {data, sizeof(data)};
static size_t n;

static void
allocate(void)
{
	void *mem;

	assert_int_equal(rumpuser_malloc(100, 0, &mem), 0);
	rumpuser_free(mem, 100);
	assert_int_equal(rumpuser_malloc(5000, 4096, &mem), 0);
	rumpuser_free(mem, 5000);
}

static void
map(void)
{
	void *mem;

	assert_int_equal(rumpuser_anonmmap(NULL, 100, 16, 0, &mem), 0);
	rumpuser_unmap(mem, 100);
}

static void
open_file(void)
{
	int another;

	assert_int_equal(rumpuser_open(path, RUMPUSER_OPEN_RDWR, &another), 0);
	close(another);
}

static void
open_nothing(void)
{
	int another;

	assert_int_equal(rumpuser_open("/nonexistent", RUMPUSER_OPEN_RDWR, &another), RUMP_ENOENT);
}

static void
close_file(void)
{
	assert_int_equal(rumpuser_close(open(path, O_RDWR)), 0);
}

static void
get_file_info(void)
{
	uint64_t size;
	int type;

	assert_int_equal(rumpuser_getfileinfo(path, &size, &type), 0);
}

static void
read_at(void)
{
	assert_int_equal(rumpuser_iovread(fd, &iov, 1, 0, &n), 0);
}

static void
read_stream(void)
{
	assert_int_equal(write(pipes[1], "x", 1), 1);
	assert_int_equal(rumpuser_iovread(pipes[0], &iov, 1, RUMPUSER_IOV_NOSEEK, &n), 0);
}

static void
write_at(void)
{
	assert_int_equal(rumpuser_iovwrite(fd, &iov, 1, 0, &n), 0);
}

static void
write_badly(void)
{
	assert_int_equal(rumpuser_iovwrite(-1, &iov, 1, 0, &n), RUMP_EBADF);
}

static void
sync_file(void)
{
	assert_int_equal(rumpuser_syncfd(fd, RUMPUSER_SYNCFD_WRITE | RUMPUSER_SYNCFD_SYNC, 0, 0), 0);
}

static void
sync_barrier(void)
{
	assert_int_equal(rumpuser_syncfd(fd, RUMPUSER_SYNCFD_READ | RUMPUSER_SYNCFD_BARRIER, 0, 0), 0);
}

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static unsigned reports;

static void
done(void *arg, size_t transferred, int error)
{
	(void)arg;
	assert_int_equal(transferred, sizeof(data));
	assert_int_equal(error, 0);
	pthread_mutex_lock(&lock);
	reports++;
	pthread_cond_signal(&changed);
	pthread_mutex_unlock(&lock);
}

static void
await_report(void)
{
	pthread_mutex_lock(&lock);
	while (reports == 0)
		pthread_cond_wait(&changed, &lock);
	reports--;
	pthread_mutex_unlock(&lock);
}

static void
bio_read(void)
{
	rumpuser_bio(fd, RUMPUSER_BIO_READ, data, sizeof(data), 0, done, NULL);
	await_report();
}

static void
bio_write(void)
{
	rumpuser_bio(fd, RUMPUSER_BIO_WRITE | RUMPUSER_BIO_SYNC, data, sizeof(data), 0, done, NULL);
	await_report();
}

/* What another thread does while this one is in an upcall: all of it would wait for a lock held across that.
 */
static void *
use_everything(void *arg)
{
	sync_barrier();
	close_file();
	bio_read();
	bio_write();
	return arg;
}

static void
probe(enum upcall upcall)
{
	pthread_t thread;

	(void)upcall;
	assert_int_equal(pthread_create(&thread, NULL, use_everything, NULL), 0);
	pthread_join(thread, NULL);
}

static void
get_parameters(void)
{
	char buf[256];

	assert_int_equal(rumpuser_getparam(RUMPUSER_PARAM_NCPU, buf, sizeof(buf)), 0);
	assert_int_equal(rumpuser_getparam(RUMPUSER_PARAM_HOSTNAME, buf, sizeof(buf)), 0);
	assert_int_equal(rumpuser_getparam("PATH_TO_NOWHERE", buf, sizeof(buf)), RUMP_ENOENT);
}

static void
get_random(void)
{
	assert_int_equal(rumpuser_getrandom(data, sizeof(data), RUMPUSER_RANDOM_HARD, &n), 0);
}

static void
print(void)
{
	/* Both are to go unseen: comments, as far as TAP is concerned. */
	for (const char *text = "# console\n"; *text != '\0'; text++)
		rumpuser_putchar(*text);
	rumpuser_dprintf("# debug\n");
}

static void
raise_signal(void)
{
	assert_int_equal(rumpuser_kill(1, RUMP_SIGURG), 0);
}

static void
modinit(const struct modinfo *const *modules, size_t count)
{
	(void)modules;
	(void)count;
}

static int
symload(void *symtab, uint64_t symbytes, char *strtab, uint64_t strbytes)
{
	(void)symbytes;
	(void)strbytes;
	free(symtab);
	free(strtab);
	return 0;
}

static void
compload(const struct rump_component *component)
{
	(void)component;
}

static void
bootstrap(void)
{
	rumpuser_dl_bootstrap(modinit, symload, compload);
}

static void
daemonize_done(void)
{
	assert_int_equal(rumpuser_daemonize_done(0), RUMP_ENOENT);
}

/* For those that do not come back: what a process exits with that has made no upcall since it began. */
static int
count_upcalls(void)
{
	return recording_get(NULL, 0, true) == 0 ? 0 : 1;
}

static int
begin_in_child(void *arg)
{
	(void)arg;
	recording_clear();
	if (rumpuser_daemonize_begin() != 0)
		return 2;
	return rumpuser_daemonize_done(count_upcalls());
}

static void
daemonize_begin(void)
{
	assert_int_equal(faults_in_child(begin_in_child, NULL), 0);
}

static void
exit_counting(void)
{
	_exit(count_upcalls());
}

static void
abort_counting(int sig)
{
	_exit(sig == SIGABRT ? count_upcalls() : 2);
}

static int
exit_in_child(void *arg)
{
	recording_clear();
	if (signal(SIGABRT, abort_counting) == SIG_ERR || atexit(exit_counting) != 0 ||
	    freopen("/dev/null", "w", stderr) == NULL)
		return 2;
	rumpuser_exit(*(int *)arg);
}

static void
exit_process(void)
{
	int success = 0, panic = RUMPUSER_PANIC;

	assert_int_equal(faults_in_child(exit_in_child, &success), 0);
	assert_int_equal(faults_in_child(exit_in_child, &panic), 0);
}

static void
init_again(void)
{
	static const struct rumpuser_hyperup none;

	assert_int_not_equal(rumpuser_init(RUMPUSER_VERSION + 1, &none), 0);
}

static const struct contract rows[] = {
    {.name = "init", .class = CONTRACT_NEVER, .call = init_again},
    {.name = "malloc, free", .class = CONTRACT_NEVER, .call = allocate},
    {.name = "anonmmap, unmap", .class = CONTRACT_NEVER, .call = map},
    {.name = "open", .class = CONTRACT_ALWAYS, .call = open_file, .probe = probe},
    {.name = "open (of nothing)", .class = CONTRACT_ALWAYS, .call = open_nothing},
    {.name = "close", .class = CONTRACT_ALWAYS, .call = close_file, .probe = probe},
    {.name = "getfileinfo", .class = CONTRACT_NEVER, .call = get_file_info},
    {.name = "iovread", .class = CONTRACT_ALWAYS, .call = read_at, .probe = probe},
    {.name = "iovread (of a stream)", .class = CONTRACT_ALWAYS, .call = read_stream},
    {.name = "iovwrite", .class = CONTRACT_ALWAYS, .call = write_at, .probe = probe},
    {.name = "iovwrite (to nothing)", .class = CONTRACT_ALWAYS, .call = write_badly},
    {.name = "syncfd", .class = CONTRACT_ALWAYS, .call = sync_file, .probe = probe},
    {.name = "syncfd (barrier)", .class = CONTRACT_ALWAYS, .call = sync_barrier, .probe = probe},
    {.name = "bio (first)", .class = CONTRACT_ALWAYS, .call = bio_read},
    {.name = "bio (read)", .class = CONTRACT_ALWAYS, .call = bio_read, .probe = probe},
    {.name = "bio (write and sync)", .class = CONTRACT_ALWAYS, .call = bio_write, .probe = probe},
    {.name = "getparam", .class = CONTRACT_NEVER, .call = get_parameters},
    {.name = "getrandom", .class = CONTRACT_NEVER, .call = get_random},
    {.name = "putchar, dprintf", .class = CONTRACT_NEVER, .call = print},
    {.name = "kill", .class = CONTRACT_NEVER, .call = raise_signal},
    {.name = "dl_bootstrap", .class = CONTRACT_NEVER, .call = bootstrap},
    {.name = "exit", .class = CONTRACT_NEVER, .call = exit_process},
    {.name = "daemonize_begin", .class = CONTRACT_NEVER, .call = daemonize_begin},
    {.name = "daemonize_done", .class = CONTRACT_NEVER, .call = daemonize_done},
};

int
main(void)
{
	int failed;

	path = faults_path("file");
	fd = open(path, O_RDWR | O_CREAT, 0600);
	if (fd == -1 || ftruncate(fd, sizeof(data)) == -1 || pipe(pipes) == -1)
		return 1;
	recording_start();
	failed = contract_check("contract_host", rows, sizeof(rows) / sizeof(rows[0]));
	close(fd);
	free(path);
	return failed;
}
