# SPDX-License-Identifier: BSD-2-Clause
"""The protocol of rump_sp(7) by hand, for tests that send what no client would, and the servers they send it to."""

import os
import select
import shlex
import socket
import struct
import subprocess
import time

# The runner gives each test a directory of its own.
os.chdir(os.environ.get("TMPDIR", "."))
BUILDDIR = os.environ.get("RUMPKIT_BUILDDIR", ".")
# A tool that servers run under, with its arguments.
UNDER = shlex.split(os.environ.get("RUMPKIT_UNDER", ""))
ALL = bool(os.environ.get("RUMPKIT_TEST_ALL"))
HEADER = struct.Struct("<QQHHI")
REQUEST, RESPONSE, ERROR = 0, 1, 2
HANDSHAKE, SYSCALL, COPYIN, COPYINSTR, COPYOUT, COPYOUTSTR, ANONMMAP, PREFORK, RAISE = range(9)
CALL, INTERRUPT, CONNECT = 64, 65, 66
GUEST, AUTH, FORK, EXEC = range(4)
FAULT, LOCALCOPY, SENDALONG, CAN_INTERRUPT, CANCEL, CAN_CONNECT = 1, 2, 4, 8, 16, 32
# The pretended kernel's own calls.
COUNT, SLEEP, SUM, FILL, STRING, SIGNAL, MAP, WRITE_READ, COMPUTE, RELEASE = range(490, 500)
GETPID, READ, WRITE, OPEN, PIPE = 20, 3, 4, 5, 42
SECONDS = 60


class Gone(Exception):
    """The other side has closed the connection."""


def frame(class_, type_, u=0, reqno=0, body=b"", length=None):
    return HEADER.pack(HEADER.size + len(body) if length is None else length, reqno, class_, type_, u & 0xffffffff) + body


def hello(name=b"test", capabilities=None):
    return name + b"\0" + (b"" if capabilities is None else b"+cap" + struct.pack("<I", capabilities))


class Frame:
    def __init__(self, header, body):
        self.len, self.reqno, self.class_, self.type, self.u = HEADER.unpack(header)
        self.body = body

    def __repr__(self):
        return f"<class {self.class_} type {self.type} u {self.u} reqno {self.reqno} body {self.body[:64]!r}>"


