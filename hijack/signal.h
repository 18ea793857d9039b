/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef HIJACK_SIGNAL_H
#define HIJACK_SIGNAL_H

#include <signal.h>

#define HIJACK_SIGSET_SIZE 8 /* of the kernel's signal set */
#define HIJACK_SIGSYS_BIT (1UL << (SIGSYS - 1))
#define HIJACK_SA_RESTORER 0x04000000UL

#endif
