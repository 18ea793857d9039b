/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"
#include "rump_server/catalog.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool
component_name(const char *file, char *name, size_t size)
{
	const char *start = strncmp(file, "lib", 3) == 0 ? file + 3 : file, *end = strstr(start, ".so");

	if (end == NULL || end == start || (end[3] != '\0' && end[3] != '.'))
		return false;
	if ((size_t)(end - start) >= size)
		return false;
	memcpy(name, start, (size_t)(end - start));
	name[end - start] = '\0';
	return true;
}

bool
component_is_kernels(const char *name)
{
	static const char *const whole[] = {"rump", "rumpvfs", "rumpnet", "rumpdev"};
	static const char *const starts[] = {"rumpfs_", "rumpkern_", "rumpvfs_", "rumpnet_", "rumpdev_"};

	for (size_t i = 0; i < sizeof(whole) / sizeof(whole[0]); i++) {
		if (strcmp(name, whole[i]) == 0)
			return true;
	}
	for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
		if (strncmp(name, starts[i], strlen(starts[i])) == 0)
			return true;
	}
	return false;
}

static int
add_directory(struct catalog *catalog, const char *start, size_t length)
{
	char **grown = reallocarray(catalog->directories, catalog->ndirectories + 1, sizeof(*grown));

	if (grown == NULL)
		return -ENOMEM;
	catalog->directories = grown;
	grown[catalog->ndirectories] = strndup(start, length);
	if (grown[catalog->ndirectories] == NULL)
		return -ENOMEM;
	catalog->ndirectories++;
	return 0;
}

static bool
has_kernel(const char *directory)
{
	char path[PATH_MAX];

	for (int plain = 0; plain < 2; plain++) {
		int length = snprintf(path, sizeof(path), "%s/librump.so%s", directory, plain ? "" : ".0");

		if (length < (int)sizeof(path) && access(path, F_OK) == 0)
			return true;
	}
	return false;
}

int
catalog_init(struct catalog *catalog, const char *path, const char *installed)
{
	bool kernel = false;
	int error = 0;

	memset(catalog, 0, sizeof(*catalog));
	while (path != NULL && *path != '\0' && error == 0) {
		size_t length = strcspn(path, ":");

		if (length > 0) {
			error = add_directory(catalog, path, length);
			if (error == 0)
				kernel |= has_kernel(catalog->directories[catalog->ndirectories - 1]);
		}
		path += length + (path[length] == ':');
	}
	if (error == 0 && !kernel && installed != NULL)
		error = add_directory(catalog, installed, strlen(installed));
	return error;
}

static void
component_free(struct component *component)
{
	elf_close(&component->image);
	free(component->name);
	free(component->path);
	free(component);
}

void
catalog_free(struct catalog *catalog)
{
	for (size_t i = 0; i < catalog->ncomponents; i++)
		component_free(catalog->components[i]);
	for (size_t i = 0; i < catalog->ndirectories; i++)
		free(catalog->directories[i]);
	free(catalog->components);
	free(catalog->directories);
	memset(catalog, 0, sizeof(*catalog));
}

struct component *
catalog_known(const struct catalog *catalog, const char *name)
{
	for (size_t i = 0; i < catalog->ncomponents; i++) {
		if (strcmp(catalog->components[i]->name, name) == 0)
			return catalog->components[i];
	}
	return NULL;
}

/* Opens the file and adds it. NULL with *error and *why; the component is the known one if its name is. */
static struct component *
add_file(struct catalog *catalog, const char *path, int *error, const char **why)
{
	struct component *component, **grown, *known;
	const char *base = strrchr(path, '/');
	char name[NAME_MAX + 1];

	component = calloc(1, sizeof(*component));
	grown = reallocarray(catalog->components, catalog->ncomponents + 1, sizeof(*grown));
	if (grown != NULL)
		catalog->components = grown;
	*why = "out of memory";
	*error = -ENOMEM;
	if (component == NULL || grown == NULL)
		goto fail;
	*error = elf_open(&component->image, path, why);
	if (*error != 0)
		goto fail;
	*error = -EINVAL;
	*why = "not named like a library";
	if ((component->image.soname == NULL ||
		!component_name(component->image.soname, name, sizeof(name))) &&
	    !component_name(base == NULL ? path : base + 1, name, sizeof(name)))
		goto fail;
	known = catalog_known(catalog, name);
	if (known != NULL) {
		component_free(component);
		return known;
	}
	*why = "out of memory";
	component->name = strdup(name);
	component->path = strdup(path);
	if (component->name == NULL || component->path == NULL)
		goto fail;
	catalog->components[catalog->ncomponents++] = component;
	return component;
fail:
	if (component != NULL)
		component_free(component);
	return NULL;
}

