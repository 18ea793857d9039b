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

# What is stored in a mapping, and what is written and read with calls, are one file. ONE is called in programs of others.
COHERENT = """
import mmap
ONE = "import os, sys; f = os.open(sys.argv[1], os.O_RDWR); "
def other(*arguments):
    return subprocess.run([sys.executable, "-c", *arguments], stdout=subprocess.PIPE, check=True).stdout
def make(name, size=20000):
    f = os.open(name, os.O_RDWR | os.O_CREAT | os.O_TRUNC); os.write(f, b"." * size)
    return f, mmap.mmap(f, size)
def stored():
    f, m = make("/rump/stored"); seen = []; pipe = os.pipe(); copy = os.open("/rump/copy", os.O_RDWR | os.O_CREAT)
    m[100:103] = b"one"; seen.append(os.pread(f, 3, 100))
    m[5000:5003] = b"two"; os.lseek(f, 4990, 0); seen.append(os.read(f, 13)[10:])
    m[9000:9005] = b"three"; a, b = bytearray(2), bytearray(3); os.preadv(f, [a, b], 9000); seen.append(bytes(a + b))
    m[12000:12004] = b"four"; os.sendfile(pipe[1], f, 12000, 4); seen.append(os.read(pipe[0], 4))
    m[0:4] = b"five"; os.copy_file_range(f, copy, 4, 0, 0); seen.append(os.pread(copy, 4, 0))
    m[50:53] = b"six"; os.fsync(f); seen.append(other(ONE + "os.write(1, os.pread(f, 3, 50))", "/rump/stored"))
    m[60:65] = b"seven"; private = mmap.mmap(f, 4096, mmap.MAP_PRIVATE); seen.append(private[60:65])
    return seen
def written():
    f, m = make("/rump/written"); seen = []; pipe = os.pipe(); g = os.open("/rump/written", os.O_WRONLY | os.O_APPEND)
    os.pwrite(f, b"one", 100); seen.append(m[100:103])
    os.lseek(f, 5000, 0); os.write(f, b"two"); seen.append(m[5000:5003])
    os.pwritev(f, [b"th", b"ree"], 9000); seen.append(m[9000:9005])
    h = os.memfd_create("h"); os.pwrite(h, b"four", 0); os.lseek(f, 12000, 0); os.sendfile(f, h, 0, 4)
    seen.append(m[12000:12004])
    os.copy_file_range(f, f, 3, 100, 200); seen.append(m[200:203])
    second = mmap.mmap(f, 24576, access=mmap.ACCESS_READ) if os.ftruncate(f, 24576) is None else None
    os.ftruncate(f, 20000); os.write(g, b"six"); seen.append(second[20000:20003])
    return seen
def last():
    f, m = make("/rump/last"); m[100:103] = b"old"; os.pwrite(f, b"new", 100); m.flush(); seen = [os.pread(f, 3, 100), m[100:103]]
    m[104:105] = b"A"; m[108:109] = b"B"
    other(ONE + "os.pwrite(f, b'xyz', 105); os.pwrite(f, b'far', 9000)", "/rump/last")
    m.close(); return seen + [os.pread(f, 5, 104), os.pread(f, 3, 9000)]
def truncated():
    f, m = make("/rump/truncated"); m[5000:5003] = b"old"
    os.ftruncate(f, 4999); os.ftruncate(f, 20000); seen = [m[4998:5003], os.pread(f, 3, 5000)]
    m[5000:5003] = b"old"; os.truncate("/rump/truncated", 100); os.truncate("/rump/truncated", 20000); seen.append(m[99:102])
    m[50:53] = b"old"; open("/rump/truncated", "w").close(); os.ftruncate(f, 20000); seen.append(m[50:53])
    m[50:53] = b"old"; os.unlink("/rump/truncated"); open(f"/proc/self/fd/{f}", "wb").close(); os.ftruncate(f, 20000); seen.append(m[50:53]); m.close()
    return seen + [os.pread(f, 20000, 0).count(0)]
def others():
    f, m = make("/rump/others"); m[0:3] = b"one"
    seen = [other(ONE + "import mmap; m = mmap.mmap(f, 8192); os.write(1, os.pread(f, 3, 0)); os.pwrite(f, b'two', 3); "
                  "m[5000:5005] = b'three'; os._exit(0)", "/rump/others"), m[3:6], os.pread(f, 5, 5000)]
    if os.fork() == 0:
        m[6:10] = b"four"; os.pwrite(f, b"five", 10); os.kill(os.getpid(), 9)
    os.wait(); seen += [os.pread(f, 8, 6), m[6:14]]
    other(ONE + "os.pwrite(f, b'six', 9000)", "/rump/others"); libc.msync.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    libc.msync(ctypes.addressof(ctypes.c_char.from_buffer(m)), 20000, 2); seen.append(m[9000:9003])
    other(ONE + "os.pwrite(f, b'seven', 9000)", "/rump/others"); n = mmap.mmap(f, 20000); return seen + [n[9000:9005]]
def reader():
    f = os.open("/rump/reader", os.O_RDWR | os.O_CREAT); os.write(f, b"." * 8192); r = os.open("/rump/reader", os.O_RDONLY)
    m = mmap.mmap(r, 8192, prot=mmap.PROT_READ); w = mmap.mmap(f, 8192); w[0:3] = b"one"; os.pwrite(f, b"two", 5000)
    libc.mmap.restype = ctypes.c_long; p = libc.mmap(None, 4096, 1, 1, r, 0)
    return [m[0:3], m[5000:5003], os.pread(r, 3, 0), call("mprotect", ctypes.c_void_p(p), 4096, 3), tried(mmap.mmap, r, 4096)]
for function in (stored, written, last, truncated, others, reader):
    print(function.__name__, *(x.decode().replace(chr(0), "0") if isinstance(x, bytes) else x for x in function()))
"""
COHERENT_WANTED = ["stored one two three four five six seven", "written one two three four one six", "last new new AxyzB far",
                   "truncated .0000 000 .00 000 000 20000", "others one two three fourfive fourfive six seven",
                   "reader one two one EACCES EACCES"]


