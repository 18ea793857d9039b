#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Runs the cases against a kernel and compares what it answers with NetBSD's recorded answers.

usage: compare.py embedded | remote | host | netbsd   [case]...   one TAP line a case
       compare.py record                                          writes netbsd_answers.tsv anew

differences.tsv lists where the embedded kernel answers otherwise, and why that is right: case; in-process, remote or
all; NetBSD's line; ours, with \\n between several; why. With "host" it is where the host does, whose sockets the
cases are run against, too; * stands for a case that it cannot run. A difference that does not show is an error."""

import os
import resource
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
BUILD = os.path.abspath(os.environ.get("RUMPKIT_BUILDDIR", "."))
NETBSD = os.environ.get("RUMPKIT_NETBSD", "")
CASES = f"{BUILD}/tests/kernel/cases"
HOST_SHIM = f"{BUILD}/tests/kernel/.libs/libhostshim.so"
# What the host has of what the cases want: no kqueue, and nothing but sockets in the shim.
HOST_CASES = ("stream_", "datagram_", "readiness_poll_", "local_", "rights_")
# NetBSD's kqueue crashes or hangs in one run of twenty of it.
NETBSD_RACES = ("stress_events",)
ANSWERS = f"{HERE}/netbsd_answers.tsv"
DIFFERENCES = f"{HERE}/differences.tsv"
COMPONENTS = ["librump", "librumpvfs", "librumpdev", "librumpnet", "librumpnet_local", "librumpfs_tmpfs"]
# The Internet domains: the kernel's own, or the host's sockets.
NETBSD_NET = ["librumpnet_net", "librumpnet_netinet", "librumpnet_netinet6", "librumpnet_config"]
EMBEDDED_NET = ["librumpnet_sockin"]
LIMIT = 300
# Not answers: what the cases say when they did not get as far as they should.
MISHAPS = ("waited in vain", "died of signal", "exited with")


def components(directory):
    names = COMPONENTS + (NETBSD_NET if os.path.exists(f"{directory}/librumpnet_net.so.0") else EMBEDDED_NET)
    return [path for name in names if os.path.exists(path := f"{directory}/{name}.so.0")]


def table(path, columns):
    with open(path, encoding="utf-8") as lines:
        rows = [line.rstrip("\n").split("\t", columns - 1) for line in lines if not line.startswith("#")]
    return [row for row in rows if len(row) == columns]


def answers():
    found = {}
    for case, line in table(ANSWERS, 2):
        found.setdefault(case, []).append(line)
    return found


def concerns(row, where):
    """Whether a row of the differences is about this kernel."""
    return row[1] == where or (row[1] == "all" and where in ("in-process", "remote"))


def expected(case, lines, where, used):
    """NetBSD's lines with the known differences of this kernel in place of its own."""
    lines = list(lines)
    for number, row in enumerate(table(DIFFERENCES, 5)):
        name, _, theirs, ours, _ = row
        if name != case or not concerns(row, where):
            continue
        at = [i for i, line in enumerate(lines) if line == theirs]
        if not at:
            return None
        used.add(number)
        lines[at[0]:at[0] + 1] = ours.split("\\n") if ours else []
    return lines


def run(arguments, directory, environment=None):
    libraries = f"{directory}:{os.environ.get('LD_LIBRARY_PATH', '')}"
    return subprocess.run([CASES, *arguments], env={**os.environ, "LD_LIBRARY_PATH": libraries, **(environment or {})},
                          stdout=subprocess.PIPE, timeout=LIMIT, check=False).stdout.decode()


def in_process(directory, cases, netbsd_errno):
    arguments = [item for path in components(directory) for item in ("-l", path)]
    return run(arguments + (["-e"] if netbsd_errno else []) + cases, directory)


