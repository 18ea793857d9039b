/* SPDX-License-Identifier: BSD-2-Clause */
#include "abi/mount.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The arguments before any option is looked at. Versions are NetBSD's at the time of these structures. */

static void
prepare_v7fs(struct abi_mount *mount)
{
	mount->args.v7fs.endian = __ORDER_LITTLE_ENDIAN__; /* NetBSD counts byte orders the same way */
}

static void
prepare_msdos(struct abi_mount *mount)
{
	mount->args.msdos.mask = mount->args.msdos.dirmask = 0755;
	mount->args.msdos.version = RUMP_MSDOSFSMNT_VERSION;
	mount->args.msdos.flags = RUMP_MSDOSFSMNT_VERSIONED;
}

static void
prepare_ntfs(struct abi_mount *mount)
{
	mount->args.ntfs.mode = 0755;
}

static void
prepare_udf(struct abi_mount *mount)
{
	mount->args.udf.version = RUMP_UDFMNT_VERSION;
	/* Files of nobody's on the medium, and those without an owner, which are root's. */
	mount->args.udf.nobody_uid = mount->args.udf.nobody_gid = UINT32_MAX;
}

/* Types that can only be read; "rw" is then the kernel's to refuse. */
static void
prepare_rdonly(struct abi_mount *mount)
{
	mount->flags |= RUMP_MNT_RDONLY;
}

static void
prepare_tmpfs(struct abi_mount *mount)
{
	mount->args.tmpfs.ta_version = RUMP_TMPFS_ARGS_VERSION;
	mount->args.tmpfs.ta_root_mode = 01777;
}

static void
prepare_ptyfs(struct abi_mount *mount)
{
	mount->args.ptyfs.version = RUMP_PTYFS_ARGSVERSION;
	mount->args.ptyfs.gid = 4; /* tty, in NetBSD's group file */
	mount->args.ptyfs.mode = 0620;
}

#define NOWHERE SIZE_MAX
#define SIZE_OF(member) sizeof(((struct abi_mount *)NULL)->args.member)
#define PLACE_OF(member) offsetof(struct abi_mount, args.member)

static const struct {
	const char *type;
	size_t size;
	size_t special; /* where the pointer to what is mounted goes, or NOWHERE */
	void (*prepare)(struct abi_mount *mount);
} types[] = {
    {"cd9660", SIZE_OF(cd9660), PLACE_OF(cd9660.fspec), prepare_rdonly},
    {"efs", SIZE_OF(efs), PLACE_OF(efs.fspec), NULL},
    {"ext2fs", SIZE_OF(device), PLACE_OF(device.fspec), NULL},
    {"fdesc", 0, NOWHERE, NULL},
    {"ffs", SIZE_OF(device), PLACE_OF(device.fspec), NULL},
    {"hfs", SIZE_OF(device), PLACE_OF(device.fspec), NULL},
    {"kernfs", 0, NOWHERE, NULL},
    {"lfs", SIZE_OF(device), PLACE_OF(device.fspec), NULL},
    {"msdos", SIZE_OF(msdos), PLACE_OF(msdos.fspec), prepare_msdos},
    {"nilfs", SIZE_OF(nilfs), PLACE_OF(nilfs.fspec), NULL},
    {"ntfs", SIZE_OF(ntfs), PLACE_OF(ntfs.fspec), prepare_ntfs},
    {"null", SIZE_OF(layer), PLACE_OF(layer.target), NULL},
    {"overlay", SIZE_OF(layer), PLACE_OF(layer.target), NULL},
    {"procfs", 0, NOWHERE, NULL},
    {"ptyfs", SIZE_OF(ptyfs), NOWHERE, prepare_ptyfs},
    {"squashfs", SIZE_OF(device), PLACE_OF(device.fspec), prepare_rdonly},
    {"sysvbfs", SIZE_OF(device), PLACE_OF(device.fspec), NULL},
    {"tmpfs", SIZE_OF(tmpfs), NOWHERE, prepare_tmpfs},
    {"udf", SIZE_OF(udf), PLACE_OF(udf.fspec), prepare_udf},
    {"union", SIZE_OF(union_), PLACE_OF(union_.target), NULL},
    {"v7fs", SIZE_OF(v7fs), PLACE_OF(v7fs.fspec), prepare_v7fs},
};

