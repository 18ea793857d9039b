#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Several clients that share one CPU with the server: the first that this process may use.

. "$RUMPKIT_SRCDIR/tests/support/e2e.sh"

cpu=$(sed -n 's/^Cpus_allowed_list:[[:space:]]*\([0-9]*\).*/\1/p' /proc/self/status)
taskset -cp "$cpu" $$ >/dev/null
client_of_embedded one_cpu -lrumpvfs
