/* SPDX-License-Identifier: BSD-2-Clause */
/* Linux's structures and flags from NetBSD's, and back. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/time.h>
#include <sys/mount.h>
#include <sys/sysmacros.h>
#include <sys/un.h>

#include "hijack/abi/control.h"
#include "hijack/abi/file_flags.h"
#include "hijack/abi/flags.h"
#include "hijack/abi/mount_options.h"
#include "hijack/abi/socket.h"
#include "hijack/abi/stat.h"

static void
open_flags_come_back(void **state)
{
	static const int flags[] = {O_CREAT, O_EXCL, O_TRUNC, O_APPEND, O_NONBLOCK, O_SYNC, O_DSYNC,
	    O_DIRECTORY, O_NOFOLLOW, O_CLOEXEC, O_RDWR | O_APPEND, O_WRONLY | O_CREAT | O_EXCL};

	(void)state;
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		assert_int_equal(hijack_abi_open_flags_back(hijack_abi_open_flags(flags[i])), flags[i]);
	assert_int_equal(hijack_abi_open_flags(O_WRONLY | O_CREAT | O_TRUNC), 1 | 0x200 | 0x400);
	assert_int_equal(hijack_abi_open_flags(O_SYNC), RUMP_O_SYNC);
}

static void
status_is_translated(void **state)
{
	struct rump_stat from = {.st_dev = 5,
	    .st_mode = RUMP_S_IFLNK | 0755,
	    .st_ino = 77,
	    .st_nlink = 2,
	    .st_uid = 0,
	    .st_gid = 12,
	    .st_rdev = 0x302,
	    .st_size = 9,
	    .st_blocks = 1,
	    .st_blksize = 4096,
	    .st_mtim = {100, 5}};
	struct hijack_identity identity = {1000, 1001};
	struct statx extended;
	struct stat st;

	(void)state;
	hijack_abi_stat(&st, &from, &identity);
	assert_int_equal(st.st_mode, S_IFLNK | 0777);
	assert_int_equal(st.st_uid, 1000);
	assert_int_equal(st.st_gid, 12);
	assert_int_equal(st.st_rdev, 0);
	assert_int_equal(st.st_mtim.tv_nsec, 5);
	from.st_mode = RUMP_S_IFBLK | 0600;
	from.st_flags = RUMP_UF_APPEND | RUMP_UF_OPAQUE;
	hijack_abi_statx(&extended, &from, &identity);
	assert_int_equal(extended.stx_rdev_major, 3);
	assert_int_equal(extended.stx_rdev_minor, 2);
	assert_int_equal(extended.stx_mask & STATX_BTIME, 0);
	assert_int_equal(extended.stx_uid, 1000);
	assert_int_equal(extended.stx_attributes, STATX_ATTR_APPEND);
	assert_int_equal(
	    extended.stx_attributes_mask, STATX_ATTR_APPEND | STATX_ATTR_IMMUTABLE | STATX_ATTR_NODUMP);
}

static size_t
put_entry(uint8_t *at, uint64_t number, uint8_t type, const char *name)
{
	struct rump_dirent entry = {.d_fileno = number, .d_namlen = (uint16_t)strlen(name), .d_type = type};
	size_t size = (offsetof(struct rump_dirent, d_name) + strlen(name) + 1 + 7) & -8UL;

	entry.d_reclen = (uint16_t)size;
	memcpy(entry.d_name, name, strlen(name));
	memcpy(at, &entry, size);
	return size;
}

static void
directory_entries_are_translated(void **state)
{
	uint64_t from[128], to[192];
	uint8_t *p = (uint8_t *)from;
	const char *out = (const char *)to;
	struct hijack_position position = {512, 0};
	long size;

	(void)state;
	p += put_entry(p, 1, RUMP_DT_DIR, ".");
	p += put_entry(p, 0, RUMP_DT_REG, "removed");
	p += put_entry(p, 9, RUMP_DT_REG, "a-longer-name");
	size = hijack_abi_dirents(to, from, (size_t)(p - (uint8_t *)from), &position);
	assert_int_equal(size, 24 + 40);
	assert_string_equal(out + 19, ".");
	assert_int_equal(out[18], 4);
	assert_string_equal(out + 24 + 19, "a-longer-name");
	assert_int_equal(to[0], 1);
	assert_int_equal(to[3], 9);
	/* Positions are those behind each. Removed entries count. */
	position = hijack_abi_position_back((int64_t)to[1]);
	assert_int_equal(position.base, 512);
	assert_int_equal(position.entries, 1);
	size = hijack_abi_dirents(to, from, (size_t)(p - (uint8_t *)from), &position);
	assert_int_equal(size, 40);
	assert_string_equal(out + 19, "a-longer-name");
	assert_int_equal(position.entries, 0);
	position = hijack_abi_position_back((int64_t)to[1]);
	assert_int_equal(position.entries, 3);
	position.entries = 5;
	assert_int_equal(hijack_abi_dirents(to, from, (size_t)(p - (uint8_t *)from), &position), 0);
	assert_int_equal(position.entries, 2);
}

