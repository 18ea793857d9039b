#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Clients that take and do not give: half-open connections, one byte at a time, answers that nobody reads, tickets that
nobody presents, clients that die in the middle. Others go on meanwhile, and nothing is left behind."""

import os
import random
import socket
import struct
import sys

sys.path.insert(0, os.path.join(os.environ["RUMPKIT_SRCDIR"], "tests/support"))
from rumpsp import (CALL, CANCEL, CAN_INTERRUPT, ERROR, EXEC, FAULT, FILL, FORK, GETPID, HANDSHAKE,  # noqa: E402
                    INTERRUPT, PREFORK, REQUEST, RESPONSE, SENDALONG, SLEEP, STRING, SUM, SYSCALL, WRITE_READ, ALL,
                    Client, Gone, Server, frame, hello)
from tap import Tap  # noqa: E402


def half_open(tap):
    server = Server("unix://socket?halfopen=16&handshake=2")
    before = server.usage()[0]
    worker = server.client()
    flood = [Client(server.url) for _ in range(400)]
    tap.equal(worker.call(GETPID)[0], 0, "half-open connections: a client goes on")
    tap.ok(server.usage()[0] < before + 1 + 16 + 8, "half-open connections: as many as are allowed", server.usage())
    late = server.client()
    tap.equal(late.call(GETPID)[0], 0, "half-open connections: another comes through")
    # One byte, and then one more, do not buy more time.
    flood[-1].send(b"\x20")
    tap.ok(flood[-1].is_gone(), "half-open connections: the last has its time, and no more")
    for client in flood:
        client.close()
    worker.close()
    late.close()
    tap.ok(server.settles(before), "half-open connections: nothing is left", server.usage(), before)
    tap.equal(server.stop(), 0, "half-open connections: the server ends well")


def slow_sender(tap):
    server = Server()
    client, other = server.client(), server.client()
    data = frame(REQUEST, SYSCALL, GETPID, 5)
    good = True
    for byte in data:
        client.send(bytes([byte]))
        good = good and other.call(GETPID)[0] == 0
    tap.ok(good, "one byte at a time: others go on")
    tap.equal(client.answer(5).class_, RESPONSE, "one byte at a time: it is served in the end")
    # The rest of a frame that was promised never comes.
    for _ in range(200):
        stuck = server.client()
        stuck.send(frame(REQUEST, SYSCALL, GETPID, 5, length=4 << 20))
        stuck.send(bytes(1000))
        stuck.close()
    tap.ok(server.usage()[2] < 200 * 1024, "promised frames cost what came of them", server.usage())
    client.close()
    other.close()
    tap.equal(server.stop(), 0, "one byte at a time: the server ends well")


def never_reads(tap):
    server = Server("unix://socket?stall=2")
    before = server.usage()[0]
    other = server.client()
    # Copyouts and answers pile up; a megabyte, and what each thread holds, is the most.
    deaf = [server.client() for _ in range(4)]
    for client in deaf:
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        for _ in range(64):
            client.start(FILL, 0x1000, 1 << 18, 65)
    chatter, others, threads, resident = server.client(), True, 0, 0
    try:
        for i in range(200000):
            chatter.start(GETPID)
            if i % 500 == 0:
                others = others and other.call(GETPID)[0] == 0
                threads, resident = (max(pair) for pair in zip((threads, resident), server.usage()[1:]))
        tap.ok(False, "a client that only asks is not held back")
    except Gone:
        tap.ok(True, "a client that only asks is held back")
    tap.ok(others and other.call(GETPID)[0] == 0, "nobody reads: others go on")
    tap.ok(threads < 500 and (resident < 256 * 1024 or server.is_instrumented()),
           "nobody reads: threads and memory are bounded", threads, resident)
    tap.ok(server.settles(before + 1, 1), "nobody reads: they are dropped", server.usage(), server.counts(), before)
    for client in deaf + [chatter, other]:
        client.close()
    tap.ok(server.settles(before), "nobody reads: nothing is left", server.usage(), server.counts(), before)
    tap.equal(server.stop(), 0, "nobody reads: the server ends well")


def slow_reader(tap):
    """A client that reads slowly, but does, gets everything, however much it is."""
    server = Server("unix://socket?stall=30")
    client = server.client()
    client.memory[0x100000] = bytes(8 << 20)
    tap.equal(client.call(FILL, 0x100000, 8 << 20, 66)[0], 0, "much output: the call succeeds")
    tap.ok(client.memory[0x100000] == b"B" * (8 << 20), "much output: all of it arrives")
    client.close()
    tap.equal(server.stop(), 0, "much output: the server ends well")


def tickets(tap):
    server = Server("unix://socket?tickets=4&grace=0")
    before = server.usage()[0]
    parent = server.client(CANCEL | FAULT)
    given = [parent.answer(parent.request(PREFORK)) for _ in range(4)]
    tap.ok(all(got.class_ == RESPONSE and len(got.body) == 16 for got in given), "tickets: as many as are allowed")
    tap.equal(len({got.body for got in given}), 4, "tickets: all different")
    more = parent.answer(parent.request(PREFORK))
    tap.equal((more.class_, more.u), (ERROR, 1), "tickets: no more than that")
    child = Client(server.url)
    got = child.answer(child.request(HANDSHAKE, FORK, given[0].body + bytes(4)))
    tap.equal((got.class_, got.body), (RESPONSE, bytes(4)), "tickets: one is presented")
    tap.equal(child.call(GETPID)[0], 0, "tickets: the child makes calls")
    # The parent announced FAULT, so the child has it.
    reqno = child.start(SUM, 0x1000, 10)
    child.send(frame(ERROR, 2, 8, child.frame().reqno))
    tap.equal(child.result(reqno)[0], 14, "tickets: the child has its parent's capabilities")
    again = Client(server.url)
    got = again.answer(again.request(HANDSHAKE, FORK, given[0].body + bytes(4)))
    tap.equal((got.class_, got.u), (ERROR, 3), "tickets: once only")
    got = parent.answer(parent.request(HANDSHAKE, FORK, given[1].body + b"\1\0\0\0"))
    tap.equal((got.class_, got.body), (RESPONSE, bytes(4)), "tickets: one is given back")
    got = child.answer(child.request(HANDSHAKE, FORK, given[2].body + b"\1\0\0\0"))
    tap.equal((got.class_, got.u), (ERROR, 3), "tickets: not by somebody else")
    late = Client(server.url)
    got = late.answer(late.request(HANDSHAKE, FORK, given[1].body + bytes(4)))
    tap.equal((got.class_, got.u), (ERROR, 3), "tickets: what was given back is gone")
    for client in (parent, child, again, late):
        client.close()
    tap.ok(server.settles(before), "tickets: they end with their owner", server.counts(), server.usage(), before)
    tap.equal(server.stop(), 0, "tickets: the server ends well")


def daemon(tap):
    """A parent that is gone before its child presents the ticket."""
    server = Server("unix://socket?grace=30")
    parent = server.client()
    ticket = parent.answer(parent.request(PREFORK)).body
    parent.close()
    while server.counts()[0] > 1:
        pass
    child = Client(server.url)
    got = child.answer(child.request(HANDSHAKE, FORK, ticket + bytes(4)))
    tap.equal((got.class_, child.call(GETPID)[0]), (RESPONSE, 0), "a ticket outlives its owner for a while")
    child.close()
    tap.equal(server.stop(), 0, "a ticket outlives its owner: the server ends well")


def deaths(tap):
    """Clients that go away in the middle of everything there is."""
    server = Server("unix://socket?grace=0")
    before = server.usage()[0]
    dice = random.Random(7)
    middles = [
        lambda c: c.start(SLEEP), lambda c: c.start(SUM, 0x1000, 100), lambda c: c.start(FILL, 0x1000, 1 << 20, 1),
        lambda c: c.start(STRING, 0x1000, 100), lambda c: c.start(GETPID), lambda c: c.request(PREFORK),
        lambda c: c.request(HANDSHAKE, EXEC, hello(b"next")), lambda c: c.send(b"\x20\0\0\0\0\0\0\0\1"),
        lambda c: c.call(42), lambda c: c.start(496, 4096), lambda c: c.start(WRITE_READ, 0x1000, 16)]
    for _ in range(2000 if ALL else 300):
        client = server.client(dice.choice([None, FAULT, FAULT | CAN_INTERRUPT | SENDALONG]))
        try:
            for _ in range(dice.randrange(4)):
                dice.choice(middles)(client)
        except Gone:
            pass
        client.close()
    tap.ok(server.alive(), "clients that die: the server lives")
    tap.ok(server.settles(before), "clients that die: nothing is left", server.counts(), server.usage(), before)
    tap.equal(server.counts()[2], 0, "clients that die: nobody sleeps for them")
    tap.equal(server.stop(), 0, "clients that die: the server ends well")


def exec_ends_calls(tap):
    server = Server()
    client = server.client(FAULT | CAN_INTERRUPT)
    sleepers = [client.start(SLEEP) for _ in range(20)]
    client.start(SUM, 0x1000, 100)
    while server.counts()[2] < len(sleepers):
        pass
    pid = client.call(GETPID)[1]
    # What follows the EXEC in one go has to wait for it; request numbers start over.
    client.send(frame(REQUEST, HANDSHAKE, EXEC, 0, hello(b"next", FAULT)) + frame(REQUEST, SYSCALL, GETPID, 1))
    got = client.answer(0)
    tap.equal((got.class_, got.type, got.body), (RESPONSE, HANDSHAKE, bytes(4)), "exec: it is answered")
    tap.equal(client.result(1)[:2], (0, pid), "exec: the process stays the same")
    tap.equal(server.counts()[2], 0, "exec: the old program's calls have ended")
    good = True
    for _ in range(100):
        reqno = client.request(HANDSHAKE, EXEC, hello(b"again"))
        good = good and client.answer(reqno).class_ == RESPONSE and client.call(GETPID)[1] == pid
    tap.ok(good, "exec: a hundred times")
    client.close()
    tap.equal(server.stop(), 0, "exec: the server ends well")


def interrupts(tap):
    server = Server()
    client = server.client(CAN_INTERRUPT)
    first, second = client.start(SLEEP), client.start(SLEEP)
    while server.counts()[2] < 2:
        pass
    client.request(INTERRUPT, 0, struct.pack("<Q", second))
    tap.equal(client.result(second)[0], 4, "interrupt: the call that is meant")
    tap.equal(server.counts()[2], 1, "interrupt: the other one sleeps on")
    # It may come before its call has begun, or when it has ended: no call is left, and no other one is hit.
    good = True
    for _ in range(300):
        reqno = client.start(SLEEP)
        client.request(INTERRUPT, 0, struct.pack("<Q", reqno))
        good = good and client.result(reqno)[0] == 4
    tap.ok(good, "interrupt: early and late")
    # These come in one piece, so that calls wait for workers yet when they are to end.
    good = True
    for number in range(1000000, 1030000, 100):
        together = [frame(REQUEST, SYSCALL, GETPID, number + i) for i in range(20)]
        together += [frame(REQUEST, INTERRUPT, 0, number + 50 + i, struct.pack("<Q", number + i)) for i in range(20)]
        client.send(b"".join(together))
        errors = [struct.unpack_from("<i", client.frame().body)[0] for _ in range(20)]
        good = good and not any(errors)
    tap.ok(good, "interrupt: what does not sleep does not end")
    client.request(INTERRUPT, 0, struct.pack("<Q", first))
    tap.equal(client.result(first)[0], 4, "interrupt: the first one, at last")
    client.close()
    plain = Server("unix://plain", [os.path.join(os.environ["RUMPKIT_BUILDDIR"], "tests/support/pretend_server"),
                                    "unix://plain", "uninterruptible"])
    client = Client(plain.url)
    tap.equal(int(client.banner.split("caps=")[1], 16) & CAN_INTERRUPT, 0, "interrupt: not of a kernel that cannot")
    client.close()
    tap.equal((server.stop(), plain.stop()), (0, 0), "interrupt: the servers end well")


def call_body(args, attachments):
    body = struct.pack("<II", len(args), len(attachments)) + struct.pack(f"<{len(args)}q", *args)
    for address, data, length, flags in attachments:
        body += struct.pack("<QQII", address, length, flags, 0) + data + bytes(-len(data) % 8)
    return body


def results(got):
    body, found = got.body[24:], {}
    while body:
        address, length = struct.unpack("<QQ", body[:16])
        found[address] = body[16:16 + length]
        body = body[16 + (length + 7) // 8 * 8:]
    return found


def send_along(tap):
    """CALL: what came along is not asked for, what is written comes back, the rest goes as ever."""
    server = Server()
    client = server.client(FAULT | SENDALONG)
    data = bytes(range(250)) * 40

    def make(number, args, attachments):
        return client.answer(client.request(CALL, number, call_body(args, attachments)))

    client.faults = True
    got = make(SUM, (0x5000, len(data), 0), [(0x5000, data, len(data), 1)])
    tap.equal(struct.unpack("<iIq", got.body[:16])[0:3:2], (0, sum(data)), "send along: memory that came along is read")
    got = make(SUM, (0x5000, len(data), 0), [(0x5000, data[:-1], len(data) - 1, 1)])
    tap.equal(struct.unpack("<i", got.body[:4])[0], 14, "send along: what is missing is asked for")
    client.memory[0x5000] = data
    got = make(SUM, (0x5000, len(data), 0), [(0x5000, data[:-1], len(data) - 1, 1)])
    tap.equal(struct.unpack("<iIq", got.body[:16])[0:3:2], (0, sum(data)), "send along: and found")
    got = make(FILL, (0x9000, 10000, 67), [(0x9000, b"", 10000, 2)])
    tap.equal(results(got), {0x9000: b"C" * 10000}, "send along: results come back with the answer")
    got = make(STRING, (0x7000, 100, 0), [(0x7000, b"text\0", 5, 1)])
    tap.equal(struct.unpack("<iIq", got.body[:16])[0:3:2], (0, 5), "send along: a string")
    got = make(WRITE_READ, (0x7000, 8, 0), [(0x7000, bytes(8), 8, 3)])
    tap.equal((struct.unpack("<iIq", got.body[:16])[2], results(got)), (0xee + 0xff, {0x7002: b"\xee\xff"}),
              "send along: reads see what the call has written")
    client.memory[0x20000] = b"\1" * 8
    got = make(WRITE_READ, (0x20000, 8, 0), [(0x20002, b"", 4, 2)])
    tap.equal((struct.unpack("<iIq", got.body[:16])[2], client.memory[0x20000]),
              (0xee + 0xff + 6, b"\1\1\xee\xff\1\1\1\1"), "send along: also those that have to ask")
    client.close()
    tap.equal(server.stop(), 0, "send along: the server ends well")


def send_along_much(tap):
    """Calls that sleep keep what came along with them: so much of a client's, and no more."""
    mebibyte = 1 << 20
    server = Server()
    client = server.client(FAULT | SENDALONG)
    client.faults = True
    body = call_body((0, 0, 0), [(0x100000, bytes(mebibyte), mebibyte, 1)])
    before = server.usage()[2]
    for _ in range(128):
        client.request(CALL, SLEEP, body)
    while server.counts()[2] < 128:
        pass
    during = server.usage()[2]
    # 16 MiB of them; beside that the heap keeps some of what frames were received into, for each of its arenas.
    tap.ok(during - before < 80 * 1024 or server.is_instrumented(), "send along: 128 MiB of sleeping calls are not kept", before, during)
    client.memory[0x100000] = b"\1" * 100
    got = client.answer(client.request(CALL, SUM, call_body((0x100000, 100, 0), [(0x100000, b"\1" * 100, 100, 1)])))
    tap.equal(struct.unpack("<iIq", got.body[:16])[0:3:2], (0, 100), "send along: what is not kept is asked for")
    client.close()
    tap.ok(server.settles(1 << 30), "send along: sleeping calls end with their client")
    tap.equal(server.stop(), 0, "send along: the server ends well")


def calls_at_once(tap):
    server = Server("unix://socket?calls=8")
    client = server.client(CAN_INTERRUPT)
    sleepers = [client.start(SLEEP) for _ in range(8)]
    tap.equal(client.call(SLEEP), ("refused", 1, 0), "calls at once: no more than are allowed")
    client.request(INTERRUPT, 0, struct.pack("<Q", sleepers[0]))
    tap.equal((client.result(sleepers[0])[0], client.call(GETPID)[0]), (4, 0), "calls at once: room for one again")
    client.close()
    tap.equal(server.stop(), 0, "calls at once: the server ends well")


def main():
    tap = Tap()
    for test in (half_open, slow_sender, never_reads, slow_reader, tickets, daemon, deaths, exec_ends_calls, interrupts,
                 send_along, send_along_much, calls_at_once):
        test(tap)
    tap.finish()


if __name__ == "__main__":
    main()
