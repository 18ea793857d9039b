/* SPDX-License-Identifier: BSD-2-Clause */
/* An object as a kernel component is one: with link sets, and symbols of all kinds. Built in several ways. */
#include <stddef.h>

#define NAME_(prefix, kind) prefix##_##kind
#define NAME(prefix, kind) NAME_(prefix, kind)
#define EXPORT __attribute__((visibility("default")))

/* What the kernel is told of. */
EXPORT int NAME(rump_test_data, KIND) = 1;
EXPORT int NAME(RUMP_TEST_DATA, KIND) = 2;
EXPORT int NAME(__test_data, KIND) = 3;
EXPORT int NAME(rumpns_test_function, KIND)(void);
EXPORT int
NAME(rumpns_test_function, KIND)(void)
{
	return 4;
}

/* What it is not told of. */
EXPORT int NAME(other_data, KIND) = 5;
EXPORT __thread int NAME(rump_test_tls, KIND) = 6;

/* Addresses are all that matters of what is in a link set. */
static char modules[2], components[3];

__attribute__((section("link_set_modules"), used)) static void *const module_set[] = {
    &modules[0], &modules[1]};
__attribute__((section("link_set_rump_components"), used)) static void *const component_set[] = {
    &components[0], &components[1], &components[2]};

/* Makes the linker define the sets' ends, where dlsym(3) finds them too. */
extern void *const __start_link_set_modules[] EXPORT;
extern void *const __stop_link_set_modules[] EXPORT;
extern void *const __start_link_set_rump_components[] EXPORT;
extern void *const __stop_link_set_rump_components[] EXPORT;
EXPORT ptrdiff_t NAME(test_sizes, KIND)(void);
EXPORT ptrdiff_t
NAME(test_sizes, KIND)(void)
{
	return (__stop_link_set_modules - __start_link_set_modules) * 10 +
	       (__stop_link_set_rump_components - __start_link_set_rump_components);
}
