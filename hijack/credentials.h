/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who is at the other end of a local socket in the rump kernel.
 *
 * Users are shown as everywhere (identity.c). A process of the rump kernel's is shown as the caller's own
 * when it is that, and otherwise as 0, as Linux shows one that cannot be seen: which process of the host's it
 * is, nobody knows here.
 */
#ifndef HIJACK_CREDENTIALS_H
#define HIJACK_CREDENTIALS_H

#include <stddef.h>
#include <stdint.h>

#include <rump/rumpdefs.h>

/* Linux's struct ucred. */
struct hijack_credentials {
	int32_t pid;
	uint32_t uid;
	uint32_t gid;
};

/*
 * Credentials that a program sends with a message. The rump kernel adds them by itself for those who want
 * them, so they only have to be true. Returns 0, -EPERM or -EINVAL.
 */
long hijack_credentials_check(const void *data, size_t length);

/* NetBSD's struct sockcred, for the program. Returns the size of what is at to, or -EINVAL. */
long hijack_credentials_out(void *to, const void *from, size_t length);

/* SO_PEERCRED, and whether SO_PASSCRED is set. Return 0 or -errno; -ENOPROTOOPT where there are none. */
long hijack_credentials_peer(int rump, struct hijack_credentials *to);
long hijack_credentials_wanted(int rump, int *value);

/* Sets SO_PASSCRED. value: the program's. */
long hijack_credentials_want(int rump, uint64_t value, uint64_t size);

#endif
