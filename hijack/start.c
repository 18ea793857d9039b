/* SPDX-License-Identifier: BSD-2-Clause */
#include "hijack/start.h"

#include <errno.h>
#include <sys/syscall.h>

#include <rump/rumpclient.h>

#include "hijack/gate.h"
#include "hijack/mem.h"
#include "hijack/report.h"

#define URL_MAX 512

struct hijack_start hijack_start;
static char server[URL_MAX];

const char *
hijack_start_variable(char *const *environment, const char *name)
{
	size_t length = strlen(name);

	for (; environment != NULL && *environment != NULL; environment++) {
		if (strncmp(*environment, name, length) == 0 && (*environment)[length] == '=')
			return *environment + length + 1;
	}
	return NULL;
}

/* A program that was to be hijacked must not run on the host by mistake. */
static void
refuse(const char *name, const char *value, const char *what, size_t at)
{
	const char *from = value + at;
	char word[64];
	size_t n = 0;

	for (; from[n] != '\0' && from[n] != ',' && from[n] != ':' && n < sizeof(word) - 1; n++)
		word[n] = from[n];
	word[n] = '\0';
	hijack_report(n > 0 ? "%s=%s: character %d, \"%s\": %s" : "%s=%s: character %d%s: %s", name, value,
	    (int)at + 1, word, what);
	(void)hijack_own(SYS_exit_group, 1, 0, 0, 0, 0, 0);
}

static void
read_config(const char *value)
{
	struct hijack_config_error error;

	if (value == NULL)
		value = HIJACK_CONFIG_DEFAULT;
	if (hijack_config_parse(&hijack_start.config, value, &error) != 0)
		refuse("RUMPHIJACK", value, error.what, error.at);
	if (hijack_start.config.fdoff && hijack_verbose)
		hijack_report("RUMPHIJACK: fdoff has no meaning here: descriptors have the host's numbers");
}

static void
read_retry(const char *value)
{
	time_t seconds = 0;
	size_t i = 0;

	if (value == NULL || strcmp(value, "0") == 0)
		return;
	if (strcmp(value, "inftime") == 0) {
		hijack_start.retry = RUMPCLIENT_RETRYCONN_INFTIME;
	} else if (strcmp(value, "once") == 0) {
		hijack_start.retry = RUMPCLIENT_RETRYCONN_ONCE;
	} else if (strcmp(value, "die") == 0) {
		hijack_start.retry = RUMPCLIENT_RETRYCONN_DIE;
	} else {
		while (value[i] >= '0' && value[i] <= '9' && i < 9)
			seconds = seconds * 10 + (value[i++] - '0');
		if (i == 0 || value[i] != '\0')
			refuse("RUMPHIJACK_RETRYCONNECT", value,
			    "neither a number of seconds, inftime, once nor die", 0);
		hijack_start.retry = seconds;
	}
}

void
hijack_start_read(char *const *environment)
{
	const char *url = hijack_start_variable(environment, "RUMP_SERVER");

	hijack_verbose = hijack_start_variable(environment, "RUMPHIJACK_VERBOSE") != NULL;
	read_config(hijack_start_variable(environment, "RUMPHIJACK"));
	read_retry(hijack_start_variable(environment, "RUMPHIJACK_RETRYCONNECT"));
	if (url == NULL) {
		if (hijack_verbose)
			hijack_report("RUMP_SERVER is not set: nothing is hijacked");
	} else if (strlen(url) >= sizeof(server)) {
		refuse("RUMP_SERVER", url, "too long for a URL", sizeof(server) - 1);
	} else {
		memcpy(server, url, strlen(url) + 1);
		hijack_start.server = server;
	}
	if (hijack_start.server == NULL)
		(void)hijack_config_parse(&hijack_start.config, "", NULL);
}
