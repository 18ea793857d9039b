#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""A rump kernel's disks as Linux programs use theirs: what they ask, and what tools do to a file system's image, compared with the
same on a copy of the image."""

import filecmp
import os
import re
import sys

sys.path.insert(0, os.path.join(os.environ["RUMPKIT_SRCDIR"], "tests/support"))
from hijacked import LIMIT_SECONDS, Report, skip_if_sanitized  # noqa: E402  pylint: disable=wrong-import-position
from kernels import Host, NetBSD, Rump, has_netbsd  # noqa: E402  pylint: disable=wrong-import-position

DISK, SIZE = "/rump/dev/disk", 8 << 20

# asked(): a request that writes a number of that form; set(): one that reads one.
START = """
import fcntl
(ROSET, ROGET, RRPART, GETSIZE, FLSBUF, RASET, RAGET, SECTGET, SSZGET, BSZGET, BSZSET, GETSIZE64, DISCARD, IOMIN, IOOPT, ALIGNOFF, PBSZGET,
 ROTATIONAL, ZEROOUT) = (0x125d, 0x125e, 0x125f, 0x1260, 0x1261, 0x1262, 0x1263, 0x1267, 0x1268, 0x80081270, 0x40081271, 0x80081272, 0x1277,
 0x1278, 0x1279, 0x127a, 0x127b, 0x127e, 0x127f)
disk = os.open("/rump/dev/disk", os.O_RDWR)
def asked(request, form="i", fd=disk):
    got = tried(fcntl.ioctl, fd, request, b"\\xee" * 16)
    if isinstance(got, str): return got
    size = struct.calcsize(form)
    return struct.unpack(form, got[:size])[0] if got[size:] == b"\\xee" * (16 - size) else "too much"
def again():  # NetBSD has a block device open once
    fd = tried(os.open, "/rump/dev/disk", os.O_RDONLY)
    return disk if fd == "EBUSY" else fd
def set(request, value): return tried(lambda: fcntl.ioctl(disk, request, struct.pack("i", value)) and 0)
"""

CASES = [
    ("sizes", """
print(asked(GETSIZE64, "Q") == 8 << 20, asked(GETSIZE, "L") == 8 << 11, asked(SSZGET), asked(PBSZGET), asked(BSZGET), asked(IOMIN))
print(asked(IOOPT), asked(ALIGNOFF), asked(RAGET, "l"), asked(SECTGET, "H") > 0, asked(ROTATIONAL, "H"), os.lseek(disk, 0, os.SEEK_END) == 8 << 20)
reading = again(); print(asked(GETSIZE64, "Q", reading) == 8 << 20, asked(ROGET), asked(ROGET, fd=reading))
""", r"True True 512 512 4096 512\n0 0 0 True 0 True\nTrue 0 0"),
    ("what is done", """
reading = again(); before = os.listdir("/proc/self/fd")
print([tried(fcntl.ioctl, fd, FLSBUF) for fd in (disk, reading)], [set(BSZSET, n) for n in (1024, 4096, 1000, 256, 1 << 20)])
print(tried(fcntl.ioctl, disk, RASET, 64), os.listdir("/proc/self/fd") == before)
""", r"\[0, 0\] \[0, 0, 'EINVAL', 'EINVAL', 'EINVAL'\]\n0 True"),
    ("what is not", """
print([asked(n) for n in (ROSET, DISCARD, ZEROOUT)], asked(RRPART), [asked(n) for n in (0x301, 0x5331, 0x1269, 0x1276, 0x5401)])
file = os.open("/rump/tmp/file", os.O_RDWR | os.O_CREAT); null = os.open("/rump/dev/null", os.O_RDWR)
print([asked(n, fd=fd) for fd in (file, null) for n in (GETSIZE64, SSZGET, ROGET, FLSBUF)])
print([call("ioctl", disk, n, ctypes.c_void_p(8)) for n in (GETSIZE64, SSZGET, BSZSET)])
""", r"\['(?:EOPNOTSUPP|ENOTSUP)'(?:, '(?:EOPNOTSUPP|ENOTSUP)'){2}\] EINVAL \['ENOTTY'(?:, 'ENOTTY'){4}\]\n"
     r"\['ENOTTY'(?:, 'ENOTTY'){7}\]\n\['EFAULT', 'EFAULT', 'EFAULT'\]"),
    ("any place and length", """
