/* SPDX-License-Identifier: BSD-2-Clause */
/* Who is started with an auditor of the loader's, and how the environment has it. */
#include "tests/unit/unit.h"

#include <elf.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "hijack/loader.h"
#include "hijack/run_path.h"
#include "hijack/start.h"
#include "hijack/thread.h"

static bool
listed(const char *list, bool libraries)
{
	char copy[256];

	snprintf(copy, sizeof(copy), "%s", list);
	return hijack_run_path_listed(copy, libraries);
}

static int
configured(void **state)
{
	(void)state;
	hijack_start.server = "unix:///nonexistent";
	hijack_main_process.cwd_inside = false;
	return hijack_config_parse(&hijack_start.config, "path=/rump,blanket=/net", NULL);
}

static void
directories_in_a_list(void **state)
{
	(void)state;
	assert_true(listed("/rump", false));
	assert_true(listed("/usr/lib:/rump/lib", false));
	assert_true(listed("/usr/lib;/net/lib:/lib", false));
	assert_true(listed("$ORIGIN/../../rump/lib", false));
	assert_true(listed("/usr/../rump/lib", false));
	assert_true(listed("//rump/lib", false));
	assert_false(listed("", false));
	assert_false(listed("/usr/lib:/lib", false));
	assert_false(listed("/opt/rump/lib:/rumpkit/lib", false));
	assert_false(listed("$ORIGIN/../lib:lib", false));
}

static void
the_current_directory_counts_where_it_is_inside(void **state)
{
	(void)state;
	hijack_main_process.cwd_inside = true;
	assert_true(listed("lib", false));
	assert_true(listed("/usr/lib:", false));
	assert_true(listed("./liba.so", true));
	assert_false(listed("/usr/lib:$ORIGIN/lib", false));
	assert_false(listed("liba.so libb.so", true));
}

static void
libraries_in_a_list(void **state)
{
	(void)state;
	assert_true(listed("/lib/a.so /rump/b.so", true));
	assert_true(listed("a.so:/rump/b.so", true));
	assert_false(listed("rump:a.so /opt/rump/lib/b.so", true));
}

/* A program with a loader, segments and a dynamic section, as far as is looked at. */
struct image {
	Elf64_Ehdr elf;
	Elf64_Phdr segment[3];
	Elf64_Dyn dynamic[4];
	char strings[64];
};

static const struct image good = {
    .elf = {.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB},
	.e_machine = EM_X86_64,
	.e_phoff = offsetof(struct image, segment),
	.e_phentsize = sizeof(Elf64_Phdr),
	.e_phnum = 3},
    .segment = {{.p_type = PT_INTERP},
	{.p_type = PT_LOAD, .p_vaddr = 0x1000, .p_filesz = sizeof(struct image)},
	{.p_type = PT_DYNAMIC,
	    .p_offset = offsetof(struct image, dynamic),
	    .p_filesz = sizeof(((struct image *)0)->dynamic)}},
    .dynamic = {{DT_NEEDED, {1}}, {DT_RUNPATH, {11}}, {DT_STRTAB, {0x1000 + offsetof(struct image, strings)}},
	{DT_NULL, {0}}},
    .strings = "\0libc.so.6\0/usr/lib:/rump/lib",
};

/* What is found out about the first bytes of an image. */
static bool
judged(const struct image *image, size_t size, bool *has_loader)
{
	int fd = memfd_create("program", MFD_CLOEXEC);
	bool result;

	assert_true(fd >= 0 && write(fd, image, size) == (ssize_t)size);
	if (has_loader != NULL)
		*has_loader = hijack_run_path_has_loader(fd);
	result = hijack_run_path_of(fd, (uint64_t)(uintptr_t) "", AT_EMPTY_PATH);
	assert_int_equal(close(fd), 0);
	return result;
}

