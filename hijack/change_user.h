/* SPDX-License-Identifier: BSD-2-Clause */
/* Processes that give up what lets them connect. */
#ifndef HIJACK_CHANGE_USER_H
#define HIJACK_CHANGE_USER_H

#include "hijack/dispatch.h"

/* Before such a call: connects, unless the process is connected or there is nothing to connect to. */
void hijack_connect_while_it_may(const struct hijack_call *call);

#endif
