/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "tests/support/rumpsh.h"

#include <err.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rump/rump_syscalls.h>

static int
open_file(const char *path, int flags)
{
	return rump_sys_open(path, flags, 0666);
}

static int
write_all(int fd, const char *data, size_t length)
{
	while (length > 0) {
		ssize_t n = rump_sys_write(fd, data, length);

		if (n <= 0)
			return -1;
		data += n;
		length -= (size_t)n;
	}
	return 0;
}

/* Closes fd; result -1 and errno survive. */
static int
finish(int fd, int result)
{
	int error = errno;

	if (rump_sys_close(fd) == -1 && result == 0)
		return -1;
	errno = error;
	return result;
}

static int
put_text(char **argv, int flags)
{
	int fd = open_file(argv[1], RUMP_O_WRONLY | RUMP_O_CREAT | flags), result;

	if (fd == -1)
		return -1;
	result = write_all(fd, argv[2], strlen(argv[2]));
	if (result == 0)
		result = write_all(fd, "\n", 1);
	return finish(fd, result);
}

static int
do_write(char **argv)
{
	return put_text(argv, RUMP_O_TRUNC);
}

static int
do_append(char **argv)
{
	return put_text(argv, RUMP_O_APPEND);
}

/* The byte at an offset of a file that fill made with a seed. */
static char
pattern(uint64_t offset, uint64_t seed)
{
	uint64_t x = (offset + 1) * 0x9e3779b97f4a7c15ULL ^ seed * 0xbf58476d1ce4e5b9ULL;

	return (char)(x >> 56);
}

static int
do_fill(char **argv)
{
	uint64_t size = strtoull(argv[2], NULL, 0), seed = strtoull(argv[3], NULL, 0), at = 0;
	int fd = open_file(argv[1], RUMP_O_WRONLY | RUMP_O_CREAT | RUMP_O_TRUNC), result = 0;
	static char block[65536];

	if (fd == -1)
		return -1;
	while (at < size && result == 0) {
		size_t length = size - at < sizeof(block) ? (size_t)(size - at) : sizeof(block);

		for (size_t i = 0; i < length; i++)
			block[i] = pattern(at + i, seed);
		result = write_all(fd, block, length);
		at += length;
	}
	return finish(fd, result);
}

/* Reads the file in turn; visit gets each piece. */
static int
read_file(const char *path, void (*visit)(void *, const char *, size_t), void *arg)
{
	static char block[65536];
	int fd = open_file(path, RUMP_O_RDONLY);
	ssize_t n;

	if (fd == -1)
		return -1;
	while ((n = rump_sys_read(fd, block, sizeof(block))) > 0)
		visit(arg, block, (size_t)n);
	return finish(fd, n == 0 ? 0 : -1);
}

static void
print_piece(void *arg, const char *data, size_t length)
{
	(void)arg;
	fwrite(data, 1, length, stdout);
}

static int
do_cat(char **argv)
{
	return read_file(argv[1], print_piece, NULL);
}

struct sum {
	uint64_t hash, length;
};

static void
sum_piece(void *arg, const char *data, size_t length)
{
	struct sum *sum = arg;

	for (size_t i = 0; i < length; i++)
		sum->hash = (sum->hash ^ (uint8_t)data[i]) * 0x100000001b3ULL;
	sum->length += length;
}

static int
do_sum(char **argv)
{
	struct sum sum = {.hash = 0xcbf29ce484222325ULL};
	int result = read_file(argv[1], sum_piece, &sum);

	if (result == 0)
		printf("%016" PRIx64 " %" PRIu64 " %s\n", sum.hash, sum.length, argv[1]);
	return result;
}

static const char *
type_of(uint32_t mode)
{
	switch (mode & RUMP_S_IFMT) {
	case RUMP_S_IFDIR:
		return "directory";
	case RUMP_S_IFREG:
		return "file";
	case RUMP_S_IFLNK:
		return "link";
	case RUMP_S_IFCHR:
		return "chr";
	case RUMP_S_IFBLK:
		return "blk";
	case RUMP_S_IFIFO:
		return "fifo";
	case RUMP_S_IFSOCK:
		return "socket";
	default:
		return "?";
	}
}

