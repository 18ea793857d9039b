/* SPDX-License-Identifier: BSD-2-Clause */
#include "hijack/abi/stat.h"

#include <dirent.h>
#undef d_fileno /* a macro for d_ino; NetBSD's is a member */
#include <errno.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "hijack/abi/file_flags.h"

/* File types are the same numbers. */
static_assert(S_IFDIR == RUMP_S_IFDIR && S_IFREG == RUMP_S_IFREG && S_IFLNK == RUMP_S_IFLNK, "file types");
static_assert(DT_DIR == RUMP_DT_DIR && DT_REG == RUMP_DT_REG && DT_LNK == RUMP_DT_LNK, "entry types");

/* A device number of the rump kernel's must not be mistaken for one of the host's: a major that Linux gives
 * to nobody. */
#define DEVICE_MAJOR 0x72d

static dev_t
file_system(uint64_t device)
{
	return makedev(DEVICE_MAJOR, (unsigned int)(device ^ device >> 20) & 0xfffff);
}

/* NetBSD: 12 bits of minor with a hole for 12 of major. */
static dev_t
special(uint64_t device)
{
	return makedev((device >> 8) & 0xfff, ((device & 0xfff00000) >> 12) | (device & 0xff));
}

static uint32_t
owner(uint32_t id, uint32_t root_is)
{
	return id == 0 ? root_is : id;
}

static bool
is_special(uint32_t mode)
{
	return S_ISBLK(mode) || S_ISCHR(mode);
}

void
hijack_abi_stat(struct stat *to, const struct rump_stat *from, const struct hijack_identity *identity)
{
	memset(to, 0, sizeof(*to));
	to->st_dev = file_system(from->st_dev);
	to->st_ino = from->st_ino;
	/* A link's permissions mean nothing, and Linux shows them all. */
	to->st_mode = (from->st_mode & 0177777) | (S_ISLNK(from->st_mode) ? 0777 : 0);
	to->st_nlink = from->st_nlink;
	to->st_uid = owner(from->st_uid, identity->uid);
	to->st_gid = owner(from->st_gid, identity->gid);
	to->st_rdev = is_special(from->st_mode) ? special(from->st_rdev) : 0;
	to->st_size = from->st_size;
	to->st_blksize = from->st_blksize;
	to->st_blocks = from->st_blocks;
	to->st_atim = (struct timespec){from->st_atim.tv_sec, from->st_atim.tv_nsec};
	to->st_mtim = (struct timespec){from->st_mtim.tv_sec, from->st_mtim.tv_nsec};
	to->st_ctim = (struct timespec){from->st_ctim.tv_sec, from->st_ctim.tv_nsec};
}

static struct statx_timestamp
timestamp(struct rump_timespec time)
{
	return (struct statx_timestamp){.tv_sec = time.tv_sec, .tv_nsec = (uint32_t)time.tv_nsec};
}

void
hijack_abi_statx(struct statx *to, const struct rump_stat *from, const struct hijack_identity *identity)
{
	struct stat st;

	hijack_abi_stat(&st, from, identity);
	memset(to, 0, sizeof(*to));
	to->stx_mask = STATX_BASIC_STATS;
	to->stx_blksize = (uint32_t)st.st_blksize;
	to->stx_nlink = (uint32_t)st.st_nlink;
	to->stx_uid = st.st_uid;
	to->stx_gid = st.st_gid;
	to->stx_mode = (uint16_t)st.st_mode;
	to->stx_ino = st.st_ino;
	to->stx_size = (uint64_t)st.st_size;
	to->stx_blocks = (uint64_t)st.st_blocks;
	to->stx_atime = timestamp(from->st_atim);
	to->stx_mtime = timestamp(from->st_mtim);
	to->stx_ctime = timestamp(from->st_ctim);
	to->stx_rdev_major = major(st.st_rdev);
	to->stx_rdev_minor = minor(st.st_rdev);
	to->stx_dev_major = major(st.st_dev);
	to->stx_dev_minor = minor(st.st_dev);
	to->stx_attributes = hijack_abi_file_flags_back(from->st_flags);
	to->stx_attributes_mask = hijack_abi_file_flags_back(~0u);
	/* File systems without it leave it at 0, or -1. */
	if (from->st_birthtim.tv_sec > 0) {
		to->stx_btime = timestamp(from->st_birthtim);
		to->stx_mask |= STATX_BTIME;
	}
}

