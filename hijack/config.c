/* SPDX-License-Identifier: BSD-2-Clause */
/* Runs before anything else does, and on the way of every call with a path: no libc. */
#include "hijack/config.h"

#include <errno.h>

#include "hijack/mem.h"

struct parser {
	struct hijack_config *config;
	char *at; /* in config->text, which is cut at separators as it goes along */
	struct hijack_config_error *error;
};

static const struct {
	const char *name;
	unsigned int domains;
} domain_names[] = {{"all", HIJACK_DOMAIN_ALL}, {"local", HIJACK_DOMAIN_LOCAL}, {"unix", HIJACK_DOMAIN_LOCAL},
    {"inet", HIJACK_DOMAIN_INET}, {"inet6", HIJACK_DOMAIN_INET6}, {"link", HIJACK_DOMAIN_LINK},
    {"route", HIJACK_DOMAIN_ROUTE}};

static int
wrong(struct parser *parser, const char *at, const char *what)
{
	*parser->error = (struct hijack_config_error){(size_t)(at - parser->config->text), what};
	return -EINVAL;
}

/* Cuts a word off at the separator, or at the end. NULL when there is none left. */
static char *
next_word(char **rest, char separator)
{
	char *word = *rest, *end = word;

	if (word == NULL)
		return NULL;
	while (*end != '\0' && *end != separator)
		end++;
	*rest = *end == '\0' ? NULL : end + 1;
	*end = '\0';
	return word;
}

static int
check_path(struct parser *parser, char *path)
{
	size_t length = strlen(path);

	if (length == 0)
		return wrong(
		    parser, path, "a path is missing; where none is to be hijacked, leave the setting out");
	if (path[0] != '/')
		return wrong(parser, path, "a path must begin with a slash, as /rump does");
	while (length > 1 && path[length - 1] == '/')
		path[--length] = '\0';
	if (length == 1)
		return wrong(parser, path, "the root itself cannot be hijacked; name a directory, as /rump");
	for (const char *p = path; *p != '\0'; p++) {
		if (p[0] == '/' && (p[1] == '/' || (p[1] == '.' && (p[2] == '/' || p[2] == '\0')) ||
				       (p[1] == '.' && p[2] == '.' && (p[3] == '/' || p[3] == '\0'))))
			return wrong(parser, p, "empty components and dots are not allowed in a path");
	}
	return 0;
}

static int
parse_path(struct parser *parser, char *value)
{
	if (parser->config->path != NULL)
		return wrong(parser, value, "there is a path already; blanket= takes more of them");
	parser->config->path = value;
	return check_path(parser, value);
}

static int
parse_blanket(struct parser *parser, char *value)
{
	char *path;

	while ((path = next_word(&value, ':')) != NULL) {
		int error = check_path(parser, path);

		if (error != 0)
			return error;
		if (parser->config->blankets == HIJACK_BLANKETS)
			return wrong(parser, path, "no more than 16 paths");
		parser->config->blanket[parser->config->blankets++] = path;
	}
	return 0;
}

static int
parse_socket(struct parser *parser, char *value)
{
	unsigned int domains = 0;
	char *word, *first = value;

	if (*value == '\0')
		return wrong(parser, value,
		    "a socket domain is missing; none, or no such setting, hijacks no sockets");
	if (strcmp(value, "none") == 0)
		return 0;
	while ((word = next_word(&value, ':')) != NULL) {
		bool without = strncmp(word, "no", 2) == 0;
		unsigned int found = 0;

		for (size_t i = 0; i < sizeof(domain_names) / sizeof(domain_names[0]); i++) {
			if (strcmp(word + (without ? 2 : 0), domain_names[i].name) == 0)
				found = domain_names[i].domains;
		}
		if (found == 0)
			return wrong(parser, word,
			    "no such socket domain; there are all, local, inet, inet6, link and route, with "
			    "colons between them, \"no\" before one that all is not to include, or none "
			    "alone");
		if (without && word == first)
			return wrong(parser, word,
			    "there is nothing yet to take it from; begin with all, as in all:nolocal");
		domains = without ? domains & ~found : domains | found;
	}
	parser->config->sockets = domains;
	return 0;
}

static int
parse_vfs(struct parser *parser, char *value)
{
	char *word;

	/* Every call of a file system's is hijacked by its path; this one has none. */
	while ((word = next_word(&value, ':')) != NULL) {
		if (strcmp(word, "all") == 0 || strcmp(word, "getvfsstat") == 0)
			parser->config->vfs_getvfsstat = true;
		else if (strcmp(word, "nogetvfsstat") == 0 || strcmp(word, "none") == 0)
			parser->config->vfs_getvfsstat = false;
		else
			return wrong(parser, word,
			    "no such file system call; there are all, getvfsstat, nogetvfsstat and none");
	}
	return 0;
}

