#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Runs programs as Debian ships them twice, on the host and on a rump kernel, and compares what they do.

usage: programs.py [--host-only] [--traced] [--verbose] [CASE-FILE | name of a case]...

A case is a bash script that starts in an empty directory of its own. Its output, its messages, its exit status and
the tree that it leaves behind have to be the same on both sides. Case files are tests/e2e/programs/*.cases: blocks
that start with a line "# name"; a line "## needs: program ..." skips the block where a program is missing, and
"## differs: reason" names a difference that is known, with the reason; the case then has to fail; "## differs-netbsd: reason"
does so for NetBSD's kernel alone; "## kernels: embedded" leaves a block to the embedded kernel.

--traced runs cases under strace as well, and looks for calls that should not have reached the host: with a path of the
rump kernel's, or with a descriptor of its, to the host a shadow. RUMPKIT_TEST_ALL does so for all cases.
"""

import difflib
import os
import re
import shutil
import subprocess
import sys
import tempfile

SRCDIR = os.environ.get("RUMPKIT_SRCDIR", os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
BUILDDIR = os.environ.get("RUMPKIT_BUILDDIR", os.path.join(SRCDIR, "build"))
NETBSD = os.environ.get("RUMPKIT_NETBSD", "")
LIMIT_SECONDS = 120
# Directories' sizes and link counts are each file system's own affair.
TREE = ("find . -mindepth 1 \\( -type d -printf 'd %m %p\\n' -o -type l -printf 'l %p -> %l\\n' -o "
        "-type f -printf 'f %m %n %s %p\\n' -o -printf '%y %m %p\\n' \\) | LC_ALL=C sort; "
        "find . -type f -size +0 ! -name '.git*' ! -path '*/.git/*' -exec sha256sum {} + | LC_ALL=C sort -k2")


class Case:
    def __init__(self, name):
        self.name, self.lines, self.needs, self.differs, self.kernels, self.netbsd = name, [], [], None, [], None

    @property
    def script(self):
        return "\n".join(self.lines)


def read_cases(path):
    cases = []
    with open(path, encoding="utf-8") as text:
        for line in text:
            line = line.rstrip("\n")
            if line.startswith("## needs:"):
                cases[-1].needs += line.split(":", 1)[1].split()
            elif line.startswith("## differs:"):
                cases[-1].differs = line.split(":", 1)[1].strip()
            elif line.startswith("## differs-netbsd:"):
                cases[-1].netbsd = line.split(":", 1)[1].strip()
            elif line.startswith("## kernels:"):
                cases[-1].kernels += line.split(":", 1)[1].split()
            elif re.match(r"# \S", line):
                cases.append(Case(line[2:]))
            elif cases:
                cases[-1].lines.append(line)
    return [case for case in cases if case.script.strip()]


class Side:
    """Where cases run: a command that starts a hijacked bash, or a plain one, and the directory they work in."""

    def __init__(self, prefix, root, environment):
        self.prefix, self.root, self.environment = prefix, root, environment

    def run(self, script, directory):
        path = f"{self.root}/{directory}"
        wrapped = f"mkdir -p '{path}' && cd '{path}' && export HOME='{path}' TMPDIR='{path}' || exit 99\n{script}"
        try:
            done = subprocess.run([*self.prefix, "bash", "-c", wrapped], stdin=subprocess.DEVNULL,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=self.environment,
                                  timeout=LIMIT_SECONDS, check=False)
        except subprocess.TimeoutExpired as late:
            return "timeout", (late.stdout or b"").decode("utf-8", "replace")
        text = done.stdout.decode("utf-8", "replace")
        return done.returncode, text.replace(path, "DIR").replace(self.root, "ROOT")

    def outcome(self, case, number):
        directory = f"case{number}"
        status, text = self.run(case.script, directory)
        _, tree = self.run(TREE, directory)
        self.run(f"cd / && chmod -R u+rwx '{self.root}/{directory}' && rm -rf '{self.root}/{directory}'", directory)
        return f"--- status {status}\n--- output\n{text}--- tree\n{tree}"


# A shadow is an eventfd with a low number; these calls are about the number, or wait.
SHADOW = re.compile(r"\((\d{1,2})<anon_inode:\[eventfd[^>]*>")
ABOUT_NUMBERS = {"close", "fcntl", "dup", "dup2", "dup3", "ioctl", "poll", "ppoll", "fchdir"}
RUMP_PATH = re.compile(r'\((?:AT_FDCWD(?:<[^>]*>)?, |\d+(?:<[^>]*>)?, )?"/rump(?:/|")')
# What is read or written may look like a path, and names that nobody looks up.
DATA = {"read", "write", "pread64", "pwrite64", "sendto", "recvfrom", "symlink", "symlinkat", "memfd_create"}


def escaped(log):
    """The calls in a trace that should not have reached the host, and how many there were at all."""
    bad, total = [], 0
    with open(log, encoding="utf-8", errors="replace") as lines:
        for line in lines:
            match = re.match(r"(?:\d+ +)?((\w+)\(.*)", line)
            if not match:
                continue
            total += 1
            arguments = match[1][len(match[2]):]
            if (SHADOW.match(arguments) and match[2] not in ABOUT_NUMBERS) or \
                    (RUMP_PATH.match(arguments) and match[2] not in DATA):
                bad.append(match[1].rstrip())
    return bad, total


def trace(side, case, directory, work):
    """Runs a case under strace. Returns what is wrong with it, and how many calls there were."""
    log = os.path.join(work, "trace")
    traced = Side(["strace", "-f", "-y", "-s", "64", "-o", log, *side.prefix], side.root, side.environment)
    traced.run(case.script, directory)
    side.run(f"cd / && chmod -R u+rwx '{side.root}/{directory}' && rm -rf '{side.root}/{directory}'", directory)
    bad, total = escaped(log)
    return (bad if total > 0 else ["nothing was traced"]), total


def base_environment(work):
    kept = {key: os.environ[key] for key in ("PATH", "LD_LIBRARY_PATH", "ASAN_OPTIONS") if key in os.environ}
    # The home directory is the rump kernel's: the library's tables need another place.
    kept["RUMPHIJACK_CACHE"] = os.environ.get("RUMPHIJACK_CACHE", f"{work}/cache")
    return {**kept, "LC_ALL": "C", "TZ": "UTC", "GIT_CONFIG_NOSYSTEM": "1", "USER": "user", "LOGNAME": "user"}


def start_server(work, components, libraries):
    """A server with an empty root file system; returns its URL."""
    url = f"unix://{work}/control"
    environment = {**os.environ}
    if components:
        environment["RUMP_COMPONENT_PATH"] = components
    subprocess.run([f"{BUILDDIR}/rump_server/rump_server", "-lrumpvfs", "-lrumpfs_tmpfs", *libraries, url], env=environment,
                   timeout=LIMIT_SECONDS, check=True)
    if components:
        # Its root has neither links nor renames.
        subprocess.run([f"{BUILDDIR}/tools/rump_mount", "-t", "tmpfs", "tmpfs", "/tmp"], timeout=LIMIT_SECONDS, check=True,
                       env={**os.environ, "RUMP_SERVER": url})
    return url


def sides(work, host_only):
    host_root = os.path.join(work, "host")
    os.mkdir(host_root)
    host = Side([], host_root, base_environment(work))
    if host_only:
        again = os.path.join(work, "again")
        os.mkdir(again)
        return host, [("host again", Side([], again, base_environment(work)))], []
    others, urls = [], []
    kernels = [("embedded kernel", "", ["-lrumpnet", "-lrumpnet_sockin", "-lrumpnet_local"])]
    if NETBSD:
        kernels.append(("NetBSD's kernel", f"{NETBSD}/lib", []))
    for name, components, libraries in kernels:
        directory = os.path.join(work, re.sub(r"\W", "", name))
        os.mkdir(directory)
        url = start_server(directory, components, libraries)
        urls.append(url)
        others.append((name, Side([f"{BUILDDIR}/tools/rump_run", "-s", url], "/rump/tmp",
                                  base_environment(work))))
    return host, others, urls


def main():
    arguments = sys.argv[1:]
    host_only = "--host-only" in arguments
    verbose = "--verbose" in arguments
    wanted = [argument for argument in arguments if not argument.startswith("--")]
    directory = os.path.join(SRCDIR, "tests/e2e/programs")
    files = [w for w in wanted if w.endswith(".cases")] or \
        [os.path.join(directory, name) for name in sorted(os.listdir(directory)) if name.endswith(".cases")]
    names = {w for w in wanted if not w.endswith(".cases")}
    cases = [case for path in files for case in read_cases(path) if not names or case.name in names]
    traced = ("--traced" in arguments or os.environ.get("RUMPKIT_TEST_ALL")) and shutil.which("strace") and not host_only
    work = tempfile.mkdtemp(prefix="programs.")
    urls, failed, number, escapes, calls = [], 0, 0, 0, 0
    try:
        host, others, urls = sides(work, host_only)
        print(f"1..{len(cases) * (len(others) + bool(traced))}", flush=True)
        for index, case in enumerate(cases):
            missing = [program for program in case.needs if shutil.which(program) is None]
            expected = None if missing else host.outcome(case, index)
            for name, side in others:
                number += 1
                if case.kernels and name.split()[0] not in case.kernels:
                    print(f"ok {number} - {case.name} on {name} # SKIP for the embedded kernel", flush=True)
                    continue
                if missing:
                    print(f"ok {number} - {case.name} on {name} # SKIP {' '.join(missing)} not installed", flush=True)
                    continue
                actual = side.outcome(case, index)
                good = actual == expected
                differs = case.differs or (case.netbsd if name.startswith("NetBSD") else None)
                failed += not good and not differs
                remark = f" # TODO {differs}" if differs else ""
                print(f"{'ok' if good else 'not ok'} {number} - {case.name} on {name}{remark}", flush=True)
                if actual != expected or verbose:
                    for line in difflib.unified_diff(expected.splitlines(), actual.splitlines(), "host", name, lineterm="", n=1):
                        print(f"# {line}"[:300])
            if traced:
                number += 1
                bad, total = ([], 0) if missing else trace(others[0][1], case, f"case{index}", work)
                failed += bool(bad)
                escapes, calls = escapes + len(bad), calls + total
                print(f"{'not ok' if bad else 'ok'} {number} - {case.name}: no call escapes to the host", flush=True)
                for line in bad[:10]:
                    print(f"# {line}"[:300])
        if traced:
            print(f"# {calls} calls traced, {escapes} of them escaped")
    finally:
        for url in urls:
            subprocess.run([f"{BUILDDIR}/tools/rump_halt"], env={**os.environ, "RUMP_SERVER": url}, check=False)
        shutil.rmtree(work, ignore_errors=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
