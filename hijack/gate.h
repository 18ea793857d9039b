/* SPDX-License-Identifier: BSD-2-Clause */
/* This architecture's gate and register layout. */
#ifndef HIJACK_GATE_H
#define HIJACK_GATE_H

#if defined(__x86_64__)
#include "hijack/x86_64_gate.h"
#else
#error "no gate for this architecture"
#endif

#endif
