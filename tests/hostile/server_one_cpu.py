#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""A server that may use one CPU, where one worker runs the calls as long as none takes long: calls that sleep, in ways that
librumpuser sees and in ways that it does not, and calls that compute, stop nobody; and it comes to rest."""

import os
import sys
import time

sys.path.insert(0, os.path.join(os.environ["RUMPKIT_SRCDIR"], "tests/support"))
from rumpsp import COMPUTE, GETPID, RELEASE, SECONDS, SLEEP, STRING, REQUEST, RESPONSE, SYSCALL, Server, frame  # noqa: E402
from tap import Tap  # noqa: E402


def batch(client, numbers):
    """Sends several calls at once, so that they are received at once. Returns their request numbers."""
    reqnos = [client.reqno + 1 + i for i in range(len(numbers))]
    client.reqno = reqnos[-1]
    client.send(b"".join(frame(REQUEST, SYSCALL, number, reqno) for number, reqno in zip(numbers, reqnos)))
    return reqnos


def answered(client, reqnos):
    """Waits for the answers to these calls, which come in any order, and to no other."""
    left = set(reqnos)
    while left:
        got = client.frame()
        if got.class_ != RESPONSE or got.reqno not in left:
            return False
        left.remove(got.reqno)
    return True


def sleepers(tap, server):
    """The pretended kernel sleeps without a hypercall."""
    client, other = server.client(), server.client()
    reqnos = batch(client, [SLEEP, SLEEP, GETPID, SLEEP, GETPID])
    tap.ok(answered(client, [reqnos[2], reqnos[4]]), "calls behind calls that sleep are answered")
    tap.ok(other.call(GETPID)[0] == 0, "and so are another client's")
    client.close()
    other.close()


def computing(tap, server):
    client, other = server.client(), server.client()
    reqnos = batch(client, [COMPUTE, GETPID])
    tap.ok(answered(client, reqnos[1:]), "a call behind one that computes is answered")
    tap.ok(other.call(GETPID)[0] == 0, "and so is another client's")
    tap.equal(other.call(RELEASE)[1], 1, "the first computes still")
    tap.ok(answered(client, reqnos[:1]), "and is answered when it has done")
    client.close()
    other.close()


def asking(tap, server):
    """A call that waits for its client, who does not answer."""
    client, other = server.client(), server.client()
    client.start(STRING, 0x1000, 64)
    tap.equal(client.frame().class_, REQUEST, "a call asks its client for memory")
    tap.ok(all(other.call(GETPID)[0] == 0 for _ in range(100)), "another client works meanwhile")
    client.close()
    other.close()


def switches(server):
    """How often threads of the server's have gone to sleep."""
    tasks, total = f"/proc/{server.process.pid}/task", 0
    for task in os.listdir(tasks):
        with open(f"{tasks}/{task}/status", encoding="ascii") as status:
            total += next(int(line.split()[1]) for line in status if line.startswith("voluntary"))
    return total


def comes_to_rest(server):
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        before = switches(server)
        time.sleep(0.3)
        if switches(server) == before:
            return True
    return False


def main():
    tap = Tap()
    server = Server(cpus={min(os.sched_getaffinity(0))})
    sleepers(tap, server)
    computing(tap, server)
    asking(tap, server)
    tap.ok(server.settles(server.usage()[0]), "no process is left in the kernel")
    if not server.is_instrumented():
        tap.ok(comes_to_rest(server), "a server with nothing to do does nothing")
    tap.equal(server.stop(), 0, "the server ends well")
    tap.finish()


if __name__ == "__main__":
    main()
