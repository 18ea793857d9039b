#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What goes with messages on local sockets of hijacked programs: credentials, and descriptors beside them."""

import os
import sys

sys.path.insert(0, os.path.join(os.environ["RUMPKIT_SRCDIR"], "tests/support"))
from hijacked import Report, Server, skip_if_sanitized  # noqa: E402  pylint: disable=wrong-import-position

START = """
me = (os.getpid(), os.getuid(), os.getgid())
SO_PASSCRED, SO_PEERCRED, CREDENTIALS = 16, 17, 2
def pair(kind=socket.SOCK_STREAM):
    a, b = socket.socket(socket.AF_UNIX, kind), socket.socket(socket.AF_UNIX, kind)
    a.bind(f"/rump/tmp/s{os.getpid()}")
    if kind == socket.SOCK_STREAM: a.listen()
    b.connect(a.getsockname()); os.remove(a.getsockname())
    return b, a if kind == socket.SOCK_DGRAM else a.accept()[0]
def peer(s):
    return struct.unpack("iii", s.getsockopt(socket.SOL_SOCKET, SO_PEERCRED, 12))
def got(s):
    data, controls, flags, _ = s.recvmsg(9, 100)
    return data, [(l, t, "me" if struct.unpack("iii", d) == me else struct.unpack("iii", d)) for l, t, d in controls], flags
def send(s, pid, uid, gid):
    return tried(s.sendmsg, [b"x"], [(socket.SOL_SOCKET, CREDENTIALS, struct.pack("iii", pid, uid, gid))])
os.makedirs("/rump/tmp", exist_ok=True)
"""

CASES = [
    ("who is at the other end", "b, a = pair(); print(peer(a) == me, peer(b) == me); s = socket.socket(socket.AF_UNIX)\n"
     "s.bind('/rump/tmp/n'); os.remove('/rump/tmp/n'); print(peer(s))", r"True True\n\(0, -1, -1\)"),
    ("a peer's process is known to its kernel alone", """
s = socket.socket(socket.AF_UNIX); s.bind("/rump/tmp/p"); s.listen()
if os.fork() == 0: c = socket.socket(socket.AF_UNIX); c.connect("/rump/tmp/p"); c.recv(1); os._exit(0)
a = s.accept()[0]; print(peer(a) == (0,) + me[1:]); a.close(); os.wait(); os.remove("/rump/tmp/p")
""", "True"),
    ("credentials come when they are wanted", """
b, a = pair(socket.SOCK_DGRAM); b.send(b"none"); print(got(a), a.getsockopt(1, SO_PASSCRED))
a.setsockopt(1, SO_PASSCRED, 1); print(a.getsockopt(1, SO_PASSCRED))
b.send(b"one"); b.send(b"two"); print(got(a)); print(got(a))
a.setsockopt(1, SO_PASSCRED, 0); b.send(b"last"); print(got(a))
""", r"\(b'none', \[\], 0\) 0\n1\n\(b'one', \[\(1, 2, 'me'\)\], 0\)\n\(b'two', \[\(1, 2, 'me'\)\], 0\)\n\(b'last', \[\], 0\)"),
    ("in a stream with the first message", "b, a = pair(); a.setsockopt(1, SO_PASSCRED, 1); b.send(b'1'); print(got(a))",
     r"\(b'1', \[\(1, 2, 'me'\)\], 0\)"),
    ("one's own can be sent, others' cannot", """
b, a = pair(socket.SOCK_DGRAM); a.setsockopt(1, SO_PASSCRED, 1)
print(send(b, *me), got(a)); print(send(b, me[0] + 1, *me[1:]), send(b, me[0], me[1] + 1, me[2]), send(b, me[0], me[1], me[2] + 1))
print(tried(b.sendmsg, [b"x"], [(1, CREDENTIALS, b"short")]))
f = open("/rump/tmp/f", "w+"); f.write("file"); f.flush()
b.sendmsg([b"y"], [(1, CREDENTIALS, struct.pack("iii", *me)), (1, socket.SCM_RIGHTS, array.array("i", [f.fileno()]))])
data, controls, _, _ = a.recvmsg(9, 200)
print(data, sorted(c[1] for c in controls), [os.pread(struct.unpack("i", c[2])[0], 9, 0) for c in controls if c[1] == 1])
""", r"1 \(b'x', \[\(1, 2, 'me'\)\], 0\)\nEPERM EPERM EPERM\nEINVAL\nb'y' \[1, 2\] \[b'file'\]"),
    ("descriptors in several messages arrive in one", """
b, a = pair(); files = [open("/rump/tmp/%d" % i, "w+") for i in range(4)]
def rights(*these): return (1, socket.SCM_RIGHTS, array.array("i", [files[i].fileno() for i in these]))
for i, f in enumerate(files): f.write(str(i)); f.flush()
b.sendmsg([b"x"], [rights(2), rights(), rights(0, 3), (1, CREDENTIALS, struct.pack("iii", *me)), rights(1)])
data, controls, flags, _ = a.recvmsg(9, 200)
print([[os.pread(f, 9, 0) for f in array.array("i", d)] for l, t, d in controls], flags)
""", r"\[\[b'2', b'0', b'3', b'1'\]\] 0"),
    ("room for less is filled, and said", "b, a = pair(socket.SOCK_DGRAM); a.setsockopt(1, SO_PASSCRED, 1); b.send(b'1')\n"
     "print(a.recvmsg(9, 20)[1:3] == ([(1, 2, struct.pack('i', me[0]))], socket.MSG_CTRUNC))", "True"),
    ("options of other domains are not taken for these", """
os.environ; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); before = s.getsockopt(0, socket.IP_TTL), s.getsockopt(0, socket.IP_TOS)
print(tried(s.setsockopt, 1, SO_PASSCRED, 1), tried(s.getsockopt, 1, SO_PEERCRED, 12))
print(before == (s.getsockopt(0, socket.IP_TTL), s.getsockopt(0, socket.IP_TOS)))
""", r"ENOPROTOOPT ENOPROTOOPT\nTrue"),
    ("no socket is bound to an interface", "print(socket.socket().getsockopt(1, socket.SO_BINDTODEVICE, 16))", r"b''"),
    ("on the host's sockets they are the host's", """
a, b = socket.socketpair(); a.setsockopt(1, SO_PASSCRED, 1); open("/rump/tmp/g", "w"); f = open("/rump/tmp/g")
print(peer(a) == me, send(b, *me), got(a))
""", r"True 1 \(b'x', \[\(1, 2, 'me'\)\], 0\)"),
]


def main():
    skip_if_sanitized()
    report = Report()
    with Server("-lrumpvfs", "-lrumpfs_tmpfs", "-lrumpnet", "-lrumpnet_sockin", "-lrumpnet_local") as server:
        report.programs(server, [(name, START + program, wanted) for name, program, wanted in CASES])
    report.finish()


main()
