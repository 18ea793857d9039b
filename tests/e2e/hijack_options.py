#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Options of sockets that only Linux has: what is a hint can be set and read, as on the host, what would be a promise is refused."""

import os
import sys

sys.path.insert(0, os.path.join(os.environ["RUMPKIT_SRCDIR"], "tests/support"))
from hijacked import Report, Server, skip_if_sanitized  # noqa: E402  pylint: disable=wrong-import-position

START = """
T, I, S = socket.IPPROTO_TCP, socket.IPPROTO_IP, socket.SOL_SOCKET
l = socket.socket(); l.bind(("127.0.0.1", 0)); l.listen()
c = socket.create_connection(l.getsockname()); a, _ = l.accept()
d = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
def put(s, *option): return tried(s.setsockopt, *option)
def get(s, *option): return tried(s.getsockopt, *option)
"""

# Name, program, what it prints.
PROGRAMS = [
    ("hints to TCP", "print([put(c, T, n, 1) for n in (socket.TCP_CORK, socket.TCP_QUICKACK, socket.TCP_DEFER_ACCEPT, socket.TCP_USER_TIMEOUT, 25, 30)],\n"
     "    put(l, T, socket.TCP_FASTOPEN, 5), get(c, T, socket.TCP_CORK), get(l, T, socket.TCP_DEFER_ACCEPT))",
     r"\[None, None, None, None, None, None\] None 0 0"),
    ("what is sent after them comes", "c.setsockopt(T, socket.TCP_CORK, 1); c.send(b'abc'); c.setsockopt(T, socket.TCP_CORK, 0); print(a.recv(9))", "b'abc'"),
    ("hints to TCP where there is none", "print(put(d, T, socket.TCP_CORK, 1), get(d, T, socket.TCP_CORK), put(c, T, socket.TCP_CORK, b'x'))", "ENOPROTOOPT ENOPROTOOPT EINVAL"),
    ("hints to others", "print(put(d, S, socket.SO_PRIORITY, 6), put(d, I, 10, 0), put(d, I, 24, 1), get(d, I, 10))", "None None None 1"),
    ("promises", "print(put(d, I, 10, 2), put(d, I, 10, 3), put(c, S, socket.SO_MARK, 1), put(d, I, 11, 1))",
     "ENOPROTOOPT ENOPROTOOPT ENOPROTOOPT ENOPROTOOPT"),
    ("buffers of any size", "print([put(s, S, o, n) for s in (c, d) for o in (socket.SO_RCVBUF, socket.SO_SNDBUF) for n in (1 << 30, 0, 1, 65536)] == 16 * [None])\n"
     "c.setsockopt(S, socket.SO_RCVBUF, 1 << 30); b = c.getsockopt(S, socket.SO_RCVBUF); c.setsockopt(S, socket.SO_RCVBUF, 1)\n"
     "print(b > 65536, 1000 < c.getsockopt(S, socket.SO_RCVBUF) < b)", r"True\nTrue True"),
    ("what has not been sent", """
import fcntl
def unsent(s): return struct.unpack("i", fcntl.ioctl(s, 0x5411, b"junk"))[0]
print(unsent(c), unsent(d), unsent(socket.socket())); c.setblocking(False); sent = 0
while tried(c.send, bytes(65536)) != "EAGAIN": pass
print(0 < unsent(c), unsent(a))
""", r"0 0 0\nTrue 0"),
    ("the state of a connection", "u = socket.socket(); print([tried(s.getsockopt, T, socket.TCP_INFO, 104)[0] for s in (c, l, u)], get(d, T, socket.TCP_INFO), len(c.getsockopt(T, socket.TCP_INFO, 4)))\n"
     "i = struct.unpack('8B24I', c.getsockopt(T, socket.TCP_INFO, 104)); print(i[10] > 100, i[8 + 7])", r"\[1, 10, 7\] ENOPROTOOPT 4\nTrue 0"),
]


def main():
    skip_if_sanitized()
    report = Report()
    with Server("-lrumpvfs", "-lrumpfs_tmpfs", "-lrumpnet", "-lrumpnet_sockin") as server:
        report.programs(server, [(name, START + program, wanted) for name, program, wanted in PROGRAMS])
    report.finish()


main()
