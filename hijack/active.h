/* SPDX-License-Identifier: BSD-2-Clause */
/* How a program finds out that it is hijacked: a prctl that no kernel knows. */
#ifndef HIJACK_ACTIVE_H
#define HIJACK_ACTIVE_H

#define HIJACK_ACTIVE_QUESTION 0x52554d50
#define HIJACK_ACTIVE_ANSWER 0x4a41434b

#endif
