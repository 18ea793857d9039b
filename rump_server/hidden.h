/* SPDX-License-Identifier: BSD-2-Clause */
/* What no symbol shows about components. */
#ifndef RUMP_SERVER_HIDDEN_H
#define RUMP_SERVER_HIDDEN_H

#include <stddef.h>

/* One of the alternatives has to be loaded with the component; the first that exists is, unless another
 * already is. */
struct hidden_need {
	const char *component;
	const char *alternatives[3]; /* as many as there are, then NULL */
};

extern const struct hidden_need hidden_needs[];
extern const size_t hidden_needs_count;

/* Loaded always: without them there is no server. */
extern const char *const hidden_always[];
extern const size_t hidden_always_count;

/* Two components that cannot be in one kernel. When everything is loaded, the second is left out. */
struct hidden_conflict {
	const char *kept, *left_out;
};

extern const struct hidden_conflict hidden_conflicts[];
extern const size_t hidden_conflicts_count;

#endif
