/* SPDX-License-Identifier: BSD-2-Clause */
/* The interrupted context of a trapped call, on this architecture. */
#ifndef HIJACK_CONTEXT_H
#define HIJACK_CONTEXT_H

#if defined(__x86_64__)
#include "hijack/x86_64_context.h"
#else
#error "no context for this architecture"
#endif

#endif
