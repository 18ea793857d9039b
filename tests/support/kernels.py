# SPDX-License-Identifier: BSD-2-Clause
"""Where tests of librumphijack run the same program: on the host, on the embedded kernel, on one that cannot end calls, and on
NetBSD's."""

import os
import subprocess
import tempfile

from hijacked import BUILD, LIMIT_SECONDS, PRELUDE, Report, Server, skip_if_sanitized
from plain_relay import PlainRelay

NETBSD = os.environ.get("RUMPKIT_NETBSD", "")


class Host:
    """Runs programs of python's without a rump kernel; before each of them, what prelude defines."""
    name, where = "the host", None

    def __init__(self, prelude):
        self.prelude = prelude

    def __enter__(self):
        self.directory = tempfile.TemporaryDirectory(prefix="hijacked.")
        self.where = self.directory.name
        return self

    def __exit__(self, *unused):
        self.directory.cleanup()

    def start(self, program):
        return self.run("/usr/bin/python3", "-c", PRELUDE + self.prelude + program)

    def run(self, *command):
        environment = {k: v for k, v in os.environ.items() if not k.startswith("RUMP")}
        environment.update({"LC_ALL": "C", "WHERE": self.where})
        return subprocess.Popen([*self.prefix(), *command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                env=environment, cwd="/", start_new_session=True)

    def prefix(self):
        return []


class Rump(Host, Server):
    """The embedded kernel."""
    name, where = "the embedded kernel", "/rump/tmp"
    libraries = ["-lrumpvfs", "-lrumpfs_tmpfs", "-lrumpnet", "-lrumpnet_sockin"]

    def __init__(self, prelude):
        Host.__init__(self, prelude)
        Server.__init__(self, *self.libraries)

    def __enter__(self):
        return Server.__enter__(self)

    def __exit__(self, *unused):
        Server.__exit__(self, *unused)

    def start(self, program=None):
        return Server.start(self) if program is None else Host.start(self, program)

    def prefix(self):
        return [f"{BUILD}/tools/rump_run", "-s", self.url]


class Relayed(Rump):
    """The same behind a relay."""
    name = "a kernel that cannot end calls"

    def __enter__(self):
        super().__enter__()
        self.relay = PlainRelay(f"{self.work}/plain", f"{self.work}/control")
        return self

    def __exit__(self, *unused):
        self.relay.close()
        super().__exit__(*unused)

    def prefix(self):
        return [f"{BUILD}/tools/rump_run", "-s", f"unix://{self.work}/plain"]


class NetBSD(Rump):
    """NetBSD's kernel and its own server."""
    name = "NetBSD's kernel"
    libraries = ["-lrumpvfs", "-lrumpfs_tmpfs", "-lrumpdev", "-lrumpnet", "-lrumpnet_net", "-lrumpnet_netinet", "-lrumpnet_local"]

    def start(self, program=None):
        if program is not None:
            return Host.start(self, program)
        environment = {**os.environ, "LD_LIBRARY_PATH": f"{NETBSD}/lib"}
        return subprocess.run([f"{NETBSD}/bin/rump_server", *self.arguments, self.url], stdin=subprocess.DEVNULL, check=True,
                              stderr=subprocess.DEVNULL, env=environment, timeout=LIMIT_SECONDS)


def has_netbsd():
    return NETBSD != "" and os.path.exists(f"{NETBSD}/bin/rump_server")


def all_kernels(prelude):
    kernels = [Host(prelude), Rump(prelude), Relayed(prelude)]
    if has_netbsd():
        kernels.append(NetBSD(prelude))
    return kernels


def _run(kernel, program):
    child = kernel.start(program)
    try:
        text = child.communicate(timeout=LIMIT_SECONDS)[0].decode("utf-8", "replace")
    except subprocess.TimeoutExpired:
        child.kill()
        return "never ended", child.communicate()[0].decode("utf-8", "replace")
    return child.returncode, text


def _difference(wanted, text):
    """Where two texts part."""
    pairs = list(zip(wanted.splitlines() + [""], text.splitlines() + [""]))
    at = next((i for i, (a, b) in enumerate(pairs) if a != b), len(pairs) - 1)
    return f"line {at + 1}: {pairs[at][0]!r} on the host, {pairs[at][1]!r} here; before: {[a for a, b in pairs[max(at - 4, 0):at]]}"


def compare_programs(prelude, cases):
    """The whole of a test: programs of python's, by their names, that print the same on every kernel as on the host."""
    skip_if_sanitized()
    report = Report()
    wanted = {}
    for kernel in all_kernels(prelude):
        with kernel:
            for name, program in cases:
                status, text = _run(kernel, program)
                good = status == 0 and text == wanted.setdefault(name, text)
                report(good, f"{kernel.name}: {name}", f"status {status}", _difference(wanted[name], text), text if status != 0 else "")
    report.finish()
