#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Files of the rump kernel that processes share by mapping: who may not join, and what is left behind."""

import os
import sys

sys.path.insert(0, os.path.join(os.environ["RUMPKIT_SRCDIR"], "tests/support"))
from hijacked import PRELUDE, Report, Server, skip_if_sanitized  # noqa: E402  pylint: disable=wrong-import-position

# What the host calls the object is in the process's own list of mappings.
PROGRAM = """
import mmap, os
f = os.open("/rump/f", os.O_RDWR | os.O_CREAT)
os.ftruncate(f, 8192)
first = mmap.mmap(f, 8192)
name = next(line.split()[-1] for line in open("/proc/self/maps") if "/dev/shm/rumpkit-" in line)
first[0:4] = b"kept"
second = mmap.mmap(f, 8192)
print("shared", second[0:4] == b"kept", oct(os.stat(name).st_mode & 0o777))
me = os.geteuid()
for mode, owner in (0o666, me), (0o600, me + 1 if me == 0 else me):
    try:
        os.chown(name, owner, -1)
        os.chmod(name, mode)
        mmap.mmap(f, 8192)
        print("joined" if (mode, owner) != (0o600, me) else "refused")
    except OSError:
        print("refused")
    os.chown(name, me, -1)
    os.chmod(name, 0o600)
third = mmap.mmap(f, 8192)
print("shared", third[0:4] == b"kept")
first.close(), second.close(), third.close()
print("left behind", os.path.exists(name))
print("written", os.pread(f, 4, 0))
"""
WANTED = ["shared True 0o600", "refused", "refused", "shared True", "left behind False", "written b'kept'"]

# A mapping that grows with its file, moves, and shrinks; and one that is told to in part.
RESIZED = """
import mmap
f = os.open("/rump/r", os.O_RDWR | os.O_CREAT); os.write(f, b"a" * 10000)
m = mmap.mmap(f, 10000); blocked = [mmap.mmap(-1, 4096) for i in range(50)]
m[9999:10000] = b"b"; m.resize(3000000); m[2999999:3000000] = b"e"; m.flush()
print(os.pread(f, 1, 9999), os.pread(f, 1, 2999999), os.fstat(f).st_size, m[0:1])
m[5000:5001] = b"c"; m[4000:4001] = b"d"; m.resize(4500); print(len(m)); m.close()
print(os.pread(f, 5000, 0)[4000:4001], os.fstat(f).st_size)
libc.mmap.restype = libc.mremap.restype = ctypes.c_long; os.ftruncate(f, 8192)
p = libc.mmap(None, 8192, 3, 1, f, 0); print(libc.mremap(ctypes.c_void_p(p), 4096, 8192, 1), errno.errorcode[ctypes.get_errno()])
"""
RESIZED_WANTED = ["b'b' b'e' 3000000 b'a'", "4500", "b'd' 4500", "-1 EINVAL"]


# Where the object is, and in a child and a grandchild that begin anew.
NAMES = """
import mmap
f = os.open("/rump/f", os.O_RDWR | os.O_CREAT); os.ftruncate(f, 4096); m = mmap.mmap(f, 4096)
print(next(line.split()[-1] for line in open("/proc/self/maps") if "/dev/shm/rumpkit-" in line), flush=True)
if len(sys.argv) < 3: subprocess.run([sys.executable, "-c", os.environ["PROGRAM"], *sys.argv[1:], "again"])
"""


def main():
    report = Report()
    with Server("-lrumpvfs") as server:
        status, text = server.python(PROGRAM)
        report(status == 0 and text.splitlines() == WANTED, "what others may use is not shared", status, text)
        status, text = server.python(RESIZED)
        report(status == 0 and text.splitlines() == RESIZED_WANTED, "a mapping changes its size", status, text)
        seen = []
        for _ in range(2):
            status, text = server.python(NAMES, PROGRAM=PRELUDE + NAMES)
            seen.append(text.split())
            server.halt()
            server.start()
        report(len(seen[0]) == 3 and len(set(seen[0])) == 1, "all processes find one name", seen)
        report(seen[0] != seen[1] and len(set(seen[1])) == 1, "which nobody knows before the kernel is there", seen)
    report.finish()


skip_if_sanitized()
main()
