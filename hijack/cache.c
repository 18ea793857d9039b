/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Theory of operation
 *
 * A table says which bytes of libc may be overwritten, so a wrong one is a crash and a forged one is code of
 * somebody else's choice. Files are used only from directories, and only if they are files, that belong to
 * the effective user and that nobody else may write to; no symbolic link is followed to the last component of
 * either. What remains is accident: a checksum over the whole, the build-id, size of the text and the bytes
 * at every site have to be right. Writers make a file of their own and rename it, so readers see whole files,
 * and any number of processes may start at once with nothing there.
 *
 * This runs before any constructor, libc's own included: nothing here calls libc.
 */
#include "hijack/cache.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "hijack/gate.h"
#include "hijack/mem.h"
#include "hijack/start.h"

#define BUILD_ID_MAX 32
#define NAME_SIZE (2 * BUILD_ID_MAX + 32)
#define PATH_SIZE 1024
#define FORMAT 2

struct file_header {
	uint8_t magic[8];
	uint32_t format;
	uint32_t checksum; /* of everything behind this field */
	uint32_t count;
	uint32_t left;
	uint64_t text_size;
	uint32_t build_id_size;
	uint8_t build_id[BUILD_ID_MAX];
	uint8_t spare[28];
};
static_assert(sizeof(struct file_header) == 96, "the header is stored in files");
#define CHECKED offsetof(struct file_header, count)

static const uint8_t magic[8] = {'r', 'u', 'm', 'p', 's', 'i', 't', 'e'};

/* FNV-1a, eight bytes at a time. */
static uint32_t
checksum(const void *data, size_t size)
{
	const uint8_t *bytes = data;
	uint64_t hash = 0xcbf29ce484222325;

	for (; size >= 8; size -= 8, bytes += 8) {
		uint64_t word;

		memcpy(&word, bytes, sizeof(word));
		hash = (hash ^ word) * 0x100000001b3;
		hash ^= hash >> 32;
	}
	for (; size > 0; size--, bytes++)
		hash = (hash ^ *bytes) * 0x100000001b3;
	return (uint32_t)(hash * 0x9e3779b97f4a7c15 >> 32);
}

static bool
append(char *path, size_t size, const char *piece)
{
	size_t used = strlen(path), more = strlen(piece);

	if (more >= size - used)
		return false;
	memcpy(path + used, piece, more + 1);
	return true;
}

static void
number_text(char *text, unsigned long value)
{
	char digits[24];
	size_t n = 0;

	do {
		digits[n++] = (char)('0' + value % 10);
		value /= 10;
	} while (value > 0);
	while (n > 0)
		*text++ = digits[--n];
	*text = '\0';
}

static bool
mine_alone(int fd, mode_t type)
{
	struct stat st;

	return hijack_own(SYS_fstat, fd, (long)&st, 0, 0, 0, 0) == 0 && (st.st_mode & S_IFMT) == type &&
	       st.st_uid == (uid_t)hijack_own(SYS_geteuid, 0, 0, 0, 0, 0, 0) && (st.st_mode & 022) == 0;
}

static bool
may_write(int directory)
{
	return hijack_own(SYS_faccessat, directory, (long)".", W_OK | X_OK, 0, 0, 0) == 0;
}

/* base/middle/name; the last two are made when they are not there, and base when makes_base says so. */
static int
open_directory(const char *base, bool makes_base, const char *middle, const char *name, bool create)
{
	const char *const pieces[] = {base, middle, name};
	char path[PATH_SIZE] = "";
	long fd;

	if (base == NULL || base[0] != '/')
		return -ENOENT;
	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		if (!append(path, sizeof(path), pieces[i]))
			return -ENAMETOOLONG;
		if (create && pieces[i][0] != '\0' && (i > 0 || makes_base))
			(void)hijack_own(SYS_mkdir, (long)path, 0700, 0, 0, 0, 0);
	}
	fd = hijack_own(SYS_open, (long)path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0, 0, 0, 0);
	if (fd >= 0 && (!mine_alone((int)fd, S_IFDIR) || (create && !may_write((int)fd)))) {
		(void)hijack_own(SYS_close, fd, 0, 0, 0, 0, 0);
		return -EPERM;
	}
	return (int)fd;
}

int
hijack_cache_open(char *const *environment, unsigned int rank, bool create)
{
	char shared[40] = "/rumpkit-";
	const char *chosen = hijack_start_variable(environment, "RUMPHIJACK_CACHE");

	if (chosen != NULL)
		return rank == 0 ? open_directory(chosen, true, "", "", create) : -ENOENT;
	switch (rank) {
	case 0:
		return open_directory(
		    hijack_start_variable(environment, "XDG_CACHE_HOME"), true, "", "/rumpkit", create);
	case 1:
		/* One that is not there is not for this library to make. */
		return open_directory(
		    hijack_start_variable(environment, "HOME"), false, "/.cache", "/rumpkit", create);
	case 2:
		return open_directory(
		    hijack_start_variable(environment, "XDG_RUNTIME_DIR"), false, "", "/rumpkit", create);
	default:
		number_text(
		    shared + strlen(shared), (unsigned long)hijack_own(SYS_geteuid, 0, 0, 0, 0, 0, 0));
		return open_directory("/tmp", false, "", shared, create);
	}
}

/* <build-id in hexadecimal>.sites */
static bool
file_name(char *name, const struct hijack_object *object)
{
	static const char digit[] = "0123456789abcdef";

	if (object->build_id_size == 0 || object->build_id_size > BUILD_ID_MAX)
		return false;
	for (size_t i = 0; i < object->build_id_size; i++) {
		*name++ = digit[object->build_id[i] >> 4];
		*name++ = digit[object->build_id[i] & 15];
	}
	memcpy(name, ".sites", sizeof(".sites"));
	return true;
}

