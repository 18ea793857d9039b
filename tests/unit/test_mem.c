/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include <rump/rumpdefs.h>
#include <rump/rumpuser.h>

#include "tests/unit/faults.h"

#define PAGE 4096

static void
memory_is_aligned_as_asked(void **state)
{
	void *mem;

	(void)state;
	for (int alignment = 1; alignment <= 1 << 21; alignment *= 2)
		for (size_t len = 1; len <= 3 * PAGE; len = len * 3 + 1) {
			assert_int_equal(rumpuser_malloc(len, alignment, &mem), 0);
			assert_int_equal((uintptr_t)mem % (unsigned)alignment, 0);
			memset(mem, 0xa5, len);
			rumpuser_free(mem, len);
		}
	assert_int_equal(rumpuser_malloc(100, 0, &mem), 0);
	assert_int_equal((uintptr_t)mem % 16, 0);
	rumpuser_free(mem, 100);
}

static void
what_is_no_alignment_is_refused(void **state)
{
	static const int bad[] = {3, 24, 4097, -1, -16, INT32_MAX};
	void *mem = state;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(rumpuser_malloc(64, bad[i], &mem), RUMP_EINVAL);
	assert_ptr_equal(mem, state);
}

static void
no_bytes_are_memory_too(void **state)
{
	void *mem;

	(void)state;
	assert_int_equal(rumpuser_malloc(0, 0, &mem), 0);
	rumpuser_free(mem, 0);
	rumpuser_free(NULL, 10);
}

static void
more_than_there_is_gives_enomem(void **state)
{
	static const int alignments[] = {0, 8, 64, PAGE, 1 << 21};
	void *mem = state;

	for (size_t i = 0; i < sizeof(alignments) / sizeof(alignments[0]); i++) {
		assert_int_equal(rumpuser_malloc((size_t)1 << 50, alignments[i], &mem), RUMP_ENOMEM);
		/* What valgrind takes for a mistake. */
		if (!faults_instrumented())
			assert_int_equal(rumpuser_malloc(SIZE_MAX - 8, alignments[i], &mem), RUMP_ENOMEM);
	}
	if (faults_instrumented())
		return;
	assert_int_equal(rumpuser_anonmmap(NULL, (size_t)1 << 50, 0, 0, &mem), RUMP_ENOMEM);
	assert_int_equal(rumpuser_anonmmap(NULL, (size_t)1 << 50, 21, 0, &mem), RUMP_ENOMEM);
	assert_int_equal(rumpuser_anonmmap(NULL, SIZE_MAX - 8, 0, 0, &mem), RUMP_ENOMEM);
	assert_int_equal(rumpuser_anonmmap(NULL, SIZE_MAX - 2 * PAGE, 21, 0, &mem), RUMP_ENOMEM);
	assert_ptr_equal(mem, state);
}

/* Takes all that the limit leaves, in ever smaller pieces, then gives a little back and takes it again. */
static int
use_up(void *arg)
{
	struct rlimit limit = {256 << 20, 256 << 20};
	void *mem, *last = NULL;
	size_t total = 0;

	(void)arg;
	if (setrlimit(RLIMIT_AS, &limit) != 0)
		return 1;
	for (size_t len = 16 << 20; len >= 64; len /= 2) {
		int error;

		while ((error = rumpuser_malloc(len, len >= PAGE ? PAGE : 0, &mem)) == 0) {
			total += len;
			if (total > (size_t)256 << 20)
				return 2;
			last = mem;
		}
		if (error != RUMP_ENOMEM)
			return 3;
	}
	if (rumpuser_anonmmap(NULL, 1 << 20, 0, 0, &mem) != RUMP_ENOMEM)
		return 4;
	if (rumpuser_anonmmap(NULL, 1 << 20, 16, 0, &mem) != RUMP_ENOMEM)
		return 5;
	rumpuser_free(last, 64);
	return rumpuser_malloc(64, 0, &mem) == 0 ? 0 : 6;
}

static void
a_host_without_memory_gives_enomem(void **state)
{
	(void)state;
	if (!faults_can_limit_memory()) {
		print_message("memory cannot be limited here\n");
		return;
	}
	assert_int_equal(faults_in_child(use_up, NULL), 0);
}

static size_t
mapped_pages(void)
{
	FILE *statm = fopen("/proc/self/statm", "r");
	size_t pages = 0;

	assert_non_null(statm);
	assert_int_equal(fscanf(statm, "%zu", &pages), 1);
	fclose(statm);
	return pages;
}

