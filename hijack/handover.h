/* SPDX-License-Identifier: BSD-2-Clause */
/* What a process hands over to the program that it executes. The other end is in exec.h. */
#ifndef HIJACK_HANDOVER_H
#define HIJACK_HANDOVER_H

#include <stdbool.h>
#include <stdint.h>

#include "hijack/thread.h"

/* Whether a descriptor of the program's is there after an exec. */
bool hijack_handover_survives(uint32_t fd);

/* An entry of the environment, to be freed; NULL when there is nothing that a new program could notice. */
char *hijack_handover_describe(const struct hijack_process *process);

#endif
