/* SPDX-License-Identifier: BSD-2-Clause */
#include "sp/error.h"

#include <errno.h>

#include "sp/wire.h"

static const int errnos[] = {
    [SP_ERR_TRYAGAIN] = EAGAIN,
    [SP_ERR_AUTH] = EPERM,
    [SP_ERR_PREFORK] = ESRCH,
    [SP_ERR_RFORK] = EIO,
    [SP_ERR_INEXEC] = EBUSY,
    [SP_ERR_NOMEM] = ENOMEM,
    [SP_ERR_MALFORMED] = EINVAL,
    [SP_ERR_FAULT] = EFAULT,
};
static_assert(sizeof(errnos) / sizeof(errnos[0]) == SP_ERR_FAULT + 1, "an errno for each error code");

#define CODES (sizeof(errnos) / sizeof(errnos[0]))

int
sp_error_to_errno(uint32_t code)
{
	return code < CODES && errnos[code] != 0 ? errnos[code] : EINVAL;
}

uint32_t
sp_error_from_errno(int error)
{
	for (uint32_t code = 1; code < CODES; code++) {
		if (errnos[code] == error)
			return code;
	}
	return error == EACCES ? SP_ERR_AUTH : SP_ERR_MALFORMED;
}
