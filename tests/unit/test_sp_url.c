/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "sp/url.h"

static void
good_urls(void **state)
{
	static const struct {
		const char *text, *formatted;
		enum sp_transport_kind kind;
		bool local;
	} good[] = {
	    {"unix://socket", "unix://socket", SP_UNIX, true},
	    {"unix:///tmp/a:b", "unix:///tmp/a:b", SP_UNIX, true},
	    {"tcp://127.0.0.1:80", "tcp://127.0.0.1:80", SP_TCP, true},
	    {"tcp://127.9.9.9:80/", "tcp://127.9.9.9:80", SP_TCP, true},
	    {"tcp://0:65535", "tcp://0.0.0.0:65535", SP_TCP, false},
	    {"tcp://*:0", "tcp://0.0.0.0:0", SP_TCP, false},
	    {"tcp://10.0.0.1:7?remote=yes", "tcp://10.0.0.1:7", SP_TCP, false},
	    {"tcp6://[::1]:80/", "tcp6://[::1]:80", SP_TCP6, true},
	    {"tcp6://*:80", "tcp6://[::]:80", SP_TCP6, false},
	    {"tcp6://[2001:db8::1]:1", "tcp6://[2001:db8::1]:1", SP_TCP6, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct sp_url url;
		char text[200];

		assert_int_equal(sp_url_parse(&url, good[i].text, NULL), 0);
		assert_int_equal(url.kind, good[i].kind);
		assert_int_equal(sp_url_is_local(&url), good[i].local);
		sp_url_format(&url, text, sizeof(text));
		assert_string_equal(text, good[i].formatted);
	}
}

static void
errors_quote_the_url_and_say_what_is_wrong(void **state)
{
	static const struct {
		const char *text, *part;
	} bad[] = {
	    {"", "has to begin with"},
	    {"http://x", "has to begin with"},
	    {"unix:/tmp/x", "has to begin with"},
	    {"unix://", "a path is missing"},
	    {"unix://?mode=0600", "a path is missing"},
	    {"tcp://127.0.0.1", "a port is missing"},
	    {"tcp://127.0.0.1:", "is not a port number"},
	    {"tcp://127.0.0.1:65536", "is not a port number"},
	    {"tcp://127.0.0.1:99999999999999999999", "is not a port number"},
	    {"tcp://127.0.0.1:8x", "\"8x\" is not a port number"},
	    {"tcp://127.0.0.1:-1", "is not a port number"},
	    {"tcp://localhost:80", "\"localhost\" is not an IPv4 address"},
	    {"tcp://::1:80", "IPv6 is tcp6://[address]:port"},
	    {"tcp6://::1:80", "stands in brackets"},
	    {"tcp6://[::1]", "a port is missing"},
	    {"tcp6://[zz]:80", "\"zz\" is not an IPv6 address"},
	    {"tcp6://[]:80", "is not an IPv6 address"},
	    {"tcp6://:80", "stands in brackets"},
	};
	char error[SP_URL_ERROR_MAX];
	struct sp_url url;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char quoted[100];

		assert_int_equal(sp_url_parse(&url, bad[i].text, error), -EINVAL);
		snprintf(quoted, sizeof(quoted), "\"%s\": ", bad[i].text);
		assert_non_null(strstr(error, quoted));
		assert_non_null(strstr(error, bad[i].part));
	}
}

static void
lengths_are_bounded(void **state)
{
	char text[2000] = "unix://";
	char error[SP_URL_ERROR_MAX];
	struct sp_url url;

	(void)state;
	memset(text + 7, 'p', 107);
	assert_int_equal(sp_url_parse(&url, text, error), 0);
	text[7 + 107] = 'p';
	assert_int_equal(sp_url_parse(&url, text, error), -ENAMETOOLONG);
	assert_non_null(strstr(error, "108 bytes long, and a unix socket's is at most 107"));
	memset(text + 7, 'p', sizeof(text) - 8);
	assert_int_equal(sp_url_parse(&url, text, error), -ENAMETOOLONG);
	text[10] = '?';
	assert_int_equal(sp_url_parse(&url, text, error), -EINVAL);
	assert_non_null(strstr(error, "the options are too long"));
	memcpy(text, "tcp6://[", 8);
	text[10] = ':';
	strcpy(text + 1900, "]:80");
	assert_int_equal(sp_url_parse(&url, text, error), -EINVAL);
}

static void
options_are_stepped_through(void **state)
{
	struct sp_url url;
	char name[SP_OPTION_MAX], value[SP_OPTION_MAX];
	const char *at;

	(void)state;
	assert_int_equal(sp_url_parse(&url, "unix://a?mode=0660&uid=&x=y=z", NULL), 0);
	assert_string_equal(url.address.un.sun_path, "a");
	at = url.options;
	assert_int_equal(sp_url_option(&at, name, value), 1);
	assert_string_equal(name, "mode");
	assert_string_equal(value, "0660");
	assert_int_equal(sp_url_option(&at, name, value), 1);
	assert_string_equal(name, "uid");
	assert_string_equal(value, "");
	assert_int_equal(sp_url_option(&at, name, value), 1);
	assert_string_equal(name, "x");
	assert_string_equal(value, "y=z");
	assert_int_equal(sp_url_option(&at, name, value), 0);
	at = "nonsense&a=b";
	assert_int_equal(sp_url_option(&at, name, value), -EINVAL);
	at = "=b";
	assert_int_equal(sp_url_option(&at, name, value), -EINVAL);
	at = "a=0123456789012345678901234567890123456789012345678901234567890123456789";
	assert_int_equal(sp_url_option(&at, name, value), -EINVAL);
}

static void
relative_paths_become_absolute(void **state)
{
	struct sp_url url;

	(void)state;
	assert_int_equal(chdir("/tmp"), 0);
	assert_int_equal(sp_url_parse(&url, "unix://a/b", NULL), 0);
	assert_int_equal(sp_url_make_absolute(&url), 0);
	assert_string_equal(url.address.un.sun_path, "/tmp/a/b");
	assert_int_equal(sp_url_make_absolute(&url), 0);
	assert_string_equal(url.address.un.sun_path, "/tmp/a/b");
	assert_int_equal(chdir("/"), 0);
	assert_int_equal(sp_url_parse(&url, "unix://b", NULL), 0);
	assert_int_equal(sp_url_make_absolute(&url), 0);
	assert_string_equal(url.address.un.sun_path, "/b");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(good_urls),
	    cmocka_unit_test(errors_quote_the_url_and_say_what_is_wrong),
	    cmocka_unit_test(lengths_are_bounded),
	    cmocka_unit_test(options_are_stepped_through),
	    cmocka_unit_test(relative_paths_become_absolute),
	};

	return cmocka_run_group_tests_name("sp_url", tests, NULL, NULL);
}
