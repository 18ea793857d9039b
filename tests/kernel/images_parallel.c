/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Several processes of the kernel at once on mounted images: ext2, ISO 9660 and squashfs images of one tree
 * of the host's, and a tmpfs. What was there is read again and again, each file with its own contents; where
 * files can be made, each client makes, fills, renames and removes its own in a directory that all share, and
 * reads back what it wrote. In the end e2fsck finds nothing. RUMPKIT_TEST_ALL makes it long. Types whose
 * tools are not installed are left out.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <rump/rump.h>
#include <rump/rump_syscalls.h>

#define THREADS 4
#define FILES 12
#define SIZE_MAX_FILE 40000

static int rounds, results, failures;

static void
result(bool good, const char *what, const char *type)
{
	printf("%sok %d - %s: %s\n", good ? "" : "not ", ++results, type, what);
	fflush(stdout);
	failures += !good;
}

/* What lies at a place in file number n. */
static char
byte_of(unsigned n, size_t at)
{
	return (char)(at * 7 + at / 251 + n * 31);
}

static size_t
size_of(unsigned n)
{
	return n * 3331 % SIZE_MAX_FILE;
}

static void
fill(char *buf, unsigned n)
{
	for (size_t i = 0; i < size_of(n); i++)
		buf[i] = byte_of(n, i);
}

static bool
make_tree(const char *tree)
{
	static char buf[SIZE_MAX_FILE];
	char path[256];
	bool good;

	snprintf(path, sizeof(path), "%s/shared", tree);
	good = mkdir(tree, 0755) == 0 && mkdir(path, 0755) == 0;
	for (unsigned n = 0; n < FILES && good; n++) {
		int fd;

		snprintf(path, sizeof(path), "%s/file%u", tree, n);
		fill(buf, n);
		fd = open(path, O_WRONLY | O_CREAT, 0644);
		good = fd != -1 && write(fd, buf, size_of(n)) == (ssize_t)size_of(n);
		close(fd);
	}
	return good;
}

static int
host_command(const char *command)
{
	int status = system(command);

	return status != -1 && WIFEXITED(status) ? WEXITSTATUS(status) : 127;
}

struct kind {
	const char *name;
	/* Makes $IMAGE from $TREE; NULL: needs none. */
	const char *command;
	bool writable;
};

static const struct kind kinds[] = {
    {"ext2fs", "PATH=$PATH:/usr/sbin:/sbin mke2fs -q -F -t ext4 -d $TREE $IMAGE 16M >/dev/null 2>&1", true},
    {"cd9660", "genisoimage -quiet -R -o $IMAGE $TREE >/dev/null 2>&1", false},
    {"squashfs", "mksquashfs $TREE $IMAGE -quiet -no-progress >/dev/null 2>&1", false},
    {"tmpfs", NULL, true},
};

struct client {
	pthread_t handle;
	const struct kind *kind;
	const char *where;
	unsigned number;
	const char *wrong;
};

/* A file read whole, in pieces of an odd size. */
static bool
reads_back(const char *path, unsigned n)
{
	char piece[1777];
	int fd = rump_sys_open(path, RUMP_O_RDONLY);
	size_t at = 0;
	ssize_t got;

	if (fd == -1)
		return false;
	while ((got = rump_sys_read(fd, piece, sizeof(piece))) > 0)
		for (ssize_t i = 0; i < got; i++, at++)
			if (at >= size_of(n) || piece[i] != byte_of(n, at)) {
				rump_sys_close(fd);
				return false;
			}
	rump_sys_close(fd);
	return got == 0 && at == size_of(n);
}

static bool
writes(const char *path, unsigned n)
{
	char buf[SIZE_MAX_FILE];
	int fd = rump_sys_open(path, RUMP_O_CREAT | RUMP_O_EXCL | RUMP_O_WRONLY, 0644);
	bool good;

	fill(buf, n);
	good = fd != -1 && rump_sys_write(fd, buf, size_of(n)) == (ssize_t)size_of(n);
	return rump_sys_close(fd) == 0 && good;
}

static bool
lists(const char *path)
{
	_Alignas(8) char block[4096];
	int fd = rump_sys_open(path, RUMP_O_RDONLY), n;

	while ((n = rump_sys_getdents(fd, block, sizeof(block))) > 0)
		continue;
	return rump_sys_close(fd) == 0 && n == 0;
}

/* One round in the directory that all share. */
static const char *
make_own(struct client *c, unsigned round)
{
	unsigned n = round * THREADS + c->number;
	char path[64], other[64];

	snprintf(path, sizeof(path), "%s/shared/c%u.%u", c->where, c->number, round % 7);
	snprintf(other, sizeof(other), "%s/shared/moved by client %u", c->where, c->number);
	if (!writes(path, n))
		return "write";
	if (!lists(c->where))
		return "list";
	if (rump_sys_rename(path, other) != 0)
		return "rename";
	if (!reads_back(other, n))
		return "read back";
	if (rump_sys_truncate(other, 5) != 0 || rump_sys_unlink(other) != 0)
		return "remove";
	return NULL;
}

