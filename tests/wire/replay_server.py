#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Replays conversations that were recorded between NetBSD's client and NetBSD's server: the client's frames to our
server, which has to answer with the recorded ones, but for what differs from run to run."""

import os
import sys

sys.path.insert(0, os.path.join(os.environ["RUMPKIT_SRCDIR"], "tests/support"))
import rumpsp  # noqa: E402
from rumpsp import HEADER, Gone  # noqa: E402
from tap import Tap  # noqa: E402

WIRE = os.path.join(os.environ["RUMPKIT_SRCDIR"], "tests/wire")


def rows(name):
    with open(os.path.join(WIRE, name), encoding="ascii") as table:
        for number, line in enumerate(table, 1):
            if not line.startswith("#"):
                connection, side, text = line.rstrip("\n").split("\t")
                yield number, int(connection), side, bytes.fromhex(text)


def masked(data):
    """The frame without what its sender leaves to chance."""
    _, reqno, class_, type_, u = HEADER.unpack(data[:HEADER.size])
    body = data[HEADER.size:]
    if class_ == rumpsp.RESPONSE and type_ == rumpsp.SYSCALL:
        error = int.from_bytes(body[:4], "little")
        body = body[:4] + b"...." + (body[8:] if error == 0 else b"")
    if class_ == rumpsp.RESPONSE and type_ == rumpsp.PREFORK:
        body = b"a ticket"
    if class_ == rumpsp.REQUEST and type_ == rumpsp.RAISE:
        reqno = 0
    return class_, type_, u, reqno, body


class Replay:
    def __init__(self, url):
        self.url, self.connections, self.tickets = url, {}, {}

    def connection(self, number):
        if number not in self.connections:
            self.connections[number] = rumpsp.Client(self.url, greet=False)
        return self.connections[number]

    def from_client(self, number, data):
        client = self.connection(number)
        for recorded, given in self.tickets.items():
            data = data.replace(recorded, given)
        if data:
            client.send(data)
        else:
            client.close()
        return None

    def from_server(self, number, data):
        """None when the server said the same, else what it said."""
        client = self.connection(number)
        if not data:
            if client.socket.fileno() == -1:
                return None
            try:
                return client.frame()
            except Gone:
                return None
        if data.startswith(b"RUMPSP"):
            line = client.line()
            return None if line.rstrip("\n").split(" ")[0] == data.decode().rstrip("\n") else line
        header = client.exactly(HEADER.size)
        got = header + client.exactly(HEADER.unpack(header)[0] - HEADER.size)
        if HEADER.unpack(header)[2:4] == (rumpsp.RESPONSE, rumpsp.PREFORK):
            self.tickets[data[HEADER.size:]] = got[HEADER.size:]
        return None if masked(got) == masked(data) else got.hex()


def main():
    tap = Tap()
    for name in ("session.tsv", "errors.tsv"):
        server = rumpsp.Server()
        replay = Replay(server.url)
        said, number = None, 0
        try:
            for number, connection, side, data in rows(name):
                said = (replay.from_client if side == "C" else replay.from_server)(connection, data)
                if said is not None:
                    break
        except Gone:
            said = "nothing, and closed the connection"
        tap.ok(said is None, f"{name} replays", f"line {number}: the server said {said}")
        # The session ends with a reboot, of which the kernel does not come back.
        status = server.process.wait(rumpsp.SECONDS) if name == "session.tsv" else server.stop()
        tap.equal(status, 0, f"{name}: the server ends well")
    tap.finish()


if __name__ == "__main__":
    main()
