/* SPDX-License-Identifier: BSD-2-Clause */
/* The parts of librump that rump_init() sets up, in this order. */
#ifndef KERNEL_BASE_BOOT_H
#define KERNEL_BASE_BOOT_H

void rumpk_cred_init(void);

#endif
