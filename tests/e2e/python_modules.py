#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Runs python's own test modules, as Debian ships them, on the host and on a rump kernel: in a directory there, and with
its sockets. Each test has to end in the same way on both sides.

usage: python_modules.py [--netbsd] [MODULE [PATTERN]...]

Tests that are known to end otherwise are in python_modules.tsv, with the reason; they have to. A sample runs in the
ordinary run of the tests, everything with RUMPKIT_TEST_ALL."""

import fnmatch
import os
import shutil
import subprocess
import sys
import tempfile

SRCDIR = os.environ.get("RUMPKIT_SRCDIR", os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
BUILDDIR = os.environ.get("RUMPKIT_BUILDDIR", os.path.join(SRCDIR, "build"))
NETBSD = os.environ.get("RUMPKIT_NETBSD", "")
PYTHON = "/usr/bin/python3"
DRIVER = os.path.join(SRCDIR, "tests/e2e/python_driver.py")
LIMIT_SECONDS = 900
EMBEDDED = ["-lrumpvfs", "-lrumpfs_tmpfs", "-lrumpnet", "-lrumpnet_sockin", "-lrumpnet_local"]

# What is not of this project, or not the same twice on any one side: -PATTERN leaves out.
MODULES = {
    "test_os": [],
    "test_shutil": [],
    "test_pathlib": [],
    "test_tempfile": [],
    "test_io": [],
    "test_mmap": [],
    "test_subprocess": [],
    "test_selectors": [],
    "test_epoll": [],
    # Virtual machines' sockets and buses are the host's in any case, and hang where there is half of them.
    "test_socket": ["-*VSOCK*", "-*CAN*", "-*Bluetooth*", "-*RDS*", "-*QIPCRTR*"],
}
SAMPLE = {
    "test_os": ["-*walk_many_open_files*", "-*fd_leak*", "-*ForkTests*", "-*URandom*", "-*SpawnTests*", "-*Sendfile*"],
    "test_shutil": ["TestRmTree*", "TestCopyTree*", "TestCopy*", "TestMove*"],
    "test_mmap": ["MmapTests*"],
    "test_selectors": ["*modify*", "*register*", "*get_map*"],
    "test_socket": ["RecvmsgSCMRights*", "BasicTCPTest*", "BasicUDPTest*", "RecvmsgRFC3542AncillaryUDP6Test*",
                    "UnixStream*", "NonBlockingTCPTests*"],
}


def read_known():
    """Lines: where (embedded, netbsd, or both), the test's name without "test.", a pattern; the reason."""
    known = []
    with open(os.path.join(SRCDIR, "tests/e2e/python_modules.tsv"), encoding="utf-8") as text:
        for line in text:
            if line.strip() and not line.startswith("#"):
                known.append(line.rstrip("\n").split("\t"))
    return known


def run(prefix, directory, work, module, patterns):
    """Returns what each test came to, and what was printed."""
    results = os.path.join(work, "results")
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "RUMP"))}
    environment.update(TMPDIR=directory, LC_ALL="C.UTF-8", PATH="/usr/bin:/bin")
    open(results, "w", encoding="utf-8").close()
    with open(os.path.join(work, "printed"), "wb") as printed:
        process = subprocess.Popen([*prefix, PYTHON, DRIVER, results, module, *patterns], env=environment, cwd="/",
                                   stdin=subprocess.DEVNULL, stdout=printed, stderr=printed, start_new_session=True)
        try:
            process.wait(LIMIT_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 9)
            process.wait()
    outcomes, ended = {}, False
    with open(results, encoding="utf-8") as text:
        for line in text:
            fields = line.split()
            ended = fields[0] == "end"
            if len(fields) > 1:
                outcomes[fields[1].removeprefix("test.")] = "never ended" if fields[0] == "start" else fields[0]
    if not ended:
        outcomes[f"{module}.end"] = f"ended with {process.returncode}"
    with open(os.path.join(work, "printed"), encoding="utf-8", errors="replace") as text:
        return outcomes, text.read()


def excerpt(printed, name):
    start = printed.find(f"==== test.{name}")
    return printed[start:].split("\n====")[0].splitlines()[-6:] if start >= 0 else printed.splitlines()[-6:]


