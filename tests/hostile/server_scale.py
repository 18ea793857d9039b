#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Very many clients, very many sleeping calls, very many connections one after the other; what the server holds before
and after. A sample, unless RUMPKIT_TEST_ALL is set."""

import os
import resource
import sys
import time

sys.path.insert(0, os.path.join(os.environ["RUMPKIT_SRCDIR"], "tests/support"))
from rumpsp import GETPID, SLEEP, ALL, Client, Server  # noqa: E402
from tap import Tap  # noqa: E402


# How long a thread of the server's that is too many waits before it ends, in seconds, and some more.
IDLE = 7
# What the server may hold more than before, in kilobytes: free memory that lies between what is in use, and what the C
# library keeps of a thousand threads for those to come.
MARGIN = 4096 if ALL else 2048


def warm_up(server):
    """Brings the server to what it holds when it has had much to do and has nothing to do any more."""
    sleeper = server.client()
    for _ in range(50):
        sleeper.start(SLEEP)
    while server.counts()[2] < 50:
        pass
    sleeper.close()
    usage = server.usage()
    while True:
        time.sleep(IDLE)
        before, usage = usage, server.usage()
        if usage[:2] == before[:2]:
            return usage


def is_back(server, before, after):
    return after[:2] == before[:2] and (after[2] <= before[2] + MARGIN or server.is_instrumented())


def returns_to(tap, server, before, name):
    """Descriptors and threads are what they were, and memory within the margin: threads and memory go after a while."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        after = server.usage()
        if is_back(server, before, after):
            break
        time.sleep(0.2)
    tap.equal(after[:2], before[:2], f"{name}: descriptors and threads are what they were")
    tap.ok(is_back(server, after[:2] + before[2:], after), f"{name}: memory is what it was", f"{before[2]} kB",
           f"{after[2]} kB")
    tap.ok(server.counts()[0] == 0, f"{name}: no process is left in the kernel")
    return after


def many_clients(tap, server, count, before):
    clients = [server.client() for _ in range(count)]
    reqnos = [client.start(GETPID) for client in clients]
    answers = [client.result(reqno) for client, reqno in zip(clients, reqnos)]
    tap.ok(all(error == 0 for error, _, _ in answers), f"{count} clients: all get their answer")
    tap.equal(len({pid for _, pid, _ in answers}), count, f"{count} clients: each has a process of its own")
    during = server.usage()
    for client in clients:
        client.close()
    after = returns_to(tap, server, before, f"{count} clients")
    print(f"# descriptors, threads, kB: {before} before, {during} with them, {after} after")


def many_sleepers(tap, server, count, before):
    sleeper, worker = server.client(), server.client()
    for _ in range(count):
        sleeper.start(SLEEP)
    while server.counts()[2] < count:
        pass
    good = all(worker.call(GETPID)[0] == 0 for _ in range(2000))
    tap.ok(good, f"{count} sleeping calls: another client works")
    during = server.usage()
    sleeper.close()
    worker.close()
    after = returns_to(tap, server, before, f"{count} sleeping calls")
    print(f"# descriptors, threads, kB: {before} before, {during} with them, {after} after")


def many_connections(tap, server, count, before):
    good = True
    for i in range(count):
        client = Client(server.url)
        if i % 3 != 0:
            client.handshake()
        if i % 3 == 2:
            good = good and client.call(GETPID)[0] == 0
        client.close()
    tap.ok(good, f"{count} connections: all are served")
    after = returns_to(tap, server, before, f"{count} connections")
    print(f"# descriptors, threads, kB: {before} before, {after} after")


def main():
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    clients = 10000 if ALL else 500
    if hard < clients + 100:
        try:
            hard = clients + 100
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        except (ValueError, PermissionError):
            print(f"1..0 # SKIP {clients} descriptors are more than the hard limit")
            return
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    tap = Tap()
    server = Server()
    before = warm_up(server)
    many_clients(tap, server, clients, before)
    many_sleepers(tap, server, 1000 if ALL else 200, before)
    many_connections(tap, server, 100000 if ALL else 2000, before)
    tap.equal(server.stop(), 0, "the server ends well")
    tap.finish()


if __name__ == "__main__":
    main()
