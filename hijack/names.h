/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Under which names descriptors of the rump kernel's were opened: the kernel does not tell.
 *
 * Theory of operation
 *
 * A name is kept in a place of fixed size for each number, in memory that is there only where it is used; so
 * neither opening nor closing allocates or locks. A name may be out of date, or torn by another thread:
 * whoever wants it looks whether it still is that of the descriptor's file, and otherwise has none. Names
 * that are too long are not kept. Relative ones are completed by the current directory's, which is asked for
 * once after each change. A child of vfork keeps its own, its parent's are not its to write.
 */
#ifndef HIJACK_NAMES_H
#define HIJACK_NAMES_H

#include "hijack/path.h"

/* The descriptor was opened at the place. */
void hijack_name_set(long fd, const struct hijack_place *place);

/* A file of the first name, or what lay below it, has the second now. */
void hijack_names_renamed(const struct hijack_place *from, const struct hijack_place *to);

/* It is a duplicate, or stands for something else now. */
void hijack_name_copy(long from, long to);
void hijack_name_forget(long fd);

/* The current directory is the place, or that of the program's descriptor; or the root is another. */
void hijack_names_moved(const struct hijack_place *place);
void hijack_names_current(const char *name); /* as the rump kernel says */

/* Has the rump kernel say so once, before the current directory may have no name any more. */
void hijack_names_ask(void);

/* The current directory was removed: whether what has the name of the one above it still is that, or not
 * there any more. Only of names that the rump kernel told. */
bool hijack_names_above_is_same(void);
void hijack_names_moved_fd(long fd);
void hijack_names_rooted(void);

/* What was kept, for a new program in this process; NULL: nothing. And what came from the one before. */
const char *hijack_name_kept(long fd);
void hijack_name_restore(long fd, const char *name, size_t length);

/*
 * The descriptor's name as the program sees it, with no links in it, and where that is. Returns 1; 0 when
 * there is no file of the name, or another: path is what it was; -ENOENT when nothing is known.
 */
int hijack_name_find(long fd, char path[PATH_MAX], struct hijack_place *place);

#endif
