/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The list of a process's descriptors in /proc, without the library's own. Only a process that has opened it
 * by one of its names is looked at twice.
 */
#include "hijack/numbers.h"

#include <sys/syscall.h>

#include "hijack/beyond.h"
#include "hijack/descriptor.h"

long
hijack_getdents64(const struct hijack_call *call)
{
	if (hijack_fd(call->arg[0]) >= 0)
		return hijack_descriptor_call(call);
	if (!hijack_process()->lists_numbers || hijack_process()->context == NULL)
		return hijack_pass(call);
	return hijack_beyond(hijack_beyond_numbers, call);
}
