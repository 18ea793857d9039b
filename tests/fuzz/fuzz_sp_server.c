/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What one client sends, to the server's own code, in one thread.
 *
 * The input is the client's bytes. The first frame is the handshake, which a valid one precedes when the
 * input's first byte is odd, and the rest is received in pieces. In place of the pool and the loop there are
 * stand-ins: jobs run when the reading role has been given up, and a wait for the client's answer (host_wait)
 * reads on, as another worker would. The kernel is the pretended one, which aborts when the contract is
 * broken.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "librumpuser/sp_call.h"
#include "librumpuser/sp_client.h"
#include "librumpuser/sp_connect.h"
#include "librumpuser/sp_exec.h"
#include "librumpuser/sp_input.h"
#include "librumpuser/sp_kernel.h"
#include "librumpuser/sp_loop.h"
#include "librumpuser/sp_output.h"
#include "librumpuser/sp_pool.h"
#include "librumpuser/sp_watch.h"
#include "librumpuser/sp_ticket.h"
#include "sp/capability.h"
#include "tests/support/pretend_kernel.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

HOST_TLS struct worker *worker_self;

static struct worker worker, other_worker;
static STAILQ_HEAD(, job) jobs = STAILQ_HEAD_INITIALIZER(jobs);
static struct sp_client *client;
static const uint8_t *input;
static size_t input_left;
static int other_end = -1;

unsigned host_spins;
HOST_TLS void (*host_before_sleep)(void);

/* The stand-ins. */

void
pool_submit(struct job *job)
{
	STAILQ_INSERT_TAIL(&jobs, job, entries);
}

bool
pool_busy(void)
{
	return true;
}

bool
pool_wanted(void)
{
	return false;
}

void
pool_mute(int fd, uint64_t id)
{
	(void)fd;
	(void)id;
}

void
pool_unmute(int fd, uint64_t id)
{
	(void)fd;
	(void)id;
}

/* So nobody stays with a client. */
bool
watch_kept(void)
{
	return true;
}

bool
pool_calls(void)
{
	return true;
}

void
pool_free(void)
{
}

int
pool_watch(int fd, uint64_t id)
{
	(void)fd;
	(void)id;
	return 0;
}

void
pool_unwatch(int fd)
{
	(void)fd;
}

void
loop_watch_output(struct sp_client *c)
{
	(void)c;
}

void
loop_forget(struct sp_client *c)
{
	(void)c;
}

/* Nobody uses it: its time is over at once. */
void
loop_greet(struct sp_client *c)
{
	client_drop(c);
	connect_is_over(c);
	client_put(c);
}

void
loop_tick(void)
{
}

void
loop_count_left(void)
{
}

void
rumpuser_sp_fini(void *arg)
{
	(void)arg;
}

int
rumpuser_sp_raise(void *arg, int signo)
{
	return output_frame(arg, SP_REQUEST, SP_RAISE, (uint32_t)signo, 0, NULL, 0) ? 0 : 1;
}

static void
run_jobs(void)
{
	struct job *job;

	while ((job = STAILQ_FIRST(&jobs)) != NULL) {
		STAILQ_REMOVE_HEAD(&jobs, entries);
		job->run(job);
	}
}

/* Gives the server the next piece of the input. False when there is none. */
static bool
feed(void)
{
	size_t len = input_left < 300 ? input_left : 300;
	char sink[65536];

	while (recv(other_end, sink, sizeof(sink), MSG_DONTWAIT) > 0)
		;
	if (len == 0 || send(other_end, input, len, MSG_DONTWAIT | MSG_NOSIGNAL) != (ssize_t)len)
		return false;
	input += len;
	input_left -= len;
	return true;
}

/*
 * The caller waits for the client. What it would say is read, by a worker of its own as it were; with nothing
 * more to come, the client goes away.
 */
int
host_wait(const _Atomic uint32_t *word, uint32_t value, const struct timespec *deadline)
{
	struct lwp *mine = pretend_curlwp;
	struct client_call *call = call_current;

	(void)value;
	(void)deadline;
	if (worker_self == &other_worker || !feed()) {
		client_drop(client);
		return 0;
	}
	worker_self = &other_worker;
	pretend_curlwp = other_worker.lwp;
	call_current = NULL;
	pool_event(client->id, false);
	call_current = call;
	pretend_curlwp = mine;
	worker_self = &worker;
	if (atomic_load(word) == 0 && input_left == 0)
		client_drop(client);
	return 0;
}

int
host_wait_among(const _Atomic uint32_t *word, uint32_t value, uint32_t groups)
{
	(void)word;
	(void)value;
	(void)groups;
	abort(); /* nothing here sleeps that way */
}

int
host_wake(const _Atomic uint32_t *word, int count)
{
	(void)word;
	(void)count;
	return 0;
}

static void
prepare(void)
{
	static bool prepared;

	if (prepared)
		return;
	prepared = true;
	sp_config_defaults(&sp_config);
	sp_config.grace = 0;
	sp_config.calls = 8;
	worker.buffer = malloc(WORKER_BUFFER);
	other_worker.buffer = malloc(WORKER_BUFFER);
	pretend_never_sleep();
	pretend_start(true);
	kernel_attach(&other_worker);
	pretend_curlwp = NULL;
	kernel_attach(&worker);
	worker_self = &worker;
}

/* The handshake, either a valid one or what the input begins with. */
static void
shake_hands(bool valid)
{
	struct sp_frame frame;
	uint8_t hello[SP_HELLO_MAX];
	size_t len;

	if (valid) {
		len = sp_hello_format(hello, "fuzz", UINT32_MAX & ~(uint32_t)SP_CAP_LOCALCOPY);
		frame.header = sp_header(SP_REQUEST, SP_HANDSHAKE, SP_GUEST, 0, len);
		frame.body = sp_cursor(hello, len);
	} else if (sp_assemble(&client->in, &input, &input_left, &frame) != 1) {
		client_drop(client);
		return;
	}
	client->state = CLIENT_STARTING;
	handshake_begin(client, &frame);
	run_jobs();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sp_peer peer = {.kind = SP_UNIX, .known = true, .local = true};
	long procs, lwps, sleepers;
	int pair[2];

	if (size == 0)
		return 0;
	prepare();
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) != 0)
		abort();
	other_end = pair[1];
	client = client_new(pair[0], &peer);
	input = data + 1;
	input_left = size - 1;
	shake_hands((data[0] & 1) != 0);
	while (feed()) {
		pool_event(client->id, false);
		run_jobs();
	}
	client_drop(client);
	run_jobs();
	(void)ticket_expire();
	run_jobs();
	client_put(client);
	close(pair[1]);
	pretend_count(&procs, &lwps, &sleepers);
	if (procs != 0)
		pretend_fail("a process was left behind");
	return 0;
}
