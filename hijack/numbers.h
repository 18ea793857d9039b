/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef HIJACK_NUMBERS_H
#define HIJACK_NUMBERS_H

#include "hijack/dispatch.h"

/* getdents64 of a directory of the host's. */
hijack_call_fn hijack_beyond_numbers;

#endif
