#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""ext2, ext3 and ext4: random operations on an image, and the same in memory, give the same; e2fsck finds nothing.

Then the server is killed under a load: e2fsck mends the image, and all that fsync has promised is there.
RUMPKIT_TEST_ALL: more operations, and 200 such deaths.
"""

import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.environ["RUMPKIT_SRCDIR"], "tests/support"))
from tap import Tap, skip_all  # noqa: E402

BUILDDIR = os.environ["RUMPKIT_BUILDDIR"]
SERVER = f"{BUILDDIR}/rump_server/rump_server"
RUMPSH = f"{BUILDDIR}/tests/support/rumpsh"
ALL = bool(os.environ.get("RUMPKIT_TEST_ALL"))
LIMIT_SECONDS = 60

report = Tap()


def run(*command, **options):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
                          timeout=LIMIT_SECONDS, **options)


class Image:
    def __init__(self, work, kind, mib=64, *options):
        self.path = os.path.join(work, "image")
        self.url = f"unix://{work}/control"
        if os.path.exists(self.path):
            os.unlink(self.path)
        with open(self.path, "wb") as image:
            image.truncate(mib << 20)
        made = run("mke2fs", "-q", "-F", "-t", kind, *options, self.path)
        if made.returncode != 0:
            raise RuntimeError(made.stdout)
        self.process = None

    def serve(self, flags=""):
        """Starts a server in the foreground, so that it is ours to kill; waits until it answers."""
        self.process = subprocess.Popen(
            [SERVER, "-s", "-lrumpvfs", "-lrumpfs_ext2fs", "-d", f"key=/dev/image,hostpath={self.path},size=host",
             "--mount", f"ext2fs,/dev/image,/mnt{flags}", self.url], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        while self.process.poll() is None:
            if run(RUMPSH, "getpid", env=self.environment()).returncode == 0:
                return True
        return False

    def environment(self):
        return {**os.environ, "RUMP_SERVER": self.url, "RUMPCLIENT_RETRYCONN": "once"}

    def commands(self, lines):
        return run(RUMPSH, input="\n".join(lines) + "\n", env=self.environment()).stdout

    def halt(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=LIMIT_SECONDS)
        self.process.stderr.close()

    def kill(self):
        self.process.kill()
        self.process.wait(timeout=LIMIT_SECONDS)
        self.process.stderr.close()

    def check(self):
        return run("e2fsck", "-fn", self.path)


def operations(rng, n):
    """Random commands with {} for the directory they work in."""
    def name():
        return "{}/" + "/".join(rng.choice(("a", "b", "c", "long" * rng.randint(1, 50)))
                                for _ in range(rng.randint(1, 3)))
    lines = ["mkdir {}"] + [f"mkdir {{}}/{d}" for d in ("a", "b", "c")]
    for _ in range(n):
        lines.append(rng.choice((
            lambda: f"mkdir {name()}",
            lambda: f"write {name()} text{rng.randint(0, 99)}",
            lambda: f"append {name()} more{rng.randint(0, 99)}",
            lambda: f"fill {name()} {rng.choice((1, 100, 4096, 5000, 70000, 300000))} {rng.randint(0, 99)}",
            lambda: f"truncate {name()} {rng.choice((0, 1, 4095, 4096, 10000, 1000000))}",
            lambda: f"rm {name()}",
            lambda: f"rmdir {name()}",
            lambda: f"mv {name()} {name()}",
            lambda: f"link {name()} {name()}",
            lambda: f"symlink {rng.choice(('a', '../b', 'x' * 300))} {name()}",
            lambda: f"chmod {name()} {rng.choice(('600', '755', '4711'))}",
            lambda: f"fsync {name()}",
        ))())
    return lines


def at(lines, where):
    return [line.replace("{}", where) for line in lines]


def tidy(output, where):
    """What a file system may decide for itself goes: sizes and links of directories."""
    output = output.replace(where, "DIR")
    return re.sub(r"(?m)^(.*\bdir(?:ectory)?\b.*)$", lambda m: re.sub(r"\b(size|links|nlink)[ =]?\d+", "", m.group(1)), output)


def random_operations(work, kind, n, *options):
    image = Image(work, kind, 64, *options)
    name = " ".join((kind,) + options)
    if not image.serve():
        report(False, f"{name}: the server mounts a new image", image.process.stderr.read())
        return
    rng = random.Random(f"{name} {n}")
    lines = operations(rng, n)
    ours = tidy(image.commands(at(lines, "/mnt/t")), "/mnt/t")
    memory = tidy(image.commands(at(lines, "/t")), "/t")
    report(ours == memory, f"{name}: {n} operations are answered as in memory", difference(memory, ours))
    ours = tidy(image.commands(["tree /mnt/t"]), "/mnt/t")
    memory = tidy(image.commands(["tree /t"]), "/t")
    report(ours == memory, f"{name}: the tree is the same", difference(memory, ours))
    image.halt()
    checked = image.check()
    report(checked.returncode == 0, f"{name}: e2fsck finds nothing", checked.stdout)
    if not image.serve(",ro"):
        report(False, f"{name}: mounted once more", image.process.stderr.read())
        return
    again = tidy(image.commands(["tree /mnt/t"]), "/mnt/t")
    report(again == memory, f"{name}: the tree is the same after a halt", difference(memory, again))
    image.halt()


def difference(expected, actual):
    pairs = zip(expected.splitlines(), actual.splitlines())
    return "\n".join(f"expected {e}\ngot      {a}" for e, a in pairs if e != a) or f"{len(expected)} and {len(actual)} bytes"


def one_death(work, seed):
    """Kills the server at a random moment; returns what is wrong, or None."""
    rng = random.Random(seed)
    image = Image(work, rng.choice(("ext4", "ext4", "ext3", "ext2")), 32)
    if not image.serve():
        return "the server did not start: " + image.process.stderr.read().decode()
    client = subprocess.Popen([RUMPSH], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              env=image.environment())
    # Each file is written once, fsynced and never touched again; "sum" after it tells that fsync was answered.
    fates = {}
    lines = ["mkdir /mnt/d"]
    for i in range(400):
        size = rng.choice((10, 4096, 9000, 100000))
        lines += [f"fill /mnt/d/junk{i % 7} {rng.choice((5, 50000, 200000))} {i}", f"fill /mnt/d/f{i} {size} {i}",
                  f"fsync /mnt/d/f{i}", f"sum /mnt/d/f{i}", f"mv /mnt/d/junk{i % 7} /mnt/d/other{i % 5}",
                  f"rm /mnt/d/other{i % 5}"]
    try:
        client.stdin.write("\n".join(lines) + "\n")
        client.stdin.flush()
    except BrokenPipeError:
        pass
    answers = rng.randint(1, 60)
    for _ in range(answers):
        line = client.stdout.readline()
        match = re.search(r"/mnt/d/(f\d+)\b", line)
        if match:
            fates[match.group(1)] = line
    image.kill()
    client.kill()
    client.communicate()
    mended = run("e2fsck", "-fy", image.path)
    if mended.returncode not in (0, 1):
        return f"e2fsck could not mend: {mended.stdout}"
    if image.check().returncode != 0:
        return "e2fsck was not content with its own work"
    if not image.serve(",ro"):
        return "the mended image did not mount: " + image.process.stderr.read().decode()
    problem = None
    for name, line in fates.items():
        found = image.commands([f"sum /mnt/d/{name}"])
        if found != line:
            problem = f"{name} was promised as {line!r} and is {found!r}\n{mended.stdout}"
    image.halt()
    return problem


def refusals(work):
    image = Image(work, "ext4", 32)
    run("debugfs", "-w", "-R", "feature needs_recovery", image.path)
    served = image.serve()
    message = "" if served else image.process.stderr.read().decode()
    report(not served and "e2fsck" in message, "an image whose journal needs recovery is refused, and e2fsck is named", message)
    if served:
        image.halt()
    report(image.serve(",ro"), "it is mounted read-only when asked")
    report("ead-only" in image.commands(["mkdir /mnt/x"]), "and is read-only then")
    image.halt()


def circle(work):
    """A directory whose ".." leads to what lies in it: a rename that asks what lies above it has to end."""
    image = Image(work, "ext2", 32)
    for command in ("mkdir a", "mkdir a/b", "mkdir c", "unlink a/..", "ln a/b a/.."):
        run("debugfs", "-w", "-R", command, image.path)
    if not image.serve():
        report(False, "an image with a circle is mounted", image.process.stderr.read())
        return
    try:
        run(RUMPSH, "mv", "/mnt/c", "/mnt/a/b/c", env=image.environment())
        answer = image.commands(["stat /mnt/a/b"])
        report("/mnt/a/b" in answer, "a circle of directories does not hold up a rename", answer)
        image.halt()
    except subprocess.TimeoutExpired:
        image.kill()
        report(False, "a circle of directories does not hold up a rename")


def patch(image, old, new):
    with open(image.path, "r+b") as file:
        data = file.read()
        if data.count(old) == 0:
            raise RuntimeError(f"no {old} in the image")
        file.seek(0)
        file.write(data.replace(old, new))


def debugfs(image, command):
    run("debugfs", "-w", "-R", command, image.path)


def wrong_inode(image):
    """The number of an entry's inode lies eight bytes before its name."""
    with open(image.path, "r+b") as file:
        file.seek(file.read().index(b"slash1name") - 8)
        file.write(b"\xff\xff\xff\0")


