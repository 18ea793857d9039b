#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Images for reading alone: each is made of a real tree, and an unmodified program finds in it what the tree has.

The program is this one, run a second time with the argument "list", by rump_run.
"""

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile

LIMIT_SECONDS = 120


def describe(path, name):
    """One line for a file: all that an image should keep of it."""
    st = os.lstat(path)
    kind = st.st_mode & 0o170000
    words = [name, f"{st.st_mode:o}", str(st.st_uid), str(st.st_gid), str(int(st.st_mtime))]
    if kind != 0o040000:
        words += [str(st.st_nlink), str(st.st_size)]
    if kind == 0o100000:
        with open(path, "rb") as file:
            words.append(hashlib.sha256(file.read()).hexdigest())
    elif kind == 0o120000:
        words.append(os.readlink(path))
    elif kind in (0o020000, 0o060000):
        words.append(f"{os.major(st.st_rdev)},{os.minor(st.st_rdev)}")
    if kind in (0o040000, 0o100000):
        words += [f"{key}={os.getxattr(path, key).hex()}" for key in xattrs(path)]
    return " ".join(words)


def xattrs(path):
    try:
        return sorted(key for key in os.listxattr(path) if key.startswith("user."))
    except OSError:
        return []


def listing(top):
    lines = [describe(top, ".")]
    for directory, directories, files in os.walk(top):
        for name in directories + files:
            path = os.path.join(directory, name)
            lines.append(describe(path, os.path.relpath(path, top)))
    return sorted(lines)


if sys.argv[1:2] == ["list"]:
    print("\n".join(listing(sys.argv[2])))
    sys.exit(0)

BUILDDIR = os.environ["RUMPKIT_BUILDDIR"]
sys.path.insert(0, os.path.join(os.environ["RUMPKIT_SRCDIR"], "tests/support"))
from tap import Tap, skip_all  # noqa: E402

report = Tap()


def run(*command, **options):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
                          timeout=LIMIT_SECONDS, **options)


def make_tree(top):
    """Depth, long names, sizes round every border, links, modes, times, device nodes."""
    os.makedirs(os.path.join(top, "deep", *"abcdefghij"))
    os.makedirs(os.path.join(top, "many"))
    os.makedirs(os.path.join(top, "empty"))

    def write(name, data, mode=0o644):
        path = os.path.join(top, name)
        with open(path, "wb") as file:
            file.write(data)
        os.chmod(path, mode)

    pattern = b"".join(i.to_bytes(4, "little") for i in range(400000))
    for size in (0, 1, 2047, 2048, 2049, 4096, 131071, 131072, 131073, 1500000):
        write(f"size{size}", pattern[:size])
    write("zeroes", bytes(300000))
    with open(os.path.join(top, "sparse"), "wb") as file:
        file.truncate(6 << 20)
        for at in (0, 5 << 20, (6 << 20) - 1):
            file.seek(at)
            file.write(b"x")
    write("random", os.urandom(200000), 0o4755)
    write("deep/a/b/c/d/e/f/g/h/i/j/bottom", b"reached\n", 0o600)
    write("long " + "n" * 200, b"long\n", 0o1444)
    write("Kaf\u00e9 \u65e5\u672c \U0001f600", b"unicode\n")
    for i in range(600):
        write(f"many/file{i:04}", b"%d\n" % i)
    os.symlink("../size1", os.path.join(top, "deep/link"))
    os.symlink("/absolute/" + "x" * 150, os.path.join(top, "long link"))
    os.link(os.path.join(top, "size2048"), os.path.join(top, "hard link"))
    os.mkfifo(os.path.join(top, "fifo"), 0o640)
    for name, when in (("size0", 1), ("size1", 2**31 - 1), ("zeroes", 1234567890)):
        os.utime(os.path.join(top, name), (when, when))
    try:
        os.setxattr(os.path.join(top, "random"), "user.colour", b"green\0blue")
        os.setxattr(os.path.join(top, "deep"), "user.kind", b"v" * 300)
    except OSError:
        pass
    try:
        os.mknod(os.path.join(top, "device"), 0o060600, os.makedev(8, 17))
        os.chown(os.path.join(top, "size4096"), 12345, 54321)
    except PermissionError:
        pass


class Server:
    def __init__(self, work, component, kind, image, options=""):
        self.url = f"unix://{work}/control"
        self.errors = open(os.path.join(work, "errors"), "w+b")
        self.process = subprocess.Popen(
            [f"{BUILDDIR}/rump_server/rump_server", "-s", "-lrumpvfs", f"-l{component}", "-d",
             f"key=/dev/image,hostpath={image},size=host", "--mount", f"{kind},/dev/image,/mnt{options}", self.url],
            stdout=subprocess.DEVNULL, stderr=self.errors)
        self.up = False
        while self.process.poll() is None and not self.up:
            self.up = self.shell("getpid").returncode == 0

    def shell(self, *command):
        return run(f"{BUILDDIR}/tests/support/rumpsh", *command,
                   env={**os.environ, "RUMP_SERVER": self.url, "RUMPCLIENT_RETRYCONN": "once"})

    def listing(self):
        return run(f"{BUILDDIR}/tools/rump_run", "-s", self.url, sys.executable, os.path.abspath(__file__), "list",
                   "/rump/mnt").stdout.splitlines()

    def said(self):
        self.errors.seek(0)
        return self.errors.read().decode(errors="replace")

    def halt(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(timeout=LIMIT_SECONDS)
        said = self.said()
        self.errors.close()
        return status, said


def difference(expected, actual):
    return "\n".join([f"- {line}" for line in expected if line not in actual][:6] +
                     [f"+ {line}" for line in actual if line not in expected][:6])


def compare(work, name, component, kind, image, expected, plain=False):
    server = Server(work, component, kind, image)
    if not server.up:
        report(False, f"{name}: mounts", server.halt()[1])
        return
    try:
        found = server.listing()
        # Where genisoimage puts what is too deep for the standard; nothing is seen in it.
        found = [line for line in found if not line.startswith("rr_moved ")]
        if plain:
            expected = [contents(line) for line in expected if contents(line)]
            found = [contents(line) for line in found if contents(line)]
        report(sorted(expected) == sorted(found), f"{name}: every file is as in the tree", difference(expected, found))
        report("ead-only" in server.shell("mkdir", "/mnt/x").stdout, f"{name}: nothing can be written")
    finally:
        status, said = server.halt()
        report(status == 0, f"{name}: the server ends well", status, said)


def contents(line):
    """What is left of a file's line where an image keeps neither names nor attributes; special files are empty there."""
    sums = [word for word in line.split(" ") if len(word) == 64 and word != hashlib.sha256(b"").hexdigest()]
    return sums[0] if sums else None


