#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# What rump_server says, and exits with, when it cannot do what it is asked. None of it boots a kernel.

. "$RUMPKIT_SRCDIR/tests/support/e2e.sh"
url=unix://$here/ctl

refused "no URL" 1 'the URL to serve at is missing' "$server"
refused "a wrong option shows the usage" 1 'usage: (lt-)?rump_server ' "$server" -x "$url"
refused "a wrong option is named" 1 '^(lt-)?rump_server: -x: no such option' "$server" -x "$url"
refused "a URL of no kind" 1 'http://localhost' "$server" http://localhost
refused "a number of CPUs that is none" 1 '-c many: not a number of CPUs' "$server" -c many "$url"
refused "a limit of memory that is none" 1 '-r much: not a size' "$server" -r much "$url"
refused "a missing component" 1 'component rumpfs_nosuch is not there: no librumpfs_nosuch.so.0 in /' \
	"$server" -l rumpfs_nosuch "$url"
refused "a missing module" 1 '-m nosuch.kmod: No such file' "$server" -m nosuch.kmod "$url"
refused "a host file that is not there" 1 \
	'-d key=/dev/x,hostpath=nosuch,size=host: hostpath=nosuch: No such file or directory' \
	"$server" -d key=/dev/x,hostpath=nosuch,size=host "$url"
refused "half a drive" 1 '-d key=/dev/x: hostpath is missing' "$server" -d key=/dev/x "$url"
refused "two drives of one key" 1 'hostpath=b,size=1k: another drive has this key' \
	"$server" -d key=/dev/x,hostpath=a,size=1k -d key=/dev/x,hostpath=b,size=1k "$url"
refused "a missing component beside a drive" 1 'component rumpfs_nosuch is not there' \
	"$server" -l rumpfs_nosuch -d key=/dev/x,hostpath=made,size=1k "$url"
if [ ! -e made ]; then pass "for which no file is made"; else fail "for which no file is made"; fi
dd if=/dev/zero of=empty.img bs=1024 count=64 2>/dev/null
refused "a disk without a label" 1 'disklabel=a in empty.img: no disklabel there' \
	"$server" -d key=/dev/x,hostpath=empty.img,disklabel=a "$url"
refused "a file system of no type" 1 '--mount nofs,/dev/x,/mnt: file system type nofs is not known' \
	"$server" --mount nofs,/dev/x,/mnt "$url"

# A directory with a kernel that is none.
mkdir broken
head -c 3000 "$RUMPKIT_BUILDDIR/.libs/librump.so.0" >broken/librump.so.0
RUMP_COMPONENT_PATH=$here/broken
export RUMP_COMPONENT_PATH
refused "a truncated component" 1 "$here/broken/librump.so.0: truncated" "$server" "$url"
echo 'INPUT(something)' >broken/librump.so.0
refused "a component that is text" 1 "$here/broken/librump.so.0: not a shared library" "$server" "$url"
cp /bin/true broken/librump.so.0
refused "a program for a component" 1 'rumpkern_sysproxy is not there' "$server" "$url"
output=$("$server" --list 2>&1)
is "--list with an unusable directory ends well" 0 $?

# NetBSD's components but one: no symbol says where another one is defined.
if [ -n "$RUMPKIT_NETBSD" ]; then
	mkdir part
	ln -s "$RUMPKIT_NETBSD"/lib/librump*.so.0 part
	rm part/librumpvfs.so.0
	RUMP_COMPONENT_PATH=$here/part
	refused "a component that only its symbols tell of" 1 \
		"rumpfs_ffs cannot be loaded: it needs rumpvfs, which is not there: not in $here/part" \
		"$server" -l rumpfs_ffs "$url"
	like "--list says so too" 'rumpfs_ffs .*not there: rumpvfs' "$("$server" --list 2>&1)"
else
	skip "a component that only its symbols tell of" "NetBSD's components are not at hand"
fi
unset RUMP_COMPONENT_PATH

if [ ! -e ctl ]; then pass "nothing made a socket"; else fail "nothing made a socket"; fi

for program in "$server" "$allserver" "$halt" "$mount" "$umount"; do
	name=${program##*/}
	like "$name --help" "^usage: (lt-)?$name " "$("$program" --help)"
	like "$name --version" "^(lt-)?$name \(rumpkit\) [0-9]" "$("$program" --version)"
	refused "$name: a wrong option" 1 'usage: ' "$program" --no-such-option
done
refused "rump_halt without RUMP_SERVER" 1 'RUMP_SERVER' "$halt"
RUMP_SERVER=$url
export RUMP_SERVER
refused "rump_halt without a server" 1 'No such file' "$halt"
refused "rump_mount without a type" 1 'say with -t what type' "$mount" /dev/x /mnt
finish