def compare(where, expected, actual, known):
    """Returns what is wrong: lines of text with the test's name."""
    wrong = []
    wheres = (where, "both") if os.geteuid() == 0 else (where, "both", "user")
    for name in sorted(expected.keys() | actual.keys()):
        reasons = [k for k in known if k[0] in wheres and fnmatch.fnmatch(name, k[1])]
        same = expected.get(name) == actual.get(name)
        if same and reasons:
            wrong.append((name, f"is {actual.get(name)} on both sides, but known to differ: {reasons[0][2]}"))
        elif not same and not reasons:
            wrong.append((name, f"{expected.get(name)} on the host, {actual.get(name)} here"))
    return wrong


def both(prefix, work, module, patterns, where, known):
    """A test that differs is run again, alone, since python's own have deadlines of milliseconds."""
    expected, _ = run([], f"{work}/host", work, module, patterns)
    actual, printed = run(prefix, "/rump/tmp", work, module, patterns)
    wrong = compare(where, expected, actual, known)
    again = [name.removeprefix(f"{module}.") for name, _ in wrong if name in expected and name in actual]
    if again and len(again) == len(wrong) < 10:
        expected.update(run([], f"{work}/host", work, module, again)[0])
        outcomes, printed = run(prefix, "/rump/tmp", work, module, again)
        actual.update(outcomes)
        wrong = compare(where, expected, actual, known)
    return expected, actual, wrong, printed


def start_servers(work):
    servers = {"embedded": ("", EMBEDDED)}
    if NETBSD:
        servers["netbsd"] = (f"{NETBSD}/lib", ["-lrumpvfs", "-lrumpfs_tmpfs", "-lrumpnet", "-lrumpnet_local"])
    for name, (components, libraries) in servers.items():
        environment = {**os.environ, **({"RUMP_COMPONENT_PATH": components} if components else {})}
        os.mkdir(f"{work}/{name}")
        url = f"unix://{work}/{name}/control"
        subprocess.run([f"{BUILDDIR}/rump_server/rump_server", *libraries, url], env=environment, check=True)
        if components:
            # Its root has neither links nor renames.
            subprocess.run([f"{BUILDDIR}/tools/rump_mount", "-t", "tmpfs", "tmpfs", "/tmp"], check=True,
                           env={**os.environ, "RUMP_SERVER": url})
        yield name, url


def main():
    if not os.path.exists("/usr/lib/python3.11/test/test_os.py"):
        print("1..0 # SKIP libpython3.11-testsuite is not installed")
        return 0
    arguments = sys.argv[1:]
    modules = {arguments[0]: arguments[1:]} if arguments else MODULES if os.environ.get("RUMPKIT_TEST_ALL") else SAMPLE
    known = read_known()
    work = tempfile.mkdtemp(prefix="python.")
    servers, failed, number = [], 0, 0
    try:
        os.mkdir(f"{work}/host")
        for server in start_servers(work):
            servers.append(server)
        print(f"1..{len(modules) * len(servers)}", flush=True)
        for module, patterns in modules.items():
            for where, url in servers:
                # Without sockets in the rump kernel, the host's.
                hijack = [] if where == "embedded" else ["--sockets=none"]
                prefix = [f"{BUILDDIR}/tools/rump_run", "-s", url, *hijack]
                expected, actual, wrong, printed = both(prefix, work, module, patterns, where, known)
                number += 1
                failed += bool(wrong)
                same = sum(expected.get(name) == outcome for name, outcome in actual.items())
                print(f"{'not ok' if wrong else 'ok'} {number} - {module} on the {where} kernel: {same} of {len(expected)} "
                      f"tests end in the same way", flush=True)
                for name, what in wrong:
                    print(f"# {name}: {what}")
                    for line in excerpt(printed, name):
                        print(f"#     {line}"[:200])
    finally:
        for _, url in servers:
            subprocess.run([f"{BUILDDIR}/tools/rump_halt"], env={**os.environ, "RUMP_SERVER": url}, check=False)
        shutil.rmtree(work, ignore_errors=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
