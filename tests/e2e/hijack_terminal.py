#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Terminals of the rump kernel's in hijacked programs. The embedded kernel's console; and pseudo-terminals of NetBSD's kernel
where that is at hand, beside the host's, where the same programs print the same."""

import os
import re
import signal
import subprocess
import sys

sys.path.insert(0, os.path.join(os.environ["RUMPKIT_SRCDIR"], "tests/support"))
from hijacked import LIMIT_SECONDS, Report, skip_if_sanitized  # noqa: E402  pylint: disable=wrong-import-position
from kernels import NETBSD, Host, NetBSD, Rump  # noqa: E402  pylint: disable=wrong-import-position

# pair(): a master and its slave. ready(): what poll has to say. take(): so many bytes, however they come. later(): something
# that happens while the program waits.
START = """
import fcntl, select, signal, termios, threading, tty
NUMBER, LOCK, PEER = 0x80045430, 0x40045431, 0x5441
SOON, LONG = 0.05, 60000
inside = os.environ["WHERE"].startswith("/rump")
prefix = "/rump" if inside else ""
if inside and not os.path.exists("/rump/dev/pts") and os.path.exists("/rump/dev/ptmx"):
    os.mkdir("/rump/dev/pts"); assert call("mount", "none", "/rump/dev/pts", "devpts", 0, None) == 0
def tried(function, *arguments):
    try:
        return function(*arguments)
    except (OSError, termios.error) as e:
        return errno.errorcode[e.args[0]]
def pair():
    m = os.open(f"{prefix}/dev/ptmx", os.O_RDWR | os.O_NOCTTY)
    fcntl.ioctl(m, LOCK, bytes(4))
    return m, fcntl.ioctl(m, PEER, os.O_RDWR | os.O_NOCTTY)
def ready(fd, milliseconds=LONG, events=select.POLLIN):
    p = select.poll(); p.register(fd, events); return [got for _, got in p.poll(milliseconds)]
def take(fd, count):
    data = b""
    while len(data) < count: data += os.read(fd, count - len(data))
    return data
def until_hangup(m):
    text = b""
    while (data := tried(os.read, m, 99)) not in (b"", "EIO"): text += data
    return text
def later(function, *arguments):
    timer = threading.Timer(SOON, function, arguments); timer.start(); return timer
def change(fd, least=None, tenths=None, off=0):
    a = termios.tcgetattr(fd); a[3] &= ~off
    if least is not None: a[6][termios.VMIN], a[6][termios.VTIME] = least, tenths
    termios.tcsetattr(fd, termios.TCSANOW, a)
"""

