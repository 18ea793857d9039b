/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * usage: listing path...
 * A client of RUMP_SERVER. Of each directory: all of its entries, the dots too, sorted by name, with the type
 * that the entry tells and whether its number is that of the file; then what statvfs(2) says, as far as that
 * does not change from run to run.
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <rump/rump_syscalls.h>
#include <rump/rumpclient.h>

#define ENTRIES_MAX 64
#define NAME_SIZE 512

struct entry {
	char name[NAME_SIZE];
	uint64_t number;
	unsigned type;
};

static int
by_name(const void *a, const void *b)
{
	return strcmp(((const struct entry *)a)->name, ((const struct entry *)b)->name);
}

/* A number of 0 is a place where a name was. */
static size_t
read_entries(const char *path, struct entry *entries)
{
	static _Alignas(8) char block[8192];
	int fd = rump_sys_open(path, RUMP_O_RDONLY | RUMP_O_DIRECTORY, 0), n;
	size_t count = 0;

	while (fd != -1 && (n = rump_sys_getdents(fd, block, sizeof(block))) > 0) {
		for (int at = 0; at < n;) {
			const struct rump_dirent *d = (const void *)(block + at);

			if (d->d_fileno != 0 && count < ENTRIES_MAX) {
				snprintf(entries[count].name, sizeof(entries[count].name), "%s", d->d_name);
				entries[count].number = d->d_fileno;
				entries[count++].type = d->d_type;
			}
			at += d->d_reclen;
		}
	}
	rump_sys_close(fd);
	return count;
}

static void
list(const char *path)
{
	struct entry entries[ENTRIES_MAX];
	size_t count = read_entries(path, entries);
	struct rump_stat st;
	char inner[NAME_SIZE + 128];

	qsort(entries, count, sizeof(*entries), by_name);
	for (size_t i = 0; i < count; i++) {
		snprintf(inner, sizeof(inner), "%.100s/%.511s", path, entries[i].name);
		if (rump_sys_lstat(inner, &st) != 0)
			printf("%s: entry %s without a file\n", path, entries[i].name);
		else
			printf("%s: entry %s type %u mode %o links %u, %s\n", path, entries[i].name,
			    entries[i].type, st.st_mode, st.st_nlink,
			    st.st_ino == entries[i].number ? "its number" : "another number");
	}
}

static void
describe(const char *path)
{
	struct rump_statvfs st;

	if (rump_sys_statvfs1(path, &st, RUMP_ST_WAIT) != 0) {
		printf("%s: no statvfs\n", path);
		return;
	}
	printf("%s: type %s from %s on %s\n", path, st.f_fstypename, st.f_mntfromname, st.f_mntonname);
	printf("%s: flags %lx owner %u names of %lu\n", path, (unsigned long)st.f_flag, st.f_owner,
	    (unsigned long)st.f_namemax);
	printf("%s: blocks of %lu, fragments of %lu, transfers of %lu\n", path, (unsigned long)st.f_bsize,
	    (unsigned long)st.f_frsize, (unsigned long)st.f_iosize);
	printf("%s: %s blocks, %s files\n", path, st.f_blocks > 0 ? "some" : "no",
	    st.f_files > 0 ? "some" : "no");
}

int
main(int argc, char *argv[])
{
	if (rumpclient_init() != 0)
		err(1, "no server");
	for (int i = 1; i < argc; i++) {
		list(argv[i]);
		describe(argv[i]);
	}
	return 0;
}
