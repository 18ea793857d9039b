/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Theory of operation
 *
 * A path that begins with the prefix lies in the rump kernel, whatever follows: links there are the rump
 * kernel's affair, absolute ones included. That leaves two ways across the border that text alone does not
 * show: links of the host that lead to the prefix, and "..". Such a path is walked component by component, as
 * the kernel would: a link is read on the side it lies on, ".." takes back the last real component. The walk
 * ends with an absolute name without links, but for the last component, whose place is what its text says.
 *
 * Relative paths below a current directory inside, and below a descriptor inside, go to the rump kernel as
 * they are, unless a ".." could lead out.
 *
 * Once the root is inside, all absolute paths are the rump kernel's, which stops ".." there itself; relative
 * ones are on the side that they start from, and nothing has the prefix.
 */
#include "hijack/path.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "hijack/copy.h"
#include "hijack/descriptor.h"
#include "hijack/gate.h"
#include "hijack/names.h"
#include "hijack/rump.h"
#include "hijack/start.h"

#define LINKS_MAX 40

/* A path under way: done is absolute and has no links; rest is relative to it. */
struct walk {
	char done[PATH_MAX];
	size_t length; /* of done; 0 at the root */
	char rest[PATH_MAX];
	size_t known; /* of done: what is a directory for certain */
	int links;
	bool was_inside; /* on its way */
	bool unsure;     /* whether done is a directory */
};

/* The rump kernel's name for an absolute path that hijack_config_match() found inside. */
static const char *
inner_name(const char *path, int match)
{
	return path[match] != '\0' ? path + match : "/";
}

static bool
has_dots(const char *path)
{
	for (const char *p = path; (p = strstr(p, "..")) != NULL; p += 2) {
		if ((p == path || p[-1] == '/') && (p[2] == '/' || p[2] == '\0'))
			return true;
	}
	return false;
}

/* Whether the first component is "..". */
static bool
leads_up(const char *path)
{
	while (path[0] == '/' || (path[0] == '.' && path[1] == '/'))
		path++;
	return path[0] == '.' && path[1] == '.' && (path[2] == '/' || path[2] == '\0');
}

/* Squeezes repeated slashes and single dots out of an absolute path. */
static void
tidy(char *path)
{
	char *out = path;

	for (const char *p = path; *p != '\0';) {
		if (p[0] == '/' && (p[1] == '/' || (p[1] == '.' && (p[2] == '/' || p[2] == '\0')))) {
			p += p[1] == '/' ? 1 : 2;
			continue;
		}
		*out++ = *p++;
	}
	if (out == path)
		*out++ = '/';
	*out = '\0';
}

/* The target of the link that done is, or -errno: -EINVAL when it is none. */
static long
read_link(const char *done, char *target)
{
	int match = hijack_process()->root_inside ? 0 : hijack_config_match(&hijack_start.config, done);
	long n;

	if (match >= 0)
		n = HIJACK_RUMP(
		    readlink, hijack_slot(inner_name(done, match)), hijack_slot(target), PATH_MAX - 1);
	else
		n = hijack_own(SYS_readlink, (long)done, (long)target, PATH_MAX - 1, 0, 0, 0);
	if (n >= 0)
		target[n] = '\0';
	return n;
}

/* Puts a link's target before what is left of the walk. */
static int
follow_link(struct walk *walk, const char *target, size_t component)
{
	char rest[PATH_MAX];
	int match = hijack_path_prefix() > 0 ? hijack_config_match(&hijack_start.config, walk->done) : 0;

	if (++walk->links > LINKS_MAX)
		return -ELOOP;
	if ((size_t)snprintf(rest, sizeof(rest), "%s%s%s", target, walk->rest[0] != '\0' ? "/" : "",
		walk->rest) >= sizeof(rest))
		return -ENAMETOOLONG;
	memcpy(walk->rest, rest, strlen(rest) + 1);
	/* An absolute link inside stays inside: below the prefix, which a program may have put there itself.
	 */
	walk->length = component;
	if (target[0] == '/')
		walk->length =
		    match > 0 && hijack_config_match(&hijack_start.config, target) < 0 ? (size_t)match : 0;
	walk->done[walk->length] = '\0';
	walk->unsure = false;
	return 0;
}