/* Options of one type that store a number, or set a flag. */
static const struct {
	const char *type, *word;
	size_t place, width;
	int base; /* of the number; 0: none is given, flag is set */
	unsigned flag;
} type_words[] = {
#define NUMBER(type, word, member, base) \
	{ \
#type, word, PLACE_OF(type.member), SIZE_OF(type.member), base, 0 \
	}
#define FLAG(type, word, member, flag) \
	{ \
#type, word, PLACE_OF(type.member), SIZE_OF(type.member), 0, flag \
	}
    NUMBER(tmpfs, "size", ta_size_max, 10),
    NUMBER(tmpfs, "nodes", ta_nodes_max, 10),
    NUMBER(tmpfs, "uid", ta_root_uid, 10),
    NUMBER(tmpfs, "gid", ta_root_gid, 10),
    NUMBER(tmpfs, "mode", ta_root_mode, 8),
    NUMBER(ptyfs, "gid", gid, 10),
    NUMBER(ptyfs, "mode", mode, 8),
    NUMBER(msdos, "uid", uid, 10),
    NUMBER(msdos, "gid", gid, 10),
    NUMBER(msdos, "mask", mask, 8),
    NUMBER(msdos, "dirmask", dirmask, 8),
    NUMBER(ntfs, "uid", uid, 10),
    NUMBER(ntfs, "gid", gid, 10),
    NUMBER(ntfs, "mask", mode, 8),
    NUMBER(udf, "session", sessionnr, 10),
    FLAG(cd9660, "norrip", flags, RUMP_ISOFSMNT_NORRIP),
    FLAG(cd9660, "nojoliet", flags, RUMP_ISOFSMNT_NOJOLIET),
    FLAG(cd9660, "nocasetrans", flags, RUMP_ISOFSMNT_NOCASETRANS),
    FLAG(cd9660, "rrcaseins", flags, RUMP_ISOFSMNT_RRCASEINS),
    FLAG(cd9660, "extatt", flags, RUMP_ISOFSMNT_EXTATT),
    FLAG(cd9660, "gens", flags, RUMP_ISOFSMNT_GENS),
#undef NUMBER
#undef FLAG
};

static const struct {
	const char *word;
	unsigned set, clear;
	const char *shown; /* in a list of mounts; NULL for words that only ask */
} flag_words[] = {
    {"ro", RUMP_MNT_RDONLY, 0, "read-only"},
    {"rdonly", RUMP_MNT_RDONLY, 0, NULL},
    {"rw", 0, RUMP_MNT_RDONLY, NULL},
    {"sync", RUMP_MNT_SYNCHRONOUS, 0, "synchronous"},
    {"async", RUMP_MNT_ASYNC, 0, "asynchronous"},
    {"noexec", RUMP_MNT_NOEXEC, 0, "noexec"},
    {"nosuid", RUMP_MNT_NOSUID, 0, "nosuid"},
    {"nodev", RUMP_MNT_NODEV, 0, "nodev"},
    {"noatime", RUMP_MNT_NOATIME, 0, "noatime"},
    {"nodevmtime", RUMP_MNT_NODEVMTIME, 0, "nodevmtime"},
    {"nocoredump", RUMP_MNT_NOCOREDUMP, 0, "nocoredump"},
    {"relatime", RUMP_MNT_RELATIME, 0, "relatime"},
    {"symperm", RUMP_MNT_SYMPERM, 0, "symperm"},
    {"discard", RUMP_MNT_DISCARD, 0, "discard"},
    {"extattr", RUMP_MNT_EXTATTR, 0, "extattr"},
    {"log", RUMP_MNT_LOG, 0, "log"},
    {"union", RUMP_MNT_UNION, 0, "union"},
    {"hidden", RUMP_MNT_IGNORE, 0, "hidden"},
    {"update", RUMP_MNT_UPDATE, 0, NULL},
    {"force", RUMP_MNT_FORCE, 0, NULL},
    {"reload", RUMP_MNT_RELOAD, 0, NULL},
    {NULL, RUMP_MNT_LOCAL, 0, "local"},
};

#define COUNT(table) (sizeof(table) / sizeof(table[0]))

