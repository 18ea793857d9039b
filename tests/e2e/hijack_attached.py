#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Debuggers and tracers that attach to a hijacked program while it runs, and leave it: it notices nothing."""

import os
import re
import shutil
import signal
import subprocess
import sys
import threading

sys.path.insert(0, os.path.join(os.environ["RUMPKIT_SRCDIR"], "tests/support"))
from hijacked import BUILD, LIMIT_SECONDS, Report, Server, skip_if_sanitized  # noqa: E402  pylint: disable=wrong-import-position

# Threads that write and read files, wait for sockets, and make processes, until standard input is at its end. Each counts
# what it did; what it finds wrong it says.
PROGRAM = """
import os, select, socket, subprocess, sys, threading
done = threading.Event(); counts = {}
def thread(work):
    def run():
        n = 0
        while not done.is_set(): work(n); n += 1
        counts[work.__name__] = n
    t = threading.Thread(target=run); t.start(); return t
f = os.open("/rump/f", os.O_RDWR | os.O_CREAT); g = os.open("here", os.O_RDWR | os.O_CREAT)
def files(n):
    text = b"%d" % n
    assert os.pwrite(f, text, 0) == len(text) and os.pread(f, len(text), 0) == text
    assert os.pwrite(g, text, 0) == len(text) and os.pread(g, len(text), 0) == text
l = socket.socket(); l.bind(("127.0.0.1", 0)); l.listen(); c = socket.create_connection(l.getsockname()); s = l.accept()[0]
def sockets(n):
    p = select.poll(); p.register(s, select.POLLIN); r, w = os.pipe(); p.register(r, select.POLLIN)
    c.send(b"x"); assert p.poll() == [(s.fileno(), select.POLLIN)] and s.recv(9) == b"x"; os.close(r); os.close(w)
def processes(n):
    assert subprocess.run(["/bin/cat", "/rump/g"], capture_output=True).stdout == b"kept"
open("/rump/g", "w").write("kept")
threads = [thread(work) for work in (files, sockets, processes)[:int(sys.argv[1])]]
print("ready", flush=True); sys.stdin.read(); done.set(); [t.join() for t in threads]
print("ended", all(n > 0 for n in counts.values()), len(counts), flush=True)
"""


def gdb(pid, work):
    """Two looks at all threads. Returns whether it saw them."""
    for _ in range(2):
        done = subprocess.run(["gdb", "-q", "-nx", "-batch", "-ex", "set debuginfod enabled off", "-p", str(pid), "-ex",
                               "thread apply all backtrace 3", "-ex", "detach"], stdin=subprocess.DEVNULL, cwd=work,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=LIMIT_SECONDS, check=False)
        if done.returncode != 0 or not re.search(r"(?m)^#0 ", done.stdout):
            return False
    return True


def strace(pid, work):
    """Until it has seen a few hundred calls."""
    tracer = subprocess.Popen(["strace", "-f", "-p", str(pid)], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                              cwd=work)
    watchdog = threading.Timer(LIMIT_SECONDS, tracer.kill)
    watchdog.start()
    seen = 0
    for line in tracer.stderr:
        seen += re.search(r"\w+\(.*", line) is not None
        if seen == 200:
            tracer.send_signal(signal.SIGINT)
    watchdog.cancel()
    return tracer.wait() in (0, -signal.SIGINT, 128 + signal.SIGINT) and seen > 0


def is_permitted(attach):
    with subprocess.Popen(["sh", "-c", "while kill -0 $$; do :; done"]) as child:
        permitted = attach(child.pid, None)
        child.kill()
    return permitted


def attached(server, attach, works):
    """Returns whether the tracer saw something, and how the program ended."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("RUMP")}
    with subprocess.Popen([f"{BUILD}/tools/rump_run", "-s", server.url, "/usr/bin/python3", "-c", PROGRAM, str(works)], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=server.work, env=environment) as child:
        watchdog = threading.Timer(2 * LIMIT_SECONDS, child.kill)
        watchdog.start()
        first = child.stdout.readline()
        saw = first == "ready\n" and attach(child.pid, server.work)
        child.stdin.close()
        rest = child.stdout.read()
        status = child.wait()
        watchdog.cancel()
    return saw, status, first + rest


def main():
    skip_if_sanitized()
    report = Report()
    with Server("-lrumpvfs", "-lrumpfs_tmpfs", "-lrumpnet", "-lrumpnet_sockin") as server:
        # A strace that leaves may wait for ever for a parent that waits in vfork(2) for a child that strace has stopped.
        for attach, works in ((gdb, 3), (strace, 2)):
            name = f"{attach.__name__} attaches to a program, which goes on"
            if shutil.which(attach.__name__) is None or not is_permitted(attach):
                report.skip(name, f"no {attach.__name__}, or it may not attach")
                continue
            saw, status, text = attached(server, attach, works)
            report(saw and status == 0 and text == f"ready\nended True {works}\n", name, f"seen: {saw}, status {status}", text)
    report.finish()


main()
