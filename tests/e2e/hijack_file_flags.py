#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Flags of files, as lsattr and chattr see and set them: immutable, append-only, no dump."""

import os
import re
import sys

sys.path.insert(0, os.path.join(os.environ["RUMPKIT_SRCDIR"], "tests/support"))
from hijacked import LIMIT_SECONDS, PRELUDE, Report, skip_if_sanitized  # noqa: E402  pylint: disable=wrong-import-position
from kernels import NetBSD, Rump, has_netbsd  # noqa: E402  pylint: disable=wrong-import-position

START = """
import fcntl
GET, SET, IMMUTABLE, APPEND, NODUMP = 0x80086601, 0x40086602, 0x10, 0x20, 0x40
path = os.environ["WHERE"] + f"/file{os.getpid()}"
with open(path, "w") as new: new.write("content")
f = os.open(path, os.O_RDONLY)
def get(fd=f):
    got = tried(fcntl.ioctl, fd, GET, b"\\xee" * 8)
    return got if isinstance(got, str) else struct.unpack("I4s", got)[0] if got[4:] == b"\\xee" * 4 else "too much"
def set(flags, fd=f): return tried(lambda: fcntl.ioctl(fd, SET, struct.pack("I", flags)) and "done")
def appended(): return tried(lambda: os.write(os.open(path, os.O_WRONLY | os.O_APPEND), b"x"))
def written(): return tried(lambda: os.write(os.open(path, os.O_WRONLY), b"x"))
"""

CASES = [
    ("none at first", "print(get(), get(os.open(os.environ['WHERE'], os.O_RDONLY)), set(0))", "0 0 done"),
    ("immutable", """
print(set(IMMUTABLE), get(), appended(), written(), tried(os.remove, path), tried(os.chmod, path, 0)); print(set(0), get(), appended(), tried(os.remove, path))
""", r"done 16 EPERM EPERM EPERM EPERM\ndone 0 1 None"),
    ("append-only", """
print(set(APPEND | NODUMP), get(), appended(), written(), tried(os.remove, path)); print(set(NODUMP), get(), written(), tried(os.remove, path))
""", r"done 96 1 EPERM EPERM\ndone 64 1 None"),
    ("what there is not", """
print(set(0x800000), set(IMMUTABLE | 0x80000), get(), [call("ioctl", f, n, ctypes.c_void_p(8)) for n in (GET, SET)])
null = os.open("/rump/dev/null", os.O_RDWR); s = socket.socket(socket.AF_INET)
print([get(fd) for fd in (null, s)], set(0, null), tried(fcntl.ioctl, f, 0x80087601, bytes(8)), tried(fcntl.ioctl, f, 0x801c581f, bytes(28)))
""", r"(\w+SUP) \1 0 \['EFAULT', 'EFAULT'\]\n\['ENOTTY', 'ENOTTY'\] ENOTTY ENOTTY ENOTTY"),
]

# Arguments, with FILE, and what is printed.
CHATTR, LSATTR = "/usr/bin/chattr", "/usr/bin/lsattr"
COMMANDS = [
    (LSATTR, "-d FILE", r"-+ FILE\n"),
    (CHATTR, "+i FILE", ""),
    (LSATTR, "-d FILE", r"----i-+ FILE\n"),
    ("/bin/rm", "-f FILE", r"/bin/rm: cannot remove 'FILE': Operation not permitted\n"),
    (CHATTR, "-i FILE", ""),
    (CHATTR, "+ad FILE", ""),
    (LSATTR, "-l FILE", r"FILE +Append_Only, No_Dump\n"),
    (CHATTR, "=d FILE", ""),
    (LSATTR, "-d FILE", r"------d-+ FILE\n"),
    (CHATTR, "+c FILE", r".*: Operation not supported while setting flags on FILE\n"),
    ("/bin/rm", "FILE", ""),
]


MOUNT = """
print(call("mount", "tmpfs", os.environ["WHERE"], "tmpfs", ctypes.c_ulong(0), None))
"""


class Embedded(Rump):
    libraries = ["-lrumpvfs", "-lrumpfs_tmpfs", "-lrumpnet", "-lrumpnet_sockin"]


def ended(child):
    """A program's status and all that it printed."""
    text, _ = child.communicate(timeout=LIMIT_SECONDS)
    return child.returncode, text.decode("utf-8", "replace")


def programs(report, kernel, where):
    file = f"{where}/attributed"
    ended(kernel.run("/bin/touch", file))
    for program, arguments, wanted in COMMANDS:
        name = f"{kernel.name}: {os.path.basename(program)} {arguments}"
        if not os.path.exists(program):
            report.skip(name, "not installed")
            continue
        status, text = ended(kernel.run(program, *arguments.replace("FILE", file).split()))
        report(re.fullmatch(wanted.replace("FILE", file), text) is not None, name, f"status {status}, wanted {wanted}", text)


def main():
    skip_if_sanitized()
    report = Report()
    for kernel in [Embedded(START)] + ([NetBSD(START)] if has_netbsd() else []):
        with kernel:
            # NetBSD's first file system keeps flags but does not heed them.
            report.equal(ended(kernel.run("/usr/bin/python3", "-c", PRELUDE + MOUNT)), (0, "0\n"), f"{kernel.name}: tmpfs is mounted")
            for name, program, wanted in CASES:
                status, text = ended(kernel.start(program))
                good = status == 0 and re.fullmatch(wanted, text.strip()) is not None
                report(good, f"{kernel.name}: {name}", f"status {status}, wanted {wanted}", text)
            programs(report, kernel, "/rump/tmp")
    report.finish()


main()