static bool
read_number(const char *text, size_t length, int base, uint64_t *number)
{
	char copy[32], *end;
	unsigned shift = 0;

	if (length == 0 || length >= sizeof(copy) || !isdigit((unsigned char)text[0]))
		return false;
	memcpy(copy, text, length);
	copy[length] = '\0';
	errno = 0;
	*number = strtoull(copy, &end, base);
	if (errno != 0)
		return false;
	if (*end != '\0') {
		const char *suffix = strchr("kmg", tolower((unsigned char)*end));

		if (suffix == NULL || end[1] != '\0')
			return false;
		shift = 10 * (unsigned)(suffix - "kmg" + 1);
	}
	return !__builtin_mul_overflow(*number, 1ULL << shift, number) && *number <= INT64_MAX;
}

/* Whether the word that is length long and may be followed by "=value" is name. */
static bool
is_word(const char *text, size_t length, const char *name)
{
	return name != NULL && strlen(name) == length && memcmp(text, name, length) == 0;
}

static bool
set_flag_word(struct abi_mount *mount, const char *text, size_t length)
{
	for (size_t i = 0; i < COUNT(flag_words); i++) {
		if (is_word(text, length, flag_words[i].word)) {
			mount->flags = (mount->flags | (int)flag_words[i].set) & ~(int)flag_words[i].clear;
			return true;
		}
	}
	return false;
}

static bool
set_type_word(struct abi_mount *mount, const char *type, const char *text, size_t length)
{
	const char *equals = memchr(text, '=', length);
	size_t word = equals == NULL ? length : (size_t)(equals - text);

	for (size_t i = 0; i < COUNT(type_words); i++) {
		uint8_t *place = (uint8_t *)mount + type_words[i].place;
		uint64_t number = 0;

		if (strcmp(type, type_words[i].type) != 0 || !is_word(text, word, type_words[i].word))
			continue;
		if ((equals == NULL) != (type_words[i].base == 0))
			return false;
		if (equals == NULL) {
			memcpy(&number, place, type_words[i].width);
			number |= type_words[i].flag;
		} else if (!read_number(equals + 1, length - word - 1, type_words[i].base, &number) ||
			   (type_words[i].width == 4 && number > UINT32_MAX)) {
			return false;
		}
		/* The ABI is little endian: the low bytes come first. */
		memcpy(place, &number, type_words[i].width);
		return true;
	}
	return false;
}

static int
set_options(struct abi_mount *mount, const char *type, const char *options, const char **bad)
{
	while (options != NULL && *options != '\0') {
		size_t length = strcspn(options, ",");

		if (length > 0 && !set_flag_word(mount, options, length) &&
		    !set_type_word(mount, type, options, length)) {
			*bad = options;
			return -EINVAL;
		}
		options += length + (options[length] == ',');
	}
	return 0;
}

int
abi_mount_prepare(
    struct abi_mount *mount, const char *type, const char *special, const char *options, const char **bad)
{
	memset(mount, 0, sizeof(*mount));
	for (size_t i = 0; i < COUNT(types); i++) {
		if (strcmp(types[i].type, type) != 0)
			continue;
		mount->size = types[i].size;
		if (types[i].special != NOWHERE)
			memcpy((uint8_t *)mount + types[i].special, &special, sizeof(special));
		if (types[i].prepare != NULL)
			types[i].prepare(mount);
		return set_options(mount, type, options, bad);
	}
	return -ENODEV;
}

bool
abi_mount_special(const char *type)
{
	for (size_t i = 0; i < COUNT(types); i++) {
		if (strcmp(types[i].type, type) == 0)
			return types[i].special != NOWHERE;
	}
	return false;
}

void
abi_mount_types(char *text, size_t size)
{
	size_t used = 0;

	for (size_t i = 0; i < COUNT(types) && used < size; i++)
		used += (size_t)snprintf(text + used, size - used, "%s%s", i == 0 ? "" : ", ", types[i].type);
}

int
abi_mount_describe(unsigned long flags, char *text, size_t size)
{
	int used = 0;

	if (size > 0)
		text[0] = '\0';
	for (size_t i = 0; i < COUNT(flag_words); i++) {
		size_t at = (size_t)used < size ? (size_t)used : size;

		if (flag_words[i].shown != NULL && (flags & flag_words[i].set) != 0)
			used += snprintf(
			    text + at, size - at, "%s%s", used == 0 ? "" : ", ", flag_words[i].shown);
	}
	return used;
}
