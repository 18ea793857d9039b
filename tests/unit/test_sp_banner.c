/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/unit.h"

#include <errno.h>
#include <string.h>

#include "sp/banner.h"

static int
parse(struct sp_banner *b, const char *line)
{
	return sp_banner_parse(b, line, strlen(line), NULL);
}

static void
the_plain_line_is_netbsds(void **state)
{
	char line[SP_BANNER_MAX + 1];

	(void)state;
	assert_int_equal(sp_banner_format(line, "NetBSD", "7.99.34", "amd64", 0), 32);
	assert_string_equal(line, "RUMPSP-0.4-NetBSD-7.99.34/amd64\n");
}

static void
what_is_written_can_be_read(void **state)
{
	char line[SP_BANNER_MAX + 4] = "";
	struct sp_banner b;
	size_t used = 0;
	int len;

	(void)state;
	len = sp_banner_format(line, "NetBSD", "10.99.1-rc", "x86-64", 0x1f);
	assert_true(len > 0);
	strcat(line, "xyz");
	assert_int_equal(sp_banner_parse(&b, line, strlen(line), &used), 0);
	assert_int_equal(used, len);
	assert_string_equal(b.ostype, "NetBSD");
	assert_string_equal(b.osrelease, "10.99.1-rc");
	assert_string_equal(b.machine, "x86-64");
	assert_int_equal(b.capabilities, 0x1f);
	assert_int_equal(parse(&b, "RUMPSP-0.9-A-1/m future=1 caps=3 more\n"), 0);
	assert_int_equal(b.capabilities, 3);
	assert_int_equal(b.minor, 9);
	assert_string_equal(b.machine, "m");
}

static void
another_major_version_is_refused(void **state)
{
	struct sp_banner b;

	(void)state;
	assert_int_equal(parse(&b, "RUMPSP-1.0-NetBSD-12.0/amd64\n"), -EPROTONOSUPPORT);
	assert_int_equal(b.major, 1);
	assert_int_equal(parse(&b, "RUMPSP-1.0 and who knows what\n"), -EBADMSG);
	assert_int_equal(parse(&b, "RUMPSP-1.0-who knows what\n"), -EPROTONOSUPPORT);
}

static void
what_is_no_banner_is_refused(void **state)
{
	static const char *const bad[] = {"\n", "220 mail.example.org ESMTP\n", "RUMPSP\n", "RUMPSP-0\n",
	    "RUMPSP-0.4\n", "RUMPSP-0.4-\n", "RUMPSP-0.4-NetBSD\n", "RUMPSP-0.4-NetBSD-\n",
	    "RUMPSP-0.4-NetBSD-7/\n", "RUMPSP-0.4--7/m\n", "RUMPSP-0.4-NetBSD-/m\n", "RUMPSP-.4-NetBSD-7/m\n",
	    "RUMPSP-0.-NetBSD-7/m\n", "RUMPSP-0.4-NetBSD-7/ caps=1\n", "RUMPSP-99999999999.4-NetBSD-7/m\n"};
	struct sp_banner b;
	char line[200];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(parse(&b, bad[i]), -EBADMSG);
	assert_int_equal(sp_banner_parse(&b, "RUMPSP-0.4-A\0-1/m\n", 18, NULL), -EBADMSG);
	assert_int_equal(parse(&b, "RUMPSP-0.4-NetBSD-7.99.34/amd64"), -EAGAIN);
	assert_int_equal(parse(&b, ""), -EAGAIN);
	memset(line, 'R', sizeof(line));
	assert_int_equal(sp_banner_parse(&b, line, SP_BANNER_MAX - 1, NULL), -EAGAIN);
	assert_int_equal(sp_banner_parse(&b, line, SP_BANNER_MAX, NULL), -EBADMSG);
	line[SP_BANNER_MAX] = '\n';
	assert_int_equal(sp_banner_parse(&b, line, sizeof(line), NULL), -EBADMSG);
}

static void
a_line_that_others_could_not_read_is_not_written(void **state)
{
	char line[SP_BANNER_MAX + 1];
	char release[80];

	(void)state;
	memset(release, '9', sizeof(release));
	release[sizeof(release) - 1] = '\0';
	assert_int_equal(sp_banner_format(line, "NetBSD", release, "amd64", 0), -EMSGSIZE);
	release[SP_BANNER_MAX - strlen("RUMPSP-0.4-NetBSD-/amd64\n")] = '\0';
	assert_int_equal(sp_banner_format(line, "NetBSD", release, "amd64", 0), SP_BANNER_MAX);
	assert_int_equal(sp_banner_format(line, "NetBSD", release, "amd64", 1), -EMSGSIZE);
	assert_int_equal(sp_banner_format(line, "Net-BSD", "7", "amd64", 0), -EINVAL);
	assert_int_equal(sp_banner_format(line, "NetBSD", "7/8", "amd64", 0), -EINVAL);
	assert_int_equal(sp_banner_format(line, "NetBSD", "7", "amd 64", 0), -EINVAL);
	assert_int_equal(sp_banner_format(line, "NetBSD", "7", "", 0), -EINVAL);
	assert_int_equal(sp_banner_format(line, "NetBSD\n", "7", "m", 0), -EINVAL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_plain_line_is_netbsds),
	    cmocka_unit_test(what_is_written_can_be_read),
	    cmocka_unit_test(another_major_version_is_refused),
	    cmocka_unit_test(what_is_no_banner_is_refused),
	    cmocka_unit_test(a_line_that_others_could_not_read_is_not_written),
	};

	return cmocka_run_group_tests_name("sp_banner", tests, NULL, NULL);
}
