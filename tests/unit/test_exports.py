#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""librumpuser.so.0 exports the hypercalls that its headers declare, all of them, unversioned, and nothing else."""

import os
import re
import subprocess
import sys

SOURCE = os.environ.get("RUMPKIT_SRCDIR", ".")
LIBRARY = os.path.join(os.environ.get("RUMPKIT_BUILDDIR", "."), ".libs/librumpuser.so.0")
HEADERS = ["include/rump/rumpuser.h", "include/rump/rumpuser_component.h"]
HYPERCALLS = 67


def declared():
    """The functions of the headers, comments left out."""
    names = set()
    for header in HEADERS:
        with open(os.path.join(SOURCE, header), encoding="utf-8") as text:
            code = re.sub(r"/\*.*?\*/", "", text.read(), flags=re.DOTALL)
        names |= set(re.findall(r"\b(rumpuser_\w+)\(", code))
    return names


def exported():
    """The dynamic symbols, with @VERSION where they have one."""
    listing = subprocess.run(
        ["nm", "-D", "--defined-only", "--with-symbol-versions", LIBRARY], check=True, capture_output=True,
        text=True).stdout
    return {line.split()[-1] for line in listing.splitlines()}


def soname():
    listing = subprocess.run(["readelf", "-dW", LIBRARY], check=True, capture_output=True, text=True).stdout
    return re.search(r"SONAME.*\[(.*)\]", listing).group(1)


def main():
    wanted, found = declared(), exported()
    checks = [
        ("the headers declare %d hypercalls" % HYPERCALLS, len(wanted) == HYPERCALLS, sorted(wanted)),
        ("every one of them is exported", not wanted - found, sorted(wanted - found)),
        ("nothing else is", not found - wanted, sorted(found - wanted)),
        ("the soname is librumpuser.so.0", soname() == "librumpuser.so.0", [soname()]),
    ]
    print("1..%d" % len(checks))
    for number, (name, good, details) in enumerate(checks, 1):
        print("%s %d - %s" % ("ok" if good else "not ok", number, name))
        if not good:
            print("# " + " ".join(details))
    return 0 if all(good for _, good, _ in checks) else 1


if __name__ == "__main__":
    sys.exit(main())
