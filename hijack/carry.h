/* SPDX-License-Identifier: BSD-2-Clause */
/* Descriptors of the rump kernel's that go from process to process over the host's sockets. */
#ifndef HIJACK_CARRY_H
#define HIJACK_CARRY_H

#include <stdbool.h>

/*
 * Makes a descriptor of the host's that carries the rump descriptor, which stays where it is. Returns it, for
 * the caller to send and to close, or -errno: -EINVAL when this rump kernel's cannot be carried.
 */
int hijack_carry_out(int rump);

/*
 * Looks at a descriptor of the host's that came from elsewhere. When it carries one of the rump kernel's its
 * number stands for that from then on; close_on_exec is the number's. Others are left alone. Returns 0, or
 * -errno when what it carried is lost: the number is then good for nothing but to be closed.
 */
int hijack_carry_in(int fd, bool close_on_exec);

#endif