# Name, program, a pattern for what is printed, on the host and on NetBSD's kernel.
CASES = [
    ("opening, numbers and names", """
m, s = pair(); n = struct.unpack("i", fcntl.ioctl(m, NUMBER, bytes(4)))[0]; name = f"{prefix}/dev/pts/{n}"
print(os.isatty(m), os.isatty(s), os.ttyname(s) == name, os.path.samestat(os.stat(name), os.fstat(s)), tried(fcntl.ioctl, s, NUMBER, bytes(4)))
libc.ptsname.restype = ctypes.c_char_p; print(call("grantpt", m), call("unlockpt", m), libc.ptsname(m).decode() == f"/dev/pts/{n}", call("grantpt", s))
print(subprocess.run(["tty"], stdin=s, capture_output=True, text=True).stdout.strip() == name)
t = os.open(name, os.O_RDWR | os.O_NOCTTY); os.write(t, b"x"); print(take(m, 1), fcntl.ioctl(pair()[0], NUMBER, bytes(4)) != struct.pack("i", n))
""", r"True True True True ENOTTY\n0 0 True EINVAL\nTrue\nb'x' True"),
    ("lines are edited", r"""
m, s = pair(); os.write(m, b"ab"); print(take(m, 2), ready(s, 0)); os.write(m, b"X\x7fc\n"); print(ready(s), os.read(s, 9), take(m, 7), ready(s, 0))
for line in b"junk\x15ok\n", b"one two\x17three\n", b"\x16\x03\n", b"one\ntwo\n": os.write(m, line); print(os.read(s, 99))
print(os.read(s, 99)); os.write(m, b"\x04"); print(ready(s), os.read(s, 9)); os.write(m, b"part\x04"); print(os.read(s, 9), ready(s, 0))
os.write(m, b"lost\x03kept\n"); print(os.read(s, 99))
""", r"b'ab' \[\]\n\[1\] b'abc\\n' b'X\\x08 \\x08c\\r\\n' \[\]\nb'ok\\n'\nb'one three\\n'\nb'\\x03\\n'\nb'one\\n'\nb'two\\n'\n\[1\] b''\nb'part' \[\]\nb'kept\\n'"),
    ("echo and output can be turned off", r"""
m, s = pair(); change(s, off=termios.ECHO); os.write(m, b"secret\n"); print(os.read(s, 99)); os.write(s, b".\n"); print(take(m, 3))
a = termios.tcgetattr(s); a[1] &= ~termios.OPOST; termios.tcsetattr(s, termios.TCSADRAIN, a); os.write(s, b"-\n."); print(take(m, 3))
""", r"b'secret\\n'\nb'\.\\r\\n'\nb'-\\n\.'"),
    *((f"raw input, and how much of it{what}", prepared + r"""
m, s = pair(); tty.setraw(s); os.write(m, b"\x03\x04\r\n\x7f\x00\xff"); print(take(s, 7)); change(s, 3, 0)
os.write(m, b"ab"); print(ready(s, 0)); os.write(m, b"c"); print(ready(s), os.read(s, 9))
change(s, 0, 0); print(os.read(s, 9)); change(s, 0, 1); print(os.read(s, 9)); os.write(m, b"y"); print(ready(s), os.read(s, 9))
change(s, 5, 1); os.write(m, b"z"); print(os.read(s, 9)); os.set_blocking(s, False); print(tried(os.read, s, 9), tried(os.write, s, b"w"), take(m, 1))
""", r"b'\\x03\\x04\\r\\n\\x7f\\x00\\xff'\n\[\]\n\[1\] b'abc'\nb''\nb''\n\[1\] b'y'\nb'z'\nEAGAIN 1 b'w'")
      for what, prepared in (("", ""), (", in a program with handlers", "signal.signal(signal.SIGUSR1, lambda *_: None)"))),
    ("waiting for either end", r"""
m, s = pair(); e = select.epoll(); e.register(s, select.EPOLLIN); print(ready(s, 0), ready(m, 0), ready(s, 0, 4), ready(m, 0, 4), select.select([m, s], [], [], 0), e.poll(0))
t = later(os.write, m, b"1\n"); print(select.select([s], [], [], 60)[0] == [s], e.poll(60) == [(s, 1)], os.read(s, 9)); t.join()
t = later(os.write, m, b"2\n"); print(e.poll(60) == [(s, 1)], ready(s), os.read(s, 9), e.poll(0)); t.join(); t = later(os.write, m, b"3\n"); print(os.read(s, 9)); t.join()
print(take(m, 9)); t = later(os.write, s, b"4"); print(ready(m), os.read(m, 9)); t.join(); t = later(os.write, s, b"5"); print(os.read(m, 9)); t.join()
r, w = os.pipe(); t = later(os.write, w, b"6"); print(select.select([m, s, r], [], [], 60)[0] == [r]); t.join(); os.set_blocking(m, False); print(tried(os.read, m, 9))
""", r"\[\] \[\] \[4\] \[4\] \(\[\], \[\], \[\]\) \[\]\nTrue True b'1\\n'\nTrue \[1\] b'2\\n' \[\]\nb'3\\n'\nb'1\\r\\n2\\r\\n3\\r\\n'\n\[1\] b'4'\nb'5'\nTrue\nEAGAIN"),
    ("signals end a wait", r"""
class Over(Exception): pass
def over(*unused): raise Over
signal.signal(signal.SIGALRM, over); m, s = pair()
for fd in s, m:
    signal.setitimer(signal.ITIMER_REAL, SOON, SOON)
    try: print(os.read(fd, 9))
    except Over: signal.setitimer(signal.ITIMER_REAL, 0); print("over")
""", "over\nover"),
    ("draining, flushing and breaks", r"""
m, s = pair(); os.write(s, b"left"); tty.setraw(s); termios.tcdrain(s); termios.tcdrain(m); change(m, off=termios.ECHOE); print(take(m, 4), termios.tcgetattr(s)[3] & termios.ECHOE)
os.write(m, b"gone"); ready(s); termios.tcflush(s, termios.TCIFLUSH); print(ready(s, 0)); print(termios.tcsendbreak(s, 0), tried(termios.tcflush, s, 9))
termios.tcflow(s, termios.TCOOFF); termios.tcflow(s, termios.TCOON); termios.tcflow(s, termios.TCIOFF); print(take(m, 1)); termios.tcflow(s, termios.TCION); print(take(m, 1))
print(fcntl.ioctl(m, termios.FIONREAD, bytes(4)), os.write(s, b"abc"), ready(m), fcntl.ioctl(m, termios.FIONREAD, bytes(4)), tried(fcntl.ioctl, s, 0x54ff, 0))
""", r"b'left' 0\n\[\]\nNone EINVAL\nb'\\x13'\nb'\\x11'\nb'\\x00\\x00\\x00\\x00' 3 \[1\] b'\\x03\\x00\\x00\\x00' ENOTTY"),
    ("the size of the window", """
m, s = pair(); print(termios.tcgetwinsize(s)); termios.tcsetwinsize(m, (30, 90)); print(termios.tcgetwinsize(s), os.get_terminal_size(s).columns)
subprocess.run(["stty", "rows", "31"], stdin=s); print(termios.tcgetwinsize(m)); print(tried(call, "ioctl", s, termios.TIOCSWINSZ, ctypes.c_void_p(8)))
""", r"\(0, 0\)\n\(30, 90\) 90\n\(31, 90\)\nEFAULT"),
    ("packets", r"""
m, s = pair(); fcntl.ioctl(m, termios.TIOCPKT, struct.pack("i", 1)); os.write(s, b"ab"); ready(m); print(os.read(m, 9))
fcntl.ioctl(m, termios.TIOCPKT, bytes(4)); os.write(s, b"cd"); print(take(m, 2))
""", r"b'\\x00ab'\nb'cd'"),
    ("either end hangs up", r"""
m, s = pair(); change(s, off=termios.ECHO); os.write(m, b"line\n"); print(ready(s), os.read(s, 9)); os.close(s); print(tried(os.read, m, 9) or "EIO", ready(m)[0] & select.POLLHUP)
t = fcntl.ioctl(m, PEER, os.O_RDWR | os.O_NOCTTY); print(ready(m, 0), ready(t, 0)); timer = later(os.close, m); print(tried(os.read, t, 9) in (b"", "EIO")); timer.join()
print(ready(t)[0] & select.POLLHUP, select.select([t], [], [], 0)[0] == [t], os.read(t, 9), tried(os.write, t, b"x"))
""", r"\[1\] b'line\\n'\nEIO 16\n\[\] \[\]\nTrue\n16 True b'' EIO"),
    ("a shell in a terminal of its own", r"""
m, s = pair(); termios.tcsetwinsize(s, (20, 70))
child = os.fork()
if child == 0: os.close(m); os.login_tty(s); os.execv("/bin/sh", ["sh", "-c", "stty size; test -t 0 && test -t 2 && read x && echo got $x; exit 3"])
os.close(s); os.write(m, b"a line\n")
print(sorted(until_hangup(m).replace(b"\r", b"").split(b"\n")), os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
""", r"\[b'', b'20 70', b'a line', b'got a line'\] 3"),
    ("what was written before the end, with other threads reading", r"""
for reads in False, True:
    m, s = pair()
    if os.fork() == 0:
        os.close(m)
        if reads: threading.Thread(target=os.read, args=(s, 9), daemon=True).start()
        os.write(s, b"last"); os._exit(3)
    os.close(s); print(until_hangup(m), os.waitstatus_to_exitcode(os.wait()[1]))
""", r"b'last' 3\nb'last' 3"),
    ("python's pty, where the names are the rump kernel's", r"""
spawn = '''
import os, pty, sys
text = b""
def read(fd):
    global text
    data = os.read(fd, 99); text += data; return data
status = pty.spawn(["sh", "-c", "tty; stty -a | grep -o icanon; exit 5"], read, lambda fd: b"")
print(text.startswith(b"/dev/pts/"), text.endswith(b"icanon" + bytes([13, 10])), os.waitstatus_to_exitcode(status))
'''
done = subprocess.run(["/usr/bin/python3", "-c", spawn], env={**os.environ, "RUMPHIJACK": "path=/rump,blanket=/dev/ptmx:/dev/pts"}, capture_output=True, text=True)
print(done.stdout.split("\n")[-2], done.stderr)
""", r"True True 5 "),
]

