#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Signals end calls that sleep in the embedded kernel, or do not, as SA_RESTART says.

. "$RUMPKIT_SRCDIR/tests/support/e2e.sh"

if ! kernels | grep -qx embedded; then
	echo "1..0 # SKIP the embedded kernel is not built"
	exit 0
fi
use_kernel embedded
url=unix://$here/socket
if ! "$server" -lrumpvfs -lrumpnet -lrumpnet_local "$url" >server.log 2>&1; then
	echo "1..1"
	echo "not ok 1 - a server starts"
	sed 's/^/# /' server.log
	exit 1
fi
# shellcheck disable=SC2086 # a tool with its arguments
RUMP_SERVER=$url ${RUMPKIT_UNDER:-} "$RUMPKIT_BUILDDIR/tests/e2e/interrupts"
status=$?
RUMP_SERVER=$url "$halt"
exit "$status"
