#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Disk images without root: a file system is mounted, walked and written by clients, and clean after every kind of end.

. "$RUMPKIT_SRCDIR/tests/support/e2e.sh"

PATH=$PATH:/usr/sbin:/sbin
for tool in mkfs.ext2 e2fsck debugfs; do
	if ! command -v "$tool" >/dev/null; then
		echo "1..0 # SKIP no $tool"
		exit 0
	fi
done

# has_ext2 KERNEL
has_ext2() {
	case $1 in
	embedded) [ -e "$RUMPKIT_BUILDDIR/.libs/librumpfs_ext2fs.so.0" ] ;;
	*) true ;;
	esac
}

mkdir source source/dir
printf 'a file of the host\n' >source/file
head -c 300000 "$RUMPKIT_BUILDDIR/.libs/librumpuser.so.0" >source/dir/data
ln -s ../file source/dir/link

# make_image FILE: with the source in it, in the format that every kernel reads
make_image() {
	rm -f "$1"
	mkfs.ext2 -q -F -O none,filetype,sparse_super -I 128 -b 1024 -d source "$1" 8192 >/dev/null 2>&1
}

# make_disk FILE: a GUID partition table, the image in its second partition
make_disk() {
	make_image part.img
	python3 - part.img "$1" <<'END'
import struct, sys, zlib

image = open(sys.argv[1], "rb").read()
kinds = [(bytes(range(1, 17)), 40, 139), (bytes(range(2, 18)), 2048, 2047 + len(image) // 512)]
table = b"".join(kind + bytes(16) + struct.pack("<QQ", first, last) + bytes(80) for kind, first, last in kinds)
header = struct.pack("<8sIIIIQQQQ16sQIII", b"EFI PART", 0x10000, 92, 0, 0, 1, 20479, 34, 20000, bytes(16), 2, 2, 128,
                     zlib.crc32(table))
header = header[:16] + struct.pack("<I", zlib.crc32(header)) + header[20:]
with open(sys.argv[2], "wb") as disk:
    disk.truncate(20480 * 512)
    for at, data in (512, header), (1024, table), (2048 * 512, image):
        disk.seek(at)
        disk.write(data)
END
}

for kernel in $(kernels); do
	if ! has_ext2 "$kernel"; then
		skip "$kernel" "it has no ext2fs"
		continue
	fi
	use_kernel "$kernel"
	RUMP_SERVER=unix://$here/$kernel.ctl
	export RUMP_SERVER

	make_image image
	succeeds "$kernel: an image is mounted" "$server" -lrumpvfs -lrumpfs_ext2fs \
		-d key=/dev/img,hostpath=image,size=host --mount ext2fs,/dev/img,/mnt "$RUMP_SERVER"
	is "$kernel: a file is read" "$(cat source/file)" "$("$rumpsh" cat /mnt/file)"
	"$rumpsh" cat /mnt/dir/data | cmp -s - source/dir/data
	is "$kernel: a larger one, too" 0 $?
	is "$kernel: a link is followed" "$(cat source/file)" "$("$rumpsh" cat /mnt/dir/link)"
	"$rumpsh" tree /mnt >"$kernel.tree" 2>&1
	succeeds "$kernel: it is written to" "$rumpsh" mkdir /mnt/new : write /mnt/new/file written : \
		fill /mnt/new/big 500000 3 : rm /mnt/file : mv /mnt/dir/data /mnt/new/data
	"$rumpsh" tree /mnt >>"$kernel.tree" 2>&1
	succeeds "$kernel: rump_halt" "$halt"
	until_true [ ! -e "$kernel.ctl" ]
	succeeds "$kernel: the image is clean after it" e2fsck -fn image
	is "$kernel: and has what was written" written "$(debugfs -R 'cat /new/file' image 2>/dev/null)"

	"$server" -s -lrumpfs_ext2fs -d key=/dev/img,hostpath=image,size=host --mount ext2fs,/dev/img,/mnt \
		"$RUMP_SERVER" >console 2>&1 &
	pid=$!
	until_true "$rumpsh" getpid
	succeeds "$kernel: it is written to again" "$rumpsh" write /mnt/last "before the signal"
	kill -TERM "$pid"
	wait "$pid"
	is "$kernel: SIGTERM" 0 $?
	succeeds "$kernel: the image is clean after that" e2fsck -fn image
	is "$kernel: and has what was written last" "before the signal" "$(debugfs -R 'cat /last' image 2>/dev/null)"

	before=$(cksum <image)
	succeeds "$kernel: an image is mounted read-only" "$server" -lrumpfs_ext2fs \
		-d key=/dev/img,hostpath=image,size=host --mount ext2fs,/dev/img,/mnt,ro "$RUMP_SERVER"
	is "$kernel: it cannot be written to" 'write /mnt/x: Read-only file system' "$("$rumpsh" write /mnt/x y)"
	succeeds "$kernel: and is unmounted" "$umount" /mnt
	succeeds "$kernel: and halted" "$halt"
	until_true [ ! -e "$kernel.ctl" ]
	is "$kernel: and unchanged" "$before" "$(cksum <image)"

	# What was mounted before something else fails is unmounted.
	make_image image
	refused "$kernel: a second mount that fails" 1 '--mount tmpfs,x,/m/file/x: ' "$server" -s -lrumpfs_ext2fs \
		-d key=/dev/img,hostpath=image,size=host --mount ext2fs,/dev/img,/m --mount tmpfs,x,/m/file/x \
		"$RUMP_SERVER"
	succeeds "$kernel: leaves the image clean" e2fsck -fn image
	like "$kernel: and marked so" 'Filesystem state: *clean' "$(dumpe2fs -h image 2>/dev/null)"
	make_disk gpt.img
	succeeds "$kernel: a partition is mounted" "$server" -lrumpfs_ext2fs \
		-d key=/dev/p2,hostpath=gpt.img,partition=2 --mount ext2fs,/dev/p2,/mnt "$RUMP_SERVER"
	is "$kernel: and read" "$(cat source/file)" "$("$rumpsh" cat /mnt/file)"
	refused "$kernel: no other server gets it" 1 'in use by another server' "$server" \
		-d key=/dev/p2,hostpath=gpt.img,partition=2 "unix://$here/other.ctl"
	succeeds "$kernel: but one gets another partition" "$server" \
		-d key=/dev/p1,hostpath=gpt.img,partition=1 "unix://$here/other.ctl"
	succeeds "$kernel: which is halted" env RUMP_SERVER="unix://$here/other.ctl" "$halt"
	succeeds "$kernel: and halted" "$halt"
	until_true [ ! -e "$kernel.ctl" ]
	refused "$kernel: a partition that is not there" 1 'partition=7 in image: ' "$server" \
		-d key=/dev/p7,hostpath=image,partition=7 "$RUMP_SERVER"
done

if [ -s embedded.tree ] && [ -s netbsd.tree ]; then
	is "both kernels see the same" "$(cat netbsd.tree)" "$(cat embedded.tree)"
else
	skip "both kernels see the same" "only one is at hand"
fi
finish
