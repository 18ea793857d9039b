/* SPDX-License-Identifier: BSD-2-Clause */
/* The scheduling contract of threads, clocks, the current lwp, and of what drivers' host halves call. */
#include "tests/unit/unit.h"

#include <errno.h>

#include <rump/rumpdefs.h>
#include <rump/rumpuser_component.h>

#include "tests/unit/recording_kernel.h"

/* Lwps are only compared. */
static char lwps[2];
static struct lwp *const self = (struct lwp *)&lwps[0];
static struct lwp *const other = (struct lwp *)&lwps[1];

/* Threads. */

static void *
do_nothing(void *arg)
{
	return arg;
}

static void *
exit_thread(void *arg)
{
	*(bool *)arg = true;
	rumpuser_thread_exit();
}

static void *cookie;

static void
create_thread(void)
{
	assert_int_equal(rumpuser_thread_create(do_nothing, NULL, "contract", 1, 0, -1, &cookie), 0);
}

static void
join_thread(void)
{
	assert_int_equal(rumpuser_thread_join(cookie), 0);
}

/* The thread that ends makes no upcall: all that is recorded is the joiner's release. */
static void
exit_and_join(void)
{
	struct recorded_upcall upcalls[1];
	bool ran = false;

	assert_int_equal(rumpuser_thread_create(exit_thread, &ran, NULL, 1, 0, -1, &cookie), 0);
	join_thread();
	assert_true(ran);
	assert_int_equal(recording_get(upcalls, 1, false), 0);
}

static void
change_lwp(void)
{
	rumpuser_curlwpop(RUMPUSER_LWP_CLEAR, self);
	rumpuser_curlwpop(RUMPUSER_LWP_CREATE, other);
	rumpuser_curlwpop(RUMPUSER_LWP_SET, other);
	assert_ptr_equal(rumpuser_curlwp(), other);
	rumpuser_curlwpop(RUMPUSER_LWP_CLEAR, other);
	rumpuser_curlwpop(RUMPUSER_LWP_DESTROY, other);
	assert_null(rumpuser_curlwp());
	rumpuser_curlwpop(RUMPUSER_LWP_SET, self);
}

/* Clocks and errno. */

static void
read_clocks(void)
{
	int64_t sec;
	long nsec;

	assert_int_equal(rumpuser_clock_gettime(RUMPUSER_CLOCK_RELWALL, &sec, &nsec), 0);
	assert_int_equal(rumpuser_clock_gettime(RUMPUSER_CLOCK_ABSMONO, &sec, &nsec), 0);
	assert_int_equal(rumpuser_clock_gettime(2, &sec, &nsec), RUMP_EINVAL);
}

static void
sleep_relative(void)
{
	assert_int_equal(rumpuser_clock_sleep(RUMPUSER_CLOCK_RELWALL, 0, 1000), 0);
}

static void
sleep_absolute(void)
{
	assert_int_equal(rumpuser_clock_sleep(RUMPUSER_CLOCK_ABSMONO, 0, 1), 0);
}

static void
sleep_wrongly(void)
{
	assert_int_equal(rumpuser_clock_sleep(RUMPUSER_CLOCK_RELWALL, 0, 1000000000), RUMP_EINVAL);
}

static void
set_errno(void)
{
	rumpuser_seterrno(RUMP_EAGAIN);
	assert_int_equal(errno, EAGAIN);
}

/* What host halves of drivers call. */

static void
component_release(void)
{
	rumpuser_component_schedule(rumpuser_component_unschedule());
}

static void
component_errtrans(void)
{
	assert_int_equal(rumpuser_component_errtrans(ETIMEDOUT), RUMP_ETIMEDOUT);
}

static const struct contract rows[] = {
    {.name = "thread_create", .class = CONTRACT_NEVER, .call = create_thread},
    {.name = "thread_join", .class = CONTRACT_ALWAYS, .call = join_thread},
    {.name = "thread_exit", .class = CONTRACT_ALWAYS, .call = exit_and_join},
    {.name = "curlwpop, curlwp", .class = CONTRACT_NEVER, .call = change_lwp},
    {.name = "clock_gettime", .class = CONTRACT_NEVER, .call = read_clocks},
    {.name = "clock_sleep (RELWALL)", .class = CONTRACT_ALWAYS, .call = sleep_relative},
    {.name = "clock_sleep (ABSMONO)", .class = CONTRACT_ALWAYS, .call = sleep_absolute},
    {.name = "clock_sleep (of no time)", .class = CONTRACT_ALWAYS, .call = sleep_wrongly},
    {.name = "seterrno", .class = CONTRACT_NEVER, .call = set_errno},
    {.name = "component_unschedule, component_schedule", .class = CONTRACT_ALWAYS, .call = component_release},
    {.name = "component_errtrans", .class = CONTRACT_NEVER, .call = component_errtrans},
};

int
main(void)
{
	int failed;

	recording_start();
	rumpuser_curlwpop(RUMPUSER_LWP_SET, self);
	failed = contract_check("contract_thread", rows, sizeof(rows) / sizeof(rows[0]));
	return failed;
}
