/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/kernel/files.h"
#include <stdio.h>
#include <stdlib.h>

void
on_tmpfs(void)
{
	struct rump_tmpfs_args args = {.ta_version = RUMP_TMPFS_ARGS_VERSION, .ta_root_mode = 0777};

	rump_sys_mkdir("mnt", 0777);
	if (rump_sys_mount("tmpfs", "mnt", 0, &args, sizeof(args)) != 0 || rump_sys_chdir("mnt") != 0)
		say("no tmpfs: %s", errno_name());
}

void
put(const char *path, const char *text)
{
	int fd = rump_sys_open(path, RUMP_O_CREAT | RUMP_O_WRONLY | RUMP_O_TRUNC, 0644);

	if (fd == -1 || rump_sys_write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		say("put %s: %s", path, errno_name());
	rump_sys_close(fd);
}

void
show(const char *path)
{
	char buf[512] = {0};
	int fd = rump_sys_open(path, RUMP_O_RDONLY);
	ssize_t got = fd == -1 ? -1 : rump_sys_read(fd, buf, sizeof(buf) - 1);

	if (got == -1)
		say("%s: -1 %s", path, errno_name());
	else
		say("%s: [%s]", path, buf);
	if (fd != -1)
		rump_sys_close(fd);
}

static char
letter(uint32_t mode)
{
	switch (mode & RUMP_S_IFMT) {
	case RUMP_S_IFDIR:
		return 'd';
	case RUMP_S_IFLNK:
		return 'l';
	case RUMP_S_IFIFO:
		return 'p';
	case RUMP_S_IFCHR:
		return 'c';
	case RUMP_S_IFBLK:
		return 'b';
	case RUMP_S_IFREG:
		return '-';
	default:
		return '?';
	}
}

void
status_of(const char *path)
{
	struct rump_stat st;

	if (rump_sys_lstat(path, &st) == -1)
		say("%s: -1 %s", path, errno_name());
	else if (letter(st.st_mode) == 'd')
		say("%s: d%o links %u %u:%u", path, st.st_mode & 07777, st.st_nlink, st.st_uid, st.st_gid);
	else
		say("%s: %c%o links %u size %lld %u:%u", path, letter(st.st_mode), st.st_mode & 07777,
		    st.st_nlink, (long long)st.st_size, st.st_uid, st.st_gid);
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void
list(const char *path)
{
	char *names[256], buf[4096], line[4096] = "";
	int fd = rump_sys_open(path, RUMP_O_RDONLY), count = 0, got;

	if (fd == -1) {
		say("%s: -1 %s", path, errno_name());
		return;
	}
	while ((got = rump_sys_getdents(fd, buf, sizeof(buf))) > 0) {
		for (int at = 0; at < got;) {
			struct rump_dirent *entry = (void *)(buf + at);

			if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
			    count < 256)
				names[count++] = strdup(entry->d_name);
			at += entry->d_reclen;
		}
	}
	rump_sys_close(fd);
	qsort(names, (size_t)count, sizeof(*names), by_name);
	for (int i = 0; i < count; i++) {
		snprintf(line + strlen(line), sizeof(line) - strlen(line), " %s", names[i]);
		free(names[i]);
	}
	say("%s:%s", path, line);
}

void
become(uint32_t uid, uint32_t gid)
{
	if (rump_sys_setegid(gid) != 0 || rump_sys_seteuid(uid) != 0)
		say("become: %s", errno_name());
}
