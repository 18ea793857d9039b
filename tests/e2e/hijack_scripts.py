#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Scripts and interpreters on either side of the border, executed by name and by descriptor."""

import os
import sys

sys.path.insert(0, os.path.join(os.environ["RUMPKIT_SRCDIR"], "tests/support"))
from hijacked import Report, Server, skip_if_sanitized  # noqa: E402  pylint: disable=wrong-import-position

# The interpreter prints its arguments, and what the script has in its second line.
START = """
import shutil
os.makedirs("/rump/bin", exist_ok=True); os.chdir("/rump/bin")
with open("show", "w") as f: f.write("#!/bin/sh -e\\necho $# $1 $3; tail -n 1 $2\\n")
shutil.copy("/bin/sh", "sh"); shutil.copy("/bin/sh", os.environ["WORK"] + "/sh")
work = os.environ["WORK"]
def script(path, interpreter, mode=0o755):
    with open(path, "w") as f: f.write(f"#!{interpreter}\\necho by $0 $1")
    os.chmod(path, mode); return path
def execveat(directory, path, flags, *arguments):
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        vector = (ctypes.c_char_p * (len(arguments) + 1))(*[a.encode() for a in arguments], None)
        libc.syscall(322, directory, path.encode(), vector, (ctypes.c_char_p * 1)(None), flags)
        print(errno.errorcode[ctypes.get_errno()]); sys.stdout.flush(); os._exit(0)
    os.waitpid(pid, 0)
EMPTY = 0x1000
def inheritable(path, flags=os.O_RDONLY):
    f = os.open(path, flags); os.set_inheritable(f, True); return f
"""

CASES = [
    ("by descriptor, an interpreter inside",
     'f = inheritable(script("s", "/rump/bin/sh")); execveat(f, "", EMPTY, "x", "one"); os.lseek(f, 5, 0); execveat(f, "", EMPTY, "x", "two")',
     r"by /dev/fd/(\d+) one\nby /dev/fd/\1 two"),
    ("by descriptor, an interpreter inside that has one on the host", """
os.chmod("show", 0o755); f = inheritable(script("t", "/rump/bin/show -v")); execveat(f, "", EMPTY, "x", "y")
""", r"3 -v y\necho by \$0 \$1"),
    ("by descriptor, one that the new program has not", 'f = os.open(script("s", "/rump/bin/sh"), 0); execveat(f, "", EMPTY, "x")', "ENOENT"),
    ("by descriptor, an interpreter on the host",
     'f = inheritable(script("u", "/bin/sh")); execveat(f, "", EMPTY, "x", "one"); execveat(inheritable("u", os.O_PATH), "", EMPTY, "x", "two")',
     r"by /dev/fd/\d+ one\nby /dev/fd/\d+ two"),
    ("by descriptor, a script on the host with an interpreter inside",
     'f = inheritable(script(work + "/s", "/rump/bin/sh")); execveat(f, "", EMPTY, "x", "one")', r"by /dev/fd/\d+ one"),
    ("below a descriptor",
     'd = inheritable("/rump/bin"); script("s", "/rump/bin/sh"); os.chdir("/"); execveat(d, "s", 0, "x", "one")\n'
     'd = inheritable(work); script(work + "/s", "/rump/bin/sh"); execveat(d, "s", 0, "x", "two")',
     r"by /dev/fd/\d+/s one\nby /dev/fd/\d+/s two"),
    ("by name, a script on the host with an interpreter inside", """
script(work + "/s", "/rump/bin/sh"); os.chdir(work); print(subprocess.run(["./s", "one"], capture_output=True).stdout)
os.symlink("s", "l"); print(subprocess.run([work + "/l", "two"], capture_output=True).stdout); os.remove("l"); sys.stdout.flush()
subprocess.run(["sh", "-c", "./s three; PATH=.:$PATH; s four"])
script("v", work + "/s"); print(subprocess.run(["./v", "five"], capture_output=True).stdout)
""", r"b'by ./s one\\n'\nb'by \S+/l two\\n'\nby ./s three\nby ./s four\nb'by \S+/s ./v\\n'"),
    ("what is not there or may not be executed is so", """
script(work + "/n", "/rump/bin/none"); print(tried(subprocess.run, [work + "/n"]), tried(subprocess.run, [work + "/none"]))
script(work + "/m", "/nonexistent/sh"); print(tried(subprocess.run, [work + "/m"]))
script(work + "/o", "/rump/bin/sh", 0o644); print(tried(subprocess.run, [work + "/o"]))
shutil.copy("/bin/sh", "no"); os.chmod("no", 0o644); script(work + "/p", "/rump/bin/no"); print(tried(subprocess.run, [work + "/p"]))
script("loop", "/rump/bin/loop"); print(tried(subprocess.run, ["/rump/bin/loop"]))
""", "ENOENT ENOENT\nENOENT\nEACCES\nEACCES\nELOOP"),
]


def main():
    skip_if_sanitized()
    report = Report()
    with Server("-lrumpvfs", "-lrumpfs_tmpfs") as server:
        report.programs(server, [(name, START + program, wanted) for name, program, wanted in CASES])
    report.finish()


main()
