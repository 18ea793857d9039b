# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=sh
# Sourced by end-to-end tests: TAP, servers, kernels. The test runs in a directory of its own.

server=$RUMPKIT_BUILDDIR/rump_server/rump_server
allserver=$RUMPKIT_BUILDDIR/rump_server/rump_allserver
run=$RUMPKIT_BUILDDIR/tools/rump_run
halt=$RUMPKIT_BUILDDIR/tools/rump_halt
mount=$RUMPKIT_BUILDDIR/tools/rump_mount
umount=$RUMPKIT_BUILDDIR/tools/rump_umount
rumpsh=$RUMPKIT_BUILDDIR/tests/support/rumpsh

count=0
here=$TMPDIR
cd "$here" || exit 1
unset RUMP_SERVER RUMP_COMPONENT_PATH

# Results. The plan comes last, since kernels may be missing.

pass() {
	count=$((count + 1))
	echo "ok $count - $1"
}

fail() {
	count=$((count + 1))
	echo "not ok $count - $1"
	shift
	printf '%s\n' "$@" | sed 's/^/# /'
}

skip() {
	count=$((count + 1))
	echo "ok $count - $1 # SKIP $2"
}

finish() {
	echo "1..$count"
}

# is NAME EXPECTED GOT
is() {
	if [ "$2" = "$3" ]; then pass "$1"; else fail "$1" "expected: $2" "got: $3"; fi
}

# like NAME PATTERN GOT: an extended regular expression
like() {
	if printf '%s\n' "$3" | grep -Eq -- "$2"; then pass "$1"; else fail "$1" "expected to match: $2" "got: $3"; fi
}

# succeeds NAME COMMAND...
succeeds() {
	name=$1
	shift
	if output=$("$@" 2>&1); then pass "$name"; else fail "$name" "status $?: $*" "$output"; fi
}

# refused NAME STATUS PATTERN COMMAND...: fails with that exit status and a message that matches
refused() {
	name=$1 status=$2 pattern=$3
	shift 3
	output=$("$@" 2>&1)
	got=$?
	if [ "$got" -ne "$status" ]; then
		fail "$name" "status $got instead of $status: $*" "$output"
	else
		like "$name" "$pattern" "$output"
	fi
}

# until_true COMMAND...: tries for some seconds
until_true() {
	tries=0
	until "$@" >/dev/null 2>&1; do
		tries=$((tries + 1))
		[ "$tries" -lt 500 ] || return 1
		sleep 0.02
	done
}

# Kernels.

# kernels: those that are at hand, by name
kernels() {
	[ ! -e "$RUMPKIT_BUILDDIR/.libs/librumpvfs.so.0" ] || echo embedded
	[ -z "$RUMPKIT_NETBSD" ] || echo netbsd
}

use_kernel() {
	case $1 in
	embedded) unset RUMP_COMPONENT_PATH ;;
	netbsd) export RUMP_COMPONENT_PATH="$RUMPKIT_NETBSD/lib" ;;
	esac
}

# Servers.

# server_pid URL: of the server that was given this URL, which has to be unique
server_pid() {
	for process in /proc/[0-9]*; do
		if tr '\0' '\n' 2>/dev/null <"$process/cmdline" | grep -Fqx -- "$1" &&
			readlink "$process/exe" 2>/dev/null | grep -Eq '/(lt-)?rump_(all)?server$'; then
			echo "${process#/proc/}"
			return 0
		fi
	done
	return 1
}

# The first thread of a process that is killed may be a zombie while others still hold its descriptors.
gone() {
	! kill -0 "$1" 2>/dev/null || { grep -q '^State:[[:space:]]*Z' "/proc/$1/status" && ! [ -e "$(other_thread "$1")" ]; } 2>/dev/null
}

other_thread() {
	find "/proc/$1/task" -mindepth 1 -maxdepth 1 ! -name "$1" | head -n 1
}

# descriptors PID: how many it has open
descriptors() {
	find "/proc/$1/fd" -mindepth 1 2>/dev/null | wc -l
}

# client_of_embedded PROGRAM COMPONENT...: runs tests/e2e/PROGRAM as a client of the embedded kernel with these
# components, and ends with its status.
client_of_embedded() {
	program=$1
	shift
	if ! kernels | grep -qx embedded; then
		echo "1..0 # SKIP the embedded kernel is not built"
		exit 0
	fi
	use_kernel embedded
	url=unix://$here/socket
	if ! "$server" "$@" "$url" >server.log 2>&1; then
		echo "1..1"
		echo "not ok 1 - a server starts"
		sed 's/^/# /' server.log
		exit 1
	fi
	# shellcheck disable=SC2086 # a tool with its arguments
	RUMP_SERVER=$url ${RUMPKIT_UNDER:-} "$RUMPKIT_BUILDDIR/tests/e2e/$program"
	status=$?
	RUMP_SERVER=$url "$halt"
	exit "$status"
}
