/* SPDX-License-Identifier: BSD-2-Clause */
/* Site tables on disk, one file a build-id, in a directory of the user's own. */
#ifndef HIJACK_CACHE_H
#define HIJACK_CACHE_H

#include "hijack/sites.h"

#define HIJACK_CACHES 4

/*
 * A directory for cache files, by its rank from 0 on: $RUMPHIJACK_CACHE alone when that is set; otherwise
 * $XDG_CACHE_HOME/rumpkit, $HOME/.cache/rumpkit, $XDG_RUNTIME_DIR/rumpkit and /tmp/rumpkit-<uid>. It has to
 * be there and nobody else's to write to; with create it is made, and has to be the caller's to write to.
 * Returns a descriptor or -errno.
 */
int hijack_cache_open(char *const *environment, unsigned int rank, bool create);

/*
 * Reads the table of an object. It is returned only when the file belongs to this user, is whole, is for this
 * build-id and this text, and every site in it has the bytes it should have; anything else is -ESTALE, no
 * file -ENOENT. The memory stays mapped.
 */
int hijack_cache_load(int directory, const struct hijack_object *object, struct hijack_sites *sites);

/* Writes the table to a new file and renames that into place. Returns 0 or -errno. */
int hijack_cache_store(int directory, const struct hijack_object *object, const struct hijack_sites *sites);

#endif
