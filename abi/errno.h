/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef ABI_ERRNO_H
#define ABI_ERRNO_H

/*
 * The host's errno in NetBSD's numbering. 0 stays 0. A host error that NetBSD has no
 * name for becomes RUMP_EINVAL, or the nearest NetBSD error where one says the same.
 */
int abi_errno_to_netbsd(int host);

/*
 * NetBSD's errno in the host's numbering. 0 stays 0. An error that the host has no name
 * for becomes the stand-in that abi/generate.py names; an unknown number becomes EINVAL.
 */
int abi_errno_to_host(int netbsd);

#endif
