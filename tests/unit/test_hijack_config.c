/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/unit.h"

#include <errno.h>
#include <string.h>

#include "hijack/config.h"

static struct hijack_config config;
static struct hijack_config_error error;

static void
the_default_is_files_and_internet_sockets(void **state)
{
	(void)state;
	assert_int_equal(hijack_config_parse(&config, HIJACK_CONFIG_DEFAULT, &error), 0);
	assert_string_equal(config.path, "/rump");
	assert_int_equal(config.sockets, HIJACK_DOMAIN_ALL & ~HIJACK_DOMAIN_LOCAL);
	assert_int_equal(config.blankets, 0);
	assert_true(hijack_config_any(&config));
}

static void
the_empty_string_hijacks_nothing(void **state)
{
	(void)state;
	assert_int_equal(hijack_config_parse(&config, "", &error), 0);
	assert_false(hijack_config_any(&config));
	assert_int_equal(hijack_config_match(&config, "/rump"), -1);
	assert_false(hijack_config_hint(&config, "/rump"));
}

static void
all_settings_are_understood(void **state)
{
	(void)state;
	assert_int_equal(
	    hijack_config_parse(&config,
		"path=/a/b/,blanket=/dev/bpf:/net/,socket=inet:inet6,vfs=all,sysctl=yes,ids=real,fdoff=128",
		&error),
	    0);
	assert_string_equal(config.path, "/a/b");
	assert_int_equal(config.blankets, 2);
	assert_string_equal(config.blanket[1], "/net");
	assert_int_equal(config.sockets, HIJACK_DOMAIN_INET | HIJACK_DOMAIN_INET6);
	assert_true(config.sysctl);
	assert_true(config.vfs_getvfsstat);
	assert_true(config.real_ids);
	assert_true(config.fdoff);
}

static void
no_sockets_may_be_asked_for(void **state)
{
	(void)state;
	assert_int_equal(hijack_config_parse(&config, "path=/rump,socket=none", &error), 0);
	assert_string_equal(config.path, "/rump");
	assert_int_equal(config.sockets, 0);
}

static void
what_is_wrong_is_shown_where(void **state)
{
	static const struct {
		const char *value;
		size_t at;
	} wrong[] = {
	    {"rump", 0},
	    {"path", 4},
	    {"path=rump", 5},
	    {"path=/", 5},
	    {"path=/a//b", 7},
	    {"path=/a/../b", 7},
	    {"path=/rump,socket=all:nofoo", 22},
	    {"socket=", 7},
	    {"blanket=/a:b", 11},
	    {"sysctl=maybe", 7},
	    {"vfs=some", 4},
	    {"ids=root", 4},
	    {"fdoff=1x", 7},
	    {"fdoff=", 6},
	    {"path=/rump,", 11},
	    {"path=", 5},
	    {"path=,socket=inet", 5},
	    {"blanket=/a:", 11},
	    {"path=/a,path=/b", 13},
	    {"socket=nolocal", 7},
	    {"socket=inet:none", 12},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_int_equal(hijack_config_parse(&config, wrong[i].value, &error), -EINVAL);
		assert_int_equal(error.at, wrong[i].at);
		assert_non_null(error.what);
	}
}

static void
too_much_is_refused(void **state)
{
	char many[HIJACK_CONFIG_TEXT + 16];

	(void)state;
	memset(many, 'a', sizeof(many));
	memcpy(many, "path=/", 6);
	many[sizeof(many) - 1] = '\0';
	assert_int_equal(hijack_config_parse(&config, many, &error), -EINVAL);
	strcpy(many, "blanket=/a");
	for (int i = 1; i <= HIJACK_BLANKETS; i++)
		strcat(many, ":/a");
	assert_int_equal(hijack_config_parse(&config, many, &error), -EINVAL);
}

static void
paths_match_at_component_borders(void **state)
{
	(void)state;
	assert_int_equal(hijack_config_parse(&config, "path=/rump,blanket=/dev/bpf", &error), 0);
	assert_int_equal(hijack_config_match(&config, "/rump"), 5);
	assert_int_equal(hijack_config_match(&config, "/rump/a"), 5);
	assert_int_equal(hijack_config_match(&config, "/rumpelstilz"), -1);
	assert_int_equal(hijack_config_match(&config, "/ru"), -1);
	assert_int_equal(hijack_config_match(&config, "/dev/bpf"), 0);
	assert_int_equal(hijack_config_match(&config, "/dev/bpf/0"), 0);
	assert_int_equal(hijack_config_match(&config, "/dev/bpf0"), -1);
	assert_int_equal(hijack_config_match(&config, "/dev"), -1);
}

static void
hints_are_components(void **state)
{
	(void)state;
	assert_int_equal(hijack_config_parse(&config, "path=/rump,blanket=/dev/bpf", &error), 0);
	assert_true(hijack_config_hint(&config, "/rump"));
	assert_true(hijack_config_hint(&config, "rump/x"));
	assert_true(hijack_config_hint(&config, "/usr/../rump"));
	assert_true(hijack_config_hint(&config, "//rump//x"));
	assert_true(hijack_config_hint(&config, "../dev"));
	assert_false(hijack_config_hint(&config, "/usr/lib/librump.so"));
	assert_false(hijack_config_hint(&config, "/usr/rumps"));
	assert_false(hijack_config_hint(&config, ""));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_default_is_files_and_internet_sockets),
	    cmocka_unit_test(the_empty_string_hijacks_nothing),
	    cmocka_unit_test(all_settings_are_understood),
	    cmocka_unit_test(no_sockets_may_be_asked_for),
	    cmocka_unit_test(what_is_wrong_is_shown_where),
	    cmocka_unit_test(too_much_is_refused),
	    cmocka_unit_test(paths_match_at_component_borders),
	    cmocka_unit_test(hints_are_components),
	};

	return cmocka_run_group_tests_name("hijack_config", tests, NULL, NULL);
}