static void
positions_are_numbers(void **state)
{
	static const struct hijack_position positions[] = {
	    {0, 0}, {0, 1}, {4096, 17}, {HIJACK_POSITION_BASE_MAX, 4095}};
	static const int64_t others[] = {0, 1, 4096, INT64_C(1) << 61, INT64_MAX};
	int64_t number, last = -1;

	(void)state;
	for (size_t i = 0; i < sizeof(positions) / sizeof(positions[0]); i++) {
		struct hijack_position back;

		number = hijack_abi_position(&positions[i]);
		back = hijack_abi_position_back(number);
		assert_true(number > last);
		last = number;
		assert_int_equal(back.base, positions[i].base);
		assert_int_equal(back.entries, positions[i].entries);
	}
	/* What file systems say themselves. */
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		assert_int_equal(hijack_abi_position_back(others[i]).base, others[i]);
	assert_int_equal(
	    hijack_abi_position(&(struct hijack_position){INT64_C(1) << 60, 3}), INT64_C(1) << 60);
}

static void
malformed_entries_are_refused(void **state)
{
	uint64_t from[128], to[192];
	struct rump_dirent *entry = (struct rump_dirent *)from;
	struct hijack_position position = {0};
	size_t size = put_entry((uint8_t *)from, 1, RUMP_DT_REG, "name");

	(void)state;
	entry->d_namlen = 500;
	assert_int_equal(hijack_abi_dirents(to, from, size, &position), -EIO);
	entry->d_namlen = 4;
	entry->d_reclen = 0;
	assert_int_equal(hijack_abi_dirents(to, from, size, &position), -EIO);
	entry->d_reclen = 600;
	assert_int_equal(hijack_abi_dirents(to, from, size, &position), -EIO);
	assert_int_equal(hijack_abi_dirents(to, from, 5, &position), -EIO);
}

static void
addresses_have_a_length_byte(void **state)
{
	union hijack_address host = {{0}}, netbsd, back;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&host;

	(void)state;
	in6->sin6_family = AF_INET6;
	in6->sin6_port = htons(80);
	in6->sin6_addr = in6addr_loopback;
	assert_int_equal(hijack_abi_address(&netbsd, &host, sizeof(*in6)), 28);
	assert_int_equal(netbsd.netbsd_in6.sin6_len, 28);
	assert_int_equal(netbsd.netbsd_in6.sin6_family, 24);
	assert_int_equal(hijack_abi_address_back(&back, &netbsd, 28), 28);
	assert_memory_equal(&back, &host, 28);
	host.host.ss_family = AF_NETLINK;
	assert_int_equal(hijack_abi_address(&netbsd, &host, 12), -EAFNOSUPPORT);
	assert_int_equal(hijack_abi_address(&netbsd, &host, 1), -EINVAL);
	host.host.ss_family = AF_UNIX;
	assert_int_equal(hijack_abi_address(&netbsd, &host, sizeof(struct sockaddr_un)), -ENAMETOOLONG);
}

static void
options_have_other_numbers(void **state)
{
	int level = SOL_SOCKET, name = SO_REUSEADDR;

	(void)state;
	assert_true(hijack_abi_option(&level, &name));
	assert_int_equal(level, 0xffff);
	assert_int_equal(name, 4);
	level = SOL_SOCKET;
	name = SO_PEERCRED;
	assert_false(hijack_abi_option(&level, &name));
	assert_int_equal(hijack_abi_message_flags(MSG_DONTWAIT | MSG_NOSIGNAL), 128 | 1024 | 4096);
	assert_int_equal(hijack_abi_message_flags(MSG_ERRQUEUE), -EOPNOTSUPP);
	assert_int_equal(hijack_abi_message_flags_back(hijack_abi_message_flags(MSG_PEEK | MSG_TRUNC)),
	    MSG_PEEK | MSG_TRUNC);
}

