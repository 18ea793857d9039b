/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"
#include "rump_server/server.h"

int
main(int argc, char **argv)
{
	return server_main(argc, argv, true);
}
