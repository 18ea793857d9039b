#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Very many clients, very many sleeping calls, very many connections one after the other; what the server holds before
and after. A sample, unless RUMPKIT_TEST_ALL is set."""

import os
import resource
import sys
import time

sys.path.insert(0, os.path.join(os.environ["RUMPKIT_SRCDIR"], "tests/support"))
from rumpsp import GETPID, SLEEP, ALL, Client, Server, Tap  # noqa: E402


def many_clients(tap, server, count):
    before = server.usage()
    clients = [server.client() for _ in range(count)]
    reqnos = [client.start(GETPID) for client in clients]
    answers = [client.result(reqno) for client, reqno in zip(clients, reqnos)]
    tap.ok(all(error == 0 for error, _, _ in answers), f"{count} clients: all get their answer")
    tap.equal(len({pid for _, pid, _ in answers}), count, f"{count} clients: each has a process of its own")
    during = server.usage()
    for client in clients:
        client.close()
    tap.ok(server.settles(before[0]), f"{count} clients: nothing is left", server.usage(), server.counts(), before)
    after = server.usage()
    print(f"# descriptors, threads, kB: {before} before, {during} with them, {after} after")


def many_sleepers(tap, server, count):
    before = server.usage()
    sleeper, worker = server.client(), server.client()
    for _ in range(50):
        worker.call(GETPID)
    for _ in range(count):
        sleeper.start(SLEEP)
    while server.counts()[2] < count:
        pass
    good = all(worker.call(GETPID)[0] == 0 for _ in range(2000))
    tap.ok(good, f"{count} sleeping calls: another client works")
    during = server.usage()
    sleeper.close()
    worker.close()
    tap.ok(server.settles(before[0]), f"{count} sleeping calls: nothing is left", server.usage(), server.counts(), before)
    deadline = time.monotonic() + 60
    while server.usage()[1] > before[1] + 8 and time.monotonic() < deadline:
        time.sleep(0.2)
    tap.ok(server.usage()[1] <= before[1] + 8, f"{count} sleeping calls: the threads go", server.usage(), before)
    print(f"# descriptors, threads, kB: {before} before, {during} with them, {server.usage()} after")


def many_connections(tap, server, count):
    before = server.usage()
    good = True
    for i in range(count):
        client = Client(server.url)
        if i % 3 != 0:
            client.handshake()
        if i % 3 == 2:
            good = good and client.call(GETPID)[0] == 0
        client.close()
    tap.ok(good, f"{count} connections: all are served")
    tap.ok(server.settles(before[0]), f"{count} connections: nothing is left", server.usage(), server.counts(), before)
    print(f"# descriptors, threads, kB: {before} before, {server.usage()} after")


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
    many_clients(tap, server, clients)
    many_sleepers(tap, server, 1000 if ALL else 200)
    many_connections(tap, server, 100000 if ALL else 2000)
    tap.equal(server.stop(), 0, "the server ends well")
    tap.done()


if __name__ == "__main__":
    main()