# Of rump kernels' terminals only.
INSIDE = [
    ("sessions are the host's", r"""
m, s = pair(); print(tried(os.tcgetpgrp, s), tried(os.tcsetpgrp, s, os.getpid()), tried(fcntl.ioctl, s, 0x5429, bytes(4)), tried(fcntl.ioctl, s, 0x5422, 0), os.tcgetpgrp(m))
sys.stdout.flush()
if os.fork() == 0: print(tried(fcntl.ioctl, s, termios.TIOCSCTTY, 0), os.setsid(), tried(fcntl.ioctl, s, termios.TIOCSCTTY, 0), tried(os.tcgetpgrp, s), tried(os.open, "/rump/dev/tty", os.O_RDWR)); sys.stdout.flush(); os._exit(0)
os.wait()
""", r"ENOTTY ENOTTY ENOTTY ENOTTY 0\nEPERM None 0 ENOTTY ENXIO"),
    ("the old names", r"""
m = os.open("/rump/dev/ptyp7", os.O_RDWR); s = os.open("/rump/dev/ttyp7", os.O_RDWR | os.O_NOCTTY); print(os.ttyname(s), tried(fcntl.ioctl, s, NUMBER, bytes(4)))
os.write(m, b"x\n"); print(os.read(s, 9)); print(tried(os.open, "/rump/dev/ptyp7", os.O_RDWR))
""", r"/rump/dev/ttyp7 ENOTTY\nb'x\\n'\nEIO"),
]

