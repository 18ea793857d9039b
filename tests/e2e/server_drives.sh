#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Host files in the kernel: -d and --mount.

. "$RUMPKIT_SRCDIR/tests/support/e2e.sh"

for kernel in $(kernels); do
	use_kernel "$kernel"
	RUMP_SERVER=unix://$here/$kernel.ctl
	export RUMP_SERVER

	printf 'contents of the host\n' >host.txt
	succeeds "$kernel: drives of every type" "$server" -d key=/host.txt,hostpath=host.txt,type=reg \
		-d key=/dev/new,hostpath=new.img,size=1m,offset=4k -d key=/dev/rnew,hostpath=new.img,size=1m,type=chr \
		"$RUMP_SERVER"
	is "$kernel: a regular file is read" 'contents of the host' "$("$rumpsh" cat /host.txt)"
	like "$kernel: a block device is one" '^/dev/new blk ' "$("$rumpsh" stat /dev/new)"
	like "$kernel: a character device is one" '^/dev/rnew chr ' "$("$rumpsh" stat /dev/rnew)"
	is "$kernel: a new file has offset and size" 1052672 "$(stat -c %s new.img)"
	is "$kernel: and takes no space" 0 "$(stat -c %b new.img)"
	refused "$kernel: another server does not get the file" 1 'hostpath=new.img is in use by another server' \
		"$server" -d key=/dev/x,hostpath=new.img,size=host "unix://$here/other.ctl"
	succeeds "$kernel: the server halts" "$halt"
	until_true "$server" -d key=/dev/x,hostpath=new.img,size=host "$RUMP_SERVER"
	is "$kernel: then another one gets it" alive "$("$rumpsh" getpid)"
	succeeds "$kernel: and halts" "$halt"
	rm -f new.img

	succeeds "$kernel: file systems are mounted at the start" "$server" --mount tmpfs,tmpfs,/a/b/c,size=1m \
		--mount tmpfs,tmpfs,/read-only,ro "$RUMP_SERVER"
	like "$kernel: where they were said to be" '^tmpfs on /a/b/c type tmpfs' "$("$mount")"
	succeeds "$kernel: and can be written to" "$rumpsh" write /a/b/c/file text
	is "$kernel: unless read-only" 'write /read-only/file: Read-only file system' \
		"$("$rumpsh" write /read-only/file text)"
	is "$kernel: a full one says so" 'fill /a/b/c/big: No space left on device' "$("$rumpsh" fill /a/b/c/big 2000000 1)"
	is "$kernel: rump_mount lists by type" 2 "$("$mount" -t tmpfs | wc -l)"
	succeeds "$kernel: rump_mount makes it writable" "$mount" -u -o rw /read-only
	succeeds "$kernel: which it then is" "$rumpsh" write /read-only/file text
	succeeds "$kernel: rump_umount" "$umount" /read-only
	refused "$kernel: only what is mounted" 1 '/read-only: not mounted' "$umount" /read-only
	refused "$kernel: mounting needs a directory" 1 'tmpfs on /nowhere: No such file or directory' \
		"$mount" -t tmpfs tmpfs /nowhere
	refused "$kernel: and a type that the kernel has" 1 '-t hfs: the kernel was started without' "$mount" -t hfs /dev/x /a
	succeeds "$kernel: rump_mount mounts" "$mount" -t tmpfs -o mode=700,nodes=30 tmpfs /a
	is "$kernel: with options" '/a directory mode 0700 links 2 uid 0 gid 0' "$("$rumpsh" stat /a)"
	succeeds "$kernel: rump_umount -a" "$umount" -a
	is "$kernel: leaves only the root" 1 "$("$mount" | wc -l)"
	succeeds "$kernel: it halts" "$halt"
done
finish
