# SPDX-License-Identifier: BSD-2-Clause
"""Runs the tests of one of python's own test modules, in a new directory under TMPDIR, and says how each went.

usage: python_driver.py RESULTS MODULE [pattern of test names | -pattern of those to leave out]...

Writes to the file RESULTS a line "start NAME" and a line "OUTCOME NAME SECONDS" for each test, OUTCOME being ok, skip or fail;
what went wrong goes to standard output."""

import fnmatch
import importlib
import os
import sys
import tempfile
import time
import traceback
import unittest


class Result(unittest.TestResult):
    def __init__(self, stream):
        super().__init__()
        self.stream, self.outcome, self.started = stream, None, 0.0

    def startTest(self, test):
        super().startTest(test)
        self.outcome, self.started = "ok", time.monotonic()
        print("start", test.id(), file=self.stream, flush=True)

    def stopTest(self, test):
        super().stopTest(test)
        print(self.outcome, test.id(), f"{time.monotonic() - self.started:.2f}", file=self.stream, flush=True)

    def failed(self, test, error):
        self.outcome = "fail"
        print(f"==== {test.id()}\n{''.join(traceback.format_exception(*error))}", flush=True)
        # What is set up for a class has no start of its own.
        if isinstance(test, unittest.suite._ErrorHolder):
            print("fail", test.id(), "0", file=self.stream, flush=True)

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.outcome = "skip"

    def addError(self, test, err):
        self.failed(test, err)

    def addFailure(self, test, err):
        self.failed(test, err)

    def addSubTest(self, test, subtest, err):
        if err is not None:
            self.failed(subtest, err)


def wanted(suite, patterns):
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from wanted(test, patterns)
        elif matches(test, [p for p in patterns if p[0] != "-"], True) and \
                not matches(test, [p[1:] for p in patterns if p[0] == "-"], False):
            yield test


def matches(test, patterns, otherwise):
    return any(fnmatch.fnmatch(test.id(), f"*.{pattern}") for pattern in patterns) if patterns else otherwise


def main():
    with open(sys.argv[1], "w", encoding="utf-8") as stream:
        home = tempfile.mkdtemp(prefix="python")
        os.chdir(home)
        from test import support
        support.use_resources = ["network"]
        module = importlib.import_module(f"test.{sys.argv[2]}")
        suite = unittest.defaultTestLoader.loadTestsFromModule(module)
        if len(sys.argv) > 3:
            suite = unittest.TestSuite(wanted(suite, sys.argv[3:]))
        suite.run(Result(stream))
        print("end", file=stream, flush=True)
    os.chdir("/")


if __name__ == "__main__":
    main()
