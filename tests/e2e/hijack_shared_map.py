#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Files of the rump kernel that processes share by mapping: who may not join, and what is left behind."""

import os
import subprocess
import sys
import tempfile

BUILD = os.path.abspath(os.environ.get("RUMPKIT_BUILDDIR", "."))
LIMIT = 120

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


def main():
    print("1..1")
    with tempfile.TemporaryDirectory() as work:
        environment = {k: v for k, v in os.environ.items() if not k.startswith("RUMP")} | {"TMPDIR": work}
        done = subprocess.run([f"{BUILD}/tools/rump_run", "--kernel=-lrumpvfs", "/usr/bin/python3", "-c", PROGRAM], cwd=work,
                              env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=LIMIT)
    good = done.returncode == 0 and done.stdout.splitlines() == WANTED
    print(f"{'ok' if good else 'not ok'} 1 - what others may use is not shared")
    if not good:
        for line in (done.stdout + done.stderr).splitlines():
            print("#", line)
    return not good


if "-fsanitize" in open(f"{BUILD}/config.status", encoding="utf-8").read():
    print("1..0 # SKIP a sanitized library is not preloaded")
    sys.exit(0)
sys.exit(main())
