/* SPDX-License-Identifier: BSD-2-Clause */
/* The host's object that holds a file's shared pages: kept by shared_map.c, by the mapping. */
#ifndef HIJACK_SHARED_OBJECT_H
#define HIJACK_SHARED_OBJECT_H

#include <stdbool.h>
#include <stdint.h>

/* Where the pages of the file begin in the object. */
#define HIJACK_OBJECT_PAGES ((int64_t)1 << 44)

/* An object, and a descriptor of its file. */
struct hijack_object {
	int host;
	int rump;
	bool writes;  /* the file can be written to */
	bool appends; /* and that descriptor appends what is written to it */
};

/* Opens the object of that name as one of its users, and makes it if there is none. The descriptor or -errno.
 */
long hijack_object_open(const char *name);

/* Takes away what others of the user's have left behind. */
void hijack_object_sweep(void);

/* Stops using it. */
void hijack_object_close(int host, const char *name);

/* In a child of fork: a descriptor in place of its parent's, as a user of its own. */
int hijack_object_forked(int host);

/* Only one user at a time does what follows. Within a process somebody else has to see to that. */
void hijack_object_lock(int host);
void hijack_object_unlock(int host);

/* Ranges are of the file. All return 0 or -errno. */

/* The range is going to be mapped: has the object as long as the file, and the file's contents in it. */
long hijack_object_cover(const struct hijack_object *object, int64_t from, int64_t to);

/* Has the object as long as the file is now. */
long hijack_object_resize(const struct hijack_object *object);

/* Writes to the file what was stored in the range since it was last the file's. */
long hijack_object_write_back(const struct hijack_object *object, int64_t from, int64_t to);

/* Brings what has changed in the file to the pages, but for what was stored there meanwhile. */
long hijack_object_refresh(const struct hijack_object *object, int64_t from, int64_t to);

/* Brings what the file has to the pages, whatever was stored there. */
long hijack_object_take(const struct hijack_object *object, int64_t from, int64_t to);

#endif