# What is wrong, how it is made so, and what then answers: to a mount that is refused, or to a command.
DAMAGES = (
    ("cut short", lambda image: os.truncate(image.path, 5 << 20), None, "larger than its device"),
    ("no file system", lambda image: patch(image, b"\x53\xef\x01\0", b"\x53\xee\x01\0"), None, "is no ext2"),
    ("an absurd count", lambda image: debugfs(image, "ssv inodes_per_group 7"), None, "make no sense"),
    ("an absurd size of inodes", lambda image: debugfs(image, "ssv inode_size 3000"), None, "make no sense"),
    ("bitmaps past the end", lambda image: debugfs(image, "set_bg 0 block_bitmap 99999999"), None, "run e2fsck"),
    ("a slash in a name", lambda image: patch(image, b"slash1name", b"slash/name"), "tree /mnt/d", "nput/output"),
    ("a NUL in a name", lambda image: patch(image, b"slash1name", b"slash\0name"), "tree /mnt/d", "nput/output"),
    ("a block past the end", lambda image: debugfs(image, "sif d/file block[0] 99999999"), "sum /mnt/d/file", "nput/output"),
    ("an inode past the end", wrong_inode, "stat /mnt/d/slash1name", "nput/output"),
    ("a directory of absurd size", lambda image: debugfs(image, "sif d size 0x7ffffffffffff000"), "tree /mnt/d", "nput/output"),
)


