#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Hijacked programs that become another user, whom the server would not let in, or change their root: they keep the rump
kernel that they had, or could have had, and so do the programs that they execute and the processes that they make."""

import os
import re
import shutil
import socket
import struct
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.environ["RUMPKIT_SRCDIR"], "tests/support"))
from hijacked import BUILD, LIMIT_SECONDS, PRELUDE, Report, Server, skip_if_sanitized  # noqa: E402  pylint: disable=wrong-import-position
from tap import skip_all  # noqa: E402

DROP = """
def drop():
    os.setgroups([]); os.setgid(65534); os.setuid(65534)
def child(function):
    sys.stdout.flush()
    if os.fork() == 0:
        try: function()
        except OSError as e: print(errno.errorcode[e.errno])
        sys.stdout.flush(); os._exit(0)
    os.wait()
def see():
    print(os.getuid(), os.listdir("/rump/tmp"))
"""
AS = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
LIST = ["ls", "/rump/tmp"]

# Name, program of python's or words of a command, a pattern for what is printed.
CASES = [
    ("a process that was connected", "see(); drop(); see()", r"0 \['f'\]\n65534 \['f'\]\n"),
    ("one that was not", "drop(); see()", r"65534 \['f'\]\n"),
    ("a child of one that was", "see(); child(lambda: (drop(), see())); see()", r"0 \['f'\]\n65534 \['f'\]\n0 \['f'\]\n"),
    ("a child that has inherited something", "os.chdir('/rump/tmp'); child(lambda: (drop(), print(os.listdir('.')), see()))",
     r"\['f'\]\n65534 \['f'\]\n"),
    ("all threads at once", """
import threading
t = threading.Thread(target=lambda: (e.wait(), see())); e = threading.Event(); t.start(); drop(); e.set(); t.join(); see()
""", r"65534 \['f'\]\n65534 \['f'\]\n"),
    ("what it makes is its own", """
drop(); os.mkdir("/rump/tmp/mine"); s = os.stat("/rump/tmp/mine"); print(s.st_uid, s.st_gid); os.rmdir("/rump/tmp/mine")
""", "65534 65534\n"),
    ("and it is root there all the same", """
os.close(os.open("/rump/tmp/s", os.O_CREAT, 0)); drop(); print(os.open("/rump/tmp/s", os.O_RDONLY) > 2); os.unlink("/rump/tmp/s")
""", "True\n"),
    ("in another root", "os.chroot(os.environ['WORK']); os.chdir('/'); drop(); see()", r"65534 \['f'\]\n"),
    ("a program that it executes", "drop(); os.execvp('ls', ['ls', '/rump/tmp'])", "f\n"),
    ("a program that is started as another user", """
print(subprocess.run(["ls", "/rump/tmp"], user=65534, group=65534, extra_groups=[], capture_output=True))
""", r".*stdout=b'f\\n', stderr=b''.*\n"),
    ("setpriv", [*AS, *LIST], "f\n"),
    ("setpriv, from a shell that is connected", ["sh", "-c", f"ls /rump >/dev/null; test -d /rump/tmp && {' '.join(AS + LIST)}; echo $?"],
     "f\n0\n"),
    ("programs one after the other", [*AS, "sh", "-c", "exec env sh -c 'exec ls /rump/tmp'"], "f\n"),
    ("whose files root's are", [*AS, "stat", "-c", "%u %g", "/rump/tmp/f"], "65534 65534\n"),
    ("whose they really are", ["env", "RUMPHIJACK=path=/rump,ids=real", *AS, "stat", "-c", "%u %g", "/rump/tmp/f"], "0 0\n"),
    ("su", ["su", "nobody", "-s", "/bin/sh", "-c", "exec ls /rump/tmp"], "f\n"),
    ("a shell of su's, and what it starts",
     ["su", "nobody", "-s", "/bin/sh", "-c", "ls /rump/tmp; echo x >/rump/tmp/s; (cat /rump/tmp/s); (rm /rump/tmp/s; ls /rump/tmp) | cat"],
     "f\nx\nf\n"),
    ("a shell of setpriv's", [*AS, "sh", "-c", "ls /rump/tmp | cat; (ls /rump/tmp; sh -c '(ls /rump/tmp); ls /rump/tmp' | cat)"],
     "f\n" * 4),
    ("a shell of runuser's", ["runuser", "-u", "nobody", "--", "sh", "-c", "ls /rump/tmp | cat; cd /rump/tmp; ls | cat"], "f\nf\n"),
    ("a shell in a namespace of users", ["unshare", "-U", "sh", "-c", "ls /rump/tmp | cat; ls /rump/tmp"], "f\nf\n"),
    ("a shell in a namespace of mounts, where the socket is not", ["unshare", "-m", "sh", "-c",
     "mount --bind /dev/null $WORK/control && ls /rump/tmp | cat; ls /rump/tmp"], "f\nf\n"),
    ("children, and theirs", "drop(); child(lambda: (see(), child(lambda: (see(), child(see)))))", r"(65534 \['f'\]\n){3}"),
    ("a child's descriptors are its parent's", """
