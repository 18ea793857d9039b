/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/unit.h"

#include <errno.h>
#include <string.h>

#include "abi/mount.h"

static struct abi_mount
prepare(const char *type, const char *special, const char *options)
{
	struct abi_mount mount;
	const char *bad = NULL;

	assert_int_equal(abi_mount_prepare(&mount, type, special, options, &bad), 0);
	assert_null(bad);
	return mount;
}

static void
a_device_goes_where_its_file_system_looks(void **state)
{
	const char *device = "/dev/x";
	struct abi_mount mount;

	(void)state;
	mount = prepare("ext2fs", device, NULL);
	assert_int_equal(mount.flags, 0);
	assert_int_equal(mount.size, sizeof(struct rump_ufs_args));
	assert_ptr_equal(mount.args.device.fspec, device);
	mount = prepare("msdos", device, NULL);
	assert_int_equal(mount.size, sizeof(struct rump_msdosfs_args));
	assert_ptr_equal(mount.args.msdos.fspec, device);
	assert_int_equal(mount.args.msdos.version, RUMP_MSDOSFSMNT_VERSION);
	mount = prepare("udf", device, "");
	assert_ptr_equal(mount.args.udf.fspec, device);
	assert_int_equal(mount.args.udf.nobody_uid, UINT32_MAX);
	mount = prepare("union", "/below", NULL);
	assert_string_equal(mount.args.union_.target, "/below");
	mount = prepare("kernfs", "none", NULL);
	assert_int_equal(mount.size, 0);
}

static void
flags_add_up_and_rw_takes_back(void **state)
{
	(void)state;
	assert_int_equal(prepare("ffs", "/d", "ro").flags, RUMP_MNT_RDONLY);
	assert_int_equal(prepare("ffs", "/d", "ro,noatime,,nosuid").flags,
	    RUMP_MNT_RDONLY | RUMP_MNT_NOATIME | RUMP_MNT_NOSUID);
	assert_int_equal(prepare("ffs", "/d", "ro,rw").flags, 0);
	assert_int_equal(prepare("ffs", "/d", "update,rdonly").flags, RUMP_MNT_UPDATE | RUMP_MNT_RDONLY);
}

static void
numbers_and_flags_of_a_type_are_stored(void **state)
{
	struct abi_mount mount;

	(void)state;
	mount = prepare("tmpfs", "tmpfs", "size=3m,nodes=100,mode=750,uid=7,gid=8");
	assert_int_equal(mount.args.tmpfs.ta_version, RUMP_TMPFS_ARGS_VERSION);
	assert_int_equal(mount.args.tmpfs.ta_size_max, 3 << 20);
	assert_int_equal(mount.args.tmpfs.ta_nodes_max, 100);
	assert_int_equal(mount.args.tmpfs.ta_root_mode, 0750);
	assert_int_equal(mount.args.tmpfs.ta_root_uid, 7);
	assert_int_equal(mount.args.tmpfs.ta_root_gid, 8);
	assert_int_equal(prepare("tmpfs", "tmpfs", NULL).args.tmpfs.ta_root_mode, 01777);
	mount = prepare("cd9660", "/dev/cd", "norrip,nojoliet,ro");
	assert_int_equal(mount.args.cd9660.flags, RUMP_ISOFSMNT_NORRIP | RUMP_ISOFSMNT_NOJOLIET);
	assert_int_equal(mount.flags, RUMP_MNT_RDONLY);
}

static void
what_is_not_known_is_pointed_at(void **state)
{
	static const char *const options[] = {"bogus", "size=", "size=x", "size=1kk", "size=-1", "size",
	    "size=9999999999g", "mode=9", "uid=4294967296", "norrip", "rox", "r"};
	struct abi_mount mount;
	const char *bad = NULL;

	(void)state;
	assert_int_equal(abi_mount_prepare(&mount, "nosuchfs", "/d", NULL, &bad), -ENODEV);
	assert_int_equal(abi_mount_prepare(&mount, "", "/d", NULL, &bad), -ENODEV);
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		char text[64] = "ro,";

		strcat(text, options[i]);
		assert_int_equal(abi_mount_prepare(&mount, "tmpfs", "tmpfs", text, &bad), -EINVAL);
		assert_ptr_equal(bad, text + 3);
	}
}

static void
flags_are_described_in_words(void **state)
{
	char text[64];

	(void)state;
	assert_int_equal(abi_mount_describe(0, text, sizeof(text)), 0);
	assert_string_equal(text, "");
	abi_mount_describe(RUMP_MNT_RDONLY | RUMP_MNT_LOCAL | RUMP_MNT_NOATIME, text, sizeof(text));
	assert_string_equal(text, "read-only, noatime, local");
	/* Cut, never overrun; the return value is what there would be. */
	assert_int_equal(abi_mount_describe(RUMP_MNT_RDONLY | RUMP_MNT_NOATIME, text, 5), 18);
	assert_string_equal(text, "read");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_device_goes_where_its_file_system_looks),
	    cmocka_unit_test(flags_add_up_and_rw_takes_back),
	    cmocka_unit_test(numbers_and_flags_of_a_type_are_stored),
	    cmocka_unit_test(what_is_not_known_is_pointed_at),
	    cmocka_unit_test(flags_are_described_in_words),
	};

	return cmocka_run_group_tests_name("abi_mount", tests, NULL, NULL);
}
