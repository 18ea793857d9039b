/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The system call server: its beginning and its end. rump_sp(7) is what it speaks.
 *
 *	sp_listen, sp_halfopen, sp_loop   one thread: accepting, handshakes, timeouts, output that had to wait
 *	sp_pool                           the workers, who read from clients, run their calls and answer
 *	sp_input                          what clients send, to sp_call, sp_exec or sp_request
 *	sp_call, sp_kernel, sp_lwps       a call, and the way into the kernel and back
 *	sp_copy, sp_attached, sp_bulk,
 *	sp_local, sp_request              the kernel's access to a client's memory
 *	sp_client, sp_table, sp_output    a client, all of them, and what is sent to one
 *	sp_ticket                         processes that wait for their FORK
 *	sp_config, sp_peer                what is allowed, and to whom
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <rump/rumpuser.h>

#include "abi/errno.h"
#include "librumpuser/hyp.h"
#include "librumpuser/sp_call.h"
#include "librumpuser/sp_client.h"
#include "librumpuser/sp_config.h"
#include "librumpuser/sp_listen.h"
#include "librumpuser/sp_loop.h"
#include "librumpuser/sp_output.h"
#include "librumpuser/sp_pool.h"
#include "sp/banner.h"
#include "sp/url.h"

/* For as many clients as are admitted by default, with a pidfd each, and the kernel's own files. */
#define DESCRIPTORS_WANTED 65536

#define FAREWELL_MS 1000

static _Atomic bool serving;

/* As many descriptors as there may be. */
static void
raise_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return;
	if (limit.rlim_max < DESCRIPTORS_WANTED) {
		struct rlimit higher = {DESCRIPTORS_WANTED, DESCRIPTORS_WANTED};

		if (setrlimit(RLIMIT_NOFILE, &higher) == 0)
			return;
	}
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}

/* Applies options, and says where one that is wrong was given. */
static int
apply_options(const char *options, const char *where, char *error)
{
	char why[SP_URL_ERROR_MAX];
	int rv = sp_config_apply(&sp_config, options, why);

	if (rv != 0)
		snprintf(error, SP_URL_ERROR_MAX, "\"%.200s\": %.300s", where, why);
	return rv;
}

/* What the environment and the URL say, the URL last. */
static int
configure(struct sp_url *url, const char *text, char *error)
{
	const char *options = getenv("RUMP_SP_OPTIONS");
	const char *remote = getenv("RUMP_SP_REMOTE");
	int rv = sp_url_parse(url, text, error);

	sp_config_defaults(&sp_config);
	if (rv == 0 && options != NULL)
		rv = apply_options(options, "RUMP_SP_OPTIONS", error);
	if (rv == 0 && remote != NULL && strcmp(remote, "1") == 0)
		sp_config.remote = true;
	if (rv == 0)
		rv = apply_options(url->options, text, error);
	if (rv == 0 && !sp_url_is_local(url) && !sp_config.remote) {
		snprintf(error, SP_URL_ERROR_MAX,
		    "\"%.200s\": whoever can reach that address would be root in the kernel; "
		    "append ?remote=yes, or set RUMP_SP_REMOTE=1, if that is meant",
		    text);
		rv = -EACCES;
	}
	if (rv == 0 && (rv = sp_url_make_absolute(url)) != 0)
		snprintf(error, SP_URL_ERROR_MAX, "\"%.200s\": its absolute path: %s", text, strerror(-rv));
	return rv;
}

static int
make_banner(char *banner, const char *ostype, const char *osrelease, const char *machine, char *error)
{
	int len = sp_banner_format(banner, ostype, osrelease, machine, client_capabilities_offered());

	/* With very long names a client can do without knowing what else we can. */
	if (len == -EMSGSIZE)
		len = sp_banner_format(banner, ostype, osrelease, machine, 0);
	if (len > 0)
		return 0;
	snprintf(error, SP_URL_ERROR_MAX, "a banner cannot be made of \"%.50s\", \"%.50s\" and \"%.50s\"",
	    ostype, osrelease, machine);
	return len;
}

static int
serve(const char *text, const char *ostype, const char *osrelease, const char *machine, char *error)
{
	char banner[SP_BANNER_MAX + 1];
	struct sp_url url;
	int listener, rv;

	rv = configure(&url, text, error);
	if (rv == 0)
		rv = make_banner(banner, ostype, osrelease, machine, error);
	if (rv != 0)
		return rv;
	raise_limit();
	listener = listen_open(&url, sp_config_mode(&sp_config), error);
	if (listener < 0)
		return listener;
	rv = pool_start();
	if (rv == 0) {
		rv = loop_start(url.kind, listener, banner);
		if (rv == 0) {
			pool_open();
			return 0;
		}
		pool_abandon();
	}
	snprintf(error, SP_URL_ERROR_MAX, "\"%.200s\": cannot start the server's threads: %s", text,
	    strerror(-rv));
	listen_unlink();
	close(listener);
	return rv;
}

int
rumpuser_sp_init(const char *url, const char *ostype, const char *osrelease, const char *machine)
{
	char error[SP_URL_ERROR_MAX];
	int rv;

	if (atomic_exchange(&serving, true))
		return abi_errno_to_netbsd(EALREADY);
	rv = serve(url, ostype, osrelease, machine, error);
	if (rv == 0)
		return 0;
	atomic_store(&serving, false);
	/* The caller learns a number only, which does not say what to do about it. */
	fprintf(stderr, "rump_sp: %s\n", error);
	return abi_errno_to_netbsd(-rv);
}

int
rumpuser_sp_raise(void *arg, int signo)
{
	int locks = hyp_release_cpu(NULL);

	/* A client that is gone needs no signal. */
	(void)output_frame(arg, SP_REQUEST, SP_RAISE, (uint32_t)signo, 0, NULL, 0);
	hyp_retake_cpu(locks, NULL);
	return 0;
}

static void
hang_up(struct sp_client *c, void *arg)
{
	(void)arg;
	shutdown(c->transport.fd, SHUT_RDWR);
}

void
rumpuser_sp_fini(void *arg)
{
	struct sp_client *c = arg;
	struct client_call *call = call_current;

	if (!atomic_exchange(&serving, false))
		return;
	listen_unlink();
	loop_stop_listening();
	if (c != NULL && call != NULL && call->client == c) {
		call_answer(call, 0, (long[2]){0, 0});
		output_linger(c, FAREWELL_MS);
	}
	client_each(hang_up, NULL);
}
