/* SPDX-License-Identifier: BSD-2-Clause */
#include "hijack/abi/mount_options.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mount.h>

#define COUNT(table) (sizeof(table) / sizeof(table[0]))

static const struct {
	const char *host;
	const char *netbsd;
} types[] = {{"ext2", "ext2fs"}, {"ext3", "ext2fs"}, {"ext4", "ext2fs"}, {"iso9660", "cd9660"},
    {"vfat", "msdos"}, {"ufs", "ffs"}, {"proc", "procfs"}, {"devpts", "ptyfs"}};

static const struct {
	unsigned long flag;
	const char *word;
} flag_words[] = {{MS_RDONLY, "ro"}, {MS_NOSUID, "nosuid"}, {MS_NODEV, "nodev"}, {MS_NOEXEC, "noexec"},
    {MS_SYNCHRONOUS, "sync"}, {MS_NOATIME, "noatime"}, {MS_RELATIME, "relatime"}, {MS_REMOUNT, "update"}};

/* What is so in any case, is left to the file system, or asks for no message. The flag of lazy times is the
 * kernel's own affair: times may be late anyway. */
#define FLAGS_WITHOUT_EFFECT \
	(MS_SILENT | MS_STRICTATIME | MS_LAZYTIME | MS_NODIRATIME | MS_DIRSYNC | MS_MANDLOCK | MS_POSIXACL | \
	    MS_I_VERSION | MS_REC)
/* Programs of former times put a number there. */
#define MAGIC 0xc0ed0000UL
#define MAGIC_MASK 0xffff0000UL

/* Words of the types' options that have another name. */
static const struct {
	const char *host;
	const char *netbsd;
} option_words[] = {{"nr_inodes=", "nodes="}};

struct text {
	char *at;
	size_t size;
	size_t used;
};

const char *
hijack_abi_mount_type(const char *type)
{
	for (size_t i = 0; i < COUNT(types); i++) {
		if (strcmp(types[i].host, type) == 0)
			return types[i].netbsd;
	}
	return type;
}

/* Without a comma before the first of them. */
static bool
append(struct text *text, const char *string, size_t length, bool word)
{
	bool comma = word && text->used > 0;

	if (length + comma + 1 > text->size - text->used)
		return false;
	if (comma)
		text->at[text->used++] = ',';
	memcpy(text->at + text->used, string, length);
	text->used += length;
	text->at[text->used] = '\0';
	return true;
}

static bool
append_option(struct text *text, const char *option, size_t length)
{
	for (size_t i = 0; i < COUNT(option_words); i++) {
		size_t name = strlen(option_words[i].host);

		if (length >= name && strncmp(option, option_words[i].host, name) == 0)
			return append(text, option_words[i].netbsd, strlen(option_words[i].netbsd), true) &&
			       append(text, option + name, length - name, false);
	}
	return append(text, option, length, true);
}

int
hijack_abi_mount_options(unsigned long flags, const char *data, char *options, size_t size)
{
	struct text text = {options, size, 0};

	if ((flags & MAGIC_MASK) == MAGIC)
		flags &= ~MAGIC_MASK;
	flags &= ~(unsigned long)FLAGS_WITHOUT_EFFECT;
	options[0] = '\0';
	for (size_t i = 0; i < COUNT(flag_words); i++) {
		if (flags & flag_words[i].flag &&
		    !append(&text, flag_words[i].word, strlen(flag_words[i].word), true))
			return -EINVAL;
		flags &= ~flag_words[i].flag;
	}
	if (flags != 0)
		return -EINVAL;
	while (data != NULL && *data != '\0') {
		size_t length = strcspn(data, ",");

		if (length > 0 && !append_option(&text, data, length))
			return -EINVAL;
		data += length + (data[length] == ',');
	}
	return 0;
}
