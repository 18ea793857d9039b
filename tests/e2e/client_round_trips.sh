#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Over TCP a call takes one round trip: its memory goes along with it.

# shellcheck source=tests/support/e2e.sh
. "$RUMPKIT_SRCDIR/tests/support/e2e.sh"

if [ -z "$(kernels)" ]; then
	echo "1..0 # SKIP no kernel is built"
	exit 0
fi
use_kernel "$(kernels | head -n 1)"
port=
for try in 1 2 3 4 5 6 7 8 9 10; do
	port=$((20000 + (RANDOM + try) % 20000))
	"$server" -lrumpvfs "tcp://127.0.0.1:$port" >server.log 2>&1 && break
	port=
done
if [ -z "$port" ]; then
	echo "1..1"
	echo "not ok 1 - a server on TCP starts"
	sed 's/^/# /' server.log
	exit 1
fi
# shellcheck disable=SC2086 # a tool with its arguments
${RUMPKIT_UNDER:-} "$RUMPKIT_BUILDDIR/tests/e2e/round_trips" "$port" /
status=$?
RUMP_SERVER="tcp://127.0.0.1:$port" "$halt"
exit "$status"
