# SPDX-License-Identifier: BSD-2-Clause
"""For tests of librumphijack: a server, programs that run hijacked on it, and what they print compared with what they
should. A program of python's has what PRELUDE defines."""

import os
import re
import subprocess
import tempfile

from tap import Tap, skip_all

BUILD = os.path.abspath(os.environ.get("RUMPKIT_BUILDDIR", "."))
LIMIT_SECONDS = 120

# call(): a function of libc's; its result, or the name of its errno.
PRELUDE = """
import array, ctypes, errno, os, socket, struct, subprocess, sys
libc = ctypes.CDLL(None, use_errno=True)
def call(name, *arguments):
    wanted = [a.encode() if isinstance(a, str) else a for a in arguments]
    result = getattr(libc, name)(*wanted)
    return errno.errorcode[ctypes.get_errno()] if result == -1 else result
def tried(function, *arguments):
    try:
        return function(*arguments)
    except OSError as e:
        return errno.errorcode[e.errno]
"""


def skip_if_sanitized():
    with open(f"{BUILD}/config.status", encoding="utf-8") as text:
        if "-fsanitize" in text.read():
            skip_all("a sanitized library is not preloaded")


class Server:
    """A server for the life of a with statement, with a directory of its own to work in."""

    def __init__(self, *arguments):
        self.arguments = arguments

    def __enter__(self):
        self.directory = tempfile.TemporaryDirectory(prefix="hijacked.")
        self.work = self.directory.name
        self.url = f"unix://{self.work}/control"
        self.prepare()
        self.start()
        return self

    def start(self):
        arguments = [argument.replace("WORK", self.work) for argument in self.arguments]
        subprocess.run([f"{BUILD}/rump_server/rump_server", *arguments, self.url], stdin=subprocess.DEVNULL, check=True,
                       timeout=LIMIT_SECONDS)

    def prepare(self):
        """Makes what the server is started on."""

    def __exit__(self, *unused):
        self.halt()
        self.directory.cleanup()

    def halt(self):
        subprocess.run([f"{BUILD}/tools/rump_halt"], env={**os.environ, "RUMP_SERVER": self.url}, check=False,
                       timeout=LIMIT_SECONDS)

    def run(self, *command, **more):
        """Returns a hijacked program's status and all that it printed."""
        environment = {k: v for k, v in os.environ.items() if not k.startswith("RUMP")}
        environment.update({"LC_ALL": "C", "WORK": self.work}, **more)
        done = subprocess.run([f"{BUILD}/tools/rump_run", "-s", self.url, *command], stdin=subprocess.DEVNULL, cwd=self.work,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment, check=False,
                              timeout=LIMIT_SECONDS)
        return done.returncode, done.stdout.decode("utf-8", "replace")

    def python(self, program, **more):
        return self.run("/usr/bin/python3", "-c", PRELUDE + program, **more)


class Report(Tap):
    def programs(self, server, programs):
        """(name, program of python's, a pattern for all that it prints); NL may stand between lines."""
        for name, program, wanted in programs:
            status, text = server.python(program)
            good = status == 0 and re.fullmatch(wanted.strip(), text.strip()) is not None
            self(good, name, f"status {status}, wanted {wanted}", text)