/* Only directories have one above. A link's own slash and dot would be followed, so this finds none. */
static int
go_up(struct walk *walk)
{
	char path[PATH_MAX + 2], target[PATH_MAX];
	long n = -EINVAL;

	if (walk->unsure) {
		snprintf(path, sizeof(path), "%s/.", walk->done);
		n = read_link(path, target);
	}
	if (n != -EINVAL)
		return n < 0 ? (int)n : -ENOTDIR;
	while (walk->length > 0 && walk->done[--walk->length] != '/')
		;
	walk->done[walk->length] = '\0';
	walk->unsure = false;
	if (walk->known > walk->length)
		walk->known = walk->length;
	return 0;
}

/* Takes one component off the rest. Returns its length, 0 at the end. */
static size_t
next_component(const struct walk *walk, const char **start, const char **rest)
{
	const char *p = walk->rest;

	while (*p == '/')
		p++;
	*start = p;
	while (*p != '\0' && *p != '/')
		p++;
	*rest = p;
	return (size_t)(p - *start);
}

static int
step(struct walk *walk, const char *name, size_t length, const char *rest, bool follow)
{
	char target[PATH_MAX];
	size_t before = walk->length;
	bool last = rest[strspn(rest, "/")] == '\0';

	if (length == 2 && name[0] == '.' && name[1] == '.') {
		memmove(walk->rest, rest, strlen(rest) + 1);
		return go_up(walk);
	}
	if (walk->length + 1 + length >= sizeof(walk->done))
		return -ENAMETOOLONG;
	walk->done[walk->length] = '/';
	memcpy(walk->done + walk->length + 1, name, length);
	walk->length += 1 + length;
	walk->done[walk->length] = '\0';
	memmove(walk->rest, rest, strlen(rest) + 1);
	walk->unsure = walk->length > walk->known;
	if (hijack_config_match(&hijack_start.config, walk->done) >= 0)
		walk->was_inside = true;
	if (last && !follow && *walk->rest == '\0')
		return 0;
	/* What is not there, or no link, is for the call itself to find out. */
	if (read_link(walk->done, target) >= 0)
		return follow_link(walk, target, before);
	return 0;
}

static int
walk_path(struct walk *walk, bool follow)
{
	const char *name, *rest;
	size_t length;
	int error = 0;

	while (error == 0 && (length = next_component(walk, &name, &rest)) > 0) {
		if (length == 1 && name[0] == '.')
			memmove(walk->rest, rest, strlen(rest) + 1);
		else
			error = step(walk, name, length, rest, follow);
	}
	/* A slash at the end asks for a directory. */
	if (error == 0 && walk->rest[0] == '/' && walk->length > 0 && walk->length + 1 < sizeof(walk->done)) {
		walk->done[walk->length++] = '/';
		walk->done[walk->length] = '\0';
	}
	return error;
}

/* The first bytes, as many as are known, are the name of a directory, or were when it was still there. */
static int
place_absolute(char *path, size_t known, bool follow, struct hijack_place *place)
{
	struct walk walk = {.known = known};
	int match, error;

	tidy(path);
	match = hijack_config_match(&hijack_start.config, path);
	if (match < 0 || has_dots(path)) {
		memcpy(walk.rest, path, strlen(path) + 1);
		error = walk_path(&walk, follow);
		if (error != 0)
			return error;
		match = hijack_config_match(&hijack_start.config, walk.done);
		if (walk.length == 0)
			memcpy(walk.done, "/", 2);
		path = walk.done;
	}
	place->inside = match >= 0;
	place->renamed = match < 0 && walk.was_inside;
	place->directory = RUMP_AT_FDCWD;
	memmove(place->path, match >= 0 ? inner_name(path, match) : path,
	    strlen(match >= 0 ? inner_name(path, match) : path) + 1);
	return 0;
}

