/* SPDX-License-Identifier: BSD-2-Clause */
/* Images that are mounted and left in process: what leaving lets go of. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <rump/rump.h>
#include <rump/rump_syscalls.h>
#include <rump/rumpdefs.h>

static char host[] = "/tmp/rumpkit-images-XXXXXX", image[64];
static char device[] = "/dev/image";
static int count, failures;

static void
expect(int ok, const char *what)
{
	printf("%sok %d - %s\n", ok ? "" : "not ", ++count, what);
	failures += !ok;
}

static int
mount_image(int flags)
{
	struct rump_ufs_args args = {.fspec = device};

	return rump_sys_mount("ext2fs", "/mnt", flags, &args, sizeof(args));
}

static int
make_image(const char *size)
{
	char command[256];

	snprintf(image, sizeof(image), "%s/image", host);
	snprintf(command, sizeof(command),
	    "PATH=$PATH:/usr/sbin:/sbin; mke2fs -q -F -t ext4 %s %s >%s/log 2>&1", image, size, host);
	return system(command) == 0 && rump_pub_etfs_register(device, image, RUMP_ETFS_BLK) == 0 ? 0 : -1;
}

/* The same device, for reading and then for writing. */
static void
mounted_otherwise(void)
{
	int good = 1;

	for (int i = 0; i < 20 && good; i++) {
		good = mount_image(RUMP_MNT_RDONLY) == 0 && rump_sys_unmount("/mnt", 0) == 0 &&
		       mount_image(0) == 0 && rump_sys_mkdir("/mnt/d", 0755) == 0 &&
		       rump_sys_rmdir("/mnt/d") == 0 && rump_sys_unmount("/mnt", 0) == 0;
		if (!good)
			printf("# round %d: errno %d\n", i, errno);
	}
	expect(good, "what was mounted read-only can be mounted for writing at once");
}

static void
taken_away(void)
{
	int good = 1;

	for (int i = 0; i < 20 && good; i++)
		good = mount_image(0) == 0 && rump_sys_unmount("/mnt", 0) == 0 &&
		       rump_pub_etfs_remove(device) == 0 &&
		       rump_pub_etfs_register(device, image, RUMP_ETFS_BLK) == 0;
	expect(good, "a device can be taken away as soon as it is unmounted");
}

static void
left_by_force(void)
{
	int fd;

	expect(mount_image(0) == 0, "mounted");
	expect(rump_pub_etfs_remove(device) == RUMP_EBUSY, "a mounted device stays");
	fd = rump_sys_open("/mnt/f", RUMP_O_CREAT | RUMP_O_RDWR, 0644);
	expect(fd != -1 && rump_sys_unmount("/mnt", 0) == -1 && errno == EBUSY, "an open file keeps it");
	expect(rump_sys_unmount("/mnt", RUMP_MNT_FORCE) == 0, "but not by force");
	expect(rump_sys_write(fd, "x", 1) == -1 && errno == EIO, "the file is dead then");
	expect(rump_sys_close(fd) == 0, "and can be closed");
	expect(mount_image(RUMP_MNT_RDONLY) == 0 && rump_sys_unmount("/mnt", 0) == 0 && mount_image(0) == 0 &&
		   rump_sys_unmount("/mnt", 0) == 0,
	    "after which the device can be mounted in any way");
	expect(rump_pub_etfs_remove(device) == 0, "and taken away");
}

/* What a write by another than the superuser leaves of the mode 06777, now and on the disk. */
static void
setid_of_what_is_written(void)
{
	static const int hows[] = {0, RUMP_O_SYNC};
	struct rump_stat st;
	int good = mount_image(0) == 0;

	for (size_t i = 0; i < sizeof(hows) / sizeof(hows[0]) && good; i++) {
		int fd = rump_sys_open("/mnt/setid", RUMP_O_CREAT | RUMP_O_RDWR | hows[i], 0644);

		good = fd != -1 && rump_sys_fchmod(fd, 06777) == 0 && rump_sys_write(fd, "x", 1) == 1 &&
		       rump_sys_fstat(fd, &st) == 0 && (st.st_mode & 07777) == 06777;
		good = good && rump_sys_seteuid(10) == 0 && rump_sys_write(fd, "", 0) == 0 &&
		       rump_sys_fstat(fd, &st) == 0 && (st.st_mode & 07777) == 06777;
		good = good && rump_sys_write(fd, "y", 1) == 1 && rump_sys_fstat(fd, &st) == 0 &&
		       (st.st_mode & 07777) == 0777;
		good = rump_sys_seteuid(0) == 0 && good && rump_sys_close(fd) == 0;
		good = rump_sys_unmount("/mnt", 0) == 0 && good && mount_image(0) == 0 &&
		       rump_sys_stat("/mnt/setid", &st) == 0 && (st.st_mode & 07777) == 0777;
	}
	expect(good && rump_sys_unlink("/mnt/setid") == 0 && rump_sys_unmount("/mnt", 0) == 0,
	    "a write takes the set-id bits away");
}

