#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""NetBSD's ext2 file system on our block I/O: what it writes is what it reads, and what e2fsck finds in order.

TAP, a line an engine. $RUMPKIT_NETBSD is the prefix of NetBSD's components; $RUMPKIT_DISK_ROUNDS says how
long each thread works.
"""

import os
import shutil
import subprocess
import sys
import tempfile

BUILD = os.path.abspath(os.environ.get("RUMPKIT_BUILDDIR", "."))
PREFIX = os.environ.get("RUMPKIT_NETBSD", "")
ROUNDS = os.environ.get("RUMPKIT_DISK_ROUNDS", "12")
TIME_LIMIT = 240


def find(tool):
    return shutil.which(tool, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")


def run(command, **arguments):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=TIME_LIMIT,
                          check=False, **arguments)


def work_on_image(engine, directory):
    """Returns what went wrong, or nothing."""
    image = os.path.join(directory, engine + ".img")
    libraries = os.path.join(directory, "lib")
    if not os.path.isdir(libraries):
        os.mkdir(libraries)
        os.symlink(os.path.join(BUILD, ".libs/librumpuser.so.0"), os.path.join(libraries, "librumpuser.so.0"))
    with open(image, "wb") as file:
        file.truncate(16 << 20)
    made = run([find("mke2fs"), "-q", "-F", "-r", "0", "-O", "none", image])
    if made.returncode != 0:
        return made.stdout
    environment = dict(os.environ, RUMPUSER_BIO=engine,
                       LD_LIBRARY_PATH=libraries + ":" + os.path.join(PREFIX, "lib"))
    worked = run([os.path.join(BUILD, "tests/netbsd/disk"), PREFIX, image, ROUNDS], env=environment)
    if worked.returncode != 0:
        return b"status %d\n" % worked.returncode + worked.stdout
    checked = run([find("e2fsck"), "-f", "-n", image])
    if checked.returncode != 0:
        return checked.stdout
    return b""


def main():
    if not os.path.exists(os.path.join(PREFIX, "lib/librumpfs_ext2fs.so.0")) or not PREFIX:
        print("1..0 # SKIP $RUMPKIT_NETBSD names no prefix with NetBSD's components")
        return
    if find("mke2fs") is None or find("e2fsck") is None:
        print("1..0 # SKIP e2fsprogs are not installed")
        return
    engines = ["io_uring", "threads"]
    print("1..%d" % len(engines))
    failed = False
    with tempfile.TemporaryDirectory() as directory:
        for number, engine in enumerate(engines, 1):
            try:
                wrong = work_on_image(engine, directory)
            except subprocess.TimeoutExpired:
                wrong = b"no end within %d seconds" % TIME_LIMIT
            for line in wrong.decode(errors="replace").splitlines():
                print("# " + line)
            print("%s %d - ext2 with %s" % ("not ok" if wrong else "ok", number, engine))
            failed = failed or bool(wrong)
    sys.exit(1 if failed else 0)


main()
