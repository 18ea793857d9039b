#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What calls answer that few programs make: the same from every kernel as from the host."""

import os
import sys

sys.path.insert(0, os.path.join(os.environ["RUMPKIT_SRCDIR"], "tests/support"))
from kernels import compare_programs  # noqa: E402  pylint: disable=wrong-import-position

START = """
import time
where = os.environ["WHERE"]
path = where + "/file"
with open(path, "wb") as file:
    file.write(b"content")
fd = os.open(path, os.O_RDWR)
EMPTY_PATH = 0x1000
def file_system():
    # In a rump kernel it is one of its own, as NetBSD's root cannot do everything.
    directory = __import__("tempfile").mkdtemp(dir=where)
    if where.startswith("/rump"):
        print(end="" if libc.mount(b"tmpfs", directory.encode(), b"tmpfs", 0, None) == 0 else "not mounted")
    return directory
"""

CASES = [
    ("limits of time are read as they were set", """
s = socket.socket()
for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
    s.setsockopt(socket.SOL_SOCKET, option, struct.pack("qq", 3, 500000))
    print(struct.unpack("qq", s.getsockopt(socket.SOL_SOCKET, option, 16)))
"""),
    ("the flags of a message are those that came with it", """
u, v = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
u.bind(("127.0.0.1", 0))
v.sendto(b"whole", u.getsockname())
v.sendto(b"cut", u.getsockname())
select = __import__("select")
print(select.select([u], [], [], 60)[0] == [u], u.recvmsg(9, 0, socket.MSG_DONTWAIT)[1:3])
print(select.select([u], [], [], 60)[0] == [u], u.recvmsg(2, 0)[1:3])
"""),
    ("a datagram socket is connected to nobody again", """
u, v = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
u.bind(("127.0.0.1", 0))
v.connect(u.getsockname())
print(call("connect", v.fileno(), bytes(16), 16), tried(v.getpeername), tried(v.send, b"x"))
"""),
    ("an empty path with a flag", """
print(libc.syscall(439, fd, b"", os.R_OK, EMPTY_PATH), tried(os.access, "", os.R_OK))
times = struct.pack("qqqq", 5, 0, 6, 0)
print(call("utimensat", fd, "", times, EMPTY_PATH), os.stat(path).st_mtime, call("utimensat", fd, "", times, 0))
"""),
    ("a link to nowhere at all", """
print(tried(os.symlink, "", where + "/link"), os.path.lexists(where + "/link"))
"""),
    ("what is not read from by sendfile", """
a, b = socket.socketpair()
r, w = os.pipe()
l = socket.create_server(("127.0.0.1", 0))
c = socket.create_connection(l.getsockname())
print([tried(os.sendfile, fd, end, None, 5) for end in (a.fileno(), r, c.fileno())])
print(os.sendfile(fd, os.open("/dev/zero", os.O_RDONLY), None, 5), os.pread(fd, 9, 0))
"""),
    ("entries of what is no directory", """
print(call("syscall", 217, fd, ctypes.create_string_buffer(4096), 4096))
"""),
    ("two links to one file that are renamed to each other", """
where = file_system()
os.mknod(where + "/file")
os.link(where + "/file", where + "/other")
os.rename(where + "/file", where + "/other")
os.chdir(where)
os.rename("other", "file")
print(sorted(os.listdir(where)), os.stat("file").st_nlink)
"""),
    ("positions in a directory", """
def entries(fd, room):
    buffer = ctypes.create_string_buffer(room)
    size, at = call("syscall", 217, fd, buffer, room), 0
    while at < size:
        _, position, length = struct.unpack_from("QqH", buffer, at)
        yield position, buffer[at + 19:at + length].split(b"\\0")[0]
        at += length
where = file_system()
for i in range(900):
    os.close(os.open(f"{where}/{i:03}", os.O_CREAT))
fd = os.open(where, os.O_RDONLY)
found = list(entries(fd, 4096))
while more := list(entries(fd, 20000)):
    found += more
names = [name for _, name in found]
print(len(names), sorted(names)[:4], len({position for position, _ in found}))
wrong = []
for room in (1024, 4096, 32768):
    for i in (*range(0, 902, 7), 900, 901):
        os.lseek(fd, found[i][0], os.SEEK_SET)
        if os.lseek(fd, 0, os.SEEK_CUR) != found[i][0]:
            wrong.append(i)
        other = os.dup(fd)
        first = [name for _, name in entries(other, room)]
        os.close(other)
        if first != names[i + 1:i + 1 + len(first)] or (first == []) != (i == 901):
            wrong.append(i)
print(wrong, os.lseek(fd, 0, os.SEEK_SET), [name for _, name in entries(fd, 1024)][:5] == names[:5])
"""),
]


compare_programs(START, CASES)
