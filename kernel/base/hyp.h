/* SPDX-License-Identifier: BSD-2-Clause */
/* The upcalls: what the hypervisor asks of this kernel. */
#ifndef KERNEL_BASE_HYP_H
#define KERNEL_BASE_HYP_H

#include <rump/rumpuser.h>

extern const struct rumpuser_hyperup rumpk_hyp;

#endif
