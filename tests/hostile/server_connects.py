#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Connections that clients ask for over those that they have (CONNECT): what they are, who gets none, and clients that
ask for very many, do not read the answers or do not use what they got."""

import ctypes
import os
import resource
import select
import shutil
import socket
import struct
import sys
import time

sys.path.insert(0, os.path.join(os.environ["RUMPKIT_SRCDIR"], "tests/support"))
from rumpsp import (ALL, BUILDDIR, CALL, CAN_CONNECT, CONNECT, COPYIN, ERROR, EXEC, FAULT, FORK, GETPID, GUEST, HANDSHAKE,  # noqa: E402
                    HEADER, LOCALCOPY, PREFORK, REQUEST, RESPONSE, SECONDS, SUM, SYSCALL, Client, Gone, Server, frame, hello)
from tap import Tap  # noqa: E402

TRYAGAIN, AUTH, NO_TICKET, MALFORMED = 1, 2, 3, 7


def connected(client, capabilities=None):
    """A client over a connection that another has asked for."""
    made = Client(None, connected=client.connect()[1])
    made.handshake(capabilities)
    return made


def copies_by_frames(client):
    """Whether the server asks for memory that it could reach into."""
    memory = ctypes.create_string_buffer(100)
    reqno = client.start(SUM, ctypes.addressof(memory), 100)
    asked = client.frame()
    if (asked.class_, asked.type) != (REQUEST, COPYIN):
        return False
    client.send(frame(RESPONSE, COPYIN, 0, asked.reqno, bytes(100)))
    return client.result(reqno)[:2] == (0, 0)


def accepts_calls_with_memory(client):
    data = bytes(range(64))
    body = struct.pack("<II3qQQII", 3, 1, 0x5000, len(data), 0, 0x5000, len(data), 1, 0) + data
    got = client.answer(client.request(CALL, SUM, body))
    return got.class_ == RESPONSE and struct.unpack("<iIq", got.body[:16])[2] == sum(data)


def what_they_are(tap):
    server = Server()
    before = server.usage()[0]
    client = server.client(FAULT | CAN_CONNECT | LOCALCOPY)
    tap.equal(int(client.banner.split("caps=")[1], 16) & CAN_CONNECT, CAN_CONNECT, "a server announces it")
    made = connected(client, FAULT | CAN_CONNECT | LOCALCOPY)
    tap.equal(made.banner, client.banner, "it is greeted as any other")
    pids = {c.call(GETPID)[1] for c in (client, made)}
    tap.equal(len(pids), 2, "its process is one of its own")
    tap.ok(copies_by_frames(made), "nobody's memory is reached into")
    tap.ok(accepts_calls_with_memory(made), "what calls need may come along with them")
    made.answer(made.request(HANDSHAKE, EXEC, hello(b"next", FAULT | CAN_CONNECT | LOCALCOPY)))
    tap.ok(copies_by_frames(made), "nor after an EXEC")
    ticket = client.answer(client.request(PREFORK)).body
    child = Client(None, connected=client.connect()[1])
    got = child.answer(child.request(HANDSHAKE, FORK, ticket + bytes(4)))
    child.faults = True
    tap.equal((got.class_, got.body), (RESPONSE, bytes(4)), "a ticket is presented on it")
    tap.ok(copies_by_frames(child), "and does not bring LOCALCOPY")
    tap.ok(accepts_calls_with_memory(child), "but SENDALONG")
    grandchild = connected(child, FAULT)
    client.close()
    made.close()
    child.close()
    tap.equal(grandchild.call(GETPID)[0], 0, "who asked for it may go, and be such a one itself")
    tap.equal(grandchild.connect()[0].u, MALFORMED, "it has no more than its own client can do")
    grandchild.close()
    tap.ok(server.settles(before), "nothing is left", server.usage(), before)
    tap.equal(server.stop(), 0, "the server ends well")


def who_gets_none(tap):
    server = Server()
    before = server.usage()[0]
    for what, capabilities, body, wanted in (("without the capability", FAULT, b"", MALFORMED),
                                             ("of an old client", None, b"", MALFORMED),
                                             ("with a body", CAN_CONNECT, bytes(8), MALFORMED)):
        client = server.client(capabilities)
        got, end = client.connect(body)
        tap.equal((got.class_, got.u, end), (ERROR, wanted, None), f"{what}: refused")
        tap.equal(client.call(GETPID)[0], 0, f"{what}: the connection goes on")
        client.close()
    early = Client(server.url)
    got, end = early.connect()
    tap.equal((got.class_, got.u, end), (ERROR, AUTH, None), "before the handshake: refused")
    tap.ok(early.is_gone(), "before the handshake: the connection ends")
    early.close()
    tap.ok(server.settles(before), "none: nothing is left", server.usage(), before)
    tap.equal(server.stop(), 0, "none: the server ends well")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        url = "tcp://127.0.0.1:%d" % probe.getsockname()[1]
    server = Server(url)
    client = server.client(CAN_CONNECT | FAULT)
    got, end = client.connect()
    tap.equal((got.class_, got.u, end), (ERROR, MALFORMED, None), "over TCP: refused")
    client.close()
    tap.equal(server.stop(), 0, "over TCP: the server ends well")


def descriptors_along(tap):
    """The server takes no descriptors, of whatever kind and however many, with this request either."""
    server = Server()
    before = server.usage()[0]
    client = server.client(CAN_CONNECT)
    reader, writer = os.pipe()
    with select.epoll() as epoll:
        epoll_set = os.dup(epoll.fileno())
    kinds = [writer, os.open("/dev/null", os.O_RDONLY), os.open("/", os.O_PATH), epoll_set,
             os.dup(client.socket.fileno())]
    for family, kind in ((socket.AF_UNIX, socket.SOCK_STREAM), (socket.AF_UNIX, socket.SOCK_DGRAM),
                         (socket.AF_INET, socket.SOCK_STREAM), (socket.AF_INET, socket.SOCK_DGRAM)):
        kinds.append(socket.socket(family, kind).detach())
    listener = socket.socket(socket.AF_UNIX)
    listener.bind("listens")
    listener.listen()
    kinds.append(listener.detach())
    kinds += [end.detach() for end in socket.socketpair()]
    good = True
    request = frame(REQUEST, CONNECT, 0, 7)
    for sent in [[fd] for fd in kinds] + [kinds, kinds * 20]:
        for cut in (0, 1, 23):
            if cut:
                client.send(request[:cut])
            socket.send_fds(client.socket, [request[cut:]], sent)
            got = client.answer(7)
            good = good and got.class_ == RESPONSE and len(client.descriptors) == 1
            os.close(client.descriptors.pop())
    tap.ok(good, "descriptors: each request is answered as any other")
    for fd in kinds:
        os.close(fd)
    tap.ok(select.select([reader], [], [], SECONDS)[0] and os.read(reader, 1) == b"", "descriptors: nobody holds them")
    os.close(reader)
    tap.ok(server.settles(before + 1, 1), "descriptors: the server has as many as before", server.usage(), before)
    client.close()
    tap.equal(server.stop(), 0, "descriptors: the server ends well")


def so_many(tap):
    server = Server("unix://socket?tickets=4&handshake=30&clients=12")
    before = server.usage()[0]
    client = server.client(CAN_CONNECT)
    ends = [client.connect()[1] for _ in range(3)]
    # One that has come back does not count, nor does one that was closed.
    used = Client(None, connected=client.connect()[1])
    used.handshake()
    tap.equal(used.call(GETPID)[0], 0, "so many: as many as are allowed")
    ends.append(client.connect()[1])
    more = [client.connect()[1] for _ in range(8)]
    got, end = client.connect()
    tap.equal((got.class_, got.u, end, None in more), (ERROR, TRYAGAIN, None, True), "so many: and no more than that")
    tap.equal(client.call(GETPID)[0], 0, "so many: the client goes on")
    for end in ends + more:
        if end is not None:
            end.close()
    deadline = time.monotonic() + SECONDS
    again = None
    while again is None and time.monotonic() < deadline:
        again = client.connect()[1]
    tap.ok(again is not None, "so many: room again when they are closed")
    again.close()
    # All clients' limit holds for these too.
    clients = [client]
    while client is not None and len(clients) < 20:
        end = client.connect()[1]
        client = Client(None, connected=end) if end is not None else None
        if client is not None:
            client.handshake(CAN_CONNECT)
            clients.append(client)
    tap.equal(len(clients), 11, "so many: no more clients than are allowed")
    for client in clients + [used]:
        client.close()
    tap.ok(server.settles(before), "so many: nothing is left", server.usage(), before)
    tap.equal(server.stop(), 0, "so many: the server ends well")


def unused(tap):
    """Those that nobody uses have the time that a handshake may take, also when the other end is read by nobody."""
    server = Server("unix://socket?handshake=1")
    before = server.usage()[0]
    client = server.client(CAN_CONNECT)
    silent = Client(None, connected=client.connect()[1])
    bad = Client(None, connected=client.connect()[1])
    bad.send(b"\xff" * 100)
    tap.ok(bad.is_gone(), "unused: one that sends nonsense ends")
    tap.ok(silent.is_gone(), "unused: one that sends nothing ends")
    for _ in range(20):
        client.request(CONNECT)
    client.close()
    tap.ok(server.settles(before), "unused: nor do those last whose asker has gone", server.usage(), before)
    silent.close()
    bad.close()
    tap.equal(server.stop(), 0, "unused: the server ends well")


def thousands(tap):
    server = Server("unix://socket?handshake=2&tickets=8&stall=5")
    before = server.usage()[0]
    other = server.client()
    clients = [server.client(CAN_CONNECT) for _ in range(8)]
    good, most = True, 0
    request = b"".join(frame(REQUEST, CONNECT, 0, i) for i in range(50))
    for i in range(200 if ALL else 40):
        for client in clients:
            try:
                client.send(request)
            except Gone:
                pass
        good = good and other.call(GETPID)[0] == 0
        most = max(most, server.usage()[0])
    tap.ok(good, "thousands: others go on")
    # Each may have twice as many ends as tickets there.
    tap.ok(most <= before + 1 + 8 * (1 + 2 * 8) + 8, "thousands: the server has so many descriptors and no more", most, before)
    # One end of each is in a queue that nobody reads.
    for client in clients:
        client.close()
    tap.ok(server.settles(before + 1, 1), "thousands: nothing is left", server.usage(), before)
    other.close()
    tap.equal(server.stop(), 0, "thousands: the server ends well")


def out_of_descriptors(tap):
    server = Server("unix://socket?handshake=30")
    client = server.client(CAN_CONNECT)
    before = server.usage()[0]
    limits = resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, (before, limits[1]))
    got, end = client.connect()
    tap.equal((got.class_, got.u, end), (ERROR, TRYAGAIN, None), "out of descriptors: try again")
    tap.equal((client.call(GETPID)[0], server.usage()[0]), (0, before), "out of descriptors: nothing else comes of it")
    resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, limits)
    made = connected(client)
    tap.equal(made.call(GETPID)[0], 0, "out of descriptors: and it is given later")
    client.close()
    made.close()
    tap.equal(server.stop(), 0, "out of descriptors: the server ends well")


def too_many_under_way(tap):
    """The host lets a process without privileges have only so many descriptors under way that nobody has received."""
    unprivileged = ["setpriv", "--bounding-set=-sys_resource,-sys_admin", "--inh-caps=-sys_resource,-sys_admin"] if os.geteuid() == 0 else []
    if unprivileged and not shutil.which("setpriv"):
        return
    url = "unix://socket?handshake=1&tickets=1000&clients=1000"
    server = Server(url, command=unprivileged + [os.path.join(BUILDDIR, "tests/support/pretend_server"), url])
    client = server.client(CAN_CONNECT)
    before = server.usage()[0]
    limits = resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, (before + 40, limits[1]))
    first = client.reqno + 1
    for _ in range(8):
        for _ in range(30):
            client.request(CONNECT)
        # Their time is over: the server's ends are gone, the others are still under way.
        while server.usage()[0] > before:
            time.sleep(0.02)
    answers = [client.answer(number) for number in range(first, client.reqno + 1)]
    refused = [got.u for got in answers if got.class_ == ERROR]
    tap.ok(refused and set(refused) == {TRYAGAIN}, "under way: no more than the host allows", len(refused), len(answers))
    tap.equal(len(client.descriptors), len(answers) - len(refused), "under way: those that were sent arrive")
    for fd in client.descriptors:
        os.close(fd)
    client.descriptors = []
    tap.equal(client.call(GETPID)[0], 0, "under way: the client goes on")
    client.close()
    tap.equal(server.stop(), 0, "under way: the server ends well")


def whose(tap):
    """It counts as its asker's, whoever uses it."""
    if os.geteuid() != 0:
        return
    server = Server("unix://socket?uid=65534")
    os.chmod(".", 0o755)
    other_end, end = socket.socketpair()
    root = server.client(CAN_CONNECT)
    ticket = root.answer(root.request(PREFORK)).body
    if os.fork() == 0:
        # The other user connects and passes one on that it has asked for.
        try:
            other_end.close()
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
            asked = Client(server.url)
            asked.handshake(CAN_CONNECT)
            given = asked.connect()[1]
            socket.send_fds(end, [b"x"], [given.fileno()])
            end.recv(1)
        finally:
            os._exit(0)
    end.close()
    given = socket.socket(fileno=socket.recv_fds(other_end, 1, 1)[1][0])
    given.settimeout(SECONDS)
    made = Client(None, connected=given)
    got = made.answer(made.request(HANDSHAKE, FORK, ticket + bytes(4)))
    tap.equal((got.class_, got.u), (ERROR, NO_TICKET), "whose: another user's ticket is not for it")
    other_end.close()
    os.wait()
    made.close()
    root.close()
    tap.equal(server.stop(), 0, "whose: the server ends well")


def main():
    tap = Tap()
    for test in (what_they_are, who_gets_none, descriptors_along, so_many, unused, thousands, out_of_descriptors,
                 too_many_under_way, whose):
        test(tap)
    tap.finish()


if __name__ == "__main__":
    main()
