/* SPDX-License-Identifier: BSD-2-Clause */
#include "librumpuser/sp_config.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sp/limits.h"
#include "sp/look.h"
#include "sp/url.h"

struct sp_config sp_config;

static const struct number {
	const char *name;
	size_t offset;
	unsigned long least;
	unsigned long most;
} numbers[] = {
    {"clients", offsetof(struct sp_config, clients), 1, 1000000},
    {"halfopen", offsetof(struct sp_config, halfopen), 1, 100000},
    {"frame", offsetof(struct sp_config, frame), 1024, 1u << 30},
    {"calls", offsetof(struct sp_config, calls), 1, 100000},
    {"tickets", offsetof(struct sp_config, tickets), 0, 100000},
    {"handshake", offsetof(struct sp_config, handshake), 1, 3600},
    {"stall", offsetof(struct sp_config, stall), 1, 3600},
    {"grace", offsetof(struct sp_config, grace), 0, 3600},
    {"look", offsetof(struct sp_config, look), 0, SP_LOOK_MICROSECONDS_MAX},
};

void
sp_config_defaults(struct sp_config *config)
{
	*config = (struct sp_config){
	    .clients = 16384,
	    .halfopen = 256,
	    .frame = SP_FRAME_MAX,
	    .calls = 4096,
	    .tickets = 64,
	    .handshake = 10,
	    .stall = 30,
	    .grace = 10,
	    .look = SP_LOOK_MICROSECONDS,
	};
}

static bool
parse_number(const char *text, int base, unsigned long most, unsigned long *value)
{
	char *end;

	if (text[0] < '0' || text[0] > '9')
		return false;
	errno = 0;
	*value = strtoul(text, &end, base);
	return *end == '\0' && errno == 0 && *value <= most;
}

static int
apply_switch(bool *value, const char *name, const char *text, char *error)
{
	*value = strcmp(text, "yes") == 0;
	if (*value || strcmp(text, "no") == 0)
		return 0;
	snprintf(error, SP_URL_ERROR_MAX, "option %s=%s: it is yes or no", name, text);
	return -EINVAL;
}

static int
apply_id(unsigned *ids, unsigned *count, const char *name, const char *text, char *error)
{
	unsigned long value;

	if (!parse_number(text, 10, UINT32_MAX - 1, &value)) {
		snprintf(error, SP_URL_ERROR_MAX, "option %s=%s: it is a number", name, text);
		return -EINVAL;
	}
	if (*count == SP_CONFIG_IDS) {
		snprintf(error, SP_URL_ERROR_MAX, "option %s: at most %d times", name, SP_CONFIG_IDS);
		return -EINVAL;
	}
	ids[(*count)++] = (unsigned)value;
	return 0;
}

static int
apply_number(struct sp_config *config, const struct number *n, const char *text, char *error)
{
	unsigned long value;
	unsigned to;

	if (!parse_number(text, 10, n->most, &value) || value < n->least) {
		snprintf(error, SP_URL_ERROR_MAX, "option %s=%s: it is a number from %lu to %lu", n->name,
		    text, n->least, n->most);
		return -EINVAL;
	}
	to = (unsigned)value;
	memcpy((char *)config + n->offset, &to, sizeof(to));
	return 0;
}

static int
refuse_name(const char *name, char *error)
{
	int used = snprintf(error, SP_URL_ERROR_MAX,
	    "option %s: there is none of that name; there are remote, anyone, uid, gid, mode", name);

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]) && used < SP_URL_ERROR_MAX; i++)
		used += snprintf(error + used, SP_URL_ERROR_MAX - (size_t)used, ", %s", numbers[i].name);
	return -EINVAL;
}

static int
apply_one(struct sp_config *config, const char *name, const char *value, char *error)
{
	unsigned long mode;

	if (strcmp(name, "remote") == 0)
		return apply_switch(&config->remote, name, value, error);
	if (strcmp(name, "anyone") == 0)
		return apply_switch(&config->anyone, name, value, error);
	if (strcmp(name, "uid") == 0)
		return apply_id(config->uids, &config->uid_count, name, value, error);
	if (strcmp(name, "gid") == 0)
		return apply_id(config->gids, &config->gid_count, name, value, error);
	if (strcmp(name, "mode") == 0) {
		if (!parse_number(value, 8, 0777, &mode)) {
			snprintf(error, SP_URL_ERROR_MAX, "option mode=%s: it is octal, at most 0777", value);
			return -EINVAL;
		}
		config->mode = (mode_t)mode;
		config->mode_given = true;
		return 0;
	}
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		if (strcmp(name, numbers[i].name) == 0)
			return apply_number(config, &numbers[i], value, error);
	}
	return refuse_name(name, error);
}

int
sp_config_apply(struct sp_config *config, const char *options, char *error)
{
	char name[SP_OPTION_MAX], value[SP_OPTION_MAX];
	int more;

	while ((more = sp_url_option(&options, name, value)) == 1) {
		int rv = apply_one(config, name, value, error);

		if (rv != 0)
			return rv;
	}
	if (more < 0)
		snprintf(
		    error, SP_URL_ERROR_MAX, "options are name=value, separated by '&': \"%.64s\"", options);
	return more;
}

mode_t
sp_config_mode(const struct sp_config *config)
{
	bool others = config->anyone || config->uid_count != 0 || config->gid_count != 0;

	return config->mode_given ? config->mode : others ? 0666 : 0600;
}