static void
mappings_are_aligned_and_all_there(void **state)
{
	(void)state;
	for (int alignbit = 0; alignbit <= 26; alignbit++)
		for (size_t len = 1; len <= 5 * PAGE; len += PAGE + 1) {
			void *mem;

			assert_int_equal(rumpuser_anonmmap(NULL, len, alignbit, 0, &mem), 0);
			assert_int_equal(
			    (uintptr_t)mem % ((uintptr_t)1 << (alignbit < 12 ? 12 : alignbit)), 0);
			for (size_t i = 0; i < len; i++)
				assert_int_equal(((char *)mem)[i], 0);
			memset(mem, 1, len);
			rumpuser_unmap(mem, len);
			if (!faults_instrumented())
				assert_int_equal(msync(mem, PAGE, MS_ASYNC), -1);
		}
}

static void
alignment_costs_no_address_space(void **state)
{
	size_t before, after;
	void *mem[64];

	(void)state;
	if (faults_instrumented())
		return;
	before = mapped_pages();
	for (int i = 0; i < 64; i++)
		assert_int_equal(rumpuser_anonmmap(NULL, 3 * PAGE, 22, 0, &mem[i]), 0);
	after = mapped_pages();
	assert_in_range(after - before, 64 * 3, 64 * 3 + 64);
	for (int i = 0; i < 64; i++)
		rumpuser_unmap(mem[i], 3 * PAGE);
}

static void
a_preferred_address_is_a_wish(void **state)
{
	void *mem, *second;

	(void)state;
	assert_int_equal(rumpuser_anonmmap(NULL, 16 * PAGE, 0, 0, &mem), 0);
	rumpuser_unmap(mem, 16 * PAGE);
	/* Free: it is granted. */
	assert_int_equal(rumpuser_anonmmap(mem, 16 * PAGE, 0, 0, &second), 0);
	assert_ptr_equal(second, mem);
	memset(mem, 7, 16 * PAGE);
	/* Taken: it is not, and what is there stays. */
	assert_int_equal(rumpuser_anonmmap(mem, 16 * PAGE, 20, 0, &second), 0);
	assert_ptr_not_equal(second, mem);
	assert_int_equal((uintptr_t)second % (1 << 20), 0);
	assert_int_equal(*(char *)mem, 7);
	rumpuser_unmap(second, 16 * PAGE);
	rumpuser_unmap(mem, 16 * PAGE);
}

static void
executable_mappings_execute(void **state)
{
	/* mov $42, %eax; ret */
	static const unsigned char code[] = {0xb8, 42, 0, 0, 0, 0xc3};
	int (*function)(void);
	void *mem;

	(void)state;
	assert_int_equal(rumpuser_anonmmap(NULL, PAGE, 0, 1, &mem), 0);
	memcpy(mem, code, sizeof(code));
	memcpy(&function, &mem, sizeof(function));
	assert_int_equal(function(), 42);
	rumpuser_unmap(mem, PAGE);
}

static void
bad_mappings_are_refused(void **state)
{
	void *mem = state;

	assert_int_equal(rumpuser_anonmmap(NULL, 0, 0, 0, &mem), RUMP_EINVAL);
	assert_int_equal(rumpuser_anonmmap(NULL, PAGE, -1, 0, &mem), RUMP_EINVAL);
	assert_int_equal(rumpuser_anonmmap(NULL, PAGE, 64, 0, &mem), RUMP_EINVAL);
	assert_ptr_equal(mem, state);
}

/* What AddressSanitizer would abort for is what is tested. */
__attribute__((visibility("default"))) const char *__asan_default_options(void);
__attribute__((visibility("default"))) const char *__tsan_default_options(void);

const char *
__asan_default_options(void)
{
	return "allocator_may_return_null=1";
}

const char *
__tsan_default_options(void)
{
	return "allocator_may_return_null=1";
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(memory_is_aligned_as_asked),
	    cmocka_unit_test(what_is_no_alignment_is_refused),
	    cmocka_unit_test(no_bytes_are_memory_too),
	    cmocka_unit_test(more_than_there_is_gives_enomem),
	    cmocka_unit_test(a_host_without_memory_gives_enomem),
	    cmocka_unit_test(mappings_are_aligned_and_all_there),
	    cmocka_unit_test(alignment_costs_no_address_space),
	    cmocka_unit_test(a_preferred_address_is_a_wish),
	    cmocka_unit_test(executable_mappings_execute),
	    cmocka_unit_test(bad_mappings_are_refused),
	};

	return cmocka_run_group_tests_name("mem", tests, NULL, NULL);
}
