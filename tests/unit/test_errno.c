/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/unit.h"

#include <errno.h>
#include <signal.h>

#include <rump/rumpdefs.h>

#include "abi/errno.h"
#include "abi/signal.h"

static void
every_netbsd_errno_has_a_host_errno(void **state)
{
	(void)state;
	for (int netbsd = 1; netbsd <= RUMP_ELAST; netbsd++)
		assert_in_range(abi_errno_to_host(netbsd), 1, 4095);
	/* EINVAL is also what an unknown number becomes: only two are it. */
	for (int netbsd = 1; netbsd <= RUMP_ELAST; netbsd++)
		if (netbsd != RUMP_EINVAL && netbsd != RUMP_EFTYPE)
			assert_int_not_equal(abi_errno_to_host(netbsd), EINVAL);
	assert_int_equal(abi_errno_to_host(0), 0);
	assert_int_equal(abi_errno_to_host(RUMP_ELAST + 1), EINVAL);
	assert_int_equal(abi_errno_to_host(-1), EINVAL);
}

static void
common_errors_survive_both_ways(void **state)
{
	(void)state;
#define X(name) \
	assert_int_equal(abi_errno_to_host(RUMP_##name), name); \
	assert_int_equal(abi_errno_to_host(abi_errno_to_netbsd(name)), name);
#define NETBSD_ONLY(name, stand_in) assert_int_equal(abi_errno_to_host(RUMP_##name), stand_in);
#include "abi/errno.def"
#undef X
#undef NETBSD_ONLY
	assert_int_equal(abi_errno_to_netbsd(EAGAIN), 35);
	assert_int_equal(abi_errno_to_netbsd(ETIMEDOUT), 60);
	assert_int_equal(abi_errno_to_netbsd(ENOSYS), 78);
	assert_int_equal(abi_errno_to_netbsd(EOPNOTSUPP), 45);
	assert_int_equal(abi_errno_to_host(RUMP_ENOTSUP), EOPNOTSUPP);
	assert_int_equal(abi_errno_to_netbsd(EUCLEAN), RUMP_EIO);
}

static void
unknown_host_errors_become_einval(void **state)
{
	(void)state;
	assert_int_equal(abi_errno_to_netbsd(4095), RUMP_EINVAL);
	assert_int_equal(abi_errno_to_netbsd(-5), RUMP_EINVAL);
	for (int host = 1; host < 200; host++)
		assert_in_range(abi_errno_to_netbsd(host), 1, RUMP_ELAST);
}

static void
signals_translate_both_ways(void **state)
{
	(void)state;
#define X(name) \
	assert_int_equal(abi_signal_to_host(RUMP_##name), name); \
	assert_int_equal(abi_signal_to_netbsd(name), RUMP_##name);
#define NETBSD_ONLY(name, stand_in) assert_int_equal(abi_signal_to_host(RUMP_##name), stand_in);
#include "abi/signal.def"
#undef X
#undef NETBSD_ONLY
	assert_int_equal(abi_signal_to_netbsd(SIGUSR1), 30);
	assert_int_equal(abi_signal_to_netbsd(SIGSTKFLT), 0);
	assert_int_equal(abi_signal_to_host(0), 0);
	assert_int_equal(abi_signal_to_host(200), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_netbsd_errno_has_a_host_errno),
	    cmocka_unit_test(common_errors_survive_both_ways),
	    cmocka_unit_test(unknown_host_errors_become_einval),
	    cmocka_unit_test(signals_translate_both_ways),
	};

	return cmocka_run_group_tests_name("errno", tests, NULL, NULL);
}