/* One of two words; otherwise is what to say of others. */
static int
parse_choice(
    struct parser *parser, char *value, bool *set, const char *yes, const char *no, const char *otherwise)
{
	*set = strcmp(value, yes) == 0;
	return *set || strcmp(value, no) == 0 ? 0 : wrong(parser, value, otherwise);
}

static int
parse_sysctl(struct parser *parser, char *value)
{
	return parse_choice(parser, value, &parser->config->sysctl, "yes", "no", "neither yes nor no");
}

static int
parse_ids(struct parser *parser, char *value)
{
	return parse_choice(parser, value, &parser->config->real_ids, "real", "own", "neither own nor real");
}

static int
parse_fdoff(struct parser *parser, char *value)
{
	if (*value == '\0')
		return wrong(parser, value, "a number is missing");
	for (const char *p = value; *p != '\0'; p++) {
		if (*p < '0' || *p > '9')
			return wrong(parser, p, "not a number");
	}
	parser->config->fdoff = true;
	return 0;
}

static int
parse_setting(struct parser *parser, char *setting)
{
	static const struct {
		const char *name;
		int (*parse)(struct parser *, char *);
	} settings[] = {{"path", parse_path}, {"blanket", parse_blanket}, {"socket", parse_socket},
	    {"vfs", parse_vfs}, {"sysctl", parse_sysctl}, {"ids", parse_ids}, {"fdoff", parse_fdoff}};

	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
		size_t length = strlen(settings[i].name);

		if (strncmp(setting, settings[i].name, length) != 0)
			continue;
		if (setting[length] == '=')
			return settings[i].parse(parser, setting + length + 1);
		if (setting[length] == '\0')
			return wrong(parser, setting + length, "\"=\" and a value are missing");
	}
	return wrong(parser, setting,
	    *setting == '\0'
		? "a setting is missing"
		: "no such setting; there are path=, blanket=, socket=, ids=, vfs=, sysctl= and fdoff=");
}

int
hijack_config_parse(struct hijack_config *config, const char *value, struct hijack_config_error *error)
{
	struct parser parser = {.config = config, .at = config->text, .error = error};
	size_t length = strlen(value);
	char *rest = config->text, *setting;
	int result;

	memset(config, 0, sizeof(*config));
	if (length >= sizeof(config->text)) {
		*error =
		    (struct hijack_config_error){sizeof(config->text) - 1, "no more than 1023 characters"};
		return -EINVAL;
	}
	memcpy(config->text, value, length + 1);
	if (length == 0)
		return 0;
	while ((setting = next_word(&rest, ',')) != NULL) {
		result = parse_setting(&parser, setting);
		if (result != 0)
			return result;
	}
	return 0;
}

bool
hijack_config_any(const struct hijack_config *config)
{
	return config->path != NULL || config->blankets > 0 || config->sockets != 0 || config->sysctl ||
	       config->vfs_getvfsstat;
}

/* Whether path is prefix or below it. */
static bool
below(const char *prefix, const char *path)
{
	size_t length = strlen(prefix);

	return strncmp(path, prefix, length) == 0 && (path[length] == '/' || path[length] == '\0');
}

int
hijack_config_match(const struct hijack_config *config, const char *path)
{
	if (config->path != NULL && below(config->path, path))
		return (int)strlen(config->path);
	for (size_t i = 0; i < config->blankets; i++) {
		if (below(config->blanket[i], path))
			return 0;
	}
	return -1;
}

static bool
has_component(const char *path, const char *name)
{
	while (*path != '\0') {
		const char *n = name;

		while (*path == '/')
			path++;
		while (*path != '\0' && *path != '/' && *path == *n) {
			path++;
			n++;
		}
		if ((*n == '\0' || *n == '/') && (*path == '\0' || *path == '/') && n != name)
			return true;
		while (*path != '\0' && *path != '/')
			path++;
	}
	return false;
}

bool
hijack_config_hint(const struct hijack_config *config, const char *path)
{
	if (config->path != NULL && has_component(path, config->path + 1))
		return true;
	for (size_t i = 0; i < config->blankets; i++) {
		if (has_component(path, config->blanket[i] + 1))
			return true;
	}
	return false;
}
