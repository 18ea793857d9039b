#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Programs whose rump kernel is killed under them: whatever they wait for or do, they get an errno, in time, and neither
hang nor crash. A new rump kernel is found when that is asked for."""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.environ["RUMPKIT_SRCDIR"], "tests/support"))
from tap import Tap, skip_all  # noqa: E402

BUILDDIR = os.environ["RUMPKIT_BUILDDIR"]
LIMIT_SECONDS = 60
LIBRARIES = ["-lrumpvfs", "-lrumpfs_tmpfs", "-lrumpnet", "-lrumpnet_sockin"]

# What all programs begin with. They say when they are about to wait; the call may begin before the kill or after.
START = """
import errno, mmap, os, select, socket, subprocess, sys, threading
def tried(call, *arguments):
    try:
        return call(*arguments)
    except OSError as e:
        return errno.errorcode[e.errno]
def listener():
    s = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen(); return s
def pair():
    s = listener(); c = socket.create_connection(s.getsockname()); return c, s.accept()[0]
def ready():
    os.write(1, b"ready\\n")
def told(call):
    ready()
    try:
        print("returned", call())
    except OSError as e:
        print(errno.errorcode.get(e.errno, e))
if len(sys.argv) == 1:
    os.chdir("/rump/tmp")
"""

# A descriptor and a current directory that a process and those that come from it have lost: what its calls say.
KEEP = """
f = int(sys.argv[1]) if len(sys.argv) > 1 else os.open("/rump/tmp/kept", 66)
def state():
    print(*[tried(*call) for call in ((os.fstat, f), (os.write, f, b"x"), (os.listdir, "."), (os.fstat, os.dup(f)))],
          os.path.isdir("/etc"), flush=True)
def execute():
    os.set_inheritable(f, True)
    os.execv(sys.executable, [*sys.orig_argv, str(f)])