static void
flags_that_nobody_heeds(void)
{
	expect(
	    mount_image(RUMP_MNT_SYNCHRONOUS) == -1 && errno == EOPNOTSUPP, "synchronous writing is refused");
	expect(mount_image(RUMP_MNT_UNION) == -1 && errno == EOPNOTSUPP, "and so is a union");
	expect(mount_image(RUMP_MNT_SYNCHRONOUS | RUMP_MNT_RDONLY) == 0 &&
		   rump_sys_mount("ext2fs", "/mnt", RUMP_MNT_UPDATE | RUMP_MNT_SYNCHRONOUS, NULL, 0) == -1 &&
		   errno == EOPNOTSUPP && rump_sys_unmount("/mnt", 0) == 0,
	    "what is only read is as synchronous as can be");
}

static int
image_is_sound(void)
{
	char command[256];

	snprintf(
	    command, sizeof(command), "PATH=$PATH:/usr/sbin:/sbin; e2fsck -fn %s >%s/log 2>&1", image, host);
	return system(command) == 0;
}

/* Where 31 and 32 bits end, and beyond. */
static const int64_t borders[] = {INT64_C(1) << 31, INT64_C(1) << 32, INT64_C(5) << 30};

static void
file_larger_than_32_bits(void)
{
	enum { PIECE = 8192 };
	static char written[PIECE], seen[PIECE];
	struct rump_stat st;
	int good = 1, fd;

	good = mount_image(0) == 0 && (fd = rump_sys_open("/mnt/f", RUMP_O_CREAT | RUMP_O_RDWR, 0644)) != -1;
	for (size_t i = 0; i < sizeof(borders) / sizeof(borders[0]) && good; i++) {
		memset(written, 'a' + (int)i, PIECE);
		good = rump_sys_pwrite(fd, written, PIECE, borders[i] - PIECE / 2) == PIECE;
	}
	expect(good && rump_sys_close(fd) == 0 && rump_sys_unmount("/mnt", 0) == 0,
	    "a file of more than 4 GiB is written");
	expect(image_is_sound(), "e2fsck finds nothing");
	good = mount_image(RUMP_MNT_RDONLY) == 0 && (fd = rump_sys_open("/mnt/f", RUMP_O_RDONLY)) != -1 &&
	       rump_sys_fstat(fd, &st) == 0 && st.st_size == (INT64_C(5) << 30) + PIECE / 2 &&
	       st.st_blocks * 512 < 1 << 20;
	for (size_t i = 0; i < sizeof(borders) / sizeof(borders[0]) && good; i++) {
		memset(written, 'a' + (int)i, PIECE);
		good = rump_sys_pread(fd, seen, PIECE, borders[i] - PIECE / 2) == PIECE &&
		       memcmp(seen, written, PIECE) == 0 &&
		       rump_sys_pread(fd, seen, 1, borders[i] - PIECE / 2 - 1) == 1 && seen[0] == 0;
	}
	expect(good && rump_sys_close(fd) == 0 && rump_sys_unmount("/mnt", 0) == 0,
	    "and read, with its holes, after a remount");
	expect(rump_pub_etfs_remove(device) == 0, "the device is left");
}

int
main(void)
{
	if (mkdtemp(host) == NULL || rump_init() != 0 || rump_sys_mkdir("/mnt", 0755) != 0)
		return 1;
	if (make_image("4M") == 0) {
		printf("1..19\n");
		setid_of_what_is_written();
		flags_that_nobody_heeds();
		mounted_otherwise();
		taken_away();
		left_by_force();
		expect(make_image("6G") == 0, "a sparse image of 6 GiB");
		file_larger_than_32_bits();
	} else {
		printf("1..0 # SKIP no image can be made here (mke2fs)\n");
	}
	snprintf(image, sizeof(image), "%s/log", host);
	unlink(image);
	snprintf(image, sizeof(image), "%s/image", host);
	unlink(image);
	rmdir(host);
	return failures != 0;
}
