/* SPDX-License-Identifier: BSD-2-Clause */
#include "sp/capability.h"

#include <errno.h>

size_t
sp_hello_format(uint8_t *buf, const char *comm, uint32_t capabilities)
{
	struct sp_capability_block block = {.capabilities = capabilities};
	size_t len = strnlen(comm, SP_COMM_MAX - 1);

	memcpy(buf, comm, len);
	buf[len++] = '\0';
	if (capabilities == 0)
		return len;
	memcpy(block.magic, SP_CAPABILITY_MAGIC, sizeof(block.magic));
	memcpy(buf + len, &block, sizeof(block));
	return len + sizeof(block);
}

int
sp_hello_parse(struct sp_cursor body, const char **comm, uint32_t *capabilities)
{
	struct sp_capability_block block;

	*capabilities = 0;
	*comm = sp_take_string(&body, SP_COMM_MAX, NULL);
	if (*comm == NULL)
		return -EBADMSG;
	if (sp_take(&body, &block, sizeof(block)) &&
	    memcmp(block.magic, SP_CAPABILITY_MAGIC, sizeof(block.magic)) == 0)
		*capabilities = block.capabilities;
	return 0;
}