/* The host's name of a directory descriptor. */
static long
host_directory(long fd, char *path)
{
	char link[32];
	long n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", (int)fd);
	n = hijack_own(SYS_readlink, (long)link, (long)path, PATH_MAX - 1, 0, 0, 0);
	if (n >= 0)
		path[n] = '\0';
	return n >= 0 && path[0] != '/' ? -ENOTDIR : n;
}

static int
place_relative(const char *path, long directory, struct hijack_place *place)
{
	place->inside = true;
	place->renamed = false;
	place->directory = directory;
	memcpy(place->path, path, strlen(path) + 1);
	return 0;
}

/* With a root inside the rump kernel does all by itself. From a directory on the host it cannot be reached.
 */
static int
place_under_root(const char *path, bool from_current, struct hijack_place *place)
{
	(void)place_relative(path, RUMP_AT_FDCWD, place);
	place->inside = path[0] == '/' || (from_current && hijack_process()->cwd_inside);
	return 0;
}

static int
place_on_host(const char *path, struct hijack_place *place)
{
	place->inside = false;
	place->renamed = false;
	memcpy(place->path, path, strlen(path) + 1);
	return 0;
}

static int
place_shadow(long fd, struct hijack_place *place)
{
	place->inside = true;
	place->shadow = fd;
	return 0;
}

/* A place inside that is another than the one that it was looked for at: 1; 0 when there is none. */
static int
place_found(char *path, bool follow, struct hijack_place *place)
{
	int error = place_absolute(path, 0, follow, place);

	return error != 0 ? error : place->inside;
}

/*
 * The same below a descriptor, where there is no name to start from: links are looked for one component after
 * the other, until one has a target that begins with the prefix.
 */
static int
below_descriptor(struct hijack_place *place, bool follow)
{
	struct walk walk = {.length = 0};
	const char *name, *rest;
	char target[PATH_MAX];
	size_t length, before;
	long n;

	memcpy(walk.rest, place->path, strlen(place->path) + 1);
	while ((length = next_component(&walk, &name, &rest)) > 0) {
		before = walk.length;
		if (before + 1 + length >= sizeof(walk.done))
			return -ENAMETOOLONG;
		if (before > 0)
			walk.done[walk.length++] = '/';
		memcpy(walk.done + walk.length, name, length);
		walk.length += length;
		walk.done[walk.length] = '\0';
		memmove(walk.rest, rest, strlen(rest) + 1);
		if (walk.rest[0] == '\0' && !follow)
			return 0;
		n = HIJACK_RUMP(readlinkat, (uint64_t)place->directory, hijack_slot(walk.done),
		    hijack_slot(target), sizeof(target) - 1);
		if (n < 0)
			continue;
		target[n] = '\0';
		n = follow_link(&walk, target, before);
		if (n != 0)
			return (int)n;
		if (target[0] == '/')
			return hijack_config_match(&hijack_start.config, walk.rest) > 0
				   ? place_found(walk.rest, follow, place)
				   : 0;
	}
	return 0;
}

int
hijack_path_real(char path[PATH_MAX], struct hijack_place *place)
{
	struct walk walk = {.length = 0};
	int error, match;

	memcpy(walk.rest, path, strlen(path) + 1);
	error = walk_path(&walk, true);
	if (error != 0)
		return error;
	if (walk.length > 1 && walk.done[walk.length - 1] == '/')
		walk.done[--walk.length] = '\0';
	match = hijack_path_prefix() > 0 ? hijack_config_match(&hijack_start.config, walk.done) : 0;
	if (match < 0)
		return -ENOENT;
	memcpy(path, walk.length > 0 ? walk.done : "/", walk.length + 2);
	memmove(place->path, inner_name(path, match), strlen(inner_name(path, match)) + 1);
	return 0;
}