drop(); fd = os.open("/rump/tmp/s", os.O_CREAT | os.O_RDWR); os.write(fd, b"abc"); os.lseek(fd, 1, 0)
child(lambda: print(os.read(fd, 1))); print(os.read(fd, 1)); os.unlink("/rump/tmp/s")
""", r"b'b'\nb'c'\n"),
    ("programs that are started in all ways", """
drop(); ls = ["ls", "/rump/tmp"]; sys.stdout.flush()
subprocess.run(ls, close_fds=False, check=True); subprocess.run(ls, check=True, preexec_fn=lambda: None)
os.waitpid(os.posix_spawnp("ls", ls, os.environ), 0); os.system("ls /rump/tmp"); print(os.popen("ls /rump/tmp").read(), end="")
print(tried(os.posix_spawnp, "/none", ls, os.environ))
""", "(f\n){5}ENOENT\n"),
    ("children of several threads", """
import threading
def run():
    for _ in range(8):
        if subprocess.run(["ls", "/rump/tmp"], capture_output=True).stdout == b"f\\n": good.append(1)
good = []; drop(); threads = [threading.Thread(target=run) for _ in range(3)]
for t in threads: t.start()
for t in threads: t.join()
print(len(good))
""", "24\n"),
    ("large and many arguments go along", """
def far():
    data = os.urandom(300000); fd = os.open("/rump/tmp/s", os.O_CREAT | os.O_RDWR)
    print(os.write(fd, data), os.pread(fd, 300000, 0) == data, tried(os.open, "/rump/" + "x" * 300, 0)); os.unlink("/rump/tmp/s")
    print(tried(os.listdir, "/rump/none"), call("pread64", fd, 8, 8, 0))
drop(); child(far)
""", "300000 True ENAMETOOLONG\nENOENT EFAULT\n"),
    ("a child owns descriptors", """
import fcntl, signal
def own():
    got = []; signal.signal(signal.SIGIO, lambda *a: got.append(1)); a, b = socket.socketpair()
    r, w = os.pipe(); fd = os.open("/rump/tmp/fifo", os.O_RDWR | os.O_NONBLOCK)
    print(tried(fcntl.fcntl, fd, fcntl.F_SETOWN, os.getpid()), fcntl.fcntl(fd, fcntl.F_GETOWN) in (0, os.getpid()))
os.mkfifo("/rump/tmp/fifo"); drop(); child(own); os.unlink("/rump/tmp/fifo")
""", "0 True\n"),
    ("descriptors are passed on", """
def take(of):
    got = socket.recv_fds(of, 1, 1)[1][0]; print(os.fstat(got).st_uid, os.read(got, 9))
drop(); fd = os.open("/rump/tmp/s", os.O_CREAT | os.O_RDWR); os.write(fd, b"passed"); os.lseek(fd, 0, 0)
a, b = socket.socketpair(); socket.send_fds(a, [b"x"], [fd]); child(lambda: take(b)); os.lseek(fd, 0, 0)
child(lambda: socket.send_fds(a, [b"x"], [fd])); take(b); os.unlink("/rump/tmp/s")
""", r"(65534 b'passed'\n){2}"),
    ("in another root, and children", "os.chroot(os.environ['WORK']); os.chdir('/'); child(see); drop(); child(lambda: child(see))",
     r"0 \['f'\]\n65534 \['f'\]\n"),
    ("programs in another root", ["chroot", "ROOT", "sh", "-c", "cat /here; ls /rump/tmp | cat; (ls /rump/tmp; sh -c '(ls /rump/tmp)')"],
     "another root\n" + "f\n" * 3),
    ("as another user too", ["chroot", "--userspec=65534:65534", "ROOT", "sh", "-c", "ls /rump/tmp; (ls /rump/tmp) | cat"], "f\nf\n"),
    ("their environment is as it was", [*AS, "sh", "-c", "env"], r"(?!(.*\n)*RUMP(HIJACK_|CLIENT|__)).*(\n.*)*"),
]


def may_unshare(flag):
    """Whether there are namespaces of that kind to be had, and mounts in them: not in containers, nor after chroot."""
    tried = ["true"] if flag == "-U" else ["mount", "--bind", "/dev/null", "/dev/zero"]
    return subprocess.run(["unshare", flag, *tried], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False,
                          timeout=LIMIT_SECONDS).returncode == 0


class Private(Server):
    def environment(self):
        environment = {k: v for k, v in os.environ.items() if not k.startswith("RUMP")}
        environment.update({"LC_ALL": "C", "WORK": self.work, "LD_PRELOAD": f"{self.work}/librumphijack.so.0",
                            "RUMP_SERVER": self.url})
        return environment

    def pid(self):
        with socket.socket(socket.AF_UNIX) as asked:
            asked.connect(f"{self.work}/control")
            return struct.unpack("3i", asked.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[0]

    def command(self, what):
        if isinstance(what, str):
            what = ["/usr/bin/python3", "-c", PRELUDE + DROP + what]
        what = [word.replace("ROOT", f"{self.work}/root") for word in what]
        done = subprocess.run(what, stdin=subprocess.DEVNULL, cwd="/", stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              env=self.environment(), check=False, timeout=LIMIT_SECONDS)
        return done.returncode, done.stdout.decode("utf-8", "replace")


def make_root(server):
    """A root with some programs, their libraries and the hijack, but without the server's socket."""
    root, library = f"{server.work}/root", f"{server.work}/librumphijack.so.0"
    files = {library}
    for name in [shutil.which("sh"), shutil.which("ls"), shutil.which("cat"), library]:
        text = subprocess.run(["ldd", name], stdout=subprocess.PIPE, check=True, text=True).stdout
        files |= {word for word in text.split() if word.startswith("/")} | {name}
    for name in files:
        os.makedirs(root + os.path.dirname(name), exist_ok=True)
        shutil.copy(name, root + name)
    with open(f"{root}/here", "w", encoding="ascii") as here:
        print("another root", file=here)


