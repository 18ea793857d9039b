#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Descriptors of the rump kernel's that hijacked programs send each other over the host's sockets."""

import os
import sys

sys.path.insert(0, os.path.join(os.environ["RUMPKIT_SRCDIR"], "tests/support"))
from hijacked import Report, Server, skip_if_sanitized  # noqa: E402  pylint: disable=wrong-import-position

START = """
os.makedirs("/rump/tmp", exist_ok=True)
def rights(*files): return [(1, socket.SCM_RIGHTS, array.array("i", [f if isinstance(f, int) else f.fileno() for f in files]))]
def send(s, *files, data=b"x"): return tried(s.sendmsg, [data], rights(*files) if files else [])
def receive(s, flags=0, room=200):
    data, controls, got, _ = s.recvmsg(9, room, flags)
    return [fd for level, kind, fds in controls for fd in array.array("i", fds)]
def file(text):
    fd = os.open("/rump/tmp/f", os.O_CREAT | os.O_EXCL | os.O_RDWR); os.remove("/rump/tmp/f"); os.write(fd, text); return fd
def pair():
    l = socket.create_server(("127.0.0.1", 0)); c = socket.create_connection(l.getsockname()); return c, l.accept()[0]
def child(work):
    pid = os.fork()
    if pid == 0:
        status = 1
        try: work(); status = 0
        finally: sys.stdout.flush(); os._exit(status)
    return pid
def ended(pid): return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
class Vector(ctypes.Structure): _fields_ = [("base", ctypes.c_char_p), ("length", ctypes.c_size_t)]
class Message(ctypes.Structure):
    _fields_ = [("name", ctypes.c_void_p), ("namelen", ctypes.c_uint), ("iov", ctypes.POINTER(Vector)), ("iovlen", ctypes.c_size_t),
                ("control", ctypes.c_char_p), ("controllen", ctypes.c_size_t), ("flags", ctypes.c_int), ("pad", ctypes.c_int), ("sent", ctypes.c_uint)]
def message(text, control): return Message(None, 0, ctypes.pointer(Vector(text, len(text))), 1, control, len(control), 0, 0, 0)
def passing(fd): return struct.pack("QiiiI", 20, 1, 1, fd, 0)
a, b = socket.socketpair()
"""