/* The magic numbers by which programs know file systems. */
static long
magic_of(const char *name)
{
	static const struct {
		const char *name;
		long magic;
	} known[] = {{"ext2fs", 0xef53}, {"tmpfs", 0x01021994}, {"rumpfs", 0x858458f6}, {"cd9660", 0x9660},
	    {"msdos", 0x4d44}, {"ffs", 0x00011954}, {"nfs", 0x6969}, {"ntfs", 0x5346544e}, {"kernfs", 0x9fa0},
	    {"procfs", 0x9fa0}};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (strncmp(name, known[i].name, 32) == 0)
			return known[i].magic;
	}
	return 0x52554d50;
}

void
hijack_abi_statfs(struct statfs *to, const struct rump_statvfs *from)
{
	uint64_t unit = from->f_frsize != 0 ? from->f_frsize : 512;

	memset(to, 0, sizeof(*to));
	to->f_type = magic_of(from->f_fstypename);
	to->f_bsize = (long)(from->f_bsize != 0 ? from->f_bsize : unit);
	to->f_frsize = (long)unit;
	to->f_blocks = from->f_blocks;
	to->f_bfree = from->f_bfree;
	to->f_bavail = from->f_bavail;
	to->f_files = from->f_files;
	to->f_ffree = from->f_ffree;
	to->f_namelen = (long)from->f_namemax;
	memcpy(&to->f_fsid, &from->f_fsid, sizeof(to->f_fsid));
	to->f_flags = 0x20 /* these flags are valid */ | (from->f_flag & RUMP_MNT_RDONLY ? 1 : 0) |
		      (from->f_flag & RUMP_MNT_NOSUID ? 2 : 0) | (from->f_flag & RUMP_MNT_NOEXEC ? 8 : 0);
}

struct linux_dirent {
	uint64_t d_ino;
	int64_t d_off;
	uint16_t d_reclen;
	uint8_t d_type;
	char d_name[];
};
#define NAME_AT offsetof(struct linux_dirent, d_name)

#define POSITION_SHIFT 12
#define POSITION_MARK_SHIFT (POSITION_SHIFT + 32)
#define POSITION_MARK INT64_C(0x5a5a5)
#define POSITION_ENTRIES ((1U << POSITION_SHIFT) - 1)

int64_t
hijack_abi_position(const struct hijack_position *position)
{
	if (position->base > HIJACK_POSITION_BASE_MAX || position->entries > POSITION_ENTRIES)
		return position->base;
	return POSITION_MARK << POSITION_MARK_SHIFT | position->base << POSITION_SHIFT | position->entries;
}

struct hijack_position
hijack_abi_position_back(int64_t number)
{
	if (number >> POSITION_MARK_SHIFT != POSITION_MARK)
		return (struct hijack_position){number, 0};
	return (struct hijack_position){
	    number >> POSITION_SHIFT & HIJACK_POSITION_BASE_MAX, (unsigned int)number & POSITION_ENTRIES};
}

long
hijack_abi_dirents(void *to, const void *from, size_t from_size, struct hijack_position *position)
{
	const uint8_t *in = from, *end = in + from_size;
	struct hijack_position next = {position->base, 0};
	uint8_t *out = to;

	while (in < end) {
		const struct rump_dirent *entry = (const void *)in;
		struct linux_dirent *made = (void *)out;
		size_t size;

		if ((size_t)(end - in) < offsetof(struct rump_dirent, d_name) || entry->d_reclen == 0 ||
		    entry->d_reclen > (size_t)(end - in) ||
		    offsetof(struct rump_dirent, d_name) + entry->d_namlen >= entry->d_reclen)
			return -EIO;
		in += entry->d_reclen;
		next.entries++;
		/* Removed entries, and white-outs. */
		if (next.entries <= position->entries || entry->d_fileno == 0 || entry->d_type == RUMP_DT_WHT)
			continue;
		size = (NAME_AT + entry->d_namlen + 1U + 7) & -8UL;
		*made = (struct linux_dirent){
		    entry->d_fileno, hijack_abi_position(&next), (uint16_t)size, entry->d_type};
		memcpy(made->d_name, entry->d_name, entry->d_namlen);
		memset(made->d_name + entry->d_namlen, 0, size - NAME_AT - entry->d_namlen);
		out += size;
	}
	position->entries -= next.entries < position->entries ? next.entries : position->entries;
	return out - (uint8_t *)to;
}