def sockets(pid):
    """The number of a process's sockets, as the host sees them."""
    links = [os.path.join(f"/proc/{pid}/fd", fd) for fd in os.listdir(f"/proc/{pid}/fd")]
    return sum(os.readlink(link).startswith("socket:") for link in links if os.path.islink(link))


# Prints its number and one of a child that has become idle after much else, and waits.
MANY = """
import resource, signal
def idle():
    if os.fork() == 0:
        see(); sys.stdout.flush(); os.write(w, b"x"); signal.pause()
r, w = os.pipe(); drop(); print(os.getpid()); sys.stdout.flush()
sys.stdin.readline()
for _ in range(20): child(lambda: None)
for _ in range(5): tried(subprocess.run, ["/none"]); subprocess.run(["true"]); os.system("true")
idle(); os.read(r, 1)
resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
for _ in range(5): print(tried(os.fork))
print(sorted(int(n) for n in os.listdir("/proc/self/fd"))[-1] < 100)
sys.stdout.flush(); sys.stdin.readline()
os.killpg(0, signal.SIGKILL)
"""


def nothing_left(server, report):
    server_pid = server.pid()

    def server_descriptors():
        return len(os.listdir(f"/proc/{server_pid}/fd"))
    with subprocess.Popen(["/usr/bin/python3", "-c", PRELUDE + DROP + MANY], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, env=server.environment(), start_new_session=True, text=True) as program:
        pid = int(program.stdout.readline())
        before = sockets(pid), server_descriptors()
        print("", file=program.stdin, flush=True)
        text = "".join(program.stdout.readline() for _ in range(7))
        report(re.fullmatch(r"65534 \['f'\]\n(EAGAIN\n){5}True\n", text) is not None, "many children, and failing to make one", text)
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as children:
            idle = children.read().split()
        after = sockets(pid), sockets(idle[0]), len(idle)
        report(before[0] == 1 and after == (1, 1, 1), "each process has its connection and nothing more", before, after)
        # That of the idle child, and eventfds that are made for calls that sleep.
        for _ in range(600):
            if server_descriptors() <= before[1] + 1:
                break
            time.sleep(0.05)
        report(server_descriptors() <= before[1] + 1, "and so has the server", before, server_descriptors())
        print("", file=program.stdin, flush=True)
        program.wait(LIMIT_SECONDS)


def refused(server, report):
    """Who is not hijacked before becoming another user is not let in."""
    environment = server.environment()
    preload = environment.pop("LD_PRELOAD")
    done = subprocess.run([*AS, "env", f"LD_PRELOAD={preload}", *LIST], stdin=subprocess.DEVNULL, cwd="/", stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, env=environment, check=False, timeout=LIMIT_SECONDS, text=True)
    report(done.returncode != 0 and re.match("librumphijack: no rump kernel at .*: Permission denied\n", done.stdout) is not None,
           "the server lets nobody else in", done.stdout)


def main():
    skip_if_sanitized()
    if subprocess.run([*AS, "true"], stderr=subprocess.DEVNULL, check=False).returncode != 0:
        skip_all("only root can become another user")
    report = Report()
    with Private("-lrumpvfs", "-lrumpfs_tmpfs", "-lrumpnet", "-lrumpnet_local") as server:
        os.chmod(server.work, 0o755)
        os.chmod(f"{server.work}/control", 0o600)
        # Where everybody can read it.
        shutil.copy(f"{BUILD}/.libs/librumphijack.so.0", server.work)
        server.command("os.mkdir('/rump/tmp/f')")
        make_root(server)
        for name, what, wanted in CASES:
            if what[0] == "unshare" and not may_unshare(what[1]):
                report.skip(name, "the host has none for us")
                continue
            status, text = server.command(what)
            report(status == 0 and re.fullmatch(wanted, text) is not None, name, f"status {status}", text)
        refused(server, report)
        nothing_left(server, report)
        server.url += ".not"
        status, text = server.command("drop(); print(tried(os.listdir, '/rump'))")
        report(status == 0 and re.fullmatch(r"librumphijack: no rump kernel at .*\nE[A-Z]*\n", text) is not None,
               "without a server nothing is said before it is needed", text)
        status, text = server.command("drop()")
        report((status, text) == (0, ""), "or at all", text)
        server.url = server.url.removesuffix(".not")
    report.finish()


main()