CASES = [
    ("a file arrives with its position, shared", """
f = file(b"hello world"); os.lseek(f, 6, 0)
def work(): fd = receive(b)[0]; print(os.read(fd, 3), fd != f); os.write(fd, b"LD")
pid = child(work); print(send(a, f), ended(pid), os.lseek(f, 0, 1), os.pread(f, 20, 0))
""", r"b'wor' (True|False)\n1 0 11 b'hello worLD'"),
    ("a directory, a socket, and one of the host's among them", """
os.makedirs("/rump/tmp/d/e", exist_ok=True); c, e = pair(); h = os.open("/etc/passwd", os.O_RDONLY)
def work():
    c.close(); d, s, host = receive(b); print(os.listdir(d), os.read(host, 4)); s = socket.socket(fileno=s); print(s.recv(9)); s.send(b"back")
pid = child(work); e.send(b"there"); sent = send(a, os.open("/rump/tmp/d", os.O_RDONLY), c, h); c.close(); print(sent, e.recv(9), ended(pid), e.recv(9))
""", r"\['e'\] b'root'\nb'there'\n1 b'back' 0 b''"),
    ("the sender may be gone", """
c, e = pair()
def work(): a.sendmsg([b"x"], rights(c))
pid = child(work); print(ended(pid)); c.close(); s = socket.socket(fileno=receive(b)[0]); s.send(b"still"); print(e.recv(9))
""", r"0\nb'still'"),
    ("what nobody takes is closed", "c, e = pair(); print(send(a, c)); c.close(); a.close(); b.close(); print(e.recv(9))", r"1\nb''"),
    ("what else the sender has is not kept", """
c, e = pair(); print(send(a, file(b"x"))); c.close(); print(e.recv(9), os.read(receive(b)[0], 1))
""", r"1\nb'' b''"),
    ("it is passed on by a receiver that had none", """
x, y = socket.socketpair()
def work(): send(x, receive(b)[0])
pid = child(work); send(a, file(b"twice")); print(os.pread(receive(y)[0], 9, 0), ended(pid))
""", r"b'twice' 0"),
    ("close-on-exec is the receiver's choice", """
f = file(b"x"); send(a, f); send(a, f); x, y = receive(b)[0], receive(b, socket.MSG_CMSG_CLOEXEC)[0]
print(os.get_inheritable(x), os.get_inheritable(y))
print(subprocess.run(["cat", "/dev/fd/%d" % x], close_fds=False, capture_output=True).returncode)
""", r"True False\n0"),
    ("a look at it takes it not away", "send(a, file(b'seen')); x, y = receive(b, socket.MSG_PEEK)[0], receive(b)[0]\n"
     "print(os.pread(x, 9, 0), os.pread(y, 9, 0), x != y)", r"b'seen' b'seen' True"),
    ("several messages at once", """
a, b = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM); h = os.open("/etc/passwd", os.O_RDONLY)
out = (Message * 4)(*[message(b"%d" % i, passing(fd)) for i, fd in enumerate((h, file(b"one"), h, file(b"three")))]); sent = 0
while sent < 4: sent += call("sendmmsg", a.fileno(), ctypes.byref(out[sent]), 4 - sent, 0)
print(sent, [m.sent for m in out])
print([b.recv(9) for i in range(4)])
""", r"4 \[1, 1, 1, 1\]\n\[b'0', b'1', b'2', b'3'\]"),
    ("what arrives in several messages", """
a, b = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
for text in (b"one", b"two"): send(a, file(text))
buffers = [ctypes.create_string_buffer(24) for i in range(2)]; got = (Message * 2)(*[message(bytes(9), b"") for i in range(2)])
for m, buffer in zip(got, buffers): m.control, m.controllen = ctypes.cast(buffer, ctypes.c_char_p), 24
print(call("recvmmsg", b.fileno(), got, 2, 0, None), [os.pread(struct.unpack("QiiiI", buffer.raw)[3], 9, 0) for buffer in buffers])
""", r"2 \[b'one', b'two'\]"),
    ("many, and each is another", "fds = [file(b'%d' % i) for i in range(40)]; print(send(a, *fds)); "
     "print([os.pread(fd, 9, 0) for fd in receive(b, room=1000)] == [b'%d' % i for i in range(40)])", r"1\nTrue"),
    ("what is malformed is the host's to refuse", """
print(call("sendmsg", a.fileno(), ctypes.c_void_p(8), 0), call("sendmmsg", a.fileno(), ctypes.c_void_p(8), 1, 0), call("recvmsg", b.fileno(), ctypes.c_void_p(8), 64))
print(tried(a.sendmsg, [b"x"], [(1, socket.SCM_RIGHTS, array.array("i", [file(b""), 4321]))]), tried(b.recv, 9, socket.MSG_DONTWAIT))
""", r"EFAULT EFAULT (EFAULT|EAGAIN)\nEBADF EAGAIN"),
    ("nothing is left in the rump kernel", "print([n for d in ('/rump', '/rump/tmp') for n in os.listdir(d) if 'hijack' in n])", r"\[\]"),
]

WITHOUT = [
    ("no local sockets: refused, and nothing goes", """
f = file(b"x"); h = os.open("/etc/passwd", os.O_RDONLY)
print(send(a, f), send(a, h, f), send(a, h), b.recv(9), tried(b.recv, 9, socket.MSG_DONTWAIT))
""", r"EINVAL EINVAL 1 b'x' EAGAIN"),
]


def main():
    skip_if_sanitized()
    report = Report()
    with Server("-lrumpvfs", "-lrumpfs_tmpfs", "-lrumpnet", "-lrumpnet_sockin", "-lrumpnet_local") as server:
        report.programs(server, [(name, START + program, wanted) for name, program, wanted in CASES])
        status, text = server.python(START + f"c, e = pair(); send(a, c); subprocess.run(['{os.environ['RUMPKIT_BUILDDIR']}/tools/rump_halt'], "
                                     f"env={{**os.environ, 'RUMP_SERVER': '{server.url}'}})\n"
                                     "fd = receive(b)[0]; print('got', tried(os.read, fd, 1)); os.close(fd)")
        report(status == 0 and "got E" in text, "a kernel that is gone has taken it along", status, text)
        server.halt = lambda: None
    with Server("-lrumpvfs", "-lrumpfs_tmpfs") as server:
        report.programs(server, [(name, START + program, wanted) for name, program, wanted in WITHOUT])
        status, text = server.python(START + "send(a, file(b'x'))", RUMPHIJACK_VERBOSE="1")
        report(status == 0 and "no local sockets (rumpnet_local)" in text, "and it is said", status, text)
    report.finish()


main()
