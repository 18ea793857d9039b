#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Programs under librumphijack with nothing hijacked do exactly what they do without.

Each command runs without and with the library; output, messages and status must be the same. A few more cases look at
calls that reach the kernel from anywhere but the gate, and at the cache of site tables."""

import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.environ["RUMPKIT_SRCDIR"], "tests/support"))
from tap import Tap, skip_all  # noqa: E402

BUILD = os.environ.get("RUMPKIT_BUILDDIR", ".")
LIBRARY = os.path.abspath(f"{BUILD}/.libs/librumphijack.so.0")
HELPER = os.path.abspath(f"{BUILD}/tests/e2e/hijack_exercise")
CODE = os.path.abspath(f"{BUILD}/tests/e2e/hijack_code")
ALONE = os.path.abspath(f"{BUILD}/tests/e2e/hijack_alone")
LIMIT = 120

THREADS = """
import threading, subprocess
got = []
def work(i):
    got.append(subprocess.run(["echo", str(i)], capture_output=True, check=True).stdout)
threads = [threading.Thread(target=work, args=(i,)) for i in range(40)]
[t.start() for t in threads]
[t.join() for t in threads]
print(len(got), sorted(got)[:3])
try:
    subprocess.run(["/nonexistent/program"])
except FileNotFoundError as e:
    print(e)
"""

SIGNALS = """
import os, signal, threading, time
hits = 0
def handler(number, frame):
    global hits
    hits += 1
signal.signal(signal.SIGALRM, handler)
signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0005)
for i in range(300):
    pid = os.fork()
    if pid == 0:
        os._exit(i % 7)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == i % 7
signal.setitimer(signal.ITIMER_REAL, 0)
signal.pthread_sigmask(signal.SIG_SETMASK, signal.valid_signals())
print(hits > 0, signal.SIGSYS in signal.pthread_sigmask(signal.SIG_BLOCK, []))
os.kill(os.getpid(), signal.SIGSYS)
print(signal.SIGSYS in signal.sigpending())
"""

LOOPBACK = """
import http.server, threading, subprocess
class Quiet(http.server.SimpleHTTPRequestHandler):
    def __init__(self, *a): super().__init__(*a, directory="/etc")
    def log_message(self, *a): pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet)
threading.Thread(target=server.serve_forever, daemon=True).start()
url = f"http://127.0.0.1:{server.server_address[1]}/passwd"
done = subprocess.run(["curl", "-sS", url], capture_output=True)
print(done.returncode, done.stderr, done.stdout == open("/etc/passwd", "rb").read())
"""

COMMANDS = [
    ["ls", "-lR", "/etc/ssl"],
    ["stat", "-c", "%n %s %u", "/etc/passwd", "/nonexistent"],
    ["sh", "-c", "kill -SEGV $$"],
    ["sh", "-c", "exit 37"],
    ["sh", "-c", "cat /etc/passwd | sort | uniq -c | wc -l; echo done >&2; ls /nonexistent"],
    ["bash", "-c", "for i in 1 2 3; do (echo $i; exec sh -c 'echo $0'); done; x=$(ls /); echo $x; sleep 0.01 & wait; "
                   "cat <<< text; cat <(echo piped)"],
    ["env", "-i", "sh", "-c", "echo $0"],
    ["find", "/etc", "-maxdepth", "1", "-name", "p*"],
    ["tar", "cf", "-", "-C", "/etc", "passwd"],
    ["python3", "-c", THREADS],
    ["python3", "-c", SIGNALS],
    ["python3", "-c", LOOPBACK],
    ["sqlite3", ":memory:", "create table a(b); insert into a values(1),(2); select sum(b) from a;"],
    ["git", "hash-object", "/etc/passwd"],
    ["sh", "-c", "echo 'int main(void) { return 3; }' | gcc -x c -o program - && ./program"],
    ["nice", "-n", "3", "timeout", "5", "sh", "-c", "ulimit -n 64; ls /proc/self/fd | wc -l"],
    ["strace", "-o", "/dev/null", "-f", "sh", "-c", "echo traced; true"],
    ["gdb", "-q", "-batch", "-ex", "run", "-ex", "info threads", "--args", "/bin/echo", "debugged"],
    ["openssl", "dgst", "-sha256", "/etc/passwd"],
    ["perl", "-e", "print join(',', map { $_ * 2 } 1..5), qq(\\n); exit 5"],
    [HELPER, "threads"],
    [HELPER, "vfork"],
    [HELPER, "sigsys"],
    [HELPER, "altstack"],
    [HELPER, "cancel"],
    [HELPER, "seccomp"],
    [HELPER, "raw"],
    [HELPER, "clone"],
    [HELPER, "mask"],
    [HELPER, "exec"],
    [CODE, "jit"],
    [CODE, "threads"],
    [CODE, "mapped"],
    [CODE, "vfork"],
    [ALONE],
]

ADDRESSES = re.compile(rb"0x[0-9a-f]{6,}|process \d+|Thread .*")
report = Tap()


def environment(**more):
    result = {k: v for k, v in os.environ.items() if k not in ("LD_PRELOAD", "RUMPHIJACK", "RUMP_SERVER", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR")}
    result.update(LC_ALL="C", PYTHONHASHSEED="0", **more)
    return result


def run(command, **more):
    with tempfile.TemporaryDirectory() as directory:
        done = subprocess.run(command, cwd=directory, env=environment(**more), stdin=subprocess.DEVNULL,
                              capture_output=True, timeout=LIMIT)
    return done.returncode, ADDRESSES.sub(b"", done.stdout), ADDRESSES.sub(b"", done.stderr)


def transparent(command):
    name = " ".join(command).replace("\n", " ").replace(HELPER, "exercise").replace(CODE, "code")[:60].strip()
    if shutil.which(command[0]) is None:
        report(True, f"{name} # SKIP no {command[0]}")
        return
    without = run(command)
    with_it = run(command, LD_PRELOAD=LIBRARY)
    report(without == with_it, name, f"without: {without}\nwith:    {with_it}")


def uncaught(command):
    """System calls from outside the gate, as strace's instruction pointers tell, once the library is ready."""
    name = " ".join(command).replace("\n", " ").replace(HELPER, "exercise").replace(CODE, "code")
    name = "no call but the gate's: " + name[:40]
    if shutil.which("strace") is None:
        report(True, f"{name} # SKIP no strace")
        return
    with tempfile.TemporaryDirectory() as directory:
        log = f"{directory}/log"
        subprocess.run(["strace", "-f", "-i", "-s", "300", "-o", log, "-E", f"LD_PRELOAD={LIBRARY}", "-E",
                        "RUMPHIJACK_VERBOSE=1", *command], cwd=directory, env=environment(),
                       stdin=subprocess.DEVNULL, capture_output=True, timeout=LIMIT)
        bad, total = judge(log)
    report(not bad and total > 0, name, f"{len(bad)} of {total}:\n" + "\n".join(bad))


