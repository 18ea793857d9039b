#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""A program that makes its system calls itself, from little stacks, does so on the rump kernel as it does on the host."""

import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.environ["RUMPKIT_SRCDIR"], "tests/support"))
from hijacked import BUILD, LIMIT_SECONDS, Report, Server, skip_if_sanitized  # noqa: E402  pylint: disable=wrong-import-position

PROGRAM = f"{BUILD}/tests/e2e/hijack_little_stack"


def main():
    skip_if_sanitized()
    report = Report()
    with tempfile.TemporaryDirectory() as directory:
        done = subprocess.run([PROGRAM, directory], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
                              timeout=LIMIT_SECONDS)
        report.equal((done.returncode, done.stdout), (0, b"enough\n"), "on the host")
    with Server("-lrumpvfs", "-lrumpfs_tmpfs") as server:
        report.equal(server.run(PROGRAM, "/rump/tmp"), (0, "enough\n"), "on a rump kernel")
    report.finish()


main()
