/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/unit.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "librumpuser/sp_config.h"
#include "librumpuser/sp_peer.h"
#include "sp/url.h"

static void
options_are_applied(void **state)
{
	char error[SP_URL_ERROR_MAX];
	struct sp_config c;

	(void)state;
	sp_config_defaults(&c);
	assert_int_equal(sp_config_apply(&c, "", error), 0);
	assert_int_equal(sp_config_mode(&c), 0600);
	assert_false(c.remote);
	assert_int_equal(
	    sp_config_apply(
		&c, "remote=yes&mode=0660&uid=7&uid=8&gid=9&clients=5&stall=3&grace=0&look=0", error),
	    0);
	assert_true(c.remote);
	assert_int_equal(sp_config_mode(&c), 0660);
	assert_int_equal(c.uid_count, 2);
	assert_int_equal(c.uids[1], 8);
	assert_int_equal(c.gids[0], 9);
	assert_int_equal(c.clients, 5);
	assert_int_equal(c.stall, 3);
	assert_int_equal(c.grace, 0);
	assert_int_equal(c.look, 0);
}

/* Whom a server is to admit can open its socket. */
static void
sockets_are_open_to_those_who_are_admitted(void **state)
{
	static const char *const others[] = {"uid=7", "gid=7", "anyone=yes"};
	char error[SP_URL_ERROR_MAX];
	struct sp_config c;

	(void)state;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		sp_config_defaults(&c);
		assert_int_equal(sp_config_apply(&c, others[i], error), 0);
		assert_int_equal(sp_config_mode(&c), 0666);
		assert_int_equal(sp_config_apply(&c, "mode=0600", error), 0);
		assert_int_equal(sp_config_mode(&c), 0600);
	}
}

static void
wrong_options_say_what_they_may_be(void **state)
{
	static const char *const wrong[][2] = {
	    {"remote=1", "remote=1: it is yes or no"},
	    {"mode=1777", "at most 0777"},
	    {"mode=rw", "it is octal"},
	    {"uid=root", "uid=root: it is a number"},
	    {"uid=-1", "uid=-1: it is a number"},
	    {"clients=0", "from 1 to 1000000"},
	    {"frame=99999999999", "from 1024 to 1073741824"},
	    {"stall=", "it is a number"},
	    {"frames=1", "frames: there is none of that name"},
	    {"remote", "name=value"},
	};
	char error[SP_URL_ERROR_MAX];
	struct sp_config c;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		sp_config_defaults(&c);
		assert_int_equal(sp_config_apply(&c, wrong[i][0], error), -EINVAL);
		assert_non_null(strstr(error, wrong[i][1]));
	}
}

static void
peers_are_admitted_by_the_rule(void **state)
{
	struct sp_peer owner = {.kind = SP_UNIX, .known = true, .local = true, .uid = geteuid()};
	struct sp_peer root = owner, other = owner, unknown = owner, tcp = owner, far = {.kind = SP_TCP};
	struct sp_config c;

	(void)state;
	root.uid = 0;
	other.uid = geteuid() + 1000;
	other.gid = 77;
	unknown.known = false;
	sp_config_defaults(&c);
	assert_true(sp_peer_admitted(&owner, &c));
	assert_true(sp_peer_admitted(&root, &c));
	assert_false(sp_peer_admitted(&other, &c));
	assert_false(sp_peer_admitted(&unknown, &c));
	assert_false(sp_peer_admitted(&far, &c));
	c.remote = true;
	assert_true(sp_peer_admitted(&far, &c));
	assert_false(sp_peer_admitted(&other, &c));
	c.uids[c.uid_count++] = other.uid;
	assert_true(sp_peer_admitted(&other, &c));
	c.uid_count = 0;
	c.gids[c.gid_count++] = 77;
	assert_true(sp_peer_admitted(&other, &c));
	/* Of a TCP peer the group is not known. */
	tcp = other;
	tcp.kind = SP_TCP;
	assert_false(sp_peer_admitted(&tcp, &c));
	c.anyone = true;
	assert_true(sp_peer_admitted(&tcp, &c));
	assert_false(sp_peer_admitted(&unknown, &c));
	assert_true(sp_peer_same(&owner, &owner));
	assert_false(sp_peer_same(&owner, &other));
	assert_false(sp_peer_same(&owner, &far));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(options_are_applied),
	    cmocka_unit_test(sockets_are_open_to_those_who_are_admitted),
	    cmocka_unit_test(wrong_options_say_what_they_may_be),
	    cmocka_unit_test(peers_are_admitted_by_the_rule),
	};

	return cmocka_run_group_tests_name("sp_config", tests, NULL, NULL);
}
