/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SP_ERROR_H
#define SP_ERROR_H

#include <stdint.h>

/* The host's errno for the code of an error frame, EINVAL for a code that we do not know. */
int sp_error_to_errno(uint32_t code);

/* The error code that says a host's errno best. */
uint32_t sp_error_from_errno(int error);

#endif
