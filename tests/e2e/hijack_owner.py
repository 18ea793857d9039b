#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Signals for descriptors of the rump kernel's: SIGIO and SIGURG for their owner, who need not make calls to get them."""

import os
import sys

sys.path.insert(0, os.path.join(os.environ["RUMPKIT_SRCDIR"], "tests/support"))
from hijacked import Report, Server, skip_if_sanitized  # noqa: E402  pylint: disable=wrong-import-position

# came(): waits until the signal's handler has run, in a loop that makes no calls.
START = """
import fcntl, signal, termios
seen = {signal.SIGIO: 0, signal.SIGURG: 0}
def note(number, frame): seen[number] += 1
for number in seen: signal.signal(number, note)
def came(number):
    for i in range(400000000):
        if seen[number]:
            seen[number] = 0
            return True
    return False
def pair():
    ls = socket.create_server(("127.0.0.1", 0)); a = socket.create_connection(ls.getsockname()); b, name = ls.accept()
    return ls, a, b
def own(fd, on=True):
    fcntl.fcntl(fd, fcntl.F_SETOWN, os.getpid()); fcntl.fcntl(fd, fcntl.F_SETFL, fcntl.fcntl(fd, fcntl.F_GETFL) | os.O_ASYNC)
def name(number): return {0: "nobody", os.getpid(): "self", os.getppid(): "parent"}.get(number, number)
def owner(fd): return name(fcntl.fcntl(fd, fcntl.F_GETOWN))
FIOSETOWN, SIOCSPGRP, FIOGETOWN, SIOCGPGRP, SIOCATMARK = range(0x8901, 0x8906)
def number(fd, request, value=0):
    n = array.array("i", [value]); fcntl.ioctl(fd, request, n); return n[0]
"""

# While the program ends, its descriptors are closed, and its handlers are gone.
END = """
sys.stdout.flush(); os._exit(0)
"""