def remote(directory, cases):
    """A server with the kernel in it, and the cases as its clients."""
    with tempfile.TemporaryDirectory() as scratch:
        url = f"unix://{scratch}/server"
        libraries = components(directory) + [f"{directory}/librumpkern_sysproxy.so.0"]
        with subprocess.Popen([CASES, *[item for path in libraries for item in ("-l", path)], "-s", url],
                              env={**os.environ, "LD_LIBRARY_PATH": directory}, stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE) as server:
            # What the clients write to their console follows the first line: it is not of interest.
            if server.stdout.readline().strip() != b"serving":
                sys.exit("Bail out! the server does not start")
            files = ["-f"] if any("librumpvfs" in path for path in libraries) else []
            out = run(["-r", *files, "-l", f"{directory}/librumpclient.so.0", *cases], directory, {"RUMP_SERVER": url})
            server.stdin.close()
            if server.wait(timeout=LIMIT) != 0:
                out += f"server\tended with {server.returncode}\n"
    return out


def on_host(cases):
    """As clients are run, for each case is a process of the host's."""
    # As many descriptors may be in flight as a user may have open.
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    with tempfile.TemporaryDirectory() as scratch:
        return run(["-r", "-f", "-l", HOST_SHIM, *cases], f"{BUILD}/.libs", {"HOST_SHIM_ROOT": scratch})


def parse(output):
    found = {}
    for line in output.splitlines():
        case, _, text = line.partition("\t")
        found.setdefault(case, []).append(text)
    return found


def known_cases():
    return subprocess.run([CASES, "-n"], stdout=subprocess.PIPE, check=True).stdout.decode().split()


def record():
    found = parse(in_process(f"{NETBSD}/lib", [], True))
    if mishaps := [case for case, lines in found.items() if any(text in line for line in lines for text in MISHAPS)]:
        sys.exit(f"nothing recorded: {', '.join(mishaps)} did not run as it should")
    with open(ANSWERS, "w", encoding="utf-8") as out:
        out.write("# What NetBSD 7.99.34 answers, recorded by the tests themselves: case, line.\n")
        for case, lines in found.items():
            out.writelines(f"{case}\t{line}\n" for line in lines)


def compare(found, where, cases):
    recorded, used, failures = answers(), set(), 0
    cases = cases + [case for case in found if case not in cases]
    print(f"1..{len(cases) + 1}")
    for number, case in enumerate(cases, 1):
        lines = recorded.get(case)
        want = lines if where == "netbsd" or lines is None else expected(case, lines, where, used)
        got = found.get(case, [])
        if want is not None and got == want:
            print(f"ok {number} - {case}")
            continue
        failures += 1
        print(f"not ok {number} - {case}")
        if lines is None or want is None:
            print("# nothing recorded" if lines is None else "# a known difference does not match what is recorded")
            want = []
        for i in range(max(len(want), len(got))):
            theirs, ours = (side[i] if i < len(side) else "(nothing)" for side in (want, got))
            if theirs != ours:
                print(f"#   want {theirs}\n#   got  {ours}")
    unused = [row for i, row in enumerate(table(DIFFERENCES, 5))
              if i not in used and row[0] in cases and concerns(row, where)]
    print(f"{'not ' if unused else ''}ok {len(cases) + 1} - every known difference shows")
    for row in unused:
        print(f"#   {row}")
    return failures > 0 or unused != []


def main():
    where, cases = sys.argv[1], sys.argv[2:] or known_cases()
    if where in ("netbsd", "record") and not os.path.exists(f"{NETBSD}/lib/librump.so.0"):
        print("1..0 # SKIP NetBSD's components are not at hand (RUMPKIT_NETBSD)")
        return 0
    if where == "record":
        return record()
    if where == "netbsd":
        if not sys.argv[2:]:
            cases = [case for case in cases if case not in NETBSD_RACES]
        return compare(parse(in_process(f"{NETBSD}/lib", cases, True)), where, cases)
    if where == "host":
        absent = [row[0] for row in table(DIFFERENCES, 5) if row[1] == "host" and row[2] == "*"]
        cases = [case for case in cases if case.startswith(HOST_CASES) and case not in absent]
        return compare(parse(on_host(cases)), where, cases)
    if where == "remote":
        return compare(parse(remote(f"{BUILD}/.libs", cases)), where, cases)
    return compare(parse(in_process(f"{BUILD}/.libs", cases, False)), "in-process", cases)


if __name__ == "__main__":
    sys.exit(main())