int
hijack_path_through_links(struct hijack_place *place, bool follow)
{
	size_t prefix = hijack_path_prefix();
	struct walk walk = {.length = prefix};
	long base = 0;
	int match, error;

	if (prefix == 0)
		return 0;
	if (place->path[0] != '/' && place->directory != RUMP_AT_FDCWD)
		return below_descriptor(place, follow);
	memcpy(walk.done, hijack_start.config.path, prefix + 1);
	if (place->path[0] != '/') {
		base = hijack_path_current(walk.done, sizeof(walk.done));
		walk.length = walk.known = base > 0 ? (size_t)base : 0;
	}
	if (base < 0)
		return 0;
	memcpy(walk.rest, place->path, strlen(place->path) + 1);
	error = walk_path(&walk, follow);
	if (error != 0 || walk.links == 0)
		return error;
	match = hijack_config_match(&hijack_start.config, walk.done);
	if (match < 0 || strcmp(inner_name(walk.done, match), place->path) == 0)
		return 0;
	place->directory = RUMP_AT_FDCWD;
	memmove(place->path, inner_name(walk.done, match), strlen(inner_name(walk.done, match)) + 1);
	return 1;
}

int
hijack_path_find(long directory, uint64_t from, bool follow, struct hijack_place *place)
{
	char text[PATH_MAX], path[PATH_MAX];
	ssize_t length = hijack_copyinstr(text, from, sizeof(text));
	bool current = (int)directory == AT_FDCWD, root_inside = hijack_process()->root_inside;
	int rump = current ? -1 : hijack_fd(directory);
	struct hijack_own_name own;
	const char *rest;
	long n;

	if (length <= 0)
		return length < 0 ? (int)length : -ENOENT;
	if (root_inside && hijack_process()->root_lost)
		return -ENOTCONN;
	place->shadow = -1;
	rest = hijack_path_of_memory(text);
	length -= rest - text;
	memmove(text, rest, (size_t)length + 1);
	if (text[0] == '/' && hijack_path_own(text, &own)) {
		if (own.kind == HIJACK_OWN_PROGRAM || (*own.rest == '\0' && !follow))
			return place_on_host(text, place);
		if (own.kind == HIJACK_OWN_DESCRIPTOR && *own.rest == '\0')
			return place_shadow(own.fd, place);
		/* Below it, the path is relative. */
		current = own.kind == HIJACK_OWN_DIRECTORY;
		directory = current ? AT_FDCWD : own.fd;
		rump = current ? -1 : hijack_fd(own.fd);
		length -= own.rest - text;
		memmove(text, own.rest, (size_t)length + 1);
		if (length == 0)
			memcpy(text, ".", (size_t)++length + 1);
	}
	if (text[0] == '/' && !root_inside)
		return place_absolute(text, 0, follow, place);
	place->base = directory;
	if (rump >= 0)
		return place_relative(text, rump, place);
	if (current && hijack_process()->cwd_inside && hijack_process()->cwd_lost)
		return -ENOENT;
	if (root_inside)
		return place_under_root(text, current, place);
	if (current && hijack_process()->cwd_inside && !has_dots(text))
		return place_relative(text, RUMP_AT_FDCWD, place);
	n = current ? hijack_path_current(path, sizeof(path)) : host_directory(directory, path);
	/* A current directory that was removed has no name, but may have a parent. */
	if (n == -ENOENT && current && hijack_process()->cwd_inside) {
		if (!leads_up(text) || !hijack_names_above_is_same())
			return place_relative(text, RUMP_AT_FDCWD, place);
		n = hijack_path_last_current(path);
	}
	if (n < 0)
		return (int)n;
	if ((size_t)n + 1 + (size_t)length >= sizeof(path))
		return -ENAMETOOLONG;
	path[n] = '/';
	memcpy(path + n + 1, text, (size_t)length + 1);
	return place_absolute(path, (size_t)n, follow, place);
}
