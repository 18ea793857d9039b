#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Signals while hijacked programs sleep in the rump kernel: handlers run at once, and end the call or do not, as on the host.
On a kernel that can end a call, on one behind a relay that hides that, and on NetBSD's where that is at hand; on the host too,
for the cases' own sake."""

import os
import re
import signal
import subprocess
import sys

sys.path.insert(0, os.path.join(os.environ["RUMPKIT_SRCDIR"], "tests/support"))
from hijacked import BUILD, LIMIT_SECONDS, Report, skip_if_sanitized  # noqa: E402  pylint: disable=wrong-import-position
from kernels import all_kernels  # noqa: E402  pylint: disable=wrong-import-position

# ended(): what a call of libc's comes to that nothing but a signal ends; SIGALRM comes again and again, so that one comes in
# time. restarted(): the same with handlers that do not end calls, a few of them, and then something that does.
START = """
import fcntl, select, signal, threading, time
count = 0
def handler(*unused):
    global count
    count += 1
signal.signal(signal.SIGALRM, handler)
def listener():
    s = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen(); return s
def pair():
    s = listener(); c = socket.create_connection(s.getsockname()); return c, s.accept()[0]
def ended(name, *arguments):
    signal.siginterrupt(signal.SIGALRM, True)
    signal.setitimer(signal.ITIMER_REAL, 0.05, 0.05)
    result = call(name, *arguments)
    signal.setitimer(signal.ITIMER_REAL, 0)
    return result
def restarted(afterwards, name, *arguments):
    signal.siginterrupt(signal.SIGALRM, False)
    def go():
        for i in range(8):
            signal.pthread_kill(threading.main_thread().ident, signal.SIGALRM); time.sleep(0.02)
        afterwards()
    thread = threading.Thread(target=go); thread.start()
    result = call(name, *arguments); thread.join()
    return result
def full(s):
    s.setblocking(False); count = 0
    try:
        while True: count += s.send(bytes(65536))
    except BlockingIOError: s.setblocking(True)
    return count
def stuck(send):
    while isinstance(result := send(), int): pass
    return result
def drain(s):
    while s.recv(65536): pass
buffer = ctypes.create_string_buffer(1 << 20)
directory = os.environ["WHERE"]; os.chdir(directory)
"""

HANDLERS = [f"{BUILD}/tests/e2e/handlers"]