static int
do_stat(char **argv)
{
	struct rump_stat status;

	if (rump_sys_lstat(argv[1], &status) == -1)
		return -1;
	printf("%s %s mode %04o links %u uid %u gid %u", argv[1], type_of(status.st_mode),
	    status.st_mode & 07777, status.st_nlink, status.st_uid, status.st_gid);
	/* The size of a directory is its file system's affair. */
	if ((status.st_mode & RUMP_S_IFMT) == RUMP_S_IFDIR)
		putchar('\n');
	else
		printf(" size %" PRId64 "\n", status.st_size);
	return 0;
}

static int
compare_names(const void *a, const void *b)
{
	const char *const *one = a, *const *other = b;

	return strcmp(*one, *other);
}

static void
add_name(char ***names, size_t *count, const char *name)
{
	*names = reallocarray(*names, *count + 1, sizeof(**names));
	if (*names == NULL || ((*names)[*count] = strdup(name)) == NULL)
		err(1, NULL);
	(*count)++;
}

/* The names in a directory but . and .., sorted. */
static int
read_directory(const char *path, char ***names, size_t *count)
{
	static char block[8192] __attribute__((aligned(8)));
	int fd = open_file(path, RUMP_O_RDONLY), n;

	*names = NULL;
	*count = 0;
	if (fd == -1)
		return -1;
	while ((n = rump_sys_getdents(fd, block, sizeof(block))) > 0) {
		for (int at = 0; at < n;) {
			const struct rump_dirent *entry = (const void *)(block + at);

			/* Number 0 is a place where a name was. */
			if (entry->d_fileno != 0 && strcmp(entry->d_name, ".") != 0 &&
			    strcmp(entry->d_name, "..") != 0)
				add_name(names, count, entry->d_name);
			at += entry->d_reclen;
		}
	}
	qsort(*names, *count, sizeof(**names), compare_names);
	return finish(fd, n == 0 ? 0 : -1);
}

static int
do_ls(char **argv)
{
	char **names;
	size_t count;
	int result = read_directory(argv[1], &names, &count);

	for (size_t i = 0; i < count; i++) {
		if (result == 0)
			puts(names[i]);
		free(names[i]);
	}
	free(names);
	return result;
}

/* Every file below a directory with its attributes, and the contents of regular ones. */
static int
do_tree(char **argv)
{
	char **names, *inner[] = {argv[0], NULL, NULL};
	struct rump_stat status;
	size_t count;
	int result;

	if (do_stat(argv) == -1 || rump_sys_lstat(argv[1], &status) == -1)
		return -1;
	if ((status.st_mode & RUMP_S_IFMT) == RUMP_S_IFREG)
		return do_sum(argv);
	if ((status.st_mode & RUMP_S_IFMT) != RUMP_S_IFDIR)
		return 0;
	result = read_directory(argv[1], &names, &count);
	for (size_t i = 0; i < count; i++) {
		if (asprintf(&inner[1], "%s/%s", strcmp(argv[1], "/") == 0 ? "" : argv[1], names[i]) == -1)
			err(1, NULL);
		if (result == 0)
			result = do_tree(inner);
		free(inner[1]);
		free(names[i]);
	}
	free(names);
	return result;
}

static int
do_readlink(char **argv)
{
	char target[1025];
	ssize_t n = rump_sys_readlink(argv[1], target, sizeof(target) - 1);

	if (n == -1)
		return -1;
	target[n] = '\0';
	puts(target);
	return 0;
}

static int
do_mkdir(char **argv)
{
	return rump_sys_mkdir(argv[1], 0777);
}

static int
do_rmdir(char **argv)
{
	return rump_sys_rmdir(argv[1]);
}

