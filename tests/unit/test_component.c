/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "tests/unit/unit.h"

#include <errno.h>

#include <rump/rumpdefs.h>
#include <rump/rumpuser_component.h>

#include "tests/unit/recording_kernel.h"

static char lwp_memory;
static struct lwp *const some_lwp = (struct lwp *)&lwp_memory;

/* What was called, inside of schedule and unschedule. */
static struct recorded_upcall
the_upcall(void)
{
	struct recorded_upcall upcalls[3];

	assert_int_equal(recording_get(upcalls, 3, true), 3);
	assert_int_equal(upcalls[0].upcall, UPCALL_SCHEDULE);
	assert_true(upcalls[1].had_cpu);
	assert_int_equal(upcalls[2].upcall, UPCALL_UNSCHEDULE);
	assert_true(upcalls[2].had_cpu);
	return upcalls[1];
}

static void
a_host_thread_becomes_a_kernel_thread(void **state)
{
	struct recorded_upcall upcall;

	(void)state;
	recording_clear();
	rumpuser_component_kthread();
	upcall = the_upcall();
	assert_int_equal(upcall.upcall, UPCALL_LWPROC_NEWLWP);
	assert_int_equal(upcall.nlocks, 0); /* process 0 */
	recording_clear();
	rumpuser_component_kthread_release();
	assert_int_equal(the_upcall().upcall, UPCALL_LWPROC_RELEASE);
}

static void
lwps_are_asked_for_and_switched_to(void **state)
{
	struct recorded_upcall upcall;

	(void)state;
	rumpuser_curlwpop(RUMPUSER_LWP_SET, some_lwp);
	recording_clear();
	assert_ptr_equal(rumpuser_component_curlwp(), some_lwp);
	assert_int_equal(the_upcall().upcall, UPCALL_LWPROC_CURLWP);
	rumpuser_curlwpop(RUMPUSER_LWP_CLEAR, some_lwp);
	recording_clear();
	rumpuser_component_switchlwp(some_lwp);
	upcall = the_upcall();
	assert_int_equal(upcall.upcall, UPCALL_LWPROC_SWITCH);
	assert_ptr_equal(upcall.argument, some_lwp);
}

static void
the_cookie_carries_the_locks(void **state)
{
	void *cookie;

	(void)state;
	recording_clear();
	cookie = rumpuser_component_unschedule();
	assert_int_equal(recording_get(NULL, 0, true), 1);
	rumpuser_component_schedule(cookie);
	assert_released_once(NULL);
}

static void
errors_are_the_hosts(void **state)
{
	(void)state;
	assert_int_equal(rumpuser_component_errtrans(0), 0);
	assert_int_equal(rumpuser_component_errtrans(EAGAIN), RUMP_EAGAIN);
	assert_int_equal(rumpuser_component_errtrans(ENOSYS), RUMP_ENOSYS);
	rumpuser_seterrno(RUMP_EAGAIN);
	assert_int_equal(errno, EAGAIN);
}

static void
other_versions_are_refused(void **state)
{
	const struct rumpuser_hyperup none = {0};

	(void)state;
	assert_int_not_equal(rumpuser_init(RUMPUSER_VERSION - 1, &none), 0);
	assert_int_not_equal(rumpuser_init(RUMPUSER_VERSION + 1, &none), 0);
	/* And leave the table alone. */
	recording_clear();
	rumpuser_component_kthread_release();
	assert_int_equal(the_upcall().upcall, UPCALL_LWPROC_RELEASE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_host_thread_becomes_a_kernel_thread),
	    cmocka_unit_test(lwps_are_asked_for_and_switched_to),
	    cmocka_unit_test(the_cookie_carries_the_locks),
	    cmocka_unit_test(errors_are_the_hosts),
	    cmocka_unit_test(other_versions_are_refused),
	};

	recording_start();
	return cmocka_run_group_tests_name("component", tests, NULL, NULL);
}
