#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""RUMPHIJACK_RETRYCONNECT: what each of its values makes of a server that is killed, and of one that comes after it.

A program says by a line that it has come to a point, and goes on when it is answered; meanwhile servers come and go."""

import os
import re
import subprocess
import sys
import threading

sys.path.insert(0, os.path.join(os.environ["RUMPKIT_SRCDIR"], "tests/support"))
from hijacked import BUILD, LIMIT_SECONDS, PRELUDE, Report, Server, skip_if_sanitized  # noqa: E402  pylint: disable=wrong-import-position

START = """
import select, signal, threading
def now(what):
    sys.stdout.flush(); os.write(1, what.encode() + b"\\n"); sys.stdin.readline()
"""

LOST = "librumphijack: the connection to the rump kernel is lost, trying again\n"
AGAIN = "librumphijack: connected to the rump kernel again\n"

# Name, value, program, what happens at its points (kill, start, SIGNAL), what it prints, its status.
CASES = [
    ("nothing: calls fail", "0", "os.listdir('/rump'); now('one'); print(tried(os.listdir, '/rump')); now('two')\n"
     "print(tried(os.listdir, '/rump'))", ["kill", "start"], "one\nENOTCONN\ntwo\nENOTCONN\n", 0),
    ("once: a server that is there is found", "once", "os.listdir('/rump'); now('one'); print(os.listdir('/rump/tmp'))",
     ["kill start"], r"one\n\[\]\n", 0),
    ("once: one that is not, is not waited for, but found later", "once", "os.listdir('/rump'); now('one')\n"
     "print(tried(os.listdir, '/rump')); now('two'); print(os.listdir('/rump/tmp'))", ["kill", "start"],
     r"one\nENOTCONN\ntwo\n\[\]\n", 0),
    ("die: the program ends", "die", "os.listdir('/rump'); now('one'); print(tried(os.listdir, '/rump'))", ["kill start"], "one\n", 1),
    ("seconds: the server is waited for", "60", "os.listdir('/rump'); now('one')\nthreading.Thread(target=lambda: (now('two'), None)).start()\n"
     "print(os.listdir('/rump/tmp'))", ["kill", "start"], rf"one\n(two\n|{LOST}|{AGAIN})*\[\]\n", 0),
    ("seconds: and not for ever", "1", "os.listdir('/rump'); now('one'); print(tried(os.listdir, '/rump'))", ["kill"],
     f"one\n{LOST}librumphijack: no connection to the rump kernel for 1 seconds, giving up\nENOTCONN\n", 0),
    ("inftime: a signal ends who waits", "inftime", "os.listdir('/rump'); now('one')\n"
     "threading.Thread(target=lambda: (now('two'), now('three')), daemon=True).start(); os.listdir('/rump')", ["kill", "TERM"],
     f"one\n(two\n|{LOST})*", -15),
    ("inftime: many threads wait for one server", "inftime", "os.listdir('/rump'); now('one'); got = []\n"
     "ts = [threading.Thread(target=lambda: got.append(os.listdir('/rump/tmp'))) for i in range(8)]\n"
     "[t.start() for t in ts]; now('two'); [t.join() for t in ts]; print(got == [[]] * 8)", ["kill", "start"],
     f"one\n({LOST})?two\n({LOST})?({AGAIN})?True\n", 0),
    ("descriptors of the old kernel are not the new one's", "once", """
f = os.open("/rump/tmp/old", 66); g = os.open("/rump/tmp/older", 66); s = socket.socket(); now("one")
n = os.open("/rump/tmp/new", 66); os.write(n, b"new"); m = os.open("/rump/tmp/newer", 66)
print([tried(os.write, x, b"old") for x in (f, g, s.fileno())], tried(os.fstat, f), tried(os.fstat, os.dup(g)), tried(os.pread, f, 9, 0))
print(os.pread(n, 9, 0), os.fstat(m).st_size, tried(os.close, f), tried(os.close, f), tried(os.close, g), s.close(), len({n, m, f, g}))
""", ["kill start"], r"one\n\['EBADF', 'EBADF', 'EBADF'\] EBADF EBADF EBADF\nb'new' 0 None EBADF None None 4\n", 0),
    ("nor is a call on one that was under way", "once", """
l = socket.socket(); l.bind(("127.0.0.1", 0)); l.listen(); c = socket.create_connection(l.getsockname()); got = []
t = threading.Thread(target=lambda: got.append(tried(c.recv, 9))); t.start(); now("one"); t.join(LIMIT); print(got)
p = select.poll(); p.register(c, 1); print(tried(p.poll, 0), tried(l.accept), os.listdir("/rump/tmp"))
""", ["kill start"], r"one\n\['(EBADF|ENOTCONN)'\]\n(EBADF|\[\(\d+, 32\)\]) EBADF \[\]\n", 0),
    ("mappings are written to no other file", "once", """
