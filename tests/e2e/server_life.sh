#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# From start to end of a server: detaching, sockets in use and left behind, signals, halting.

. "$RUMPKIT_SRCDIR/tests/support/e2e.sh"

# A client that says "holding", and waits; then what its next call gives.
start_holder() {
	rm -f holder.in holder.out
	mkfifo holder.in
	"$rumpsh" <holder.in >holder.out 2>&1 &
	holder=$!
	exec 9>holder.in
	echo getpid >&9
	until_true grep -q alive holder.out
}

for kernel in $(kernels); do
	use_kernel "$kernel"
	socket=$here/$kernel.ctl
	RUMP_SERVER=unix://$socket
	export RUMP_SERVER

	# The server must have let go of standard output, or this waits for its end.
	output=$("$server" -lrumpvfs "$RUMP_SERVER" 2>&1)
	is "$kernel: it detaches with status 0" 0 $?
	is "$kernel: and nothing to say" "" "$output"
	is "$kernel: it serves at once" alive "$("$rumpsh" getpid 2>&1)"
	pid=$(server_pid "$RUMP_SERVER")

	refused "$kernel: a socket in use is refused" 1 "$socket\": .*in use" "$server" -lrumpvfs "$RUMP_SERVER"
	is "$kernel: and that is said once" 1 "$(printf '%s\n' "$output" | grep -c "$socket")"
	refused "$kernel: an option of the URL that there is none of" 1 \
		"\"$RUMP_SERVER\\?modes=1\": option modes: .*; there are remote, .*mode, clients" \
		"$server" "$RUMP_SERVER?modes=1"
	is "$kernel: and the server there goes on" alive "$("$rumpsh" getpid 2>&1)"

	kill -KILL "$pid"
	until_true gone "$pid"
	if [ -S "$socket" ]; then pass "$kernel: one that is killed leaves its socket"; else
		fail "$kernel: one that is killed leaves its socket"
	fi
	refused "$kernel: where nobody answers" 2 'Connection refused' "$rumpsh" getpid
	succeeds "$kernel: the socket left behind is replaced" "$server" -lrumpvfs "$RUMP_SERVER"
	is "$kernel: and served at" alive "$("$rumpsh" getpid 2>&1)"

	pid=$(server_pid "$RUMP_SERVER")
	start_holder
	succeeds "$kernel: rump_halt" "$halt"
	if until_true gone "$pid"; then pass "$kernel: the server ends"; else fail "$kernel: the server ends"; fi
	if [ ! -e "$socket" ]; then pass "$kernel: its socket is removed"; else fail "$kernel: its socket is removed"; fi
	echo getpid >&9
	exec 9>&-
	wait "$holder"
	like "$kernel: a client is told" 'getpid: ' "$(tail -n 1 holder.out)"

	for signal in TERM INT HUP; do
		"$server" -s -lrumpvfs "$RUMP_SERVER" >console 2>&1 &
		pid=$!
		until_true "$rumpsh" getpid
		kill -"$signal" "$pid"
		wait "$pid"
		is "$kernel: SIG$signal halts with status 0" 0 $?
		if [ ! -e "$socket" ]; then pass "$kernel: SIG$signal removes the socket"; else
			fail "$kernel: SIG$signal removes the socket" "$(cat console)"
		fi
	done

	succeeds "$kernel: CPUs and memory are set" "$server" -c 3 -r 48m -v "$RUMP_SERVER"
	like "$kernel: -v shows what boots" '^NetBSD 7\.99\.34 \(' "$output"
	is "$kernel: to as many CPUs" 3 "$("$rumpsh" ncpu)"
	# NetBSD's keeps to the limit, but does not tell.
	[ "$kernel" = netbsd ] || is "$kernel: and as much memory" 50331648 "$("$rumpsh" memory)"
	succeeds "$kernel: rump_halt -n halts it" "$halt" -n

	# NetBSD's waits for memory.
	if [ "$kernel" != netbsd ]; then
		succeeds "$kernel: a small one" "$server" -lrumpvfs -r 2m "$RUMP_SERVER"
		is "$kernel: files that fill it find no space" 'fill /full: No space left on device' \
			"$("$rumpsh" fill /full 4000000 1)"
		like "$kernel: they can be read" '^[0-9a-f]' "$("$rumpsh" sum /full)"
		succeeds "$kernel: and removed" "$rumpsh" rm /full
		is "$kernel: which makes room" room "$("$rumpsh" write /x room : cat /x)"
		succeeds "$kernel: it halts" "$halt"
	fi

	# A halted kernel may leave its process, for a debugger, or a core, which nobody wants here.
	for option in -h -d; do
		(ulimit -c 0 && exec "$server" -s -lrumpvfs "$RUMP_SERVER") >console 2>&1 &
		pid=$!
		until_true "$rumpsh" getpid
		succeeds "$kernel: rump_halt $option" "$halt" $option
		if until_true [ ! -e "$socket" ]; then pass "$kernel: $option: nothing is served"; else
			fail "$kernel: $option: nothing is served"
		fi
		if [ "$option" = -h ]; then
			succeeds "$kernel: -h: the process stays" kill -TERM "$pid"
			wait "$pid" 2>/dev/null
			is "$kernel: -h: and ends with status 0 when asked to" 0 $?
		else
			wait "$pid" 2>/dev/null
			is "$kernel: -d: the process aborts" 134 $?
		fi
	done

	# What fails after detaching comes through to the parent's exit status.
	dd if=/dev/zero of=zero.img bs=1024 count=64 2>/dev/null
	refused "$kernel: a mount that fails" 1 '--mount ext2fs,/dev/x,/mnt: ' "$server" \
		-d key=/dev/x,hostpath=zero.img,size=host --mount ext2fs,/dev/x,/mnt "$RUMP_SERVER"
	refused "$kernel: a mount of what is not there" 1 '/dev/x is not there in the kernel, where -d key=/dev/x' \
		"$server" -lrumpvfs --mount ext2fs,/dev/x,/mnt "$RUMP_SERVER"
	if [ ! -e "$socket" ]; then pass "$kernel: leaves no socket"; else fail "$kernel: leaves no socket"; fi

	succeeds "$kernel: rump_allserver" "$allserver" "$RUMP_SERVER"
	is "$kernel: it serves with every component" alive "$("$rumpsh" getpid 2>&1)"
	succeeds "$kernel: and halts" "$halt"
done
finish