CONSOLE = [
    ("the console", """
c = os.open("/rump/dev/console", os.O_RDWR | os.O_NOCTTY); print(os.isatty(c), os.ttyname(c), subprocess.run(["stty", "sane", "-echo", "rows", "25", "eol", "x"], stdin=c).returncode)
print(subprocess.run("stty; stty size; tty", shell=True, stdin=c, capture_output=True, text=True).stdout.split()); print(tty.setraw(c), termios.tcdrain(c), termios.tcflush(c, 2), termios.tcsendbreak(c, 0))
print(os.write(c, b""), os.read(c, 9), tried(os.tcgetpgrp, c), tried(fcntl.ioctl, c, NUMBER, bytes(4)), tried(fcntl.ioctl, c, PEER, 2), tried(fcntl.ioctl, c, termios.TIOCPKT, bytes(4)))
""", r"True /rump/dev/console 0\n\['speed', '9600', 'baud;', 'line', '=', '0;', 'eol', '=', 'x;', '-echo', '25', '0', '/rump/dev/console'\]\n"
     r"None None None None\n0 b'' ENOTTY ENOTTY ENOTTY ENOTTY"),
    ("what is no terminal", """
f = os.open("/rump/tmp/file", os.O_CREAT | os.O_RDWR); d = os.open("/rump/tmp", 0); n = os.open("/rump/dev/null", os.O_RDWR); s = socket.socket().detach()
os.mkfifo("/rump/tmp/fifo"); p = os.open("/rump/tmp/fifo", os.O_RDWR)
for fd in f, d, n, s, p:
    print({tried(function, *more) for function, *more in ((termios.tcgetattr, fd), (termios.tcsetattr, fd, 0, [0] * 6 + [[0] * 32]), (termios.tcdrain, fd), (termios.tcflush, fd, 0), (termios.tcflow, fd, 0),
          (termios.tcsendbreak, fd, 0), (termios.tcgetwinsize, fd), (os.ttyname, fd), (os.tcgetpgrp, fd), (fcntl.ioctl, fd, NUMBER, bytes(4)), (fcntl.ioctl, fd, LOCK, bytes(4)), (fcntl.ioctl, fd, PEER, 2),
          (fcntl.ioctl, fd, termios.TIOCSCTTY, 0), (fcntl.ioctl, fd, termios.TIOCMGET, bytes(4)))})
print(ready(f, 0), ready(p, 0), tried(select.epoll().register, f, 1), os.write(p, b"x"), ready(p, 0), os.read(p, 1), ready(p, 0))
""", r"({'ENOTTY'}\n){5}\[1\] \[\] EPERM 1 \[1\] b'x' \[\]"),
]