/* Looks for a file of that name in the directories. NULL without a complaint when there is none. */
static struct component *
find_file(struct catalog *catalog, const char *file, bool *exists, struct complaint *complaint)
{
	*exists = false;
	for (size_t i = 0; i < catalog->ndirectories; i++) {
		struct component *component;
		const char *why;
		char path[PATH_MAX];
		int error;

		if (snprintf(path, sizeof(path), "%s/%s", catalog->directories[i], file) >= (int)sizeof(path))
			continue;
		component = add_file(catalog, path, &error, &why);
		if (component != NULL)
			return component;
		if (error == -ENOENT || error == -ENOTDIR)
			continue;
		*exists = true;
		complain(complaint, "%s: %s", path, why);
		return NULL;
	}
	return NULL;
}

struct component *
catalog_find(struct catalog *catalog, const char *name, struct complaint *complaint)
{
	struct component *component = catalog_known(catalog, name);
	char file[NAME_MAX + 1], where[512];
	const char *why;
	bool exists = false;
	int error;

	if (component != NULL)
		return component;
	if (strchr(name, '/') != NULL) {
		component = add_file(catalog, name, &error, &why);
		if (component == NULL)
			complain(complaint, "%s: %s", name, why);
		return component;
	}
	if (strstr(name, ".so") != NULL)
		component = find_file(catalog, name, &exists, complaint);
	for (size_t i = 0; i < 2 && component == NULL && !exists; i++) {
		if ((size_t)snprintf(file, sizeof(file), i == 0 ? "lib%s.so.0" : "lib%s.so", name) <
		    sizeof(file))
			component = find_file(catalog, file, &exists, complaint);
	}
	if (component == NULL && !exists) {
		catalog_directories(catalog, where, sizeof(where));
		complain(complaint, "component %s is not there: no lib%s.so.0 in %s", name, name, where);
	}
	return component;
}

/* Adds the file unless it has no name of a component's, or not the ending that is asked for. */
static void
scan_file(struct catalog *catalog, const char *directory, const char *file, const char *ending,
    void (*skipped)(const char *, const char *))
{
	char name[NAME_MAX + 1], path[PATH_MAX];
	const char *why;
	int error;

	if (strncmp(file, "lib", 3) != 0 || !component_name(file, name, sizeof(name)) ||
	    !component_is_kernels(name) || strcmp(strstr(file, ".so"), ending) != 0)
		return;
	if (catalog_known(catalog, name) != NULL ||
	    snprintf(path, sizeof(path), "%s/%s", directory, file) >= (int)sizeof(path))
		return;
	if (add_file(catalog, path, &error, &why) == NULL && skipped != NULL)
		skipped(path, why);
}

static void
scan_directory(struct catalog *catalog, const char *directory, void (*skipped)(const char *, const char *))
{
	/* librumpvfs.so.0 and librumpvfs.so are one; librumpvfs.so.0.0 is what they point to. */
	static const char *const endings[] = {".so.0", ".so"};
	struct dirent **entries;
	int count = scandir(directory, &entries, NULL, alphasort);

	for (size_t e = 0; e < 2; e++) {
		for (int i = 0; i < count; i++)
			scan_file(catalog, directory, entries[i]->d_name, endings[e], skipped);
	}
	for (int i = 0; i < count; i++)
		free(entries[i]);
	if (count >= 0)
		free(entries);
}

void
catalog_scan(struct catalog *catalog, void (*skipped)(const char *path, const char *why))
{
	if (catalog->scanned)
		return;
	for (size_t i = 0; i < catalog->ndirectories; i++)
		scan_directory(catalog, catalog->directories[i], skipped);
	catalog->scanned = true;
}

bool
catalog_any(const char *directory)
{
	DIR *stream = opendir(directory);
	const struct dirent *entry;
	char name[NAME_MAX + 1];
	bool any = false;

	while (stream != NULL && !any && (entry = readdir(stream)) != NULL)
		any = component_name(entry->d_name, name, sizeof(name)) && component_is_kernels(name);
	if (stream != NULL)
		closedir(stream);
	return any;
}

void
catalog_directories(const struct catalog *catalog, char *text, size_t size)
{
	size_t used = 0;

	text[0] = '\0';
	for (size_t i = 0; i < catalog->ndirectories && used < size; i++)
		used += (size_t)snprintf(
		    text + used, size - used, "%s%s", i == 0 ? "" : ", ", catalog->directories[i]);
}