PROGRAMS = [
    ("a socket's owner is told of what comes", """
ls, a, b = pair(); own(b); a.send(b"one"); print(came(signal.SIGIO), b.recv(9))
seen[signal.SIGIO] = 0; a.send(b"two"); print(came(signal.SIGIO), b.recv(9)); a.close(); print(came(signal.SIGIO), b.recv(9))
""", r"True b'one'NLTrue b'two'NLTrue b''"),
    ("also when that is another's doing", """
ls, a, b = pair(); own(b); signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGIO])
if os.fork() == 0: a.send(b"x"); os._exit(0)
print(signal.sigwait([signal.SIGIO]).name, b.recv(9), os.wait()[1])
""", r"SIGIO b'x' 0"),
    ("a handler runs while a program waits for it", """
ls, a, b = pair(); own(b); signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGIO])
if os.fork() == 0: a.send(b"x"); os._exit(0)
print(call("sigsuspend", ctypes.create_string_buffer(128)), seen[signal.SIGIO] > 0, b.recv(9), os.wait()[1])
""", r"EINTR True b'x' 0"),
    ("and not when nobody asked", """
ls, a, b = pair(); c, d = socket.create_connection(ls.getsockname()), ls.accept()[0]
own(d); fcntl.fcntl(b, fcntl.F_SETOWN, os.getpid()); a.send(b"x"); c.send(b"y"); print(came(signal.SIGIO), b.recv(9), d.recv(9))
fcntl.fcntl(d, fcntl.F_SETFL, 0); own(b); fcntl.fcntl(b, fcntl.F_SETOWN, 0); seen[signal.SIGIO] = 0
c.send(b"z"); a.send(b"z"); print(d.recv(9), b.recv(9), seen[signal.SIGIO])
""", r"True b'x' b'y'NLb'z' b'z' 0"),
    ("urgent data", """
ls, a, b = pair(); fcntl.fcntl(b, fcntl.F_SETOWN, os.getpid()); a.send(b"ab"); print(b.recv(9)); a.send(b"c!", socket.MSG_OOB)
print(came(signal.SIGURG), b.recv(1, socket.MSG_OOB), number(b, SIOCATMARK), b.recv(9), number(b, SIOCATMARK), seen[signal.SIGIO])
""", r"b'ab'NLTrue b'!' 0 b'c' 1 0"),
    ("who is the owner", """
ls, a, b = pair(); print(owner(b)); own(b); print(owner(b), fcntl.fcntl(b, fcntl.F_GETFL) & os.O_ASYNC == os.O_ASYNC)
print(tried(fcntl.fcntl, b, fcntl.F_SETOWN, os.getppid()), tried(fcntl.fcntl, b, fcntl.F_SETOWN, -os.getpgrp()), owner(b))
fcntl.fcntl(b, fcntl.F_SETOWN, 0); print(owner(b), name(number(b, FIOGETOWN)))
number(b, FIOSETOWN, os.getpid()); print(owner(b), name(number(b, SIOCGPGRP))); number(b, SIOCSPGRP); print(owner(b))
number(b, termios.FIOASYNC, 1); print(fcntl.fcntl(b, fcntl.F_GETFL) & os.O_ASYNC != 0); number(b, termios.FIOASYNC)
print(fcntl.fcntl(b, fcntl.F_GETFL) & os.O_ASYNC, tried(fcntl.fcntl, b, 10, 0), tried(fcntl.fcntl, b, 10, 40), fcntl.fcntl(b, 11))
f = os.open("/rump/tmp", os.O_RDONLY); print(fcntl.fcntl(f, fcntl.F_SETOWN, os.getpid()), owner(f))
""", r"nobodyNLself TrueNLEPERM EPERM selfNLnobody nobodyNLself selfNLnobodyNLTrueNL0 0 EINVAL 0NL0 nobody"),
    ("what is accepted has none", """
ls = socket.create_server(("127.0.0.1", 0)); own(ls); a = socket.create_connection(ls.getsockname()); print(came(signal.SIGIO))
b, peer = ls.accept(); print(owner(b)); seen[signal.SIGIO] = 0; a.send(b"x"); print(b.recv(9), seen[signal.SIGIO])
""", r"TrueNLnobodyNLb'x' 0"),
    ("a child is not its parent", """
ls, a, b = pair(); own(b); sys.stdout.flush(); told, tells = os.pipe()
if os.fork() == 0:
    print(owner(b)); a.send(b"x"); os.read(told, 1); print(b.recv(9), seen[signal.SIGIO]); own(b); print(owner(b)); a.send(b"y"); print(came(signal.SIGIO), b.recv(9))
    sys.stdout.flush(); os._exit(0)
got = came(signal.SIGIO); os.write(tells, b"x"); print(os.wait()[1], got)
""", r"parentNLb'x' 0NLselfNLTrue b'y'NL0 True"),
    ("FIFOs", """
os.mkfifo("/rump/tmp/p"); r = os.open("/rump/tmp/p", os.O_RDONLY | os.O_NONBLOCK); w = os.open("/rump/tmp/p", os.O_WRONLY | os.O_NONBLOCK)
own(r); seen[signal.SIGIO] = 0; os.write(w, b"x"); print(came(signal.SIGIO), os.read(r, 9), owner(r), owner(w))
seen[signal.SIGIO] = 0; print(tried(os.read, r, 1), seen[signal.SIGIO]); os.close(w); print(came(signal.SIGIO), os.read(r, 9))
os.close(r); r = os.open("/rump/tmp/p", os.O_RDONLY | os.O_NONBLOCK); print(owner(r))
""", r"True b'x' self nobodyNLEAGAIN 0NLTrue b''NLnobody"),
    ("threads that make calls meanwhile", """
import threading
ls, a, b = pair(); own(b); stop = []; work = [threading.Thread(target=lambda: [os.stat("/rump/tmp") for i in range(3000)]) for t in range(3)]
for t in work: t.start()
got = 0
for i in range(200):
    a.send(b"x")
    if came(signal.SIGIO): got += len(b.recv(9))
for t in work: t.join()
print(got)
""", r"200"),
    ("descriptors are as they were", """
ls, a, b = pair(); before = os.listdir("/proc/self/fd"); own(b); f = os.open("/dev/null", 0); os.closerange(f, 60000)
a.send(b"x"); print(came(signal.SIGIO), b.recv(9)); c, d = socket.create_connection(ls.getsockname()), ls.accept()[0]
print(c.fileno() == f)
""", r"True b'x'NLTrue"),
]

GONE = START + """
ls, a, b = pair(); own(b); subprocess.run([os.environ["HALT"]]); print(tried(b.recv, 1), tried(fcntl.fcntl, b, fcntl.F_GETOWN))
"""


def main():
    skip_if_sanitized()
    report = Report()
    with Server("-lrumpvfs", "-lrumpfs_tmpfs", "-lrumpnet", "-lrumpnet_sockin", "-lrumpnet_local") as server:
        report.programs(server, [(name, START + program + END, wanted.replace("NL", "\n")) for name, program, wanted in PROGRAMS])
        status, text = server.python(GONE, HALT=os.path.abspath(os.environ.get("RUMPKIT_BUILDDIR", ".")) + "/tools/rump_halt")
        report(status == 0 and text in ("ENOTCONN ENOTCONN\n",), "a server that goes away", status, text)
        server.start()
    report.finish()


main()
