/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>
#include "kernel/base/lwp.h"
#include "kernel/dev/special.h"
#include "kernel/vfs/namei.h"

static int
open_device(struct rumpk_special *special)
{
	int error = 0;

	if (special->vp->v_type != VBLK)
		return RUMP_ENOTBLK;
	special->dev = special->vp->v_rdev;
	special->ops = rumpk_dev_find(VBLK, special->dev);
	if (special->ops == NULL || special->ops->transfer == NULL || special->ops->size == NULL)
		return RUMP_ENXIO;
	if (special->ops->open != NULL)
		error = special->ops->open(special->dev, special->flags);
	if (error != 0)
		return error;
	error = special->ops->size(special->dev, &special->size);
	if (error != 0 && special->ops->close != NULL)
		(void)special->ops->close(special->dev, special->flags);
	return error;
}

int
rumpk_special_open(struct lwp *l, rumpk_uaddr upath, bool rdonly, char *path, struct rumpk_special *special)
{
	char walked[RUMP_MAXPATHLEN];
	int error = rumpk_copyinpath(l, upath, path);

	if (error != 0)
		return error;
	memset(special, 0, sizeof(*special));
	special->flags = RUMPK_FREAD | (rdonly ? 0 : RUMPK_FWRITE);
	/* The walk may change what it is given. */
	memcpy(walked, path, sizeof(walked));
	error = rumpk_namei(l, rumpk_proc_cred(l->proc), RUMP_AT_FDCWD, walked, NAMEI_FOLLOW, &special->vp);
	if (error != 0)
		return error;
	error = open_device(special);
	if (error != 0)
		rumpk_vrele(special->vp);
	return error;
}

void
rumpk_special_close(struct rumpk_special *special)
{
	if (special->ops->close != NULL)
		(void)special->ops->close(special->dev, special->flags);
	rumpk_vrele(special->vp);
}
