/* SPDX-License-Identifier: BSD-2-Clause */
/* FS_IOC_GETFLAGS and FS_IOC_SETFLAGS, of files and directories. */
#include <errno.h>
#include <linux/fs.h>

#include "hijack/abi/file_flags.h"
#include "hijack/copy.h"
#include "hijack/files.h"
#include "hijack/rump.h"

long
hijack_inside_file_flags(const struct hijack_call *call)
{
	bool sets = (unsigned int)call->arg[1] == FS_IOC_SETFLAGS;
	unsigned int flags; /* whatever the request says of a long */
	struct rump_stat st;
	uint32_t kind;
	long error;

	if (!sets && (unsigned int)call->arg[1] != FS_IOC_GETFLAGS)
		return -ENOTTY;
	error = HIJACK_RUMP(__fstat50, (uint64_t)call->arg[0], hijack_slot(&st));
	if (error != 0)
		return error;
	kind = st.st_mode & RUMP_S_IFMT;
	if (kind != RUMP_S_IFREG && kind != RUMP_S_IFDIR)
		return -ENOTTY;
	if (!sets) {
		flags = hijack_abi_file_flags_back(st.st_flags);
		return hijack_copyout((uint64_t)call->arg[2], &flags, sizeof(flags));
	}
	if (hijack_copyin(&flags, (uint64_t)call->arg[2], sizeof(flags)) != 0)
		return -EFAULT;
	if (!hijack_abi_file_flags(&st.st_flags, flags))
		return -EOPNOTSUPP;
	return HIJACK_RUMP(fchflags, (uint64_t)call->arg[0], st.st_flags);
}
