/* SPDX-License-Identifier: BSD-2-Clause */
/* Lines on stderr: what goes wrong at start-up, and under RUMPHIJACK_VERBOSE what is done. */
#ifndef HIJACK_REPORT_H
#define HIJACK_REPORT_H

#include <stdbool.h>

extern bool hijack_verbose;

/* Writes one line; the format knows %s, %d and %lx, and nothing else. Nothing of the program's is touched. */
__attribute__((format(printf, 1, 2))) void hijack_report(const char *format, ...);

#endif
