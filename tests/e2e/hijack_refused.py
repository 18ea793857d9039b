#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Calls that there are no like of in the rump kernel: an errno that programs live with, and a line for who asks."""

import os
import sys

sys.path.insert(0, os.path.join(os.environ["RUMPKIT_SRCDIR"], "tests/support"))
from hijacked import Report, Server, skip_if_sanitized  # noqa: E402  pylint: disable=wrong-import-position

START = """
os.makedirs("/rump/tmp/d", exist_ok=True); open("/rump/tmp/f", "w").close()
watcher = call("inotify_init1", 0)
"""

# (a call, what it gives, whether a line names it)
CALLS = [
    ("inotify_add_watch", "call('inotify_add_watch', watcher, '/rump/tmp/f', 2)", "EOPNOTSUPP", True),
    ("inotify_add_watch", "call('inotify_add_watch', watcher, '/etc', 2) > 0", "True", False),
    ("inotify_add_watch", "call('inotify_add_watch', watcher, '/nowhere', 2)", "ENOENT", False),
    ("inotify_add_watch", "call('inotify_add_watch', watcher, ctypes.c_void_p(8), 2)", "EFAULT", False),
    ("openat", "tried(os.open, '/rump/tmp', os.O_TMPFILE | os.O_RDWR)", "EOPNOTSUPP", True),
    ("openat", "tried(os.open, '/rump/tmp', os.O_TMPFILE | os.O_EXCL)", "EINVAL", False),
    ("openat", "tried(os.open, '/rump/tmp/f', os.O_TMPFILE | os.O_EXCL | os.O_RDWR)", "ENOTDIR", False),
    ("openat", "tried(os.open, '/rump/nowhere', os.O_TMPFILE | os.O_EXCL | os.O_RDWR)", "ENOENT", False),
    ("openat2", "call('syscall', 437, -100, '/rump/tmp/f', (ctypes.c_uint64 * 3)(), 24)", "ENOSYS", True),
    ("open_tree", "call('syscall', 428, -100, '/rump/tmp', 0)", "ENOSYS", True),
    ("fallocate", "call('fallocate', os.open('/rump/tmp/f', 2), 3, ctypes.c_long(0), ctypes.c_long(9))", "EOPNOTSUPP", True),
    ("ioctl", "tried(__import__('fcntl').ioctl, os.open('/rump/tmp/f', 2), 0x40049409, os.open('/etc/passwd', 0))", "EOPNOTSUPP", True),
    ("io_setup", "call('syscall', 206, 1, (ctypes.c_uint64 * 1)())", "ENOSYS", True),
    ("io_uring_setup", "call('syscall', 425, 1, None)", "ENOSYS", True),
]

# What is a file without a name for good is not refused.
TEMPORARY = """
os.mkdir("/rump/tmp/e"); os.chdir("/rump/tmp/e")
for d in ".", "/rump/tmp/e":
    f = os.open(d, os.O_TMPFILE | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o640); s = os.fstat(f)
    print(os.listdir("."), s.st_nlink, oct(s.st_mode), os.get_inheritable(f), os.readlink(f"/proc/self/fd/{f}").endswith(" (deleted)"))
    print(os.pwrite(f, b"x" * 9000, 0), os.pread(f, 3, 8998), os.fstat(f).st_size)
"""
TEMPORARY_WANTED = "[] 0 0o100640 False True\n9000 b'xx' 9000\n" * 2

# What is said of a setting that is wrong.
SETTINGS = [
    ("path=", "character 6: a path is missing; where none is to be hijacked, leave the setting out"),
    ("socket=inet,path=rump", 'character 18, "rump": a path must begin with a slash, as /rump does'),
    ("socket=nolocal", 'character 8, "nolocal": there is nothing yet to take it from; begin with all, as in all:nolocal'),
    ("path=/rump,socket=none", None),
]


def main():
    skip_if_sanitized()
    report = Report()
    with Server("-lrumpvfs", "-lrumpfs_tmpfs") as server:
        for name, call, wanted, told in CALLS:
            status, text = server.python(START + f"print('gives', {call})", RUMPHIJACK_VERBOSE="1")
            text = text.replace("ENOTSUP\n", "EOPNOTSUPP\n")
            report(status == 0 and f"gives {wanted}\n" in text and (f"librumphijack: {name}: " in text) == told, call, status, text)
            status, quiet = server.python(START + f"print('gives', {call})")
            report(status == 0 and quiet.startswith("gives"), "and quietly", status, quiet)
        status, text = server.python(TEMPORARY)
        report((status, text) == (0, TEMPORARY_WANTED), "files without a name", status, text)
        for value, wanted in SETTINGS:
            status, text = server.run("echo", "started", RUMPHIJACK=value)
            told = f"librumphijack: RUMPHIJACK={value}: {wanted}\n" in text and "started" not in text
            report(status == 1 and told if wanted else (status, text) == (0, "started\n"), f"RUMPHIJACK={value}", status, text)
        status, text = server.run("bash", "-c", "mkfifo fifo; tail -n1 -s.01 -f /rump/tmp/f >fifo 2>said & exec 3<fifo; echo one >>/rump/tmp/f; read -r x <&3;"
                                  "echo two >>/rump/tmp/f; read -r y <&3; kill $!; wait; echo $x $y")
        report(text == "one two\n", "tail follows a file all the same", status, text)
    report.finish()


main()
