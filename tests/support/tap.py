# SPDX-License-Identifier: BSD-2-Clause
"""What a test says: the Test Anything Protocol, https://testanything.org."""

import sys

LINES_MAX = 20
LINE_MAX = 300


class Tap:
    """Called with each result; what the details say is printed when it is a bad one, as comments."""

    def __init__(self):
        self.count = self.failures = 0

    def __call__(self, good, name, *details):
        self.count += 1
        self.failures += not good
        print(f"{'ok' if good else 'not ok'} {self.count} - {name}", flush=True)
        for line in [] if good else [line for detail in details for line in str(detail).splitlines()][-LINES_MAX:]:
            print(f"# {line}"[:LINE_MAX], flush=True)
        return good

    ok = __call__

    def equal(self, got, expected, name):
        return self(got == expected, name, f"expected {expected!r}", f"got {got!r}")

    def skip(self, name, why):
        self.count += 1
        print(f"ok {self.count} - {name} # SKIP {why}", flush=True)

    def finish(self):
        """Ends the test, with the plan and the exit status."""
        print(f"1..{self.count}", flush=True)
        sys.exit(1 if self.failures else 0)


def skip_all(why):
    """Ends a test that cannot be made here."""
    print(f"1..0 # SKIP {why}", flush=True)
    sys.exit(0)