import mmap
f = os.open("/rump/tmp/f", 66); os.ftruncate(f, 4096); m = mmap.mmap(f, 4096); m[0:3] = b"old"; now("one")
n = os.open("/rump/tmp/n", 66); os.ftruncate(n, 4096); k = os.open("/rump/tmp/k", 66); os.ftruncate(k, 4096)
print(tried(m.flush), m[0:3]); m.close(); print(os.pread(n, 3, 0) + os.pread(k, 3, 0))
""", ["kill start"], r"one\nENOTCONN b'old'\nb'\\x00\\x00\\x00\\x00\\x00\\x00'\n", 0),
    ("the current directory is found again by its name", "once", """
os.umask(0o27); os.chdir("/rump/tmp"); os.mkdir("sub"); now("one")
print(os.getcwd(), os.listdir(".")); os.mkdir("dir"); print(oct(os.stat("/rump/tmp/dir").st_mode & 0o777))
""", ["kill start"], r"one\n/rump/tmp \[\]\n0o750\n", 0),
    ("or is none", "once", """
os.mkdir("/rump/tmp/sub"); os.chdir("/rump/tmp/sub"); now("one")
print(tried(os.mkdir, "x"), tried(os.getcwd), tried(os.listdir, "."), tried(os.stat, ".."), os.listdir("/rump/tmp"))
os.chdir("/rump/tmp"); os.mkdir("x"); print(os.listdir("."))
""", ["kill start"], r"one\nENOENT ENOENT ENOENT ENOENT \[\]\n\['x'\]\n", 0),
    ("a root inside is not left", "once", """
os.mkdir("/rump/tmp/root"); call("chroot", "/rump/tmp/root"); os.chdir("/"); now("one"); print(tried(os.listdir, "/"), tried(os.stat, "/etc/passwd"))
""", ["kill start"], r"one\nENOTCONN ENOTCONN\n", 0),
    ("children and programs", "once", """
f = os.open("/rump/tmp/f", 66); now("one"); print(subprocess.run(["ls", "/rump/tmp"], capture_output=True).stdout, flush=True)
if os.fork() == 0: print(tried(os.fstat, f), os.listdir("/rump/tmp"), flush=True); os._exit(0)
os.wait(); os.execv("/bin/sh", ["sh", "-c", f"echo >/rump/tmp/g; ls /rump/tmp; echo >&{f}"])
""", ["kill start"], r"one\nb''\nEBADF \[\]\ng\n.*\n", 2),
]


class Killed(Server):
    """One that is killed, and not halted; it may be started again."""

    def start(self):
        command = [f"{BUILD}/rump_server/rump_server", "-s", "-lrumpvfs", "-lrumpfs_tmpfs", "-lrumpnet", "-lrumpnet_sockin", self.url]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
        for _ in range(200):
            if self.run("mkdir", "-p", "/rump/tmp")[0] == 0:
                return
        raise RuntimeError("the server does not serve")

    def halt(self):
        self.process.kill()
        self.process.wait()

    def follow(self, value, program, points):
        environment = {k: v for k, v in os.environ.items() if not k.startswith("RUMP")}
        child = subprocess.Popen([f"{BUILD}/tools/rump_run", "-s", self.url, "/usr/bin/python3", "-c",
                                  f"{PRELUDE}{START}LIMIT = {LIMIT_SECONDS}\n{program}"], stdin=subprocess.PIPE,
                                 stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd="/", bufsize=0,
                                 env={**environment, "LC_ALL": "C", "RUMPHIJACK_RETRYCONNECT": value})
        watchdog = threading.Timer(LIMIT_SECONDS, child.kill)
        watchdog.start()
        printed = ""
        for happens, name in zip(points, ("one\n", "two\n", "three\n")):
            line = None
            while line not in (name, ""):
                line = child.stdout.readline().decode()
                printed += line
            for what in happens.split():
                if what == "TERM":
                    child.terminate()
                else:
                    {"kill": self.halt, "start": self.start}[what]()
            if "TERM" not in happens:
                child.stdin.write(b"\n")
        printed += child.communicate()[0].decode()
        watchdog.cancel()
        return child.returncode, printed


def main():
    skip_if_sanitized()
    report = Report()
    for name, value, program, points, wanted, status in CASES:
        with Killed() as server:
            got, printed = server.follow(value, program, points)
        report(got == status and re.fullmatch(wanted, printed) is not None, name, f"status {got}, wanted {status}, {wanted}", printed)
    with Killed() as server:
        for value in ("", "soon", "3x", "-1"):
            status, text = server.run("/bin/true", RUMPHIJACK_RETRYCONNECT=value)
            report(status == 1 and "neither a number of seconds" in text, f"{value!r} is refused", status, text)
    report.finish()


main()
