#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Runs the test programs of buildrump.sh, as built there, on our librumpuser.

TAP, a line a program. $RUMPKIT_NETBSD is the prefix that they were linked against, $RUMPKIT_NETBSD_TESTS the
folder of the built ones (obj/brtests), $RUMPKIT_NETBSD_IMAGES the folder of the images that fstest_img reads
(tests/fstest_img of the sources; that program is skipped without). LIBRUMPUSER may name another library than
ours: the programs are no test if they fail on the one that they were built with.
"""

import ctypes
import os
import shutil
import signal
import subprocess
import sys
import tempfile

BUILD = os.path.abspath(os.environ.get("RUMPKIT_BUILDDIR", "."))
PREFIX = os.environ.get("RUMPKIT_NETBSD", "")
PROGRAMS = os.environ.get("RUMPKIT_NETBSD_TESTS", "")
IMAGES = os.environ.get("RUMPKIT_NETBSD_IMAGES", "")
LIBRUMPUSER = os.environ.get("LIBRUMPUSER", os.path.join(BUILD, ".libs/librumpuser.so.0"))
TIME_LIMIT = 60
PR_SET_CHILD_SUBREAPER = 36


def simple(version):
    """A server and a client that share a bus."""
    program = "{p}/nettest_simple%s/nettest_simple%s" % (version, version)
    return [program + " server" + version, program + " client" + version]


def routed(version):
    """A server, a router that is a system call server too, a client, and the router's end."""
    program = "{p}/nettest_routed%s/nettest_routed%s" % (version, version)
    return [
        program + " server" + version,
        program + " router" + version + " unix://control",
        program + " client" + version,
        "RUMP_SERVER=unix://control {p}/simpleclient/simpleclient",
    ]


TESTS = {
    "init": ["{p}/init/init"],
    "fstest": ["{p}/fstest/fstest"],
    "fstest_img": ["{p}/fstest_img/fstest2 {images}"],
    "simpleclient": [
        "{prefix}/bin/rump_server unix://control",
        "RUMP_SERVER=unix://control {p}/simpleclient/simpleclient",
    ],
    "nettest_simple": simple(""),
    "nettest_simple6": simple("6"),
    "nettest_routed": routed(""),
    "nettest_routed6": routed("6"),
    # 37 would say that no component could be loaded, which buildrump.sh lets pass.
    "dynamic": ["{p}/dynamic/dynamic"],
}


def end_orphans():
    """Ends the servers that a test left behind: they became children of this process."""
    while True:
        with open("/proc/self/task/%d/children" % os.getpid(), encoding="ascii") as listing:
            children = [int(pid) for pid in listing.read().split()]
        if not children:
            return
        for pid in children:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


def run(commands, environment):
    """Runs the commands in a folder of their own until one fails. Returns whether none did, and their output."""
    with tempfile.TemporaryDirectory() as scratch, open(os.path.join(scratch, "log"), "w+b") as log:
        status = "status 0"
        for command in commands:
            line = command.format(p=PROGRAMS, prefix=PREFIX, images=IMAGES)
            try:
                code = subprocess.run(
                    ["sh", "-c", line], cwd=scratch, env=environment, stdin=subprocess.DEVNULL, stdout=log,
                    stderr=subprocess.STDOUT, timeout=TIME_LIMIT, check=False).returncode
                status = "%s: status %d" % (line, code)
            except subprocess.TimeoutExpired:
                code, status = 1, "%s: no end after %d s" % (line, TIME_LIMIT)
            if code != 0:
                break
        end_orphans()
        log.seek(0)
        return code == 0, status + "\n" + log.read().decode(errors="replace")


def main():
    if not PREFIX or not PROGRAMS:
        print("1..0 # SKIP RUMPKIT_NETBSD and RUMPKIT_NETBSD_TESTS do not name built programs")
        return 0
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    failed = 0
    with tempfile.TemporaryDirectory() as library:
        # A folder of its own: nothing else of ours is to take the place of NetBSD's.
        shutil.copy(LIBRUMPUSER, os.path.join(library, "librumpuser.so.0"))
        environment = dict(os.environ, LD_LIBRARY_PATH=library + ":" + os.path.join(PREFIX, "lib"))
        print("1..%d" % len(TESTS))
        for number, (name, commands) in enumerate(TESTS.items(), 1):
            if name == "fstest_img" and not IMAGES:
                print("ok %d - %s # SKIP RUMPKIT_NETBSD_IMAGES does not name the images" % (number, name))
                continue
            worked, output = run(commands, environment)
            print("%s %d - %s" % ("ok" if worked else "not ok", number, name))
            if not worked:
                failed += 1
                for line in output.splitlines():
                    print("# " + line)
            sys.stdout.flush()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