data = os.urandom(5000); print(os.pwrite(disk, data, 4 * 1024 * 1024 + 77), os.pread(disk, 5000, 4 * 1024 * 1024 + 77) == data)
end = 8 << 20; print(len(os.pread(disk, 1000, end - 100)), os.pread(disk, 10, end)); os.pwrite(disk, bytes(5000), 4 * 1024 * 1024 + 77)
""", r"5000 True\n100 b''"),
]

UUID = "5f0b8a3e-3f0e-4d70-9a3c-8f5f1d9c7b11"
SAME = f"-U {UUID} -E nodiscard,lazy_itable_init=0,lazy_journal_init=0,hash_seed={UUID}"
# Commands of debugfs. What a file system says of its last write and check, and how much was written to make it, is not the same twice.
NOW = "set_current_time 20200913122640\n"
SCRIPTS = {"fix": NOW + "ssv kbytes_written 0\nssv lastcheck 20200913122640\n", "write": NOW + "write HERE/some name\n"}
FIX = "/usr/sbin/debugfs -w -f HERE/fix TARGET"
# In this order; TARGET is the disk, or the copy of the image. Afterwards both hold the same.
COMMANDS = [
    f"/usr/sbin/mke2fs -F -q -t ext4 -b 1024 {SAME} TARGET",
    FIX,
    "/usr/sbin/e2fsck -fn TARGET",
    "/usr/sbin/dumpe2fs TARGET",
    "/usr/sbin/blkid -p TARGET",
    "/usr/sbin/tune2fs -L label TARGET",
    "/usr/sbin/debugfs -w -f HERE/write TARGET",
    "/usr/sbin/debugfs -R stat\\ name TARGET",
    "/usr/sbin/debugfs -R cat\\ name TARGET",
    "/usr/sbin/e2fsck -fp TARGET",
    FIX,
    "/usr/sbin/resize2fs -P TARGET",
    "/usr/bin/dd if=HERE/some of=TARGET bs=100 seek=50000 conv=notrunc,fsync status=none",
    "/usr/bin/dd if=TARGET bs=333 skip=15010 count=20 status=none",
    "/usr/bin/cmp TARGET HERE/some",
    "/usr/bin/od -A d -j 1000 -N 200 TARGET",
    f"/usr/sbin/mke2fs -F -q -t ext2 -b 4096 {SAME} TARGET",
    FIX,
    "/usr/sbin/e2fsck -fy TARGET",
    FIX,
    "/usr/bin/file -s TARGET",
]

BLOCKDEV = ("--getsize64 --getsz --getss --getpbsz --getbsz --getro --flushbufs", f"{SIZE}\n{SIZE // 512}\n512\n512\n4096\n0\n")


class Disk:
    """A kernel with a disk, whose image is in the directory that it works in."""

    halted = False

    def prepare(self):
        for name in "image", "copy":
            with open(f"{self.work}/{name}", "wb") as new:
                new.truncate(SIZE)
        with open(f"{self.work}/some", "w", encoding="ascii") as new:
            new.write("".join(f"line {i}\n" for i in range(3000)))
        for name, text in SCRIPTS.items():
            with open(f"{self.work}/{name}", "w", encoding="ascii") as new:
                new.write(text.replace("HERE", self.work))
        self.arguments = [*self.arguments, "-d", f"key=/dev/disk,hostpath={self.work}/image,size=host"]

    def halt(self):
        if not self.halted:
            super().halt()
        self.halted = True


class Embedded(Disk, Rump):
    """With another that is read-only; NetBSD's server wants none."""
    libraries = ["-lrumpvfs", "-lrumpfs_tmpfs"]

    def prepare(self):
        super().prepare()
        self.arguments += ["-d", f"key=/dev/fixed,hostpath={self.work}/some,size=host"]
        os.chmod(f"{self.work}/some", 0o444)


class Netbsd(Disk, NetBSD):
    libraries = ["-lrumpvfs", "-lrumpfs_tmpfs", "-lrumpdev"]


def ended(child):
    """A program's status and all that it printed."""
    text, _ = child.communicate(timeout=LIMIT_SECONDS)
    return child.returncode, text.decode("utf-8", "replace")


def words(command, target, here):
    parts = command.replace("\\ ", "\0").replace("TARGET", target).replace("HERE", here).split()
    return [part.replace("\0", " ") for part in parts]


def tools(report, kernel, host):
    for command in COMMANDS:
        name = command.split()[0]
        if not os.path.exists(name):
            report.skip(f"{kernel.name}: {command}", f"{name} is not installed")
            continue
        copy = f"{kernel.work}/copy"
        wanted_status, wanted = ended(host.run(*words(command, copy, kernel.work)))
        status, text = ended(kernel.run(*words(command, DISK, kernel.work)))
        text = text.replace(DISK, copy)
        report(status == wanted_status and text == wanted, f"{kernel.name}: {command}", f"status {status}, on the host {wanted_status}",
               f"on the host {wanted}", text)


def main():
    skip_if_sanitized()
    os.environ["E2FSPROGS_FAKE_TIME"] = "1600000000"
    report = Report()
    for kernel in [Embedded(START)] + ([Netbsd(START)] if has_netbsd() else []):
        with kernel, Host("") as host:
            for name, program, wanted in CASES:
                status, text = ended(kernel.start(program))
                good = status == 0 and re.fullmatch(wanted, text.strip()) is not None
                report(good, f"{kernel.name}: {name}", f"status {status}, wanted {wanted}", text)
            if isinstance(kernel, Embedded):  # root may write what nobody may
                report.equal(ended(kernel.run("/usr/sbin/blockdev", "--getro", "/rump/dev/fixed")), (0, "1\n" if os.geteuid() else "0\n"),
                             f"{kernel.name}: a read-only disk")
            tools(report, kernel, host)
            status, text = ended(kernel.run("/usr/sbin/blockdev", *BLOCKDEV[0].split(), DISK))
            report((status, text) == (0, BLOCKDEV[1]), f"{kernel.name}: blockdev", status, text)
            kernel.halt()
            report(filecmp.cmp(f"{kernel.work}/image", f"{kernel.work}/copy", shallow=False), f"{kernel.name}: the images are the same")
    report.finish()


main()