# Name, program, a pattern for what is printed.
CASES = [
    ("accept", "l = listener(); print(ended('accept', l.fileno(), None, None), ended('accept4', l.fileno(), None, None, 0))", "EINTR EINTR"),
    ("recv and kin", "c, s = pair(); f = c.fileno(); print(ended('recv', f, buffer, 1, 0), ended('recvfrom', f, buffer, 1, 0, None, None),\n"
     "    ended('read', f, buffer, 1))", "EINTR EINTR EINTR"),
    ("send and kin", "c, s = pair(); f = c.fileno(); print(stuck(lambda: ended('send', f, buffer, 9999, 0)), stuck(lambda: ended('write', f, buffer, 1)))", "EINTR EINTR"),
    ("what was sent before counts", "c, s = pair(); n = ended('send', c.fileno(), buffer, len(buffer), 0)\n"
     "while n == len(buffer): n = ended('send', c.fileno(), buffer, len(buffer), 0)\nprint(n == 'EINTR' or 0 < n < len(buffer))", "True"),
    ("poll, select and epoll", """
c, s = pair(); p = struct.pack("ihh", c.fileno(), 1, 0); e = select.epoll(); e.register(c, 1)
bits = struct.pack("Q", 1 << c.fileno()) + bytes(120)
print(ended("poll", p, 1, -1), ended("select", c.fileno() + 1, bits, None, None, None), ended("epoll_wait", e.fileno(), buffer, 1, -1))
signal.siginterrupt(signal.SIGALRM, False); signal.setitimer(signal.ITIMER_REAL, 0.05, 0.05)
result = call("poll", p, 1, -1); signal.setitimer(signal.ITIMER_REAL, 0); print(result)
""", "EINTR EINTR EINTR\nEINTR"),
    ("a datagram", "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(('127.0.0.1', 0)); print(ended('recv', s.fileno(), buffer, 9, 0))", "EINTR"),
    ("flock", "f = os.open('lock', 66); g = os.open('lock', 66); fcntl.flock(f, fcntl.LOCK_EX); print(ended('flock', g, fcntl.LOCK_EX))\n"
     "print(restarted(lambda: fcntl.flock(f, fcntl.LOCK_UN), 'flock', g, fcntl.LOCK_EX))", "EINTR\n0"),
    ("locks of fcntl", """
f = os.open("lock", 66); r, w = os.pipe(); again, more = os.pipe()
lock = struct.pack("hhqqi4x", fcntl.F_WRLCK, 0, 0, 0, 0)
if os.fork() == 0: fcntl.lockf(f, fcntl.LOCK_EX); os.write(w, b"x"); os.read(again, 1); os._exit(0)
os.read(r, 1); print(ended("fcntl", f, fcntl.F_SETLKW, lock))
print(restarted(lambda: os.write(more, b"x"), "fcntl", f, fcntl.F_SETLKW, lock))
""", "EINTR\n0"),
    ("handlers with SA_RESTART", """
c, s = pair(); l = listener(); port = l.getsockname(); made = []
print(restarted(lambda: s.send(b"abc"), "recv", c.fileno(), buffer, 9, 0), restarted(lambda: s.send(b"abc"), "read", c.fileno(), buffer, 9))
print(restarted(lambda: made.append(socket.create_connection(port)), "accept", l.fileno(), None, None) > 2)
stuck(lambda: call("send", c.fileno(), buffer, 9999, socket.MSG_DONTWAIT)); print(restarted(lambda: (s.shutdown(socket.SHUT_WR), threading.Thread(target=drain, args=(s,), daemon=True).start()), "send", c.fileno(), buffer, 5, 0))
""", "3 3\nTrue\n5"),
    ("with a time limit they end it", """
c, s = pair(); c.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("qq", 100, 0))
signal.siginterrupt(signal.SIGALRM, False); signal.setitimer(signal.ITIMER_REAL, 0.05, 0.05)
result = call("recv", c.fileno(), buffer, 1, 0); signal.setitimer(signal.ITIMER_REAL, 0); print(result)
""", "EINTR"),
    ("an exception in a handler", """
def handler(*unused): raise TimeoutError("handled")
signal.signal(signal.SIGALRM, handler); l = listener(); c, s = pair()
for function in (l.accept, lambda: c.recv(1), lambda: [c.send(buffer) for i in range(999)]):
    signal.setitimer(signal.ITIMER_REAL, 0.05, 0.05)
    try: function()
    except TimeoutError as e: signal.setitimer(signal.ITIMER_REAL, 0); print(e)
""", "handled\nhandled\nhandled"),
    ("other threads' calls go on", """
c, s = pair(); got = []; t = threading.Thread(target=lambda: got.append(c.recv(9))); t.start()
l = listener(); print(ended("accept", l.fileno(), None, None)); s.send(b"abc"); t.join(); print(got)
""", r"EINTR\n\[b'abc'\]"),
    ("who waits while a handler keeps another thread from receiving lets others have the CPU", """
c, s = pair(); d, r = pair(); go, gone = os.pipe(); used = []; libc = ctypes.CDLL(None); libc.signal(signal.SIGUSR1, libc.pause); signal.signal(signal.SIGUSR2, handler)
if os.fork() == 0: os.read(go, 1); s.send(b"abc"); os._exit(0)
def waits():
    p = select.poll(); p.register(c, select.POLLIN); cpu = time.thread_time(); began = time.monotonic(); p.poll()
    used.append((time.thread_time() - cpu) / (time.monotonic() - began))
w = threading.Thread(target=waits); w.start(); time.sleep(0.1)
t = threading.Thread(target=lambda: d.recv(9)); t.start(); time.sleep(0.1)
libc.tgkill(os.getpid(), t.native_id, signal.SIGUSR1); time.sleep(0.1); os.write(gone, b"x"); time.sleep(0.3)
while w.is_alive(): libc.tgkill(os.getpid(), t.native_id, signal.SIGUSR2); time.sleep(0.02)
r.send(b"abc")
while t.is_alive(): libc.tgkill(os.getpid(), t.native_id, signal.SIGUSR2); time.sleep(0.02)
print(used[0] < 0.25 or used)
""", "True"),
    ("signals that are blocked or ignored end nothing", """
c, s = pair(); signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM]); signal.signal(signal.SIGUSR1, signal.SIG_IGN)
def go():
    for i in range(4): os.kill(os.getpid(), signal.SIGUSR1); signal.raise_signal(signal.SIGURG); signal.pthread_kill(threading.main_thread().ident, signal.SIGALRM); time.sleep(0.02)
    s.send(b"abc")
threading.Thread(target=go).start(); print(call("recv", c.fileno(), buffer, 9, 0), count, signal.SIGALRM in signal.sigpending())
""", "3 0 True"),
    ("calls that do not wait", """
c, s = pair(); l = listener(); l.setblocking(False); left = full(s); s.setblocking(False); f = c.fileno()
u = socket.socket(); print(call("accept", u.fileno(), None, None), call("accept", l.fileno(), None, None), call("recv", u.fileno(), buffer, 1, 0))
while left: left -= len(c.recv(left))
c.setblocking(False); print(call("recv", f, buffer, 1, 0), call("read", f, buffer, 1), call("recv", f, buffer, 1, socket.MSG_DONTWAIT))
""", "EINVAL EAGAIN ENOTCONN\nEAGAIN EAGAIN EAGAIN"),
    ("a time limit", """
c, s = pair(); limit = struct.pack("qq", 0, 100000)
for o in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO): c.setsockopt(socket.SOL_SOCKET, o, limit)
print(call("recv", c.fileno(), buffer, 1, 0), stuck(lambda: call("send", c.fileno(), buffer, 9999, 0)))
""", "EAGAIN EAGAIN"),
    ("all that is wanted", """
c, s = pair(); data = os.urandom(3 << 20); got = bytearray(); view = memoryview(data)
def take():
    while (n := len(got)) < 4 * len(data): got.extend(s.recv(min(1 << 20, 4 * len(data) - n), socket.MSG_WAITALL))
t = threading.Thread(target=take); t.start()
print(call("send", c.fileno(), data, len(data), 0), call("write", c.fileno(), data, len(data)),
      os.writev(c.fileno(), [view[:7], view[7:70000], view[70000:70000], view[70000:]]), c.sendmsg([view[:1 << 20], view[1 << 20:]]))
t.join(); print(got == 4 * data)
c.send(b"ab"); c.shutdown(socket.SHUT_WR); print(s.recv(9, socket.MSG_WAITALL), s.recv(9), os.read(s.fileno(), 9))
""", r"3145728 3145728 3145728 3145728\nTrue\nb'ab' b'' b''"),
    ("connecting", """
l = listener(); s = socket.socket(); s.connect(l.getsockname()); print(s.getblocking(), s.getpeername() == l.getsockname())
p = l.getsockname(); l.close(); u = socket.socket(); print(tried(u.connect, p), bool(fcntl.fcntl(u, fcntl.F_GETFL) & os.O_NONBLOCK))
""", "True True\nECONNREFUSED False"),
    ("a pipe that is broken", "c, s = pair(); s.close(); signal.signal(signal.SIGPIPE, handler); f = c.fileno()\n"
     "while (n := call('send', f, buffer, 1 << 16, 0)) != 'EPIPE' and n != 'ECONNRESET': pass\n"
     "print(call('write', f, buffer, 1), count > 0)", "EPIPE True"),
]

