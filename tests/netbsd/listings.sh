#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The same command lines with the embedded kernel and with NetBSD's: what directories list, dots included, and what
# statvfs says of the root and of a tmpfs. Differences that are known are named below; any other one fails.

. "$RUMPKIT_SRCDIR/tests/support/e2e.sh"

if [ -z "$RUMPKIT_NETBSD" ]; then
	echo "1..0 # SKIP NetBSD's components are not at hand (RUMPKIT_NETBSD)"
	exit 0
fi
listing=$RUMPKIT_BUILDDIR/tests/netbsd/listing

cat >make <<'END'
mkdir /tree
mkdir /tree/a
write /tree/file text
symlink file /tree/link
mkdir /mnt/tree
mkdir /mnt/tree/a
write /mnt/tree/file text
symlink file /mnt/tree/link
mkfifo /mnt/tree/fifo
link /mnt/tree/file /mnt/tree/hard
END
cat >unmake <<'END'
rm /tree/link
rm /tree/file
rmdir /tree/a
rm /mnt/tree/hard
rm /mnt/tree/fifo
END

for kernel in embedded netbsd; do
	use_kernel "$kernel"
	RUMP_SERVER=unix://$here/$kernel.ctl
	export RUMP_SERVER
	succeeds "$kernel: it starts" "$server" -lrumpvfs -lrumpfs_tmpfs --mount tmpfs,tmpfs,/mnt "$RUMP_SERVER"
	{
		"$rumpsh" <make 2>&1
		LD_LIBRARY_PATH=$RUMPKIT_BUILDDIR/.libs "$listing" / /tree /mnt /mnt/tree
		"$rumpsh" <unmake 2>&1
		LD_LIBRARY_PATH=$RUMPKIT_BUILDDIR/.libs "$listing" /tree /mnt/tree
	} >"$kernel.out"
	succeeds "$kernel: it halts" "$halt"
done

# < is what NetBSD's kernel says, > what the embedded one does.
cat >known <<'END'
# NetBSD's root file system lists no dots, and does not count the directories in a directory.
> /: entry . type 4 mode 40755 links 6, its number
> /: entry .. type 4 mode 40755 links 6, its number
< /: entry tree type 4 mode 40755 links 2, its number
> /: entry tree type 4 mode 40755 links 3, its number
> /tree: entry . type 4 mode 40755 links 2, its number
> /tree: entry . type 4 mode 40755 links 3, its number
> /tree: entry .. type 4 mode 40755 links 6, its number
# It counts in sectors and has no number of files; the embedded one's is made of pages, as a tmpfs.
< /: blocks of 512, fragments of 512, transfers of 512
> /: blocks of 4096, fragments of 4096, transfers of 4096
< /: some blocks, no files
> /: some blocks, some files
< /tree: blocks of 512, fragments of 512, transfers of 512
> /tree: blocks of 4096, fragments of 4096, transfers of 4096
< /tree: some blocks, no files
> /tree: some blocks, some files
# What lies above has another number than the root of a tmpfs in NetBSD; all roots have the same in the embedded one.
< /mnt: entry .. type 4 mode 40755 links 2, another number
> /mnt: entry .. type 4 mode 40755 links 6, its number
END
like "what NetBSD lists" '^/mnt/tree: entry hard type 8 mode 100644 links 2, its number' "$(cat netbsd.out)"
is "both list the same, but for what is known" "$(grep '^[<>]' known | sort)" \
	"$(diff netbsd.out embedded.out | grep '^[<>]' | sort -u)"
finish