if len(sys.argv) > 1: state(); sys.exit()
"""
STATE = "ENOTCONN ENOTCONN ENOTCONN ENOTCONN True"

# Name, program, what it may print. Waiting for readiness, a lost connection may also be seen as an event.
PROGRAMS = [
    ("read from a socket", "c, s = pair(); told(lambda: c.recv(1))", "ENOTCONN"),
    ("write to a socket", "c, s = pair()\ntold(lambda: [c.send(bytes(65536)) for i in range(100000)])", "ENOTCONN"),
    ("accept", "s = listener(); told(s.accept)", "ENOTCONN"),
    ("poll", "c, s = pair(); p = select.poll(); p.register(c, 1); told(p.poll)", "ENOTCONN|returned .*"),
    ("select", "c, s = pair(); told(lambda: select.select([c], [], []))", "ENOTCONN|returned .*"),
    ("poll with a descriptor of the host's", "c, s = pair(); r, w = os.pipe(); p = select.poll(); p.register(c, 1); "
     "p.register(r, 1); told(p.poll)", "ENOTCONN|returned .*"),
    ("waiting for the host's alone", "c, s = pair(); r, w = os.pipe(); p = select.poll(); p.register(r, 1); ready(); sys.stdin.read()\n"
     "print(tried(p.poll, 50), tried(select.select, [r], [], [], 0.05))\n"
     "print(subprocess.run(['echo', 'spawned'], capture_output=True, cwd='/').stdout)", r"\[\] \(\[\], \[\], \[\]\)\nb'spawned\\n'"),
    ("epoll", "c, s = pair(); e = select.epoll(); e.register(c, 1); told(e.poll)", "ENOTCONN|returned .*"),
    ("epoll, edges", "c, s = pair(); e = select.epoll(); e.register(c, 1 | select.EPOLLET); told(e.poll)",
     "ENOTCONN|returned .*"),
    ("write to a file", "f = os.open('f', 66); told(lambda: [os.write(f, b'x') for i in iter(int, 1)])", "ENOTCONN"),
    ("read a file", "f = os.open('g', 66); told(lambda: [os.pread(f, 1, 0) for i in iter(int, 1)])", "ENOTCONN"),
    ("list a directory", "told(lambda: [os.listdir('.') for i in iter(int, 1)])", "ENOTCONN"),
    ("stat", "told(lambda: [os.stat('/rump') for i in iter(int, 1)])", "ENOTCONN"),
    ("a mapped file", "f = os.open('m', 66); os.ftruncate(f, 8192); m = mmap.mmap(f, 8192)\n"
     "def use():\n    while True:\n        m[:4] = b'abcd'; m.flush()\ntold(use)\nassert m[:4] == b'abcd'; m.close()", "ENOTCONN"),
    ("a mapping that is left to the end", "f = os.open('n', 66); os.ftruncate(f, 8192); m = mmap.mmap(f, 8192); m[0] = 7\n"
     "ready(); sys.stdin.read(); print(m[0])", "7"),
    ("fork, and a child that waits", "c, s = pair()\nif os.fork() == 0: told(lambda: c.recv(1)); sys.stdout.flush(); "
     "os._exit(0)\nprint(os.wait()[1])", "ENOTCONN\n0"),
    ("close, and what else is the host's", "f = os.open('f', 66); g = os.open('g', 66); r, w = os.pipe()\nready(); sys.stdin.read()\n"
     "os.close(f); os.dup2(r, g); print(os.dup(r) == f, tried(os.close, 99))\n"
     "os.write(w, b'pipe'); print(os.read(g, 4), os.path.exists('/etc/passwd'))", r"True EBADF\nb'pipe' True"),
    ("processes", KEEP + "ready(); sys.stdin.read()\nif os.fork() == 0: state(); os._exit(0)\nos.wait()\n"
     "print(subprocess.run(['echo', 'spawned'], capture_output=True, close_fds=False, cwd='/').stdout)\n"
     "print(os.waitpid(os.posix_spawn('/bin/true', ['true'], {}), 0)[1], tried(os.posix_spawn, '/no/program', ['no'], {}))\nstate()",
     rf"{STATE}\nb'spawned\\n'\n0 ENOENT\n{STATE}"),
    ("processes of one that has noticed", KEEP + "ready(); sys.stdin.read(); state()\nif os.fork() == 0: state(); os._exit(0)\n"
     "os.wait(); print(os.waitpid(os.posix_spawn('/bin/true', ['true'], {}), 0)[1])", rf"{STATE}\n{STATE}\n0"),
    ("execute a program", KEEP + "ready(); sys.stdin.read(); execute()", rf"(librumphijack: .*\n)?{STATE}"),
    ("execute a program, having noticed", KEEP + "ready(); sys.stdin.read(); state(); execute()", rf"{STATE}\n{STATE}"),
    ("many threads", "pairs = [pair() for i in range(20)]; got = []\ndef wait(c):\n    try: c.recv(1)\n"
     "    except OSError as e: got.append(errno.errorcode[e.errno])\n"
     "threads = [threading.Thread(target=wait, args=(c,)) for c, s in pairs]\n[t.start() for t in threads]; ready()\n"
     "[t.join() for t in threads]; print(len(got), set(got))", "20 {'ENOTCONN'}"),
]

# The same of bash.
SCRIPTS = [
    ("a shell", "cd /rump/tmp; exec 5>f; echo ready; read line; ls -d /; echo a | cat; (exec ls -d /etc); echo >&5; echo $?; exec 6>&5; echo $?\n"
     "exec 5>&-; echo $?; cd /; pwd; exec echo executed", r"/\na\n/etc\n.*\n1\n0\n0\n/\nexecuted"),
    ("a shell, with a job", "cd /rump/tmp; exec 5>f; sleep 1000 & echo ready; read line; kill $!; wait $!; echo $?",
     r"(librumphijack: .*\n)?143"),
]


def start_server(url):
    server = subprocess.Popen([f"{BUILDDIR}/rump_server/rump_server", "-s", *LIBRARIES, url], stdin=subprocess.DEVNULL)
    probe = [f"{BUILDDIR}/tools/rump_run", "-s", url, "ls", "/rump"]
    for _ in range(200):
        if subprocess.run(probe, capture_output=True, check=False, timeout=LIMIT_SECONDS).returncode == 0:
            return server
    raise RuntimeError("the server does not serve")


# Ends by a handler, whatever becomes of its call.
ENDS_ITSELF = """
import ctypes, signal
libc = ctypes.CDLL(None); libc.signal(signal.SIGALRM, libc._exit)
c, s = pair(); signal.setitimer(signal.ITIMER_REAL, 0.3, 0.3); told(lambda: c.recv(1))
"""


def run(command, url, what=signal.SIGKILL):
    """Kills the server, or stops it, when the program is ready. Returns its status and what it printed."""
    server = start_server(url)
    environment = {k: v for k, v in os.environ.items() if not k.startswith("RUMP")}
    child = subprocess.Popen([f"{BUILDDIR}/tools/rump_run", "-s", url, *command],
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment,
                             cwd="/", start_new_session=True)
    first = child.stdout.readline()
    server.send_signal(what)
    if what == signal.SIGKILL:
        server.wait()
    try:
        rest, _ = child.communicate(b"", timeout=LIMIT_SECONDS)
        status = child.returncode
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        rest, status = child.communicate()[0], "never ended"
    server.kill()
    server.wait()
    return status, (first + rest).decode("utf-8", "replace")


def main():
    work = tempfile.mkdtemp(prefix="gone.")
    report = Tap()
    try:
        commands = [(name, ["/usr/bin/python3", "-P", "-c", f"{START}{program}"], wanted)
                    for name, program, wanted in PROGRAMS]
        commands += [(name, ["/bin/bash", "-c", program], wanted) for name, program, wanted in SCRIPTS]
        for name, command, wanted in commands:
            status, text = run(command, f"unix://{work}/control")
            good = status == 0 and re.fullmatch(f"ready\n({wanted})\n", text) is not None
            report(good, name, f"status {status}", text)
        status, text = run(["/usr/bin/python3", "-P", "-c", START + ENDS_ITSELF], f"unix://{work}/control", signal.SIGSTOP)
        report((status, text) == (signal.SIGALRM, "ready\n"), "a handler while the server stands still", f"status {status}", text)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    report.finish()


if __name__ == "__main__":
    if "-fsanitize" in open(f"{BUILDDIR}/config.status", encoding="utf-8").read():
        skip_all("a sanitized library is not preloaded")
    main()
