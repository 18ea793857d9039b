/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/unit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sp/transport.h"

static int pair[2];
static struct sp_transport transport;

static int
make_pair(void **state)
{
	(void)state;
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0)
		return -1;
	sp_transport_init(&transport, SP_UNIX, pair[0]);
	return 0;
}

static int
close_pair(void **state)
{
	(void)state;
	close(pair[0]);
	close(pair[1]);
	return 0;
}

static int
open_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	while (readdir(dir) != NULL)
		n++;
	closedir(dir);
	return n;
}

static void
descriptors_that_come_along_are_closed(void **state)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(40 * sizeof(int))];
	struct iovec iov = {"x", 1};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control};
	int before = open_descriptors();
	char byte;

	(void)state;
	/* As many as there is room for, and more than that. */
	for (unsigned int count = 16; count <= 40; count += 24) {
		struct cmsghdr *c;
		int fds[40];

		for (unsigned int i = 0; i < count; i++)
			fds[i] = pair[1];
		msg.msg_controllen = CMSG_SPACE(count * sizeof(int));
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(count * sizeof(int));
		memcpy(CMSG_DATA(c), fds, count * sizeof(int));
		assert_int_equal(sendmsg(pair[1], &msg, 0), 1);
		assert_int_equal(sp_receive(&transport, &byte, 1, false), 1);
		assert_int_equal(open_descriptors(), before);
	}
}

static void
nothing_there_is_no_end(void **state)
{
	char byte;

	(void)state;
	assert_int_equal(sp_receive(&transport, &byte, 1, false), -EAGAIN);
	assert_false(sp_pending(&transport));
	shutdown(pair[1], SHUT_WR);
	assert_int_equal(sp_receive(&transport, &byte, 1, false), 0);
}

static void
a_full_or_closed_socket_is_no_signal(void **state)
{
	static char much[65536];
	struct iovec iov[2] = {{much, sizeof(much)}, {much, sizeof(much)}};
	ssize_t n;
	int rounds = 0;

	(void)state;
	while ((n = sp_send(&transport, iov, 2, false)) > 0)
		assert_true(++rounds < 1000);
	assert_int_equal(n, -EAGAIN);
	close(pair[1]);
	assert_int_equal(sp_send(&transport, iov, 1, false), -EPIPE);
	pair[1] = dup(pair[0]);
}

static void
what_was_sent_in_part_goes_on_where_it_stopped(void **state)
{
	char bytes[10];
	struct iovec parts[3] = {{bytes, 3}, {bytes + 3, 0}, {bytes + 3, 7}};
	struct iovec *iov = parts;

	(void)state;
	assert_int_equal(sp_iov_advance(&iov, 3, 2), 3);
	assert_ptr_equal(iov[0].iov_base, bytes + 2);
	assert_int_equal(iov[0].iov_len, 1);
	assert_int_equal(sp_iov_advance(&iov, 3, 1), 1);
	assert_ptr_equal(iov[0].iov_base, bytes + 3);
	assert_int_equal(sp_iov_advance(&iov, 1, 7), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(descriptors_that_come_along_are_closed, make_pair, close_pair),
	    cmocka_unit_test_setup_teardown(nothing_there_is_no_end, make_pair, close_pair),
	    cmocka_unit_test_setup_teardown(a_full_or_closed_socket_is_no_signal, make_pair, close_pair),
	    cmocka_unit_test(what_was_sent_in_part_goes_on_where_it_stopped),
	};

	return cmocka_run_group_tests_name("sp_transport", tests, NULL, NULL);
}
