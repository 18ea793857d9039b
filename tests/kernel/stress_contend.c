/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Many threads on one small tree. No answer can be predicted, but what they leave behind has to be
 * sound: every file has as many links as names, every directory as many as it has subdirectories, every block
 * is one thread's, whole.
 */
#include "tests/kernel/stress.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK 4096
#define BLOCKS 8
#define PATHLEN 1024
#define TOP STRESS_SHARED "/r"

static void
pick(struct dice *d, char path[PATHLEN])
{
	unsigned parts = 1 + roll(d, 3);

	strcpy(path, TOP);
	for (unsigned i = 0; i < parts; i++) {
		char part[3] = {'/', (char)('a' + roll(d, 3)), '\0'};

		/* On the way into the mount; it is never the last. */
		if (i + 1 < parts && roll(d, 6) == 0)
			part[1] = 'm';
		strcat(path, part);
	}
}

static void
write_block(int fd, struct dice *d, unsigned thread)
{
	char buf[BLOCK];

	memset(buf, (int)('A' + thread), sizeof(buf));
	rump_sys_pwrite(fd, buf, sizeof(buf), (int64_t)roll(d, BLOCKS) * BLOCK);
}

/* A block that is not all of one letter has been torn. */
static void
read_block(int fd, struct dice *d)
{
	char buf[BLOCK];

	if (rump_sys_pread(fd, buf, sizeof(buf), (int64_t)roll(d, BLOCKS) * BLOCK) != BLOCK)
		return;
	for (size_t i = 1; i < BLOCK; i++)
		if (buf[i] != buf[0]) {
			fprintf(stderr, "a torn block: %d and %d\n", buf[0], buf[i]);
			abort();
		}
}

static void
on_file(struct dice *d, unsigned thread)
{
	char path[PATHLEN];
	int fd;

	pick(d, path);
	fd = rump_sys_open(path, RUMP_O_RDWR | (roll(d, 2) ? RUMP_O_CREAT : 0), 0644);
	if (fd == -1)
		return;
	for (unsigned i = roll(d, 6); i > 0; i--)
		if (roll(d, 2))
			write_block(fd, d, thread);
		else
			read_block(fd, d);
	if (roll(d, 8) == 0)
		rump_sys_ftruncate(fd, (int64_t)roll(d, BLOCKS) * BLOCK);
	rump_sys_close(fd);
}

static void
read_directory(const char *path)
{
	char buf[512];
	int fd = rump_sys_open(path, RUMP_O_RDONLY | RUMP_O_DIRECTORY);

	if (fd == -1)
		return;
	while (rump_sys_getdents(fd, buf, sizeof(buf)) > 0)
		continue;
	rump_sys_close(fd);
}

static void
on_names(struct dice *d)
{
	char a[PATHLEN], b[PATHLEN], cwd[PATHLEN];
	struct rump_stat st;

	pick(d, a);
	pick(d, b);
	switch (roll(d, 12)) {
	case 0:
	case 1:
		rump_sys_mkdir(a, 0755);
		break;
	case 2:
		rump_sys_rmdir(a);
		break;
	case 3:
		rump_sys_unlink(a);
		break;
	case 4:
	case 5:
	case 6:
		rump_sys_rename(a, b);
		break;
	case 7:
		rump_sys_link(a, b);
		break;
	case 8:
		rump_sys_symlink("../b", a);
		break;
	case 9:
		read_directory(a);
		break;
	case 10:
		if (rump_sys_chdir(a) == 0) {
			rump_sys___getcwd(cwd, sizeof(cwd));
			rump_sys_stat("../a", &st);
			rump_sys_chdir("/");
		}
		break;
	default:
		rump_sys_stat(a, &st);
		rump_sys_chmod(a, 0700 | roll(d, 0100));
		break;
	}
}

/* A lock of a range, and its release, now and then with another thread in the way. */
static void
on_locks(struct dice *d)
{
	struct rump_flock fl = {.l_type = RUMP_F_WRLCK,
	    .l_whence = RUMP_SEEK_SET,
	    .l_start = roll(d, 20),
	    .l_len = 1 + roll(d, 10)};
	int fd = rump_sys_open(TOP "/lock", RUMP_O_RDWR | RUMP_O_CREAT, 0644);

	if (fd == -1)
		return;
	if (rump_sys_fcntl(fd, RUMP_F_SETLKW, &fl) == 0) {
		fl.l_start = roll(d, 20);
		rump_sys_fcntl(fd, RUMP_F_SETLKW, &fl);
	}
	rump_sys_close(fd);
}

/*
 * One thread has a mount come and go, by force at times. It has a name that the others do not use, and is
 * named from the directory that it lies in, as that may be renamed meanwhile.
 */
static void
on_mount(struct dice *d)
{
	struct rump_tmpfs_args args = {.ta_version = RUMP_TMPFS_ARGS_VERSION, .ta_root_mode = 0755};
	char path[PATHLEN];
	int fd;

	pick(d, path);
	fd = rump_sys_open(path, RUMP_O_RDONLY | RUMP_O_DIRECTORY);
	if (fd == -1)
		return;
	if (rump_sys_fchdir(fd) == 0 && rump_sys_mkdir("m", 0755) == 0 &&
	    rump_sys_mount("tmpfs", "m", 0, &args, sizeof(args)) == 0) {
		for (unsigned i = 0; i < 20; i++)
			on_names(d);
		rump_sys_fchdir(fd);
		while (rump_sys_unmount("m", roll(d, 2) ? RUMP_MNT_FORCE : 0) != 0 && errno == EBUSY)
			continue;
	}
	rump_sys_fchdir(fd);
	rump_sys_rmdir("m");
	rump_sys_chdir("/");
	rump_sys_close(fd);
}