static void
a_run_path_is_read(void **state)
{
	struct image image = good;
	bool has_loader = false;

	(void)state;
	assert_true(judged(&image, sizeof(image), &has_loader));
	assert_true(has_loader);
	strcpy(image.strings + 11, "/usr/lib");
	assert_false(judged(&image, sizeof(image), NULL));
	strcpy(image.strings + 1, "/net/a.so");
	assert_true(judged(&image, sizeof(image), NULL));
	image.dynamic[0].d_tag = DT_SONAME;
	assert_false(judged(&image, sizeof(image), NULL));
}

static void
what_is_no_program_has_none(void **state)
{
	struct image image = good;
	bool has_loader = true;

	(void)state;
	for (size_t size = 0; size < offsetof(struct image, strings) + 12; size++)
		assert_false(judged(&good, size, NULL));
	image.segment[0].p_type = PT_NULL;
	assert_false(judged(&image, sizeof(image), &has_loader));
	assert_false(has_loader);
	image = good;
	image.elf.e_ident[EI_CLASS] = ELFCLASS32;
	assert_false(judged(&image, sizeof(image), &has_loader));
	image = good;
	image.elf.e_phnum = 0xffff;
	assert_false(judged(&image, sizeof(image), &has_loader));
	image = good;
	image.dynamic[2].d_un.d_ptr = 0x999;
	assert_false(judged(&image, sizeof(image), NULL));
	image = good;
	image.dynamic[1].d_un.d_val = UINT64_MAX - 0x10;
	assert_false(judged(&image, sizeof(image), NULL));
	image = good;
	image.dynamic[3].d_tag = DT_DEBUG;
	image.segment[2].p_filesz = UINT64_MAX;
	assert_true(judged(&image, sizeof(image), NULL));
	image.segment[2].p_offset = UINT64_MAX;
	assert_false(judged(&image, sizeof(image), NULL));
}

static void
the_auditor_alone_is_hidden(void **state)
{
	/* Not of the heap: the library has one of its own. */
	char given[][64] = {"A=1", "LD_AUDIT=/a/librumphijack_audit.so", "B=2",
	    "LD_AUDIT=x.so:/a/librumphijack_audit.so", "LD_AUDIT=/a/librumphijack_audit.so:x.so:y.so",
	    "LD_AUDITOR=librumphijack_audit.so", "LD_AUDIT=/librumphijack_audit.so/x.so"};
	static const char *const wanted[] = {"A=1", "B=2", "LD_AUDIT=x.so", "LD_AUDIT=x.so:y.so",
	    "LD_AUDITOR=librumphijack_audit.so", "LD_AUDIT=/librumphijack_audit.so/x.so"};
	char *environment[sizeof(given) / sizeof(given[0]) + 1] = {NULL};

	(void)state;
	for (size_t i = 0; i < sizeof(given) / sizeof(given[0]); i++)
		environment[i] = given[i];
	hijack_loader_hide(environment);
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
		assert_string_equal(environment[i], wanted[i]);
	assert_null(environment[sizeof(wanted) / sizeof(wanted[0])]);
}

static void
the_auditor_is_looked_for_beside_the_library(void **state)
{
	char path[64];

	(void)state;
	assert_false(hijack_loader_auditor("/nonexistent/librumphijack.so.0", path, sizeof(path)) &&
		     strncmp(path, "/nonexistent", 12) == 0);
	assert_false(hijack_loader_auditor("/nonexistent/librumphijack.so.0", path, 8));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(directories_in_a_list, configured),
	    cmocka_unit_test_setup(the_current_directory_counts_where_it_is_inside, configured),
	    cmocka_unit_test_setup(libraries_in_a_list, configured),
	    cmocka_unit_test_setup(a_run_path_is_read, configured),
	    cmocka_unit_test_setup(what_is_no_program_has_none, configured),
	    cmocka_unit_test(the_auditor_alone_is_hidden),
	    cmocka_unit_test(the_auditor_is_looked_for_beside_the_library),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