def broken(work):
    """Damaged images: EINVAL or EIO and a line on the console, and the server does not mind."""
    problems = []
    for name, damage, command, expected in DAMAGES:
        image = Image(work, "ext2", 16, "-O", "^metadata_csum")
        if not image.serve():
            return report(False, "an image is mounted", image.process.stderr.read())
        image.commands(["mkdir /mnt/d", "write /mnt/d/slash1name text", "write /mnt/d/file text"])
        image.halt()
        damage(image)
        if not image.serve():
            said, answer = image.process.stderr.read().decode(), None
            if command is not None or expected not in said:
                problems.append(f"{name}: refused with {said}")
            continue
        answer = image.commands([command or "getpid", "write /mnt/other text", "sum /mnt/other"])
        image.process.send_signal(signal.SIGTERM)
        said = image.process.stderr.read().decode()
        status = image.process.wait(timeout=LIMIT_SECONDS)
        if command is None or expected not in answer or "ext2fs: " not in said or status != 0:
            problems.append(f"{name}: status {status}, answered {answer!r}, said {said!r}")
    report(not problems, f"{len(DAMAGES)} kinds of damage are answered and named, and harm nobody", *problems)


def main():
    if shutil.which("mke2fs") is None:
        skip_all("mke2fs is not installed")
    work = tempfile.mkdtemp(prefix="ext2fs.")
    try:
        n = 5000 if ALL else 600
        for kind, options in (("ext4", ()), ("ext4", ("-b", "1024")), ("ext3", ()), ("ext2", ()), ("ext2", ("-I", "128"))):
            random_operations(work, kind, n, *options)
        refusals(work)
        circle(work)
        broken(work)
        deaths = 200 if ALL else 5
        problems = [f"death {seed}: {problem}" for seed in range(deaths) if (problem := one_death(work, seed))]
        report(not problems, f"{deaths} deaths of the server lose nothing that fsync promised", *problems[:3])
    finally:
        shutil.rmtree(work, ignore_errors=True)
    report.finish()


if __name__ == "__main__":
    main()
