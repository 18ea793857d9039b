/* SPDX-License-Identifier: BSD-2-Clause */
/* The message buffer behind rumpk_log(). */
#ifndef KERNEL_BASE_LOG_H
#define KERNEL_BASE_LOG_H

#include <stdbool.h>
#include <stddef.h>

/* Whether messages go to stderr as well. */
void rumpk_log_setverbose(bool on);
/* The last messages, at most len bytes; returns how many. */
size_t rumpk_log_get(char *buf, size_t len);

#endif
