#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# rump_run: programs that cannot be hijacked, and with --kernel a server for the life of a program, however that
# ends.

. "$RUMPKIT_SRCDIR/tests/support/e2e.sh"

if grep -q -e -fsanitize "$RUMPKIT_BUILDDIR/config.status"; then
	echo "1..0 # SKIP a sanitized library is not preloaded"
	exit 0
fi
programs=$RUMPKIT_BUILDDIR/tests/e2e

# Where the server of a program has its socket, while there is one.
servers() {
	find "$here" -mindepth 1 -maxdepth 1 -name 'rump_run.*'
}

started() {
	[ -s ready ]
}

output=$("$run" --kernel=-lrumpvfs sh -c 'echo kept >/rump/f && cat /rump/f; exit 7' 2>&1)
is "the program's status is passed on" 7 $?
is "it has a kernel of its own" kept "$output"
is "which ends with it" "" "$(servers)"

refused "a program that is not there" 127 'no-such-program' "$run" --kernel=-lrumpvfs "$here/no-such-program"
is "leaves no server behind" "" "$(servers)"

refused "a program that is linked statically" 126 'linked statically' "$run" "$programs/hijack_static"
refused "a program without the C library" 126 'without the C library' "$run" "$programs/hijack_alone"
if [ "$(id -u)" -ne 0 ]; then
	refused "a program that changes its user" 126 'changes the user' "$run" su
else
	skip "a program that changes its user" "to root it does not"
fi
output=$("$run" --kernel=-lrumpvfs sh -c '"$0" && "$1" && echo kept >/rump/f && cat /rump/f' "$programs/hijack_alone" "$programs/hijack_static" 2>&1)
is "a shell starts both, which run by themselves" '!!kept' "$output"

for signal in TERM HUP; do
	rm -f ready
	"$run" --kernel=-lrumpvfs sh -c 'trap "echo told >>ready; exit 5" TERM HUP; echo ready >ready; while :; do sleep 0.05; done' &
	pid=$!
	until_true started
	url=unix://$(servers)/server
	server=$(server_pid "$url")
	kill -"$signal" "$pid"
	wait "$pid"
	is "SIG$signal goes to the program, whose status it is" 5 $?
	like "and which has handled it" told "$(cat ready)"
	if until_true gone "$server"; then pass "the server ends"; else fail "the server ends" "$url"; fi
	is "and nothing is left behind" "" "$(servers)"
done

finish
