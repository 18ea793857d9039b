/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The ISO 9660 reader, on images that genisoimage makes of a tree made here: every name, attribute and byte
 * against the tree itself. Then the same image with bytes overwritten: anything may come of it but a crash or
 * a loop.
 */
#include "tests/unit/unit.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kernel/fs/cd9660/iso.h"

struct image {
	unsigned char *bytes;
	size_t size;
};

static char work[] = "/tmp/test_iso.XXXXXX";
static struct image image;

static int
read_image(void *device, uint64_t offset, void *buf, size_t len)
{
	const struct image *from = device;

	assert_true(offset <= from->size && len <= from->size - offset);
	memcpy(buf, from->bytes + offset, len);
	return 0;
}

static void
shell(const char *command)
{
	char line[4096];

	assert_true(snprintf(line, sizeof(line), "cd %s && { %s; }", work, command) < (int)sizeof(line));
	assert_int_equal(system(line), 0);
}

static void
make_image(const char *options)
{
	char command[512], path[64];
	struct stat st;
	FILE *file;

	snprintf(command, sizeof(command), "genisoimage -quiet %s -o image tree 2>/dev/null", options);
	shell(command);
	snprintf(path, sizeof(path), "%s/image", work);
	assert_int_equal(stat(path, &st), 0);
	free(image.bytes);
	image.size = (size_t)st.st_size;
	image.bytes = malloc(image.size);
	assert_non_null(image.bytes);
	file = fopen(path, "rb");
	assert_non_null(file);
	assert_int_equal(fread(image.bytes, 1, image.size, file), image.size);
	fclose(file);
}

/* A tree with what is hard: a long name, a directory of several sectors, depth beyond the standard's, links.
 */
static int
make_tree(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(work));
	shell("mkdir tree && cd tree && mkdir -p many deep/1/2/3/4/5/6/7/8/9/10 && "
	      "for i in $(seq 300); do echo $i > many/file-$i; done && "
	      "echo bottom > deep/1/2/3/4/5/6/7/8/9/10/bottom && "
	      "ln -s ../target/./with//parts tree-link && ln -s / root-link && "
	      "ln -s $(printf 'abcdefghi/%.0s' $(seq 20))end long-link && "
	      "echo x > $(printf 'n%.0s' $(seq 200)) && echo Mixed > Mixed.Case && seq 100000 > large && "
	      "chmod 751 deep && chmod 640 large && mkfifo fifo && touch -d @1000000000 large deep many && : "
	      "> empty");
	return 0;
}

static int
remove_tree(void **state)
{
	char command[64];

	(void)state;
	free(image.bytes);
	snprintf(command, sizeof(command), "rm -rf %s", work);
	return system(command);
}

static void
compare_contents(const struct iso_volume *volume, const struct iso_node *node, const char *path)
{
	char expected[4096], actual[sizeof(expected)];
	FILE *file = fopen(path, "rb");
	uint64_t offset = 0;
	size_t done;

	assert_non_null(file);
	for (;;) {
		size_t want = fread(expected, 1, sizeof(expected), file);

		assert_int_equal(iso_read(volume, node, offset, actual, sizeof(actual), &done), 0);
		assert_int_equal(done, want);
		assert_memory_equal(actual, expected, want);
		if (want == 0)
			break;
		offset += want;
	}
	fclose(file);
}

static void
compare_node(const struct iso_volume *volume, const struct iso_node *node, const char *path)
{
	struct stat st;
	char link[ISO_LINK_MAX + 1];

	assert_int_equal(lstat(path, &st), 0);
	assert_int_equal(node->mode, st.st_mode);
	assert_int_equal(node->uid, st.st_uid);
	assert_int_equal(node->mtime.tv_sec, st.st_mtime);
	if (S_ISREG(st.st_mode)) {
		assert_int_equal(node->size, st.st_size);
		compare_contents(volume, node, path);
	}
	if (S_ISLNK(st.st_mode)) {
		ssize_t len = readlink(path, link, sizeof(link));

		assert_int_equal(node->linklen, len);
		assert_memory_equal(node->link, link, (size_t)len);
	}
}

/* Returns how many entries there are below. */
static int
compare_directory(const struct iso_volume *volume, const struct iso_node *dir, const char *path)
{
	struct iso_entry *entry = malloc(sizeof(*entry));
	uint64_t position = 0;
	int found = 0, below = 0, error;
	struct dirent **names;
	char child[4096];

	assert_non_null(entry);
	while ((error = iso_readdir(volume, dir, &position, entry)) == 0) {
		if (entry->hidden || strcmp(entry->name, ".") == 0 || strcmp(entry->name, "..") == 0)
			continue;
		/* Where directories that lie too deep are put. */
		if (strcmp(entry->name, "rr_moved") == 0)
			continue;
		found++;
		assert_true(snprintf(child, sizeof(child), "%s/%s", path, entry->name) < (int)sizeof(child));
		compare_node(volume, &entry->node, child);
		if ((entry->node.mode & RUMP_S_IFMT) == RUMP_S_IFDIR)
			below += compare_directory(volume, &entry->node, child);
	}
	assert_int_equal(error, RUMP_ENOENT);
	free(entry);
	error = scandir(path, &names, NULL, NULL);
	assert_int_equal(found, error - 2);
	while (error-- > 0)
		free(names[error]);
	free(names);
	return found + below;
}

