#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Boots NetBSD's own kernel components on our librumpuser, one at a time with what each depends on.

TAP: a line for every kernel component below $RUMPKIT_NETBSD/lib. With --beside each line also says whether
the component boots on the librumpuser of that prefix.
"""

import os
import shutil
import subprocess
import sys
import tempfile

BUILD = os.environ.get("RUMPKIT_BUILDDIR", ".")
PREFIX = os.environ.get("RUMPKIT_NETBSD", "")
LOADER = os.path.join(BUILD, "tests/netbsd/boot")
NOT_KERNEL = {"librumpuser", "librumpclient", "librumphijack"}
# What no symbol shows: the network's configuration aborts without a protocol to configure.
ALSO = {"librumpnet_config": ["librumpnet_netinet"]}
TIME_LIMIT = 60


def symbols(path):
    """The names that a library defines, and those that it needs."""
    defined, needed = set(), set()
    listing = subprocess.run(["nm", "-D", path], check=True, capture_output=True, text=True).stdout
    for line in listing.splitlines():
        *_, kind, name = line.split()
        if kind == "U":
            needed.add(name)
        elif kind not in "vw":
            defined.add(name)
    return defined, needed


class Components:
    """The kernel components of a prefix, and which needs which."""

    def __init__(self, directory):
        self.directory = directory
        self.names = sorted(
            name[: -len(".so.0")]
            for name in os.listdir(directory)
            if name.startswith("librump") and name.endswith(".so.0"))
        self.names = [name for name in self.names if name not in NOT_KERNEL]
        self.symbols = {name: symbols(self.path(name)) for name in self.names}
        self.definers = {}
        for name in self.names:
            for symbol in self.symbols[name][0]:
                self.definers.setdefault(symbol, []).append(name)

    def path(self, name):
        return os.path.join(self.directory, name + ".so.0")

    def needs(self, name):
        """What a component depends on directly; the shortest name, a faction's, where several would do."""
        found = set(ALSO.get(name, []))
        for symbol in self.symbols[name][1]:
            definers = self.definers.get(symbol, [])
            if definers and name not in definers:
                found.add(min(definers, key=lambda definer: (len(definer), definer)))
        return sorted(found)

    def closure(self, name):
        """The component and all that it depends on, dependencies first."""
        order, seen = [], set()

        def visit(component):
            if component in seen:
                return
            seen.add(component)
            for needed in self.needs(component):
                visit(needed)
            order.append(component)

        visit("librump")
        visit(name)
        return order


def boot(components, names, librumpuser):
    """Boots these components on the librumpuser of a directory. Returns whether that worked, and the output."""
    environment = dict(os.environ, LD_LIBRARY_PATH=librumpuser + ":" + components.directory)
    with tempfile.TemporaryDirectory() as scratch:
        try:
            run = subprocess.run(
                [LOADER] + [components.path(name) for name in names], cwd=scratch, env=environment,
                stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace",
                timeout=TIME_LIMIT, check=False)
        except subprocess.TimeoutExpired:
            return False, "no end after %d s" % TIME_LIMIT
    expected = "booted on " + os.path.join(librumpuser, "librumpuser.so.0")
    worked = run.returncode == 0 and expected in run.stdout.splitlines()
    return worked, "status %d\n%s%s" % (run.returncode, run.stdout, run.stderr)


def table(ours, theirs, beside):
    """Prints the table. ours and theirs: the folders of two librumpusers, the second with the components."""
    components = Components(theirs)
    print("1..%d" % len(components.names))
    failed = 0
    for number, name in enumerate(components.names, 1):
        names = components.closure(name)
        worked, output = boot(components, names, ours)
        remark = ", with %d others" % (len(names) - 1)
        if beside:
            remark += "; on NetBSD's librumpuser: " + ("boots" if boot(components, names, theirs)[0] else "does not")
        print("%s %d - %s boots%s" % ("ok" if worked else "not ok", number, name, remark))
        if not worked:
            failed += 1
            for line in ["components: " + " ".join(names)] + output.splitlines():
                print("# " + line)
        sys.stdout.flush()
    return 1 if failed else 0


def main():
    beside = "--beside" in sys.argv[1:]
    if not PREFIX:
        print("1..0 # SKIP RUMPKIT_NETBSD does not name a prefix with NetBSD's components")
        return 0
    with tempfile.TemporaryDirectory() as ours:
        # A folder of its own: nothing else of ours is to take the place of NetBSD's.
        shutil.copy(os.path.join(BUILD, ".libs/librumpuser.so.0"), ours)
        return table(ours, os.path.join(PREFIX, "lib"), beside)


if __name__ == "__main__":
    sys.exit(main())
