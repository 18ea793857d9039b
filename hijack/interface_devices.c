/* SPDX-License-Identifier: BSD-2-Clause */
/* What Linux has in /proc/net/dev, by which programs find interfaces that have no address. */
#include <errno.h>
#include <inttypes.h>
#include <linux/memfd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "hijack/abi/ifreq.h"
#include "hijack/interface.h"
#include "hijack/rump.h"

#define LINE 400 /* more than a name and 16 numbers of 20 digits */

static const char heading[] = "Inter-|   Receive                                                |  Transmit\n"
			      " face |bytes    packets errs drop fifo frame compressed multicast|"
			      "bytes    packets errs drop fifo colls carrier compressed\n";

static int
write_line(char *to, const char *name, const struct rump_if_data *data)
{
	uint64_t none = 0;

	return snprintf(to, LINE,
	    "%6.15s: %7" PRIu64 " %7" PRIu64 " %4" PRIu64 " %4" PRIu64 " %4" PRIu64 " %5" PRIu64 " %10" PRIu64
	    " %9" PRIu64 " %8" PRIu64 " %7" PRIu64 " %4" PRIu64 " %4" PRIu64 " %4" PRIu64 " %5" PRIu64
	    " %7" PRIu64 " %10" PRIu64 "\n",
	    name, data->ifi_ibytes, data->ifi_ipackets, data->ifi_ierrors, data->ifi_iqdrops, none, none,
	    none, data->ifi_imcasts, data->ifi_obytes, data->ifi_opackets, data->ifi_oerrors, none, none,
	    data->ifi_collisions, none, none);
}

/* The text, to be freed; NULL: none, for *error. */
static char *
write_all(int rump, long *error, size_t *length)
{
	struct hijack_interface_list list;
	struct rump_ifdatareq request;
	char *text;

	*error = hijack_interface_list(rump, &list);
	if (*error != 0)
		return NULL;
	text = malloc(sizeof(heading) + list.count * LINE);
	*error = text != NULL ? 0 : -ENOMEM;
	*length = sizeof(heading) - 1;
	if (text != NULL)
		memcpy(text, heading, sizeof(heading));
	for (size_t i = 0; i < list.count && *error == 0; i++) {
		if (!hijack_abi_interface_link(&list.entries[i], NULL, NULL))
			continue;
		memset(&request, 0, sizeof(request));
		memcpy(request.ifdr_name, list.entries[i].ifrn_name, sizeof(request.ifdr_name) - 1);
		*error = hijack_interface_perform(rump, RUMP_SIOCGIFDATA, &request);
		if (*error == 0)
			*length += (size_t)write_line(text + *length, request.ifdr_name, &request.ifdr_data);
	}
	free(list.entries);
	if (*error == 0)
		return text;
	free(text);
	return NULL;
}

static long
file_of(const char *text, size_t length, bool close_on_exec)
{
	long fd = hijack_raw(SYS_memfd_create, (long)"dev", close_on_exec ? MFD_CLOEXEC : 0, 0, 0, 0, 0);

	if (fd < 0)
		return fd;
	if (hijack_raw(SYS_pwrite64, fd, (long)text, (long)length, 0, 0, 0) == (long)length)
		return fd;
	(void)hijack_raw(SYS_close, fd, 0, 0, 0, 0, 0);
	return -ENOMEM;
}

long
hijack_interface_devices(bool close_on_exec)
{
	long rump = HIJACK_RUMP(__socket30, RUMP_AF_INET, RUMP_SOCK_DGRAM | RUMP_SOCK_CLOEXEC, 0), error;
	size_t length;
	char *text;

	if (rump < 0)
		return -ENOTTY;
	text = write_all((int)rump, &error, &length);
	(void)HIJACK_RUMP(close, (uint64_t)rump);
	if (text == NULL)
		return error;
	error = file_of(text, length, close_on_exec);
	free(text);
	return error;
}
