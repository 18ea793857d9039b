#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Frames that no client would send. Each costs the sender its connection, or is answered with an error; a bystander goes
on making calls, and nothing is left behind."""

import ctypes
import os
import select
import socket
import struct
import sys

sys.path.insert(0, os.path.join(os.environ["RUMPKIT_SRCDIR"], "tests/support"))
from rumpsp import (CALL, CANCEL, COPYIN, COPYINSTR, ERROR, EXEC, FAULT, FORK, GETPID, GUEST, HANDSHAKE, INTERRUPT, LOCALCOPY,  # noqa: E402
                    PREFORK, REQUEST, RESPONSE, SENDALONG, SUM, SYSCALL, AUTH, Client, Gone, Server, frame, hello)
from tap import Tap  # noqa: E402

TRYAGAIN, AUTHERR, NOTICKET, MALFORMED = 1, 2, 3, 7

# (what, bytes, the error code it is answered with or None)
BEFORE_HANDSHAKE = [
    ("nothing but an end", b"", None),
    ("half a header", frame(REQUEST, HANDSHAKE, GUEST, 1, hello())[:10], "half"),
    ("a header without its body", frame(REQUEST, HANDSHAKE, GUEST, 1, hello())[:26], "half"),
    ("a length of zero", frame(REQUEST, HANDSHAKE, GUEST, 1, length=0), None),
    ("a length that is shorter than the header", frame(REQUEST, HANDSHAKE, GUEST, 1, length=23), None),
    ("a length of 1025", frame(REQUEST, HANDSHAKE, GUEST, 1, length=1025), None),
    ("a length of 2 to the 63", frame(REQUEST, HANDSHAKE, GUEST, 1, length=1 << 63), None),
    ("the largest length", frame(REQUEST, HANDSHAKE, GUEST, 1, length=(1 << 64) - 1), None),
    ("a GUEST without a body", frame(REQUEST, HANDSHAKE, GUEST, 1), MALFORMED),
    ("a name without NUL", frame(REQUEST, HANDSHAKE, GUEST, 1, b"name"), MALFORMED),
    ("a name that is too long", frame(REQUEST, HANDSHAKE, GUEST, 1, b"n" * 256 + b"\0"), MALFORMED),
    ("a response first", frame(RESPONSE, HANDSHAKE, GUEST, 1, hello()), AUTHERR),
    ("an error first", frame(ERROR, HANDSHAKE, 7, 1), AUTHERR),
    ("a class that there is not", frame(77, HANDSHAKE, GUEST, 1, hello()), AUTHERR),
    ("a call first", frame(REQUEST, SYSCALL, GETPID, 1), AUTHERR),
    ("a type that there is not", frame(REQUEST, 77, 0, 1), AUTHERR),
    ("AUTH", frame(REQUEST, HANDSHAKE, AUTH, 1, hello()), AUTHERR),
    ("EXEC first", frame(REQUEST, HANDSHAKE, EXEC, 1, hello()), AUTHERR),
    ("a kind that there is not", frame(REQUEST, HANDSHAKE, 0xffffffff, 1, hello()), AUTHERR),
    ("a guessed ticket", frame(REQUEST, HANDSHAKE, FORK, 1, bytes(20)), NOTICKET),
    ("a short ticket", frame(REQUEST, HANDSHAKE, FORK, 1, bytes(19)), MALFORMED),
    ("a long ticket", frame(REQUEST, HANDSHAKE, FORK, 1, bytes(21)), MALFORMED),
    ("a cancel first", frame(REQUEST, HANDSHAKE, FORK, 1, bytes(16) + b"\1\0\0\0"), MALFORMED),
]


def call(slots, attachments, body=b"", number=GETPID):
    return frame(REQUEST, CALL, number, 9, struct.pack("<II", slots, attachments) + body)


def attachment(address, length, flags, data=b""):
    return struct.pack("<QQII", address, length, flags, 0) + data + bytes(-len(data) % 8)


# (what, bytes, the error code, or "gone" for a closed connection, or an errno as a negative number, or 0 for silence)
AFTER_HANDSHAKE = [
    ("a length of zero", frame(REQUEST, SYSCALL, GETPID, 9, length=0), "gone"),
    ("a frame of 5 MiB", frame(REQUEST, SYSCALL, GETPID, 9, length=5 << 20), "gone"),
    ("the largest length", frame(REQUEST, SYSCALL, GETPID, 9, length=(1 << 64) - 1), "gone"),
    ("a class that there is not", frame(3, SYSCALL, GETPID, 9), "gone"),
    ("an answer to nothing", frame(RESPONSE, COPYIN, 0, 12345, b"x"), "gone"),
    ("an error to nothing", frame(ERROR, COPYIN, 8, 12345), "gone"),
    ("a type that there is not", frame(REQUEST, 77, 0, 9), MALFORMED),
    ("a request that is the server's to make", frame(REQUEST, COPYIN, 0, 9, bytes(16)), MALFORMED),
    ("a second GUEST", frame(REQUEST, HANDSHAKE, GUEST, 9, hello()), MALFORMED),
    ("an EXEC without a name", frame(REQUEST, HANDSHAKE, EXEC, 9), MALFORMED),
    ("a FORK that cancels nothing", frame(REQUEST, HANDSHAKE, FORK, 9, bytes(20)), MALFORMED),
    ("a cancelled ticket that there is not", frame(REQUEST, HANDSHAKE, FORK, 9, bytes(16) + b"\1\0\0\0"), NOTICKET),
    ("a PREFORK with a body", frame(REQUEST, PREFORK, 0, 9, b"x"), MALFORMED),
    ("call number -1", frame(REQUEST, SYSCALL, -1, 9, bytes(64)), -78),
    ("call number -2147483648", frame(REQUEST, SYSCALL, -2147483648, 9, bytes(64)), -78),
    ("call number 512", frame(REQUEST, SYSCALL, 512, 9, bytes(64)), -78),
    ("call number 511, which a later release may have", frame(REQUEST, SYSCALL, 511, 9), -78),
    ("a call with too few arguments", frame(REQUEST, SYSCALL, 3, 9, bytes(16)), MALFORMED),
    ("a call with seven eighths of an argument", frame(REQUEST, SYSCALL, 3, 9, bytes(31)), MALFORMED),
    ("a call with 17 arguments", frame(REQUEST, SYSCALL, 3, 9, bytes(17 * 8)), -78),
    ("a CALL without a body", frame(REQUEST, CALL, GETPID, 9), MALFORMED),
    ("a CALL with more slots than there are", call(3, 0, bytes(16), 3), MALFORMED),
    ("a CALL with 4294967295 slots", call(0xffffffff, 0), MALFORMED),
    ("a CALL with 17 attachments", call(0, 17, attachment(0, 0, 1) * 17), MALFORMED),
    ("an attachment that is missing", call(0, 2, attachment(0, 8, 1, bytes(8))), MALFORMED),
    ("an attachment that is cut short", call(0, 1, attachment(0, 16, 1, bytes(8))), MALFORMED),
    ("an attachment without its padding", call(0, 1, attachment(0, 5, 1, bytes(8))[:-3]), MALFORMED),
    ("bytes behind the attachments", call(0, 1, attachment(0, 8, 1, bytes(16))), MALFORMED),
    ("an attachment around the end of memory", call(0, 1, attachment((1 << 64) - 4, 8, 2)), MALFORMED),
    ("attachments of too much", call(0, 2, attachment(0, 2 << 20, 2) + attachment(0, 1, 2)), MALFORMED),
    ("an attachment of very much", call(0, 1, attachment(0, (1 << 64) - 1, 2)), MALFORMED),
    ("an attachment for nothing", call(0, 1, attachment(0, 8, 0)), MALFORMED),
    ("an attachment with an unknown flag", call(0, 1, attachment(0, 8, 6)), MALFORMED),
    ("an INTERRUPT without a number", frame(REQUEST, INTERRUPT, 0, 9), MALFORMED),
    ("an INTERRUPT of what is not there", frame(REQUEST, INTERRUPT, 0, 9, bytes(8)), 0),
]


def before_handshake(tap, server, what, data, expected):
    client = Client(server.url)
    client.send(data)
    if expected in (None, "half"):
        if expected == "half" or not data:
            client.socket.shutdown(1)
        tap.ok(client.is_gone(), f"before the handshake: {what}")
    else:
        got = client.frame()
        tap.ok((got.class_, got.u, got.reqno) == (ERROR, expected, 1) and client.is_gone(),
               f"before the handshake: {what}", got)
    client.close()


def after_handshake(tap, server, what, data, expected):
    client = server.client(FAULT | SENDALONG | CANCEL | 8)
    try:
        client.send(data)
        if expected == "gone":
            tap.ok(client.is_gone(), what)
            return
        if expected != 0:
            got = client.answer(9)
            code = -struct.unpack("<i", got.body[:4])[0] if got.class_ == RESPONSE else got.u
            tap.equal(code, expected, what)
        else:
            tap.ok(True, what)
        tap.ok(client.call(GETPID)[0] == 0, f"{what}: the connection goes on")
    finally:
        client.close()


# Answers to a COPYIN of 100 bytes and a COPYINSTR of 100.
WRONG_ANSWERS = [
    ("an empty answer", COPYIN, lambda reqno: frame(RESPONSE, COPYIN, 0, reqno), None),
    ("an answer that is too short", COPYIN, lambda reqno: frame(RESPONSE, COPYIN, 0, reqno, bytes(99)), None),
    ("an answer that is too long", COPYIN, lambda reqno: frame(RESPONSE, COPYIN, 0, reqno, bytes(101)), None),
    ("an answer of 1 MiB", COPYIN, lambda reqno: frame(RESPONSE, COPYIN, 0, reqno, bytes(1 << 20)), None),
    ("an answer of another type", COPYIN, lambda reqno: frame(RESPONSE, PREFORK, 0, reqno, bytes(100)), None),
    ("an answer to another request", COPYIN, lambda reqno: frame(RESPONSE, COPYIN, 0, reqno + 1, bytes(100)), None),
    ("an error with a body", COPYIN, lambda reqno: frame(ERROR, COPYIN, 8, reqno, b"x"), None),
    ("an empty string's answer", COPYINSTR, lambda reqno: frame(RESPONSE, COPYINSTR, 0, reqno), None),
    ("a string that is too long", COPYINSTR, lambda reqno: frame(RESPONSE, COPYINSTR, 0, reqno, b"s" * 101), None),
    ("a string without NUL", COPYINSTR, lambda reqno: frame(RESPONSE, COPYINSTR, 0, reqno, b"s" * 100), 63),
    ("an error", COPYIN, lambda reqno: frame(ERROR, COPYIN, 8, reqno), 14),
]


def wrong_answer(tap, server, what, type_, make, errno):
    client = server.client(FAULT)
    number = SUM if type_ == COPYIN else 494
    reqno = client.start(number, 0x1000, 100)
    asked = client.frame()
    assert asked.type == type_
    client.send(make(asked.reqno))
    if errno is None:
        tap.ok(client.is_gone(), f"{what} ends the connection")
    else:
        tap.equal(client.result(reqno)[0], errno, f"{what} is the call's error")
    client.close()


def old_client(tap, server):
    """A client of version 0.4 may not use what it has not announced."""
    for what, data in (("a CALL", call(0, 0)), ("an INTERRUPT", frame(REQUEST, INTERRUPT, 0, 9, bytes(8)))):
        client = server.client()
        client.send(data)
        got = client.answer(9)
        tap.equal((got.class_, got.u), (ERROR, MALFORMED), f"{what} of an old client")
        client.close()
    client = server.client()
    client.start(SUM, 0x1000, 100)
    client.send(frame(ERROR, COPYIN, 8, client.frame().reqno))
    tap.ok(client.is_gone(), "an error of an old client")
    client.close()


def given_up(tap, server):
    """Who holds a connection that another process made cannot have the server reach into that one's memory."""
    memory = ctypes.create_string_buffer(100)
    client = server.client(FAULT)
    client.answer(client.request(HANDSHAKE, EXEC, hello(b"next", FAULT | LOCALCOPY)))
    client.start(SUM, ctypes.addressof(memory), 100)
    asked = client.frame()
    tap.equal((asked.class_, asked.type), (REQUEST, COPYIN), "an EXEC cannot add LOCALCOPY")
    client.close()


