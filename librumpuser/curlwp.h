/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef LIBRUMPUSER_CURLWP_H
#define LIBRUMPUSER_CURLWP_H

#include "librumpuser/host.h"

struct lwp;

/* The kernel's thread that the calling host thread is, or NULL. Set by rumpuser_curlwpop() alone. */
extern HOST_TLS struct lwp *curlwp;

#endif
