/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/unit.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sp/vm.h"

/* Two pages, the second of which is not there. */
static char *edge;

static int
make_edge(void **state)
{
	(void)state;
	edge = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (edge == MAP_FAILED)
		return -1;
	memset(edge, 'x', 4096);
	return munmap(edge + 4096, 4096);
}

static sp_addr_t
addr(const void *p)
{
	return (sp_addr_t)(uintptr_t)p;
}

static void
a_hole_in_a_range_is_efault(void **state)
{
	char buf[8192];

	(void)state;
	assert_int_equal(sp_vm_read(getpid(), addr(edge), buf, 4096), 0);
	assert_int_equal(sp_vm_read(getpid(), addr(edge + 4095), buf, 1), 0);
	assert_int_equal(sp_vm_read(getpid(), addr(edge + 4095), buf, 2), -EFAULT);
	assert_int_equal(sp_vm_read(getpid(), addr(edge), buf, 8192), -EFAULT);
	assert_int_equal(sp_vm_read(getpid(), 0, buf, 1), -EFAULT);
	assert_int_equal(sp_vm_read(getpid(), UINT64_MAX, buf, 100), -EFAULT);
	assert_int_equal(sp_vm_read(getpid(), 0, buf, 0), 0);
	assert_int_equal(sp_vm_write(getpid(), addr(edge + 4094), "ab", 2), 0);
	assert_int_equal(edge[4095], 'b');
	assert_int_equal(sp_vm_write(getpid(), addr(edge + 4095), "ab", 2), -EFAULT);
	assert_int_equal(sp_vm_write(getpid(), addr("read-only"), "ab", 2), -EFAULT);
}

static void
strings_may_end_at_a_hole(void **state)
{
	char buf[1024];
	size_t len = sizeof(buf);

	(void)state;
	memcpy(edge + 4092, "end", 4);
	assert_int_equal(sp_vm_read_string(getpid(), addr(edge + 4092), buf, &len), 0);
	assert_int_equal(len, 4);
	assert_string_equal(buf, "end");
	memset(edge + 4092, 'x', 4);
	len = sizeof(buf);
	assert_int_equal(sp_vm_read_string(getpid(), addr(edge + 4092), buf, &len), -EFAULT);
	len = 1024;
	assert_int_equal(sp_vm_read_string(getpid(), addr(edge), buf, &len), -ENAMETOOLONG);
	edge[1023] = '\0';
	assert_int_equal(sp_vm_read_string(getpid(), addr(edge), buf, &len), 0);
	assert_int_equal(len, 1024);
	len = 1023;
	assert_int_equal(sp_vm_read_string(getpid(), addr(edge), buf, &len), -ENAMETOOLONG);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_hole_in_a_range_is_efault),
	    cmocka_unit_test(strings_may_end_at_a_hole),
	};

	return cmocka_run_group_tests_name("sp_vm", tests, make_edge, NULL);
}