def descriptors(tap, server):
    """What comes along over a unix socket is nobody's, received or not. It also ends a reception early, which the server
    may take for the end of what is there: nobody but the sender waits then, here with a handshake only."""
    before = server.usage()[0]
    for shaken in (False, True):
        reader, writer = os.pipe()
        client = server.client(FAULT) if shaken else Client(server.url)
        data = frame(REQUEST, SYSCALL, GETPID, 77) if shaken else frame(REQUEST, HANDSHAKE, GUEST, 77, hello())
        data += frame(REQUEST, SYSCALL, GETPID, 78)
        for count, part in ((250, data),) if shaken else ((1, data[:5]), (16, data[5:24]), (250, data[24:])):
            socket.send_fds(client.socket, [part], [writer] * count)
        os.close(writer)
        when = "after the handshake" if shaken else "in the handshake"
        got = {(answer.class_, answer.reqno) for answer in (client.frame(), client.frame())}
        tap.equal(got, {(RESPONSE, 77), (RESPONSE, 78)}, f"descriptors {when}: it is served")
        tap.ok(select.select([reader], [], [], 60)[0] and os.read(reader, 1) == b"",
               f"descriptors {when}: nobody holds them")
        # What is never received goes with the connection.
        reader2, writer2 = os.pipe()
        client.send(frame(REQUEST, SYSCALL, GETPID, 9, length=0))
        try:
            socket.send_fds(client.socket, [b"x" * 100], [writer2, client.socket.fileno()])
        except (ConnectionResetError, BrokenPipeError):
            pass
        os.close(writer2)
        tap.ok(client.is_gone(), f"descriptors {when}: the connection ends")
        client.close()
        tap.ok(select.select([reader2], [], [], 60)[0] and os.read(reader2, 1) == b"",
               f"descriptors {when}: nobody holds those that were not received")
        os.close(reader)
        os.close(reader2)
    tap.ok(server.settles(before, 1), "descriptors: the server has as many as before", server.usage(), before)


def main():
    tap = Tap()
    server = Server("unix://socket?handshake=30")
    bystander = server.client()
    before = server.usage()[0]
    for case in BEFORE_HANDSHAKE:
        before_handshake(tap, server, *case)
    for case in AFTER_HANDSHAKE:
        after_handshake(tap, server, *case)
    for case in WRONG_ANSWERS:
        wrong_answer(tap, server, *case)
    old_client(tap, server)
    given_up(tap, server)
    descriptors(tap, server)
    try:
        tap.equal(bystander.call(GETPID)[0], 0, "a bystander goes on")
    except Gone:
        tap.ok(False, "a bystander goes on")
    tap.ok(server.settles(before, 1), "nothing is left behind", server.counts(), server.usage(), before)
    tap.equal(server.stop(), 0, "the server ends well")
    tap.finish()


if __name__ == "__main__":
    main()