static void *
work(void *arg)
{
	struct client *c = arg;
	char path[64];

	rump_pub_lwproc_rfork(RUMP_RFFD_CLEAR);
	for (int round = 0; round < rounds && c->wrong == NULL; round++) {
		unsigned n = ((unsigned)round * 5 + c->number) % FILES;

		snprintf(path, sizeof(path), "%s/file%u", c->where, n);
		if (!reads_back(path, n) || !lists(c->where))
			c->wrong = "read";
		else if (c->kind->writable)
			c->wrong = make_own(c, (unsigned)round);
	}
	rump_pub_lwproc_releaselwp();
	return NULL;
}

static const char *
in_parallel(const struct kind *kind, const char *where)
{
	struct client clients[THREADS];
	const char *wrong = NULL;

	for (unsigned i = 0; i < THREADS; i++) {
		clients[i] = (struct client){.kind = kind, .where = where, .number = i};
		if (pthread_create(&clients[i].handle, NULL, work, &clients[i]) != 0)
			exit(1);
	}
	for (unsigned i = 0; i < THREADS; i++) {
		pthread_join(clients[i].handle, NULL);
		if (clients[i].wrong != NULL)
			wrong = clients[i].wrong;
	}
	return wrong;
}

/* A tmpfs begins empty. */
static bool
fill_tmpfs(const char *where)
{
	char path[64];
	bool good;

	snprintf(path, sizeof(path), "%s/shared", where);
	good = rump_sys_mkdir(path, 0755) == 0;
	for (unsigned n = 0; n < FILES && good; n++) {
		snprintf(path, sizeof(path), "%s/file%u", where, n);
		good = writes(path, n);
	}
	return good;
}

static bool
mount_kind(const struct kind *kind, const char *where, char *device)
{
	struct rump_tmpfs_args tmpfs = {.ta_version = RUMP_TMPFS_ARGS_VERSION, .ta_root_mode = 0755};
	struct rump_iso_args iso = {.fspec = device};
	struct rump_ufs_args ufs = {.fspec = device};

	if (kind->command == NULL)
		return rump_sys_mount(kind->name, where, 0, &tmpfs, sizeof(tmpfs)) == 0 && fill_tmpfs(where);
	if (strcmp(kind->name, "cd9660") == 0)
		return rump_sys_mount(kind->name, where, RUMP_MNT_RDONLY, &iso, sizeof(iso)) == 0;
	return rump_sys_mount(kind->name, where, kind->writable ? 0 : RUMP_MNT_RDONLY, &ufs, sizeof(ufs)) ==
	       0;
}

/* The file system's image, as a device of the kernel: false when it could not be made. */
static bool
make_device(const struct kind *kind, const char *device, const char *image)
{
	setenv("IMAGE", image, 1);
	if (host_command(kind->command) != 0) {
		printf("ok %d - %s # SKIP its tool is not installed\n", ++results, kind->name);
		return false;
	}
	if (rump_pub_etfs_register(device, image, RUMP_ETFS_BLK) == 0)
		return true;
	result(false, "etfs", kind->name);
	return false;
}

static void
try_kind(const struct kind *kind, const char *scratch)
{
	char where[32], device[32], image[256];
	const char *wrong;

	snprintf(where, sizeof(where), "/%s", kind->name);
	snprintf(device, sizeof(device), "/dev/%s", kind->name);
	snprintf(image, sizeof(image), "%s/%s.image", scratch, kind->name);
	if (kind->command != NULL && !make_device(kind, device, image))
		return;
	if (rump_sys_mkdir(where, 0755) != 0 || !mount_kind(kind, where, device)) {
		result(false, "mount", kind->name);
		return;
	}
	wrong = in_parallel(kind, where);
	result(wrong == NULL, wrong == NULL ? "what many clients read and write" : wrong, kind->name);
	if (rump_sys_unmount(where, 0) != 0)
		result(false, "unmount", kind->name);
	if (kind->command != NULL && rump_pub_etfs_remove(device) != 0)
		result(false, "its device is closed", kind->name);
	if (strcmp(kind->name, "ext2fs") == 0)
		result(host_command("PATH=$PATH:/usr/sbin:/sbin e2fsck -f -n $IMAGE >/dev/null 2>&1") == 0,
		    "e2fsck finds nothing", kind->name);
}

int
main(void)
{
	char scratch[] = "/tmp/rumpkit-images.XXXXXX", tree[64];

	rounds = getenv("RUMPKIT_TEST_ALL") != NULL ? 5000 : 40;
	if (mkdtemp(scratch) == NULL)
		return 1;
	snprintf(tree, sizeof(tree), "%s/tree", scratch);
	setenv("SCRATCH", scratch, 1);
	setenv("TREE", tree, 1);
	if (!make_tree(tree) || rump_init() != 0)
		return 1;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		try_kind(&kinds[i], scratch);
	printf("1..%d\n", results);
	(void)host_command("rm -rf $SCRATCH");
	return failures != 0;
}
