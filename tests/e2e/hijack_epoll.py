#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""epoll sets with descriptors of both sides: what is reported, when, and that nothing of the library's own is."""

import os
import sys

sys.path.insert(0, os.path.join(os.environ["RUMPKIT_SRCDIR"], "tests/support"))
from hijacked import Report, Server, skip_if_sanitized  # noqa: E402  pylint: disable=wrong-import-position

START = """
import select, threading
from select import EPOLLIN, EPOLLOUT, EPOLLET, EPOLLONESHOT, EPOLLHUP, EPOLLRDHUP
def pair():
    l = socket.create_server(("127.0.0.1", 0)); c = socket.create_connection(l.getsockname()); s = l.accept()[0]; l.close()
    return c, s
class Event(ctypes.Structure):
    _pack_ = 1
    _fields_ = [("events", ctypes.c_uint32), ("data", ctypes.c_uint64)]
def waited(name, e, *rest):
    events = (Event * 8)(); n = call(name, e.fileno(), events, 8, *rest)
    return [(x.events, x.data) for x in events[:n]] if isinstance(n, int) else n
def named(found, **fds): return sorted((next(n for n, f in fds.items() if f.fileno() == fd), events) for fd, events in found)
class Pipe:
    def __init__(self): self.r, self.w = os.pipe()
    def fileno(self): return self.r
e = select.epoll(); c, s = pair(); p = Pipe()
"""

CASES = [
    ("both sides in one set", "e.register(s, EPOLLIN); e.register(p, EPOLLIN); print(e.poll(0)); c.send(b'x'); os.write(p.w, b'y')\n"
     "print(named(e.poll(5), s=s, p=p)); s.recv(1); print(named(e.poll(5), s=s, p=p))", r"\[\]\n\[\('p', 1\), \('s', 1\)\]\n\[\('p', 1\)\]"),
    ("a level is reported until it is gone, an edge once", """
e.register(s, EPOLLIN); f = select.epoll(); f.register(s, EPOLLIN | EPOLLET); c.send(b"one")
print(len(e.poll(5)), len(e.poll(5)), len(f.poll(5)), len(f.poll(0)))
c.send(b"two"); s.recv(1); print(len(f.poll(5)), len(e.poll(5))); s.recv(99); print(len(e.poll(0)))
""", r"1 1 1 0\n1 1\n0"),
    ("a set of many members", """
pairs = [pair() for i in range(100)]; all = {s.fileno() for c, s in pairs}
def every(e):
    found = set()
    for i in range(100):
        if found != all: found |= {fd for fd, events in e.poll(5, 9)}
    return found == all
for flags in (0, EPOLLET, EPOLLONESHOT):
    e = select.epoll(); [e.register(s, EPOLLIN | flags) for c, s in pairs]; print(e.poll(0)); [c.send(b"x") for c, s in pairs]; print(every(e))
    [s.recv(9) for c, s in pairs]; e.modify(pairs[0][1], EPOLLIN | flags); pairs[0][0].send(b"x"); print(named(e.poll(5), s=pairs[0][1])); pairs[0][1].recv(9)
""", r"(\[\]\nTrue\n\[\('s', 1\)\]\n?){3}"),
    ("one shot, and again by a change", "e.register(s, EPOLLIN | EPOLLONESHOT); c.send(b'x'); print(len(e.poll(5)), len(e.poll(0)))\n"
     "e.modify(s, EPOLLIN | EPOLLONESHOT); print(len(e.poll(5)), len(e.poll(0)))", r"1 0\n1 0"),
    ("a member that comes while somebody waits", """
found = []; t = threading.Thread(target=lambda: found.extend(e.poll(20))); t.start()
c.send(b"x"); e.register(s, EPOLLIN); t.join(); print(named(found, s=s))
""", r"\[\('s', 1\)\]"),
    ("the end of a stream", """
e.register(s, EPOLLIN | EPOLLRDHUP); c.send(b"x"); print(e.poll(5)[0][1]); s.recv(1); c.shutdown(socket.SHUT_WR); print(hex(e.poll(5)[0][1]))
f = select.poll(); f.register(s, select.POLLIN | select.POLLRDHUP); print(hex(f.poll(5)[0][1])); f.register(s, select.POLLIN); print(f.poll(5)[0][1])
u = socket.socket(type=socket.SOCK_DGRAM); u.bind(("127.0.0.1", 0)); u.sendto(b"", u.getsockname()); f.register(u, select.POLLIN | select.POLLRDHUP)
print([x for fd, x in f.poll(5) if fd == u.fileno()])
""", r"1\n0x2001\n0x2001\n1\n\[1\]"),
    ("members that are taken out, or closed", """
e.register(s, EPOLLIN); c.send(b"x"); e.unregister(s); print(e.poll(0), tried(e.unregister, s)); e.register(s, EPOLLIN)
print(tried(e.register, s, EPOLLIN)); s.close(); print(e.poll(0))
""", r"\[\] ENOENT\nEEXIST\n\[\]"),
    ("without sockets none of the library's own events is left", """
for round in range(3):
    e.register(s, EPOLLIN); e.register(c, EPOLLOUT); e.modify(c, EPOLLIN); c.close(); s.close()
    print(e.poll(0), waited("epoll_wait", e, 0), waited("epoll_pwait", e, 0, None, 8), waited("epoll_pwait2", e, ctypes.byref((ctypes.c_long * 2)()), None, 8))
    c, s = pair()
c.close(); s.close(); e.register(p, EPOLLIN); os.write(p.w, b"x"); print(named(e.poll(5), p=p))
""", r"(\[\] \[\] \[\] \[\]\n){3}\[\('p', 1\)\]"),
    ("a child has the set too", """
e.register(s, EPOLLIN); e.register(p, EPOLLIN)
if os.fork() == 0: os.write(p.w, b"x"); print(named(e.poll(5), s=s, p=p), flush=True); os.read(p.r, 1); os._exit(0)
print(os.wait()[1], e.poll(0)); c.send(b"x"); print(named(e.poll(5), s=s, p=p))
""", r"\[\('p', 1\)\]\n0 \[\]\n\[\('s', 1\)\]"),
    ("a wait ends by its time, and by a signal", """
import signal, time
e.register(s, EPOLLIN); begun = time.monotonic(); print(e.poll(.2), time.monotonic() - begun >= .2)
def handler(*a): raise KeyError
signal.signal(signal.SIGALRM, handler); signal.setitimer(signal.ITIMER_REAL, .1)
try: e.poll(20)
except KeyError: print("interrupted")
""", r"\[\] True\ninterrupted"),
    ("files cannot be members, as on the host", "print(tried(e.register, os.open('/rump', os.O_RDONLY), EPOLLIN))", "EPERM"),
]


def main():
    skip_if_sanitized()
    report = Report()
    with Server("-lrumpvfs", "-lrumpnet", "-lrumpnet_sockin") as server:
        report.programs(server, [(name, START + program, wanted) for name, program, wanted in CASES])
    report.finish()


main()