static void
rock_ridge_tells_everything(void **state)
{
	struct iso_volume volume;
	struct iso_node root;
	char path[64];

	(void)state;
	make_image("-R -iso-level 3");
	assert_int_equal(iso_volume_open(&volume, read_image, &image, image.size, 0), 0);
	assert_true(volume.rock_ridge);
	assert_false(volume.joliet);
	assert_int_equal(iso_root(&volume, &root), 0);
	snprintf(path, sizeof(path), "%s/tree", work);
	/* The tree has over three hundred files, and those below where the standard's depth ends. */
	assert_in_range(compare_directory(&volume, &root, path), 311, 1000);
}

static int
count_names(const struct iso_volume *volume, const char *wanted)
{
	struct iso_node root;
	struct iso_entry entry;
	uint64_t position = 0;
	int found = 0;

	assert_int_equal(iso_root(volume, &root), 0);
	while (iso_readdir(volume, &root, &position, &entry) == 0)
		found += strcmp(entry.name, wanted) == 0;
	return found;
}

static void
joliet_keeps_case_and_plain_names_do_not(void **state)
{
	struct iso_volume volume;

	(void)state;
	make_image("-J -joliet-long -D");
	assert_int_equal(iso_volume_open(&volume, read_image, &image, image.size, 0), 0);
	assert_true(volume.joliet);
	assert_int_equal(count_names(&volume, "Mixed.Case"), 1);
	assert_int_equal(iso_volume_open(&volume, read_image, &image, image.size, ISO_NO_JOLIET), 0);
	assert_int_equal(count_names(&volume, "mixed.cas"), 1);
	assert_int_equal(iso_volume_open(&volume, read_image, &image, image.size,
			     ISO_NO_JOLIET | ISO_KEEP_CASE | ISO_KEEP_VERSIONS),
	    0);
	assert_int_equal(count_names(&volume, "MIXED.CAS;1"), 1);
	assert_int_equal(count_names(&volume, "EMPTY.;1"), 1);
}

static void
other_files_are_no_images(void **state)
{
	static unsigned char zeroes[64 * 1024];
	struct image nothing = {zeroes, sizeof(zeroes)};
	struct iso_volume volume;

	(void)state;
	assert_int_equal(iso_volume_open(&volume, read_image, &nothing, sizeof(zeroes), 0), RUMP_EINVAL);
	assert_int_equal(iso_volume_open(&volume, read_image, &nothing, 100, 0), RUMP_EINVAL);
	assert_int_equal(iso_volume_open(&volume, read_image, &nothing, 0, 0), RUMP_EINVAL);
}

/* Walks whatever there is, with bounds; errors are answers too. */
static void
walk_anything(const struct iso_volume *volume, const struct iso_node *dir, int depth, int *budget)
{
	struct iso_entry *entry = malloc(sizeof(*entry));
	uint64_t position = 0, before;
	char buf[512];
	size_t done;

	assert_non_null(entry);
	while ((*budget)-- > 0) {
		before = position;
		if (iso_readdir(volume, dir, &position, entry) != 0)
			break;
		assert_true(position > before);
		assert_int_equal(strlen(entry->name), entry->namelen);
		assert_true(entry->namelen > 0);
		assert_null(strchr(entry->name, '/'));
		(void)iso_read(volume, &entry->node, 0, buf, sizeof(buf), &done);
		if (depth > 0 && (entry->node.mode & RUMP_S_IFMT) == RUMP_S_IFDIR)
			walk_anything(volume, &entry->node, depth - 1, budget);
	}
	free(entry);
}

static void
damaged_images_do_no_harm(void **state)
{
	unsigned seed = 1;

	(void)state;
	make_image("-R -J");
	for (int round = 0; round < 300; round++) {
		unsigned char saved[8];
		size_t where[8];
		struct iso_volume volume;
		struct iso_node root;
		int budget = 2000;

		for (int i = 0; i < 8; i++) {
			/* Directories and descriptors lie in the first part. */
			where[i] = (size_t)rand_r(&seed) % (image.size < 120000 ? image.size : 120000);
			saved[i] = image.bytes[where[i]];
			image.bytes[where[i]] = (unsigned char)rand_r(&seed);
		}
		if (iso_volume_open(&volume, read_image, &image, image.size, 0) == 0 &&
		    iso_root(&volume, &root) == 0)
			walk_anything(&volume, &root, 12, &budget);
		for (int i = 7; i >= 0; i--)
			image.bytes[where[i]] = saved[i];
	}
}

static void
truncated_images_do_no_harm(void **state)
{
	struct image part;

	(void)state;
	make_image("-R");
	part = image;
	for (part.size = 0; part.size < image.size && part.size < 200000; part.size += 1021) {
		struct iso_volume volume;
		struct iso_node root;
		int budget = 2000;

		if (iso_volume_open(&volume, read_image, &part, part.size, 0) == 0 &&
		    iso_root(&volume, &root) == 0)
			walk_anything(&volume, &root, 12, &budget);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(rock_ridge_tells_everything),
	    cmocka_unit_test(joliet_keeps_case_and_plain_names_do_not),
	    cmocka_unit_test(other_files_are_no_images),
	    cmocka_unit_test(damaged_images_do_no_harm),
	    cmocka_unit_test(truncated_images_do_no_harm),
	};

	if (system("command -v genisoimage >/dev/null") != 0) {
		puts("1..0 # SKIP genisoimage is not installed");
		return 0;
	}
	return cmocka_run_group_tests_name("iso", tests, make_tree, remove_tree);
}