static int
do_rm(char **argv)
{
	return rump_sys_unlink(argv[1]);
}

static int
do_mv(char **argv)
{
	return rump_sys_rename(argv[1], argv[2]);
}

static int
do_link(char **argv)
{
	return rump_sys_link(argv[1], argv[2]);
}

static int
do_symlink(char **argv)
{
	return rump_sys_symlink(argv[1], argv[2]);
}

static int
do_chmod(char **argv)
{
	return rump_sys_chmod(argv[1], (uint32_t)strtoul(argv[2], NULL, 8));
}

static int
do_truncate(char **argv)
{
	return rump_sys_truncate(argv[1], strtoll(argv[2], NULL, 0));
}

static int
do_mkfifo(char **argv)
{
	return rump_sys_mkfifo(argv[1], 0666);
}

static int
do_fsync(char **argv)
{
	int fd = open_file(argv[1], RUMP_O_RDWR);

	return fd == -1 ? -1 : finish(fd, rump_sys_fsync(fd));
}

static int
do_sync(char **argv)
{
	(void)argv;
	rump_sys_sync();
	return 0;
}

static int
do_getpid(char **argv)
{
	(void)argv;
	/* The number itself differs from run to run. */
	if (rump_sys_getpid() <= 0)
		return -1;
	puts("alive");
	return 0;
}

/* Prints a number of sysctl's hw. */
static int
print_hardware(int name)
{
	const int32_t path[] = {RUMP_CTL_HW, name};
	int64_t number = 0;
	uint64_t length = sizeof(number);

	if (rump_sys___sysctl(path, 2, &number, &length, NULL, 0) == -1)
		return -1;
	printf("%" PRId64 "\n", number);
	return 0;
}

static int
do_ncpu(char **argv)
{
	(void)argv;
	return print_hardware(RUMP_HW_NCPU);
}

static int
do_memory(char **argv)
{
	(void)argv;
	return print_hardware(RUMP_HW_PHYSMEM64);
}

/* Says so, and keeps the connection until standard input ends. */
static int
do_hold(char **argv)
{
	(void)argv;
	puts("holding");
	fflush(stdout);
	while (getchar() != EOF)
		continue;
	return 0;
}

static int do_help(char **argv);

const struct command commands[] = {
    {"append", 2, "PATH TEXT", do_append},
    {"cat", 1, "PATH", do_cat},
    {"chmod", 2, "PATH OCTAL", do_chmod},
    {"fill", 3, "PATH SIZE SEED", do_fill},
    {"fsync", 1, "PATH", do_fsync},
    {"getpid", 0, "", do_getpid},
    {"help", 0, "", do_help},
    {"hold", 0, "", do_hold},
    {"link", 2, "OLD NEW", do_link},
    {"ls", 1, "PATH", do_ls},
    {"memory", 0, "", do_memory},
    {"mkdir", 1, "PATH", do_mkdir},
    {"mkfifo", 1, "PATH", do_mkfifo},
    {"mv", 2, "OLD NEW", do_mv},
    {"ncpu", 0, "", do_ncpu},
    {"readlink", 1, "PATH", do_readlink},
    {"rm", 1, "PATH", do_rm},
    {"rmdir", 1, "PATH", do_rmdir},
    {"stat", 1, "PATH", do_stat},
    {"sum", 1, "PATH", do_sum},
    {"symlink", 2, "TARGET NEW", do_symlink},
    {"sync", 0, "", do_sync},
    {"tree", 1, "PATH", do_tree},
    {"truncate", 2, "PATH SIZE", do_truncate},
    {"write", 2, "PATH TEXT", do_write},
};

const size_t commands_count = sizeof(commands) / sizeof(commands[0]);

static int
do_help(char **argv)
{
	(void)argv;
	for (size_t i = 0; i < commands_count; i++)
		printf("%s %s\n", commands[i].name, commands[i].usage);
	return 0;
}
