/* SPDX-License-Identifier: BSD-2-Clause */
/* The words of a -d option. */
#include "config.h"
#include "rump_server/drive.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rump/rumpdefs.h>

#include "rump_server/path.h"
#include "rump_server/size.h"

static int
bad(const struct drive *drive, struct complaint *complaint, const char *what)
{
	return complain(complaint, "%s: %s", drive->given, what);
}

static int
set_size_value(const struct drive *drive, const char *name, const char *value, uint64_t *size,
    struct complaint *complaint)
{
	int error = size_parse(value, size);

	if (error == -ERANGE)
		return complain(complaint, "%s: %s=%s is too large", drive->given, name, value);
	if (error != 0)
		return complain(
		    complaint, "%s: %s=%s is not a size, such as 64m or 1g", drive->given, name, value);
	return 0;
}

static int
set_size(struct drive *drive, const char *value, struct complaint *complaint)
{
	if (drive->size_given || drive->size_host)
		return bad(drive, complaint, "size given twice");
	if (strcmp(value, "host") == 0) {
		drive->size_host = true;
		return 0;
	}
	drive->size_given = true;
	if (set_size_value(drive, "size", value, &drive->size, complaint) != 0)
		return -1;
	return drive->size != 0 ? 0 : bad(drive, complaint, "size=0 leaves nothing to map");
}

static int
set_offset(struct drive *drive, const char *value, struct complaint *complaint)
{
	if (drive->offset_given)
		return bad(drive, complaint, "offset given twice");
	drive->offset_given = true;
	return set_size_value(drive, "offset", value, &drive->offset, complaint);
}

static int
set_label(struct drive *drive, const char *value, struct complaint *complaint)
{
	if (drive->label != 0)
		return bad(drive, complaint, "disklabel given twice");
	if (value[0] < 'a' || value[0] > 'z' || value[1] != '\0')
		return complain(
		    complaint, "%s: disklabel=%s is not a letter from a to z", drive->given, value);
	drive->label = value[0];
	return 0;
}

static int
set_partition(struct drive *drive, const char *value, struct complaint *complaint)
{
	if (drive->partition != 0)
		return bad(drive, complaint, "partition given twice");
	if (count_parse(value, 1, 1024, &drive->partition) != 0)
		return complain(
		    complaint, "%s: partition=%s is not a number from 1 to 1024", drive->given, value);
	return 0;
}

static int
set_type(struct drive *drive, const char *value, struct complaint *complaint)
{
	static const char *const names[] = {[DRIVE_REG] = "reg", [DRIVE_BLK] = "blk", [DRIVE_CHR] = "chr"};

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(value, names[i]) == 0) {
			drive->type = (enum drive_type)i;
			return 0;
		}
	}
	return complain(complaint, "%s: type=%s is none of blk, chr and reg", drive->given, value);
}

static int
set_string(const struct drive *drive, const char **field, const char *value, struct complaint *complaint,
    const char *twice)
{
	if (*field != NULL)
		return bad(drive, complaint, twice);
	*field = value;
	return 0;
}

static int
set_field(struct drive *drive, const char *name, const char *value, struct complaint *complaint)
{
	if (strcmp(name, "key") == 0)
		return set_string(drive, &drive->key, value, complaint, "key given twice");
	if (strcmp(name, "hostpath") == 0)
		return set_string(drive, &drive->hostpath, value, complaint, "hostpath given twice");
	if (strcmp(name, "size") == 0)
		return set_size(drive, value, complaint);
	if (strcmp(name, "offset") == 0)
		return set_offset(drive, value, complaint);
	if (strcmp(name, "disklabel") == 0)
		return set_label(drive, value, complaint);
	if (strcmp(name, "partition") == 0)
		return set_partition(drive, value, complaint);
	if (strcmp(name, "type") == 0)
		return set_type(drive, value, complaint);
	return complain(complaint,
	    "%s: \"%s\" is no part of a drive, which are key, hostpath, size, offset, disklabel, partition "
	    "and type",
	    drive->given, name);
}

/* The kernel compares keys with paths as they stand, before it looks at its directories. */
static int
check_key(const struct drive *drive, struct complaint *complaint)
{
	if (strlen(drive->key) >= RUMP_MAXPATHLEN)
		return complain(
		    complaint, "%s: key is longer than %d characters", drive->given, RUMP_MAXPATHLEN - 1);
	if (!path_is_plain(drive->key))
		return complain(complaint, "%s: key=%s is not a plain absolute path, such as /dev/disk",
		    drive->given, drive->key);
	if (strcmp(drive->key, "/dev") == 0)
		return bad(drive, complaint, "key=/dev would hide the kernel's devices");
	return 0;
}

static int
check_fields(struct drive *drive, struct complaint *complaint)
{
	int extents = drive->size_given + drive->size_host + (drive->label != 0) + (drive->partition != 0);
	uint64_t end;

	if (drive->key == NULL)
		return bad(drive, complaint, "key is missing, as in key=/dev/disk");
	if (check_key(drive, complaint) != 0)
		return -1;
	if (drive->hostpath == NULL || drive->hostpath[0] == '\0')
		return bad(drive, complaint, "hostpath is missing, as in hostpath=disk.img");
	if (extents > 1)
		return bad(drive, complaint, "only one of size, disklabel and partition can be given");
	if (drive->offset_given && !drive->size_given)
		return bad(drive, complaint, "offset needs a size in bytes");
	if (extents == 0 && drive->type != DRIVE_REG)
		return bad(
		    drive, complaint, "one of size, disklabel and partition is needed, such as size=host");
	if (__builtin_add_overflow(drive->offset, drive->size, &end) || end > INT64_MAX)
		return bad(drive, complaint, "offset and size are too large together");
	return 0;
}

/* As much of the specification as leaves room for what is wrong with it. */
#define GIVEN_MAX 400

int
drive_parse(struct drive *drive, const char *option, const char *spec, struct complaint *complaint)
{
	char *rest, *field;

	memset(drive, 0, sizeof(*drive));
	drive->fd = -1;
	drive->type = DRIVE_BLK;
	if (asprintf(&drive->given, "%s %.*s%s", option, GIVEN_MAX, *spec != '\0' ? spec : "\"\"",
		strlen(spec) > GIVEN_MAX ? "..." : "") < 0) {
		drive->given = NULL;
		return complain(complaint, "out of memory");
	}
	drive->fields = strdup(spec);
	if (drive->fields == NULL)
		return complain(complaint, "out of memory");
	for (rest = drive->fields; (field = strsep(&rest, ",")) != NULL;) {
		char *value = strchr(field, '=');

		if (value == NULL)
			return complain(complaint, "%s: \"%s\" is not name=value, such as key=/dev/disk",
			    drive->given, field);
		*value++ = '\0';
		if (set_field(drive, field, value, complaint) != 0)
			return -1;
	}
	return check_fields(drive, complaint);
}