void
stress_contend(uint64_t seed, unsigned count, unsigned thread)
{
	struct dice d = {seed};

	rump_sys_mkdir(STRESS_SHARED, 0755);
	rump_sys_mkdir(TOP, 0755);
	for (unsigned i = 0; i < count; i++) {
		uint32_t kind = roll(&d, 100);

		if (kind < 40)
			on_file(&d, thread);
		else if (kind < 94)
			on_names(&d);
		else if (kind < 98)
			on_locks(&d);
		else if (thread == 0)
			on_mount(&d);
	}
}

/* The files that have been met: their numbers, and in how many directories. */
struct met {
	uint64_t ino;
	uint32_t links, names;
};
static struct met met[4096];
static unsigned nmet;

static bool
meet(const struct rump_stat *st)
{
	unsigned i;

	for (i = 0; i < nmet && met[i].ino != st->st_ino; i++)
		;
	if (i == sizeof(met) / sizeof(met[0]))
		return false;
	if (i == nmet)
		met[nmet++] = (struct met){.ino = st->st_ino, .links = st->st_nlink};
	met[i].names++;
	return true;
}

static bool
whole_blocks(const char *path)
{
	struct dice d = {1};
	int fd = rump_sys_open(path, RUMP_O_RDONLY | RUMP_O_NOFOLLOW);

	if (fd == -1)
		return false;
	for (int i = 0; i < 64; i++)
		read_block(fd, &d);
	rump_sys_close(fd);
	return true;
}

/* Calls f with every entry of a directory but the dots; stops when it is not content. */
static bool
each_entry(
    const char *path, bool (*f)(const char *path, const struct rump_dirent *entry, void *arg), void *arg)
{
	char buf[4096], child[PATHLEN];
	int fd = rump_sys_open(path, RUMP_O_RDONLY), got;
	bool content = fd != -1;

	while (content && (got = rump_sys_getdents(fd, buf, sizeof(buf))) > 0)
		for (int at = 0; at < got && content;) {
			struct rump_dirent *entry = (void *)(buf + at);

			snprintf(child, sizeof(child), "%.950s/%.50s", path, entry->d_name);
			content = f(child, entry, arg);
			at += entry->d_reclen;
		}
	if (fd != -1)
		rump_sys_close(fd);
	return content;
}

struct directory {
	uint64_t ino, parent;
	uint32_t subdirectories;
};

static bool check_directory(const char *path, uint64_t parent);

static bool
check_entry(const char *path, const struct rump_dirent *entry, void *arg)
{
	struct directory *dir = arg;
	struct rump_stat st;

	if (strcmp(entry->d_name, ".") == 0)
		return entry->d_fileno == dir->ino;
	if (strcmp(entry->d_name, "..") == 0)
		return entry->d_fileno == dir->parent;
	if (rump_sys_lstat(path, &st) != 0 || st.st_ino != entry->d_fileno) {
		fprintf(stderr, "%s: the entry says %llu, the file %llu\n", path,
		    (unsigned long long)entry->d_fileno, (unsigned long long)st.st_ino);
		return false;
	}
	if (entry->d_type == RUMP_DT_DIR) {
		dir->subdirectories++;
		return check_directory(path, dir->ino);
	}
	if (meet(&st) && (entry->d_type != RUMP_DT_REG || whole_blocks(path)))
		return true;
	fprintf(stderr, "%s is not sound: %s\n", path, strerror(errno));
	return false;
}

static bool
check_directory(const char *path, uint64_t parent)
{
	struct directory dir = {.parent = parent};
	struct rump_stat st;

	if (rump_sys_lstat(path, &st) != 0)
		return false;
	dir.ino = st.st_ino;
	if (!each_entry(path, check_entry, &dir))
		return false;
	if (st.st_nlink == 2 + dir.subdirectories)
		return true;
	fprintf(stderr, "%s: %u links, %u subdirectories\n", path, st.st_nlink, dir.subdirectories);
	return false;
}

static bool
remove_entry(const char *path, const struct rump_dirent *entry, void *arg)
{
	(void)arg;
	if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
		return true;
	if (entry->d_type != RUMP_DT_DIR)
		return rump_sys_unlink(path) == 0;
	return each_entry(path, remove_entry, NULL) && rump_sys_rmdir(path) == 0;
}

bool
stress_remove(const char *path)
{
	return each_entry(path, remove_entry, NULL) && rump_sys_rmdir(path) == 0;
}

bool
stress_invariants(void)
{
	struct rump_stat root;
	bool sound;

	nmet = 0;
	rump_sys_stat("/", &root);
	sound = check_directory(STRESS_SHARED, root.st_ino);
	for (unsigned i = 0; i < nmet; i++)
		if (met[i].links != met[i].names) {
			fprintf(stderr, "number %llu: %u links, %u names\n", (unsigned long long)met[i].ino,
			    met[i].links, met[i].names);
			sound = false;
		}
	return sound && stress_remove(STRESS_SHARED);
}
