#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# A tree is made, filled, listed and removed by clients; every kernel gives the same output.

. "$RUMPKIT_SRCDIR/tests/support/e2e.sh"

# What a root file system of any kernel can.
cat >plain <<'END'
mkdir /tree
mkdir /tree/a
mkdir /tree/a/b
mkdir /tree
write /tree/hello hello
append /tree/hello again
cat /tree/hello
fill /tree/a/data 300000 42
fill /tree/a/empty 0 1
symlink ../hello /tree/a/to-hello
readlink /tree/a/to-hello
cat /tree/a/to-hello
stat /tree/hello
chmod /tree/a/data 640
truncate /tree/a/data 1000
sum /tree/a/data
ls /tree
ls /tree/a
ls /tree/none
cat /tree/none
cat /tree
write /tree/none/file text
rmdir /tree/a
rm /tree/none
rmdir /tree/a/b
rm /tree/a/to-hello
rm /tree/a/data
rm /tree/a/empty
rmdir /tree/a
rm /tree/hello
rmdir /tree
stat /tree
END

cat >plain.expected <<'END'
mkdir /tree: File exists
hello
again
../hello
hello
again
/tree/hello file mode 0644 links 1 uid 0 gid 0 size 12
991808a60c63ca6e 1000 /tree/a/data
a
hello
b
data
empty
to-hello
ls /tree/none: No such file or directory
cat /tree/none: No such file or directory
cat /tree: Is a directory
write /tree/none/file: No such file or directory
rmdir /tree/a: Directory not empty
rm /tree/none: No such file or directory
stat /tree: No such file or directory
END

# What a real file system can, too.
cat >full <<'END'
mkdir /tree
mkdir /tree/a
mkdir /tree/a/b
write /tree/hello hello
fill /tree/a/data 300000 42
symlink ../hello /tree/a/to-hello
link /tree/hello /tree/a/b/hard
link /tree/a /tree/hard
stat /tree/hello
mkfifo /tree/fifo
tree /tree
mv /tree/a/b /tree/c
mv /tree/hello /tree/c/hard
mv /tree/a/data /tree/c
mv /tree/none /tree/x
mv /tree /tree/a/inside
mv /tree/fifo /tree/a/fifo
tree /tree
rmdir /tree/c
rm /tree/c
rm /tree/c/hard
rm /tree/hello
rmdir /tree/c
rm /tree/a/to-hello
rm /tree/a/data
rm /tree/a/fifo
rmdir /tree/a
rmdir /tree
stat /tree
END

for kernel in $(kernels); do
	use_kernel "$kernel"
	RUMP_SERVER=unix://$here/$kernel.ctl
	export RUMP_SERVER
	succeeds "$kernel: it starts" "$server" -lrumpvfs -lrumpfs_tmpfs --mount tmpfs,tmpfs,/mnt "$RUMP_SERVER"
	pid=$(server_pid "$RUMP_SERVER")

	is "$kernel: a tree on the root" "$(cat plain.expected)" "$("$rumpsh" <plain 2>&1)"
	is "$kernel: a tree on tmpfs" "$(cat plain.expected)" \
		"$(sed 's,/tree,/mnt/tree,g' plain | "$rumpsh" 2>&1 | sed 's,/mnt/tree,/tree,g')"
	sed 's,/tree,/mnt/tree,g' full | "$rumpsh" 2>&1 | sed 's,/mnt/tree,/tree,g' >"$kernel.out"
	like "$kernel: links and renames on tmpfs" 'stat /tree: No such file or directory' "$(tail -n 1 "$kernel.out")"
	# NetBSD's root can neither.
	[ "$kernel" = netbsd ] || is "$kernel: links and renames on the root" "$(cat "$kernel.out")" \
		"$("$rumpsh" <full 2>&1)"

	# Clients come and go, in turn and at once; the server keeps nothing of them. It may be letting go of the
	# last one when the first count is taken.
	before=$(descriptors "$pid")
	for round in 1 2 3 4 5 6 7 8; do
		for client in 1 2 3 4; do
			"$rumpsh" write "/file$client" "$round" : cat "/file$client" : rm "/file$client" >/dev/null 2>&1 &
		done
		wait
	done
	until_true [ "$(descriptors "$pid")" -le "$before" ]
	succeeds "$kernel: no descriptor is left of 32 clients" [ "$(descriptors "$pid")" -le "$before" ]
	succeeds "$kernel: it halts" "$halt"
done

if [ -e embedded.out ] && [ -e netbsd.out ]; then
	is "both kernels say the same" "$(cat netbsd.out)" "$(cat embedded.out)"
else
	skip "both kernels say the same" "only one is at hand"
fi
finish
