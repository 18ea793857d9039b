/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef ABI_SIGNAL_H
#define ABI_SIGNAL_H

/* The host's signal number in NetBSD's numbering, 0 when NetBSD has no such signal. */
int abi_signal_to_netbsd(int host);

/*
 * NetBSD's signal number in the host's numbering, 0 when there is none. SIGEMT and SIGINFO,
 * which Linux lacks, become the stand-ins that abi/generate.py names.
 */
int abi_signal_to_host(int netbsd);

#endif