# Programs that are told to end while they wait, by SIGINT.
KILLED = [
    ("accept", "l = listener()", "l.accept()"),
    ("recv", "c, s = pair()", "c.recv(1)"),
    ("http.server", "from http.server import test", "test(port=0, bind='127.0.0.1')"),
]


def finish(child):
    """Returns the status and all that was printed."""
    try:
        return child.communicate(timeout=LIMIT_SECONDS)[0].decode("utf-8", "replace"), child.returncode
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        return child.communicate()[0].decode("utf-8", "replace"), "never ended"


def interrupt(child):
    """A python that is just about to wait when the signal comes misses it, on the host too."""
    for _ in range(5):
        os.kill(child.pid, signal.SIGINT)
        try:
            return child.communicate(timeout=LIMIT_SECONDS / 10)[0].decode("utf-8", "replace"), child.returncode
        except subprocess.TimeoutExpired:
            pass
    os.killpg(child.pid, signal.SIGKILL)
    return child.communicate()[0].decode("utf-8", "replace"), "never ended"


def test_handlers(report, kernel, on_host):
    """What handlers may do while a thread sleeps in a call, by a program that prints the same everywhere."""
    names = subprocess.run(HANDLERS, stdout=subprocess.PIPE, check=True, timeout=LIMIT_SECONDS).stdout.decode().splitlines()
    for name in names:
        text, status = finish(kernel.run(*HANDLERS, name))
        wanted = on_host.setdefault(name, text)
        report(status == 0 and text == wanted and text != "", f"{kernel.name}: a handler {name}", f"status {status}, wanted {wanted}", text)


def test(report, kernel):
    for name, program, wanted in CASES:
        text, status = finish(kernel.start(program))
        report(status == 0 and re.fullmatch(wanted, text.strip()) is not None, f"{kernel.name}: {name}", f"status {status}, wanted {wanted}", text)
    for name, before, waits in KILLED:
        child = kernel.start(f"{before}\nprint('ready', flush=True)\n{waits}")
        first = child.stdout.readline()
        text, status = interrupt(child)
        good = first == b"ready\n" and (status == -signal.SIGINT and "KeyboardInterrupt" in text or "interrupt received, exiting" in text)
        report(good, f"{kernel.name}: {name} is ended by SIGINT", f"status {status}", text)


def main():
    skip_if_sanitized()
    report = Report()
    on_host = {}
    for kernel in all_kernels(START):
        with kernel:
            test(report, kernel)
            test_handlers(report, kernel, on_host)
    report.finish()


main()
