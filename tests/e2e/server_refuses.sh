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
refused "a component without a name" 1 '-l "": no component.s name' "$server" -l '' "$url"
refused "an option is called what the user called it" 1 '--ncpu zz: not a number' "$server" --ncpu=zz "$url"
refused "a URL to list" 1 "$url: --list serves no clients" "$server" --list "$url"
echo >file
refused "a module for a kernel without" 1 '-m file: the kernel of /.*/librump.so.0 has no modules' \
	"$server" -m file "$url"
refused "a module that is no file" 1 '-m /etc: not a file' "$server" -m /etc "$url"
refused "a part of a drive that there is none of" 1 \
	'-d colour=red: "colour" is no part of a drive, which are key, hostpath, size, .*type' \
	"$server" -d colour=red "$url"
refused "a drive over the devices" 1 'key=/dev would hide' "$server" -d key=/dev,hostpath=made,size=1k "$url"
refused "a host file without an extent" 1 'hostpath=/dev/null is neither a file nor a block device' \
	"$server" -d key=/dev/x,hostpath=/dev/null,size=1k "$url"
refused "a host file that is not there" 1 \
	'-d key=/dev/x,hostpath=nosuch,size=host: hostpath=nosuch: No such file or directory' \
	"$server" -d key=/dev/x,hostpath=nosuch,size=host "$url"
refused "half a drive" 1 '-d key=/dev/x: hostpath is missing' "$server" -d key=/dev/x "$url"
refused "two drives of one key" 1 'hostpath=b,size=1k: another drive has key=/dev/x' \
	"$server" -d key=/dev/x,hostpath=a,size=1k -d key=/dev/x,hostpath=b,size=1k "$url"
refused "a missing component beside a drive" 1 'component rumpfs_nosuch is not there' \
	"$server" -l rumpfs_nosuch -d key=/dev/x,hostpath=made,size=1k "$url"
if [ ! -e made ]; then pass "for which no file is made"; else fail "for which no file is made"; fi
dd if=/dev/zero of=empty.img bs=1024 count=64 2>/dev/null
refused "a disk without a label" 1 'disklabel=a in empty.img: no disklabel there' \
	"$server" -d key=/dev/x,hostpath=empty.img,disklabel=a "$url"
refused "a file system of no type" 1 '--mount nofs,/dev/x,/mnt: file system type nofs is not known' \
	"$server" --mount nofs,/dev/x,/mnt "$url"
refused "a file system on the root" 1 '--mount tmpfs,x,/: / has the root file system' \
	"$server" --mount tmpfs,x,/ "$url"

# Directories for components.
RUMP_COMPONENT_PATH=$here/nosuch
export RUMP_COMPONENT_PATH
refused "a directory for components that is not there" 1 "RUMP_COMPONENT_PATH: $here/nosuch: No such file" \
	"$server" "$url"
refused "nor is it listed" 1 "RUMP_COMPONENT_PATH: $here/nosuch: No such file" "$server" --list
RUMP_COMPONENT_PATH=$here/file
refused "a file for such a directory" 1 "RUMP_COMPONENT_PATH: $here/file: not a directory" "$server" "$url"
mkdir none
RUMP_COMPONENT_PATH=$here/none
refused "a directory without components" 1 "warning: RUMP_COMPONENT_PATH: no component in $here/none" \
	"$server" -l nosuch "$url"

# A directory with a kernel that is none.
mkdir broken
head -c 3000 "$RUMPKIT_BUILDDIR/.libs/librump.so.0" >broken/librump.so.0
RUMP_COMPONENT_PATH=$here/broken
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
refused "rump_halt with an argument" 1 'url: no argument is taken; RUMP_SERVER names' "$halt" url
refused "rump_halt with an option of others" 1 '^(lt-)?rump_halt: -t: no such option' "$halt" -dt
refused "rump_mount without a value" 1 '^(lt-)?rump_mount: -o: a value is missing' "$mount" -o
refused "rump_mount without a directory" 1 '/dev/x: the directory to mount it on is missing' "$mount" -t tmpfs /dev/x
refused "rump_mount with options for nothing" 1 '-o ro: what to mount or update is missing' "$mount" -r
refused "rump_umount of nothing" 1 'what to unmount is missing' "$umount"
refused "rump_umount of all, and a name" 1 '/mnt: -a unmounts all, and takes no name' "$umount" -a /mnt
refused "rump_run at no URL" 1 '-s "ctl": it has to begin with unix://' "$run" -s ctl true
refused "rump_run where nobody serves" 1 "no rump kernel at unix://$here/nobody: No such file" "$run" -s "unix://$here/nobody" true
refused "rump_run where nobody serves any more" 1 'no rump kernel at tcp://127.0.0.1:1: Connection refused' \
	"$run" -s tcp://127.0.0.1:1 true
refused "rump_run with two servers" 1 "-s $url: --kernel starts a server of its own" "$run" -s "$url" --kernel=-v true
refused "rump_mount without a type" 1 'say with -t what type' "$mount" /dev/x /mnt
finish
