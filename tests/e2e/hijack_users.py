#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Hijacked programs that become another user, whom the server would not let in: they keep the rump kernel that they had,
or could have had, and so do the programs that they execute."""

import os
import re
import shutil
import subprocess
import sys

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
    ("the server lets nobody else in", """
drop(); sys.stdout.flush()
if os.fork() == 0: os.execvp("ls", ["ls", "/rump/tmp"])
print(os.wait()[1] != 0)
""", "librumphijack: no rump kernel at .*: Permission denied\\n.*\\nTrue\\n"),
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
    ("their environment is as it was", [*AS, "sh", "-c", "env"], r"(?!(.*\n)*RUMP(HIJACK_|CLIENT|__)).*(\n.*)*"),
]


class Private(Server):
    def command(self, what):
        if isinstance(what, str):
            what = ["/usr/bin/python3", "-c", PRELUDE + DROP + what]
        environment = {k: v for k, v in os.environ.items() if not k.startswith("RUMP")}
        environment.update({"LC_ALL": "C", "WORK": self.work, "LD_PRELOAD": f"{self.work}/librumphijack.so.0",
                            "RUMP_SERVER": self.url})
        done = subprocess.run(what, stdin=subprocess.DEVNULL, cwd="/", stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              env=environment, check=False, timeout=LIMIT_SECONDS)
        return done.returncode, done.stdout.decode("utf-8", "replace")


def main():
    skip_if_sanitized()
    if subprocess.run([*AS, "true"], stderr=subprocess.DEVNULL, check=False).returncode != 0:
        skip_all("only root can become another user")
    report = Report()
    with Private("-lrumpvfs", "-lrumpfs_tmpfs") as server:
        os.chmod(server.work, 0o755)
        os.chmod(f"{server.work}/control", 0o600)
        # Where everybody can read it.
        shutil.copy(f"{BUILD}/.libs/librumphijack.so.0", server.work)
        server.command("os.mkdir('/rump/tmp/f')")
        for name, what, wanted in CASES:
            status, text = server.command(what)
            report(status == 0 and re.fullmatch(wanted, text) is not None, name, f"status {status}", text)
        server.url += ".not"
        status, text = server.command("drop(); print(tried(os.listdir, '/rump'))")
        report(status == 0 and re.fullmatch(r"librumphijack: no rump kernel at .*\nE[A-Z]*\n", text) is not None,
               "without a server nothing is said before it is needed", text)
        status, text = server.command("drop()")
        report((status, text) == (0, ""), "or at all", text)
        server.url = server.url.removesuffix(".not")
    report.finish()


main()