static void
control_messages_are_translated(void **state)
{
	const struct in_pktinfo info = {.ipi_ifindex = 3, .ipi_spec_dst = {0x0100007f}, .ipi_addr = {7}};
	const struct rump_timeval time = {.tv_sec = 5, .tv_usec = 6};
	struct in_pktinfo back;
	struct timeval host;
	uint32_t netbsd[8];
	uint8_t ttl = 64;
	int level = IPPROTO_IP, type = IP_PKTINFO, value = 9;

	(void)state;
	assert_int_equal(hijack_abi_control(&level, &type, netbsd, &info, sizeof(info)), 8);
	assert_int_equal(type, RUMP_IP_PKTINFO);
	assert_int_equal(netbsd[0], 0x0100007f);
	assert_int_equal(netbsd[1], 3);
	assert_int_equal(hijack_abi_control_back(&level, &type, &back, netbsd, 8), sizeof(back));
	assert_int_equal(type, IP_PKTINFO);
	assert_int_equal(back.ipi_addr.s_addr, 0x0100007f);
	assert_int_equal(back.ipi_ifindex, 3);
	type = RUMP_IP_RECVTTL;
	assert_int_equal(hijack_abi_control_back(&level, &type, &value, &ttl, 1), sizeof(value));
	assert_int_equal(value, 64);
	assert_int_equal(type, IP_TTL);
	level = IPPROTO_IPV6;
	type = IPV6_HOPLIMIT;
	assert_int_equal(hijack_abi_control(&level, &type, netbsd, &value, sizeof(value)), sizeof(value));
	assert_int_equal(type, RUMP_IPV6_HOPLIMIT);
	level = RUMP_SOL_SOCKET;
	type = RUMP_SCM_TIMESTAMP;
	assert_int_equal(hijack_abi_control_back(&level, &type, &host, &time, sizeof(time)), sizeof(host));
	assert_int_equal(host.tv_sec, 5);
	assert_int_equal(host.tv_usec, 6);
	assert_int_equal(level, SOL_SOCKET);
	assert_int_equal(type, SCM_TIMESTAMP);
	/* Credentials, and what is cut off. */
	type = SCM_CREDENTIALS;
	assert_int_equal(hijack_abi_control(&level, &type, netbsd, &value, sizeof(value)), -EINVAL);
	level = RUMP_IPPROTO_IP;
	type = RUMP_IP_PKTINFO;
	assert_int_equal(hijack_abi_control_back(&level, &type, &back, netbsd, 4), -EINVAL);
}

static void
mounts_are_asked_for_in_words(void **state)
{
	char text[64];

	(void)state;
	assert_string_equal(hijack_abi_mount_type("ext3"), "ext2fs");
	assert_string_equal(hijack_abi_mount_type("tmpfs"), "tmpfs");
	assert_int_equal(hijack_abi_mount_options(0, NULL, text, sizeof(text)), 0);
	assert_string_equal(text, "");
	assert_int_equal(hijack_abi_mount_options(0xc0ed0000 | MS_RDONLY | MS_REMOUNT | MS_SILENT,
			     "size=1,,nr_inodes=22,x", text, sizeof(text)),
	    0);
	assert_string_equal(text, "ro,update,size=1,nodes=22,x");
	assert_int_equal(hijack_abi_mount_options(MS_BIND, NULL, text, sizeof(text)), -EINVAL);
	assert_int_equal(hijack_abi_mount_options(256, NULL, text, sizeof(text)), -EINVAL);
	/* Never longer than there is room. */
	assert_int_equal(hijack_abi_mount_options(MS_RDONLY, "12345", text, 9), 0);
	assert_string_equal(text, "ro,12345");
	assert_int_equal(hijack_abi_mount_options(MS_RDONLY, "12345", text, 8), -EINVAL);
	assert_int_equal(hijack_abi_mount_options(0, "nr_inodes=1", text, 7), -EINVAL);
}

static void
flags_of_files_are_translated(void **state)
{
	static const struct {
		uint32_t before;
		unsigned int wanted;
		uint32_t after;
	} changes[] = {{0, 0, 0}, {0, 0x10, RUMP_SF_IMMUTABLE}, {0, 0x20, RUMP_SF_APPEND},
	    {0, 0x40, RUMP_UF_NODUMP}, {0, 0x70, RUMP_SF_IMMUTABLE | RUMP_SF_APPEND | RUMP_UF_NODUMP},
	    {RUMP_UF_IMMUTABLE | RUMP_SF_APPEND, 0x10, RUMP_UF_IMMUTABLE},
	    {RUMP_UF_IMMUTABLE | RUMP_SF_IMMUTABLE | RUMP_UF_NODUMP, 0, 0},
	    {RUMP_UF_OPAQUE | RUMP_SF_ARCHIVED, 0x20, RUMP_UF_OPAQUE | RUMP_SF_ARCHIVED | RUMP_SF_APPEND}};
	uint32_t flags;

	(void)state;
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		flags = changes[i].before;
		assert_true(hijack_abi_file_flags(&flags, changes[i].wanted));
		assert_int_equal(flags, changes[i].after);
		assert_int_equal(hijack_abi_file_flags_back(flags), changes[i].wanted);
	}
	assert_int_equal(hijack_abi_file_flags_back(RUMP_UF_IMMUTABLE | RUMP_UF_APPEND), 0x30);
	assert_int_equal(hijack_abi_file_flags_back(RUMP_UF_OPAQUE | RUMP_SF_ARCHIVED), 0);
	flags = 0;
	assert_false(hijack_abi_file_flags(&flags, 0x10 | 0x800000)); /* no copy on write */
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(open_flags_come_back),
	    cmocka_unit_test(status_is_translated),
	    cmocka_unit_test(directory_entries_are_translated),
	    cmocka_unit_test(positions_are_numbers),
	    cmocka_unit_test(malformed_entries_are_refused),
	    cmocka_unit_test(addresses_have_a_length_byte),
	    cmocka_unit_test(options_have_other_numbers),
	    cmocka_unit_test(control_messages_are_translated),
	    cmocka_unit_test(mounts_are_asked_for_in_words),
	    cmocka_unit_test(flags_of_files_are_translated),
	};

	return cmocka_run_group_tests_name("hijack_abi", tests, NULL, NULL);
}