# Where the object is, and in a child and a grandchild that begin anew.
NAMES = """
import mmap
f = os.open("/rump/f", os.O_RDWR | os.O_CREAT); os.ftruncate(f, 4096); m = mmap.mmap(f, 4096)
print(next(line.split()[-1] for line in open("/proc/self/maps") if "/dev/shm/rumpkit-" in line), flush=True)
if len(sys.argv) < 3: subprocess.run([sys.executable, "-c", os.environ["PROGRAM"], *sys.argv[1:], "again"])
"""

# What is in use stays, and what a process has left behind that was killed does not.
LEFT = """
import mmap
def object_of(m): return next(line.split()[-1] for line in open("/proc/self/maps") if "/dev/shm/rumpkit-" in line)
KILLED = os.environ["PRELUDE"] + "import mmap; f = os.open('/rump/left', os.O_RDWR | os.O_CREAT); os.ftruncate(f, 4096); m = mmap.mmap(f, 4096);" \\
         "print(next(line.split()[-1] for line in open('/proc/self/maps') if '/dev/shm/rumpkit-' in line), flush=True); os.kill(os.getpid(), 9)"
f = os.open("/rump/f", os.O_RDWR | os.O_CREAT); os.ftruncate(f, 4096); m = mmap.mmap(f, 4096); used = object_of(m)
left = subprocess.run([sys.executable, "-c", KILLED], stdout=subprocess.PIPE).stdout.decode().strip()
print(os.path.exists(used), left != used, left.startswith("/dev/shm/"))
g = os.open("/rump/g", os.O_RDWR | os.O_CREAT); os.ftruncate(g, 4096); n = mmap.mmap(g, 4096)
print(os.path.exists(used), os.path.exists(left))
"""
LEFT_WANTED = ["True True True", "True False"]


def main():
    report = Report()
    with Server("-lrumpvfs") as server:
        status, text = server.python(PROGRAM)
        report(status == 0 and text.splitlines() == WANTED, "what others may use is not shared", status, text)
        status, text = server.python(RESIZED)
        report(status == 0 and text.splitlines() == RESIZED_WANTED, "a mapping changes its size", status, text)
        status, text = server.python(COHERENT)
        report(status == 0 and text.splitlines() == COHERENT_WANTED, "mappings and calls are of one file", status, text)
        status, text = server.python(LEFT, PRELUDE=PRELUDE)
        report(status == 0 and text.splitlines() == LEFT_WANTED, "nothing is left behind for long", status, text)
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