# The vdso's own calls tell the time; those are the host's in any case.
VDSO_CALLS = ("clock_gettime", "gettimeofday", "time", "getcpu", "clock_getres")


def judge(log):
    gates, bad, total = {}, [], 0
    for line in open(log, errors="replace"):
        match = re.match(r"(\d+) +\[([0-9a-f?]+)\] (.*)", line)
        if not match or match[2].startswith("?"):
            continue
        pid, address, text = match[1], int(match[2], 16), match[3]
        ready = re.match(r"write\(2, .*gate ([0-9a-f]+)-([0-9a-f]+)", text)
        if ready:
            gates[pid] = (int(ready[1], 16), int(ready[2], 16))
            continue
        child = re.search(r"^(?:<\.\.\. )?(?:clone3?|v?fork)\b.*= (\d+)$", text)
        if child and gates.get(pid):
            gates.setdefault(child[1], gates[pid])
        if text.startswith("execve") and "= 0" in text or "<... execve resumed" in text and "= 0" in text:
            gates[pid] = None
        if not gates.get(pid) or not re.match(r"[a-z_0-9]+\(", text):
            continue
        total += 1
        start, end = gates[pid]
        if not start <= address < end and not text.startswith(VDSO_CALLS):
            bad.append(line.rstrip())
    return bad, total


def cold_starts():
    """Any number of processes start at once with nothing cached; nobody notices."""
    with tempfile.TemporaryDirectory() as directory:
        more = dict(RUMPHIJACK_CACHE=f"{directory}/cache", LD_PRELOAD=LIBRARY)
        started = [subprocess.Popen(["sh", "-c", "echo fine; /bin/true"], env=environment(**more),
                                    stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(8)]
        results = [(p.communicate(timeout=LIMIT), p.returncode) for p in started]
        tables = os.listdir(f"{directory}/cache")
    report(all(r == ((b"fine\n", b""), 0) for r in results), "eight cold starts at once", str(results))
    report(len(tables) > 1 and all(t.endswith(".sites") for t in tables), "whole tables are what they leave", str(tables))


def caches():
    """Wherever the home directory is, there is a place for tables: the second start finds them."""
    with tempfile.TemporaryDirectory() as directory:
        for name, more in (("in the rump kernel", {"HOME": "/rump/home"}), ("that cannot be written", {"HOME": "/proc"}),
                           ("with a cache that is not there yet", {"HOME": "/", "XDG_CACHE_HOME": f"{directory}/new"}),
                           ("with a cache that cannot be", {"HOME": directory, "XDG_CACHE_HOME": "/proc/none"})):
            starts = [run(["/bin/true"], LD_PRELOAD=LIBRARY, RUMPHIJACK_VERBOSE="1", **more)[2] for _ in range(2)]
            report(b"from the cache" in starts[1], f"tables with a home directory {name}", str(starts))


def restored_environment():
    """What hijacks a program is handed on, in an environment that lacks it."""
    code, out, _ = run(["env", "-i", "A=b", "LD_PRELOAD=", "env"], LD_PRELOAD=LIBRARY, RUMP_SERVER="unix:///nowhere",
                       RUMPHIJACK="")
    wanted = {b"A=b", f"LD_PRELOAD={LIBRARY}:".encode(), b"RUMP_SERVER=unix:///nowhere", b"RUMPHIJACK="}
    report(code == 0 and set(out.splitlines()) == wanted, "exec keeps what hijacks", str(out))
    code, out, _ = run(["env", "RUMP_SERVER=unix:///other", "env"], LD_PRELOAD=LIBRARY, RUMP_SERVER="unix:///nowhere")
    report(b"RUMP_SERVER=unix:///other" in out and b"nowhere" not in out, "exec leaves what is set", str(out))


def main():
    checked = [["ls", "-l", "/"], ["bash", "-c", "echo $(ls | wc -l); true & wait"], ["python3", "-c", THREADS],
               [HELPER, "threads"], [HELPER, "vfork"], [HELPER, "raw"], [HELPER, "clone"],
               [CODE, "jit"], [CODE, "threads"], [CODE, "mapped"], [CODE, "vfork"]]
    for command in COMMANDS:
        transparent(command)
    for command in checked:
        uncaught(command)
    cold_starts()
    caches()
    restored_environment()
    report.finish()


if not os.path.exists(LIBRARY) or "-fsanitize" in open(f"{BUILD}/config.status").read():
    skip_all("the library is not built, or instrumented")
main()