static bool
is_for(const struct file_header *header, size_t size, const struct hijack_object *object)
{
	const struct hijack_site *site = (const struct hijack_site *)(header + 1);
	uint32_t end = 0;

	if (memcmp(header->magic, magic, sizeof(magic)) != 0 || header->format != FORMAT ||
	    header->count > HIJACK_SITES_MAX || size != sizeof(*header) + header->count * sizeof(*site) ||
	    header->checksum != checksum((const uint8_t *)header + CHECKED, size - CHECKED))
		return false;
	if (header->text_size != object->text_size || header->build_id_size != object->build_id_size ||
	    memcmp(header->build_id, object->build_id, object->build_id_size) != 0)
		return false;
	for (uint32_t i = 0; i < header->count; i++) {
		if (site[i].at < end || !hijack_site_matches(&site[i], object->text, object->text_size))
			return false;
		end = site[i].at + site[i].length;
	}
	return true;
}

static int
load_file(int fd, const struct hijack_object *object, struct hijack_sites *sites)
{
	struct stat st;
	struct file_header *header;
	long map;

	if (!mine_alone(fd, S_IFREG) || hijack_own(SYS_fstat, fd, (long)&st, 0, 0, 0, 0) != 0 ||
	    (size_t)st.st_size < sizeof(*header) ||
	    (size_t)st.st_size > sizeof(*header) + HIJACK_SITES_MAX * sizeof(*sites->site))
		return -ESTALE;
	map = hijack_own(SYS_mmap, 0, st.st_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (map < 0 && map > -4096)
		return (int)map;
	header = (struct file_header *)map;
	/* Read, not mapped: somebody who truncates a mapped file makes its readers fault. */
	if (hijack_own(SYS_pread64, fd, map, st.st_size, 0, 0, 0) != st.st_size ||
	    !is_for(header, (size_t)st.st_size, object)) {
		(void)hijack_own(SYS_munmap, map, st.st_size, 0, 0, 0, 0);
		return -ESTALE;
	}
	sites->site = (struct hijack_site *)(header + 1);
	sites->count = header->count;
	sites->left = header->left;
	return 0;
}

int
hijack_cache_load(int directory, const struct hijack_object *object, struct hijack_sites *sites)
{
	char name[NAME_SIZE];
	long fd;
	int error;

	if (!file_name(name, object))
		return -ENOENT;
	fd = hijack_own(
	    SYS_openat, directory, (long)name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0, 0, 0);
	if (fd < 0)
		return fd == -ENOENT ? -ENOENT : -ESTALE;
	error = load_file((int)fd, object, sites);
	(void)hijack_own(SYS_close, fd, 0, 0, 0, 0, 0);
	return error;
}

static bool
write_all(int fd, const void *data, size_t size)
{
	return hijack_own(SYS_write, fd, (long)data, (long)size, 0, 0, 0) == (long)size;
}

/* The checksum runs over two pieces that are not next to each other in memory: joined on the way to the file.
 */
static uint32_t
checksum_of(const struct file_header *header, const struct hijack_sites *sites, uint8_t *scratch)
{
	size_t head = sizeof(*header) - CHECKED, tail = sites->count * sizeof(*sites->site);

	memcpy(scratch, (const uint8_t *)header + CHECKED, head);
	memcpy(scratch + head, sites->site, tail);
	return checksum(scratch, head + tail);
}

int
hijack_cache_store(int directory, const struct hijack_object *object, const struct hijack_sites *sites)
{
	struct file_header header = {.format = FORMAT,
	    .count = sites->count,
	    .left = sites->left,
	    .text_size = object->text_size,
	    .build_id_size = (uint32_t)object->build_id_size};
	size_t size = sizeof(header) + sites->count * sizeof(*sites->site);
	char name[NAME_SIZE], temporary[NAME_SIZE + 24];
	long fd, scratch, error = 0;

	if (!file_name(name, object))
		return -EINVAL;
	memcpy(header.magic, magic, sizeof(magic));
	memcpy(header.build_id, object->build_id, object->build_id_size);
	memcpy(temporary, name, sizeof(name));
	(void)append(temporary, sizeof(temporary), ".");
	number_text(temporary + strlen(temporary), (unsigned long)hijack_own(SYS_getpid, 0, 0, 0, 0, 0, 0));
	scratch =
	    hijack_own(SYS_mmap, 0, (long)size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (scratch < 0 && scratch > -4096)
		return (int)scratch;
	header.checksum = checksum_of(&header, sites, (uint8_t *)scratch);
	memcpy((void *)scratch, &header, sizeof(header));
	memcpy((uint8_t *)scratch + sizeof(header), sites->site, size - sizeof(header));
	(void)hijack_own(SYS_unlinkat, directory, (long)temporary, 0, 0, 0, 0);
	fd = hijack_own(SYS_openat, directory, (long)temporary,
	    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600, 0, 0);
	if (fd < 0) {
		error = fd;
	} else {
		if (!write_all((int)fd, (void *)scratch, size))
			error = -EIO;
		(void)hijack_own(SYS_close, fd, 0, 0, 0, 0, 0);
		if (error == 0)
			error =
			    hijack_own(SYS_renameat, directory, (long)temporary, directory, (long)name, 0, 0);
		if (error != 0)
			(void)hijack_own(SYS_unlinkat, directory, (long)temporary, 0, 0, 0, 0);
	}
	(void)hijack_own(SYS_munmap, scratch, (long)size, 0, 0, 0, 0);
	return (int)error;
}
