#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# sanitized_check.sh DIRECTORY SANITIZERS COMPILER [TARGET]: the unit tests of an instrumented build, made in
# DIRECTORY below the present build, or what another target checks.

set -eu
srcdir=$(cd "$(dirname "$0")/../.." && pwd)
mkdir -p "$1"
cd "$1"
# What the present build was configured for anew, this one is too.
if [ ! -f config.status ] || [ ../config.status -nt config.status ]; then
	# What optimization finds the uninstrumented build shows; here it would take most of the time.
	"$srcdir/configure" -q CC="$3" CFLAGS="-Og -g1" --enable-sanitizers="$2"
fi
exec "${MAKE:-make}" "${4:-check-unit-alone}"