# What stty says, where it is the same: from settings that are set, as the defaults are each system's.
STTY = """
m, s = pair()
for line in ("sane -hupcl 38400 rows 24 cols 80", "-echo iutf8 igncr ixany", "intr ^A eof x erase undef swtch ^B", "raw", "min 5 time 7", "cooked 115200", "ixoff tostop noflsh echoprt -echoke",
             "tab3 ff1 vt1 olcuc -onlcr", "tab1 ocrnl onlret ofill", "clocal -crtscts", "inpck parmrk istrip brkint", "9600 sane"):
    print(line, subprocess.run(["stty", *line.split()], stdin=s).returncode, subprocess.run(["stty", "-a"], stdin=s, capture_output=True, text=True).stdout)
g = subprocess.run(["stty", "-g"], stdin=s, capture_output=True, text=True).stdout.strip(); print(g)
subprocess.run(["stty", "raw"], stdin=s); subprocess.run(["stty", g], stdin=s); print(subprocess.run(["stty", "-a"], stdin=s, capture_output=True, text=True).stdout)
"""


class Terminals(NetBSD):
    libraries = [*NetBSD.libraries, "-lrumpfs_ptyfs", "-lrumpkern_tty"]


def output(kernel, program):
    process = kernel.start(program)
    try:
        text, _ = process.communicate(timeout=LIMIT_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        text, _ = process.communicate()
    return process.returncode, text.decode("utf-8", "replace")


def test(report, kernel, cases):
    for name, program, wanted in cases:
        status, text = output(kernel, program)
        good = status == 0 and re.fullmatch(wanted.strip(), text.strip()) is not None
        report(good, f"{kernel.name}: {name}", f"status {status}, wanted {wanted}", text)


def host_has_terminals():
    try:
        for fd in os.openpty():
            os.close(fd)
        return True
    except OSError:
        return False


def main():
    skip_if_sanitized()
    report, said = Report(), None
    with Rump(START) as kernel:
        test(report, kernel, CONSOLE)
    if not os.path.exists(f"{NETBSD}/lib/librumpkern_tty.so"):
        report.skip("pseudo-terminals", "NetBSD's kernel is not at hand")
        report.finish()
    if host_has_terminals():
        with Host(START) as kernel:
            test(report, kernel, CASES)
            said = output(kernel, STTY)
    with Terminals(START) as kernel:
        test(report, kernel, CASES + INSIDE)
        if said is not None:
            report.equal(output(kernel, STTY), said, f"{kernel.name}: stty says what it says on the host")
    report.finish()


main()