def broken(work, name, component, kind, image):
    """Images cut short or overwritten: an answer and a line on the console, whatever it is; the server stays up."""
    with open(image, "rb") as file:
        whole = file.read()
    path = os.path.join(work, "broken")
    wrong = []
    quiet = True
    for seed in range(8):
        data = bytearray(whole)
        if seed == 0:
            del data[len(data) // 2:]
        elif seed == 1:
            data[:65536] = os.urandom(65536)
        else:
            # Superblocks and tables lie at the beginning and at the end.
            for i in range(4000):
                data[-1 - (i * 7919 * seed) % min(len(data), 60000)] ^= 0x5a if i % 8 == 0 else 0
        with open(path, "wb") as file:
            file.write(data)
        server = Server(work, component, kind, path)
        if server.up:
            server.listing()
            if server.shell("getpid").returncode != 0:
                wrong.append(f"{seed}: the server does not answer any more")
        status, said = server.halt()
        quiet = quiet and kind not in said
        if status not in (0, 1):
            wrong.append(f"{seed}: status {status}: {said}")
    report(not wrong, f"{name}: broken images harm nobody", *wrong)
    report(not quiet, f"{name}: and are named on the console")


def main():
    missing = [tool for tool in ("genisoimage", "mksquashfs") if shutil.which(tool) is None]
    if missing:
        skip_all(f"{' and '.join(missing)} not installed")
    os.environ.setdefault("LC_ALL", "C.UTF-8")
    os.environ.setdefault("PYTHONUTF8", "1")
    work = tempfile.mkdtemp(prefix="images.")
    try:
        tree, image = os.path.join(work, "tree"), os.path.join(work, "image")
        make_tree(tree)
        expected = listing(tree)
        without = [line.split(" user.")[0] for line in expected]
        for name, options, plain in (("Rock Ridge", ["-R"], False), ("Rock Ridge beside Joliet", ["-R", "-J"], False),
                                     ("Joliet", ["-J", "-joliet-long", "-D"], True), ("plain ISO 9660", ["-iso-level", "2", "-D"], True)):
            made = run("genisoimage", "-quiet", "-cache-inodes", *options, "-o", image, tree)
            if made.returncode != 0:
                report(False, f"{name}: genisoimage", made.stdout)
                continue
            compare(work, name, "rumpfs_cd9660", "cd9660", image, without, plain)
        broken(work, "ISO 9660", "rumpfs_cd9660", "cd9660", image)
        for compressor in ("gzip", "xz", "lz4", "zstd", "lzma"):
            if os.path.exists(image):
                os.unlink(image)
            made = run("mksquashfs", tree, image, "-quiet", "-no-progress", "-comp", compressor, "-noappend")
            if made.returncode != 0:
                print(f"# mksquashfs knows no {compressor}")
                continue
            compare(work, f"squashfs, {compressor}", "rumpfs_squashfs", "squashfs", image, expected)
        broken(work, "squashfs", "rumpfs_squashfs", "squashfs", image)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    report.finish()


if __name__ == "__main__":
    main()
