#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Trees copied into an ext4 image and out again, by unmodified cp -a: nothing of them changes, and e2fsck finds nothing.

RUMPKIT_TEST_ALL: 10,000 small files and one of 1 GiB.
"""

import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.environ["RUMPKIT_SRCDIR"], "tests/support"))
from iso_squashfs import LIMIT_SECONDS, difference, listing  # noqa: E402
from tap import Tap, skip_all  # noqa: E402

BUILDDIR = os.environ["RUMPKIT_BUILDDIR"]
ALL = bool(os.environ.get("RUMPKIT_TEST_ALL"))
report = Tap()


def run(*command, **options):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
                          timeout=LIMIT_SECONDS * (10 if ALL else 1), **options)


def make_tree(top, files, large):
    """Small files in directories of a hundred, with modes, owners, times, links and attributes; and a large one."""
    rng = random.Random(files)
    attributes = True
    for i in range(files):
        directory = os.path.join(top, f"d{i // 100:03}")
        os.makedirs(directory, exist_ok=True)
        path = os.path.join(directory, f"file {i:05}")
        with open(path, "wb") as file:
            file.write(rng.randbytes(rng.choice((0, 1, 100, 1000, 4096, 4097, 10000))))
        os.chmod(path, rng.choice((0o644, 0o600, 0o755, 0o4711, 0o444)))
        if i % 10 == 0:
            os.symlink(f"../d000/file {i:05}", path + ".symbolic")
            os.link(path, path + ".hard")
        if i % 7 == 0 and os.geteuid() == 0:
            os.lchown(path, 1000 + i % 100, 100000 + i)
            os.chmod(path, 0o4750)
        if i % 20 == 0 and attributes:
            try:
                os.setxattr(path, "user.number", b"%d" % i)
            except OSError:
                attributes = False
        os.utime(path, ns=(rng.randrange(2 * 10**18), rng.randrange(2 * 10**18)))
    with open(os.path.join(top, "large"), "wb") as file:
        block = rng.randbytes(1 << 20)
        for i in range(large):
            file.write(block[i % 1000:] + block[:i % 1000])
    os.mkfifo(os.path.join(top, "fifo"))


def times(top):
    """Of regular files, to the nanosecond."""
    return sorted(f"{os.path.relpath(os.path.join(directory, name), top)} {os.lstat(os.path.join(directory, name)).st_mtime_ns}"
                  for directory, _, files in os.walk(top) for name in files)


def copies(work, tree, mib):
    image, url = os.path.join(work, "image"), f"unix://{work}/control"
    back = os.path.join(work, "back")
    expected, expected_times = listing(tree), times(tree)
    with open(image, "wb") as file:
        file.truncate(mib << 20)
    made = run("mke2fs", "-q", "-F", "-t", "ext4", "-N", "30000", image)
    if made.returncode != 0:
        report(False, "mke2fs", made.stdout)
        return
    run_inside = (f"{BUILDDIR}/tools/rump_run", "-s", url)
    for way in (("cp -a in", run_inside + ("cp", "-a", tree, "/rump/mnt/tree"), ""),
                ("cp -a out, after a remount", run_inside + ("cp", "-a", "/rump/mnt/tree", back), ",ro")):
        server = subprocess.Popen(
            [f"{BUILDDIR}/rump_server/rump_server", "-s", "-lrumpvfs", "-lrumpfs_ext2fs", "-d",
             f"key=/dev/image,hostpath={image},size=host", "--mount", f"ext2fs,/dev/image,/mnt{way[2]}", url])
        environment = {**os.environ, "RUMP_SERVER": url, "RUMPCLIENT_RETRYCONN": "once"}
        while server.poll() is None and run(f"{BUILDDIR}/tests/support/rumpsh", "getpid", env=environment).returncode != 0:
            pass
        copied = run(*way[1])
        report(copied.returncode == 0 and copied.stdout == "", way[0], copied.stdout)
        server.send_signal(signal.SIGTERM)
        report(server.wait(timeout=LIMIT_SECONDS) == 0, f"{way[0]}: the server ends well")
        checked = run("e2fsck", "-fn", image)
        report(checked.returncode == 0, f"{way[0]}: e2fsck finds nothing", checked.stdout)
    found = listing(back)
    report(found == expected, "names, contents, modes, owners, links and attributes are the same", difference(expected, found))
    report(times(back) == expected_times, "times are the same", difference(expected_times, times(back)))


def main():
    if shutil.which("mke2fs") is None:
        skip_all("mke2fs is not installed")
    work = tempfile.mkdtemp(prefix="copies.")
    try:
        tree = os.path.join(work, "tree")
        os.mkdir(tree)
        make_tree(tree, *((10000, 1024) if ALL else (400, 24)))
        copies(work, tree, 1600 if ALL else 96)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    report.finish()


if __name__ == "__main__":
    main()