class Client:
    """A raw connection. memory: address -> bytes, for answering the server's copies."""

    def __init__(self, url, greet=True, connected=None):
        self.memory, self.signals, self.reqno, self.buffer = {}, [], 0, b""
        self.descriptors, self.faults, self.socket = [], False, connected or self.dial(url)
        self.banner = self.line() if greet else None

    @staticmethod
    def dial(url):
        kind, _, where = url.partition("://")
        family = {"unix": socket.AF_UNIX, "tcp": socket.AF_INET, "tcp6": socket.AF_INET6}[kind]
        if kind != "unix":
            host, _, port = where.rpartition(":")
            where = (host.strip("[]"), int(port))
        dialled = socket.socket(family, socket.SOCK_STREAM)
        dialled.settimeout(SECONDS)
        dialled.connect(where)
        return dialled

    def close(self):
        self.socket.close()

    def receive(self):
        try:
            if self.socket.family == socket.AF_UNIX:
                data, came = socket.recv_fds(self.socket, 1 << 20, 100)[:2]
                self.descriptors += came
            else:
                data = self.socket.recv(1 << 20)
        except (ConnectionResetError, BrokenPipeError) as gone:
            raise Gone from gone
        if not data:
            raise Gone
        self.buffer += data

    def line(self):
        while b"\n" not in self.buffer:
            self.receive()
        line, self.buffer = self.buffer.split(b"\n", 1)
        return line.decode() + "\n"

    def exactly(self, count):
        while len(self.buffer) < count:
            self.receive()
        data, self.buffer = self.buffer[:count], self.buffer[count:]
        return data

    def send(self, data):
        try:
            self.socket.sendall(data)
        except (ConnectionResetError, BrokenPipeError) as gone:
            raise Gone from gone

    def frame(self):
        header = self.exactly(HEADER.size)
        length = HEADER.unpack(header)[0]
        return Frame(header, self.exactly(length - HEADER.size))

    def request(self, type_, u=0, body=b""):
        self.reqno += 1
        self.send(frame(REQUEST, type_, u, self.reqno, body))
        return self.reqno

    def handshake(self, capabilities=None, name=b"test"):
        self.faults = bool((capabilities or 0) & FAULT)
        return self.answer(self.request(HANDSHAKE, GUEST, hello(name, capabilities)))

    def connect(self, body=b""):
        """Asks for one more connection: the answer, and the connection's end or None."""
        got = self.answer(self.request(CONNECT, 0, body))
        ends = [socket.socket(fileno=fd) for fd in self.descriptors]
        self.descriptors = []
        for end in ends:
            end.settimeout(SECONDS)
        assert len(ends) == (got.class_ == RESPONSE)
        return got, ends[0] if ends else None

    def range(self, address, length):
        for begin, data in self.memory.items():
            if begin <= address and address + length <= begin + len(data):
                return begin, address - begin
        return None

    def serve(self, asked):
        """Answers one request of the server."""
        if asked.type == RAISE:
            self.signals.append(asked.u)
            return
        if asked.type == ANONMMAP:
            self.send(frame(RESPONSE, ANONMMAP, 0, asked.reqno, struct.pack("<Q", 0x10000)))
            return
        length, address = struct.unpack("<QQ", asked.body[:16])
        at = self.range(address, 1 if asked.type == COPYINSTR else length)
        if at is None:
            if self.faults:
                self.send(frame(ERROR, 0, 8, asked.reqno))
            elif asked.type in (COPYIN, COPYINSTR):
                self.send(frame(RESPONSE, asked.type, 0, asked.reqno, bytes(length if asked.type == COPYIN else 1)))
        elif asked.type == COPYIN:
            self.send(frame(RESPONSE, COPYIN, 0, asked.reqno, bytes(self.memory[at[0]][at[1]:at[1] + length])))
        elif asked.type == COPYINSTR:
            text = bytes(self.memory[at[0]][at[1]:]).split(b"\0")[0] + b"\0"
            self.send(frame(RESPONSE, COPYINSTR, 0, asked.reqno, text[:length]))
        else:
            data = bytearray(self.memory[at[0]])
            data[at[1]:at[1] + length] = asked.body[16:]
            self.memory[at[0]] = bytes(data)
            if self.faults:
                self.send(frame(RESPONSE, asked.type, 0, asked.reqno))

    def answer(self, reqno):
        """The answer to a request, copies being served meanwhile."""
        while True:
            got = self.frame()
            if got.class_ == REQUEST:
                self.serve(got)
            elif got.reqno == reqno:
                return got

    def start(self, number, *args):
        return self.request(SYSCALL, number, struct.pack(f"<{len(args)}q", *args))

    def result(self, reqno):
        """(error, retval[0], retval[1]) of a call."""
        got = self.answer(reqno)
        if got.class_ == ERROR:
            return ("refused", got.u, 0)
        error, _, first, second = struct.unpack("<iIqq", got.body[:24])
        return error, first, second

    def call(self, number, *args):
        return self.result(self.start(number, *args))

    def is_gone(self, seconds=SECONDS):
        """Whether the server closes the connection, whatever it says before."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if select.select([self.socket], [], [], 0.1)[0]:
                try:
                    if not self.socket.recv(1 << 20):
                        return True
                except (ConnectionResetError, BrokenPipeError):
                    return True
        return False


class Server:
    """pretend_server, or another command that says a line when it is ready."""

    def __init__(self, url="unix://socket", command=None, environment=None, cpus=None):
        self.url = url.split("?")[0]
        self.process = subprocess.Popen(
            UNDER + (command or [os.path.join(BUILDDIR, "tests/support/pretend_server"), url]), stdout=subprocess.PIPE,
            text=True, env={**os.environ, **(environment or {})},
            preexec_fn=cpus and (lambda: os.sched_setaffinity(0, cpus)))
        line = self.process.stdout.readline()
        if line != "ready\n":
            self.process.wait()
            raise RuntimeError(f"the server did not start: {line!r}")

    def client(self, capabilities=None):
        client = Client(self.url)
        client.handshake(capabilities)
        return client

    def usage(self):
        """Descriptors, threads, and resident kilobytes."""
        proc = f"/proc/{self.process.pid}"
        with open(f"{proc}/status", encoding="ascii") as status:
            resident = next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))
        return len(os.listdir(f"{proc}/fd")), len(os.listdir(f"{proc}/task")), resident

    def is_instrumented(self):
        """Whether a sanitizer or valgrind is in it, which take memory of their own and keep what is freed."""
        with open(f"/proc/{self.process.pid}/maps", encoding="ascii", errors="replace") as maps:
            text = maps.read()
        return any(name in text for name in ("libasan", "libtsan", "libclang_rt", "vgpreload"))

    def counts(self):
        """(processes, lwps, sleepers) in the kernel, those of the one who asks not counted."""
        client = self.client()
        error, procs, packed = client.call(COUNT)
        client.close()
        assert error == 0
        return procs - 1, (packed >> 32) - 2, packed & 0xffffffff

    def settles(self, descriptors, procs=0, seconds=SECONDS):
        """Whether nothing but so much is left, soon."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            # To count makes a connection, which is still there for a moment.
            if self.usage()[0] <= descriptors and self.counts()[0] <= procs:
                return True
            time.sleep(0.02)
        return False

    def alive(self):
        return self.process.poll() is None

    def stop(self):
        """Ends it. Returns its status: 0 when it was still well."""
        if self.alive():
            try:
                client = self.client()
                client.start(208, 0, 0)
                client.is_gone()
                client.close()
            except (Gone, OSError):
                self.process.terminate()
        status = self.process.wait(SECONDS)
        self.process.stdout.close()
        return status
