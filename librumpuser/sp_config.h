/* SPDX-License-Identifier: BSD-2-Clause */
/* What a server allows: the options of its URL, of the environment, and what holds without any. */
#ifndef LIBRUMPUSER_SP_CONFIG_H
#define LIBRUMPUSER_SP_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define SP_CONFIG_IDS 16

struct sp_config {
	bool remote;
	bool anyone;
	bool mode_given;
	mode_t mode;
	uid_t uids[SP_CONFIG_IDS];
	unsigned uid_count;
	gid_t gids[SP_CONFIG_IDS];
	unsigned gid_count;
	unsigned clients;
	unsigned halfopen;
	unsigned frame;
	unsigned calls;
	unsigned tickets;
	unsigned handshake; /* seconds, like the next two */
	unsigned stall;
	unsigned grace;
	unsigned look; /* microseconds; see sp/look.h */
};

/* The running server's. Written before its threads start. */
extern struct sp_config sp_config;

/* What holds when nobody says anything. */
void sp_config_defaults(struct sp_config *config);

/*
 * Applies options as they stand in a URL. Returns 0, or -EINVAL with a line in error[SP_URL_ERROR_MAX] that
 * says which option is wrong and what it may be.
 */
int sp_config_apply(struct sp_config *config, const char *options, char *error);

/*
 * The mode of the unix socket. Unless one was given it is open to all where others than the server's own user
 * are admitted: it is admission that tells them apart.
 */
mode_t sp_config_mode(const struct sp_config *config);

#endif
