/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef LIBRUMPUSER_DAEMONIZE_H
#define LIBRUMPUSER_DAEMONIZE_H

#include <stdbool.h>

/* Whether stdout and stderr are gone. */
bool daemonized(void);

#endif
