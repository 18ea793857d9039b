#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Requests about network interfaces, and what programs make of them: of the host's, where a kernel's sockets are the host's, and of those
of NetBSD's own kernel."""

import os
import re
import socket
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.environ["RUMPKIT_SRCDIR"], "tests/support"))
from hijacked import BUILD, LIMIT_SECONDS, Report, skip_if_sanitized  # noqa: E402  pylint: disable=wrong-import-position
from kernels import Host, NetBSD, Rump, has_netbsd  # noqa: E402  pylint: disable=wrong-import-position

# ask(): a request whose argument is a struct ifreq: its value in the form asked for, or the name of the errno.
START = """
import fcntl
(GIFNAME, GIFCONF, GIFFLAGS, SIFFLAGS, GIFADDR, SIFADDR, GIFDSTADDR, GIFBRDADDR, SIFBRDADDR, GIFNETMASK, SIFNETMASK, GIFMETRIC,
 SIFMETRIC, GIFMTU, SIFMTU, GIFHWADDR, GIFINDEX) = (0x8910, 0x8912, 0x8913, 0x8914, 0x8915, 0x8916, 0x8917, 0x8919, 0x891a, 0x891b,
 0x891c, 0x891d, 0x891e, 0x8921, 0x8922, 0x8927, 0x8933)
SIFHWADDR, GIFTXQLEN, ETHTOOL, GARP, GIFMAP = 0x8924, 0x8942, 0x8946, 0x8954, 0x8970
UP, BROADCAST, LOOPBACK, RUNNING, NOARP, MULTICAST = 1, 2, 8, 0x40, 0x80, 0x1000
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
def request(fd, number, name, value): return tried(fcntl.ioctl, fd, number, struct.pack("16s24s", name.encode(), value))
def ask(number, name, form="i", value=b"", fd=s):
    got = request(fd, number, name, value)
    return got if isinstance(got, str) else struct.unpack_from(form, got, 16)[0]
def address(number, name, value=None, family=socket.AF_INET):
    sent = struct.pack("HH4s", family, 0, socket.inet_aton(value)) if value is not None else b"junk" * 6
    got = request(s, number, name, sent)
    return got if isinstance(got, str) else (struct.unpack_from("H", got, 16)[0], socket.inet_ntoa(got[20:24]))
def number(request, name, value): return ask(request, name, value=struct.pack("i", value))
def flags(name): return ask(GIFFLAGS, name, "H")
def set_flags(name, value): return ask(SIFFLAGS, name, "H", struct.pack("H", value))
def route(request, to, mask, gateway=None, flags=1, device=0):
    def end(text): return struct.pack("HH4s8x", 2, 0, socket.inet_aton(text)) if text else bytes(16)
    entry = struct.pack("8x16s16s16sH6x8x8xhQ24x", end(to), end(gateway), end(mask), flags | (2 if gateway else 0), 0, device)
    return tried(fcntl.ioctl, s, request, ctypes.create_string_buffer(entry, 128).raw)
def sent(to):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.bind(("127.0.0.1", 0))
        return tried(sender.sendto, b"x", (to, 9))
ADDRT, DELRT = 0x890b, 0x890c
def listed(room, buffer=True):
    memory = ctypes.create_string_buffer(b"\\xee" * 4096, 4096)
    size, _ = struct.unpack("iL", fcntl.ioctl(s, GIFCONF, struct.pack("iL", room, ctypes.addressof(memory) if buffer else 0)))
    if not buffer: return size // 40
    found = [memory.raw[i:i + 40] for i in range(0, size, 40)]
    return [(e[:16].rstrip(b"\\0").decode(), socket.inet_ntoa(e[20:24])) for e in found], memory.raw[size] == 0xee
"""

# Makes the interface shmif0 in the rump kernel, on a bus that is a file.
MAKE = """
import ctypes, struct, sys
client = ctypes.CDLL(sys.argv[1], use_errno=True)
name, bus = b"shmif0", ctypes.create_string_buffer(sys.argv[2].encode())
SIOCIFCREATE, SIOCSLINKSTR = 0x8090697a, 0x80286988
create = ctypes.create_string_buffer(name, 144)
link = ctypes.create_string_buffer(struct.pack("16sQQQ", name, 0, len(bus), ctypes.addressof(bus)), 40)
if client.rumpclient_init() == -1: sys.exit("no connection")
s = client.rump___sysimpl_socket30(2, 2, 0)
for request, argument in (SIOCIFCREATE, create), (SIOCSLINKSTR, link):
    if client.rump___sysimpl_ioctl(s, ctypes.c_ulong(request), argument) == -1: sys.exit(f"{request:#x}: {ctypes.get_errno()}")
"""

CASES = [
    ("names and indexes", """
print(socket.if_nametoindex("lo0"), socket.if_indextoname(1), socket.if_indextoname(socket.if_nametoindex("shmif0")))
print([ask(GIFINDEX, name) for name in ("eth0", "lo", "none0", "")])
print(request(s, GIFNAME, "", struct.pack("i", 77)), request(s, GIFNAME, "", struct.pack("i", 1))[:6])
""", r"1 lo0 shmif0\n\['ENODEV', 'ENODEV', 'ENODEV', 'ENODEV'\]\nENODEV b'lo0.*'"),
    ("the loopback interface", """
print(flags("lo0") == UP | LOOPBACK | RUNNING | MULTICAST, address(GIFADDR, "lo0"), address(GIFNETMASK, "lo0"))
print(ask(GIFMTU, "lo0") > 1500, ask(GIFMETRIC, "lo0"), ask(GIFHWADDR, "lo0", "H"), address(GIFBRDADDR, "lo0"), address(GIFDSTADDR, "lo0"))
""", r"True \(2, '127.0.0.1'\) \(2, '255.0.0.0'\)\nTrue 0 772 \(2, '0.0.0.0'\) \(2, '127.0.0.1'\)"),
    ("an interface without an address", """
print(address(GIFADDR, "shmif0"), address(GIFNETMASK, "shmif0"), address(SIFNETMASK, "shmif0", "255.0.0.0"), flags("shmif0") & UP)
hardware = request(s, GIFHWADDR, "shmif0", b""); print(struct.unpack_from("H", hardware, 16)[0], hardware[18:24] != bytes(6))
print(listed(4096), listed(0, False))
""", r"EADDRNOTAVAIL EADDRNOTAVAIL EADDRNOTAVAIL 0\n1 True\n\(\[\('lo0', '127.0.0.1'\)\], True\) 1"),
    ("an address is set, and taken away", """
address(SIFADDR, "shmif0", "10.1.2.3"); print(address(GIFADDR, "shmif0"), address(GIFNETMASK, "shmif0"))
address(SIFNETMASK, "shmif0", "255.255.255.0"); print(address(GIFNETMASK, "shmif0"), address(GIFBRDADDR, "shmif0"))
address(SIFBRDADDR, "shmif0", "10.1.2.127"); print(address(GIFBRDADDR, "shmif0"))
print(*listed(4096), *listed(79), *listed(39), listed(0, False))
address(SIFADDR, "shmif0", "10.1.2.4"); print(address(GIFADDR, "shmif0"))
address(SIFADDR, "shmif0", "0.0.0.0"); print(address(GIFADDR, "shmif0"), address(SIFADDR, "shmif0", "0.0.0.0")[0])
""", r"\(2, '10.1.2.3'\) \(2, '255.0.0.0'\)\n\(2, '255.255.255.0'\) \(2, '10.1.2.255'\)\n\(2, '10.1.2.127'\)\n"
     r"\[\('lo0', '127.0.0.1'\), \('shmif0', '10.1.2.3'\)\] True \[\('lo0', '127.0.0.1'\)\] True \[\] True 2\n"
     r"\(2, '10.1.2.4'\)\nEADDRNOTAVAIL 2"),
    ("flags and numbers are set", """
set_flags("shmif0", UP); print(flags("shmif0") & (UP | BROADCAST | MULTICAST | LOOPBACK) == UP | BROADCAST | MULTICAST)
set_flags("shmif0", NOARP); print(flags("shmif0") & (UP | NOARP) == NOARP); set_flags("shmif0", 0); print(flags("shmif0") & NOARP)
print(number(SIFMTU, "shmif0", 1400), ask(GIFMTU, "shmif0"), number(SIFMTU, "shmif0", 7), ask(GIFMTU, "shmif0"))
print(number(SIFMETRIC, "shmif0", 3), ask(GIFMETRIC, "shmif0"), number(SIFMETRIC, "shmif0", 0))
""", r"True\nTrue\n0\n1400 1400 EINVAL 1400\n3 3 0"),
    ("what cannot be done", """
print([address(n, "none0") for n in (GIFADDR, GIFNETMASK)], address(SIFADDR, "none0", "1.2.3.4"), flags("none0"), set_flags("none0", UP))
print(address(SIFADDR, "shmif0", "1.2.3.4", socket.AF_INET6), [ask(n, "lo0") for n in (SIFHWADDR, GIFTXQLEN, ETHTOOL, GARP, GIFMAP)])
print([call("ioctl", s.fileno(), n, ctypes.c_void_p(8)) for n in (GIFADDR, SIFFLAGS, GIFCONF, GIFNAME, GIFHWADDR)], ask(0x8950, "lo0"))
conf = ctypes.create_string_buffer(struct.pack("iL", 400, 8), 16); print(call("ioctl", s.fileno(), GIFCONF, conf))
conf = ctypes.create_string_buffer(struct.pack("iL", -40, 8), 16); print(call("ioctl", s.fileno(), GIFCONF, conf))
f = os.open("/rump/tmp", os.O_RDONLY); print([ask(n, "lo0", fd=f) for n in (GIFFLAGS, GIFHWADDR, GIFTXQLEN)])
""", r"\['ENODEV', 'ENODEV'\] ENODEV ENODEV ENODEV\nEINVAL (?:\[(?:'(?:EOPNOTSUPP|ENOTSUP)'(?:, )?){5}\])\n\[(?:'EFAULT'(?:, )?){5}\] ENOTTY\n"
     r"EFAULT\n0\n\['ENOTTY', 'ENOTTY', 'ENOTTY'\]"),
    ("routes", """
done = lambda result: "done" if isinstance(result, bytes) else result
print(sent("10.9.1.1"), done(route(ADDRT, "10.9.0.0", "255.255.0.0", "127.0.0.1")), sent("10.9.1.1"), route(ADDRT, "10.9.0.0", "255.255.0.0", "127.0.0.1"))
print(done(route(DELRT, "10.9.0.0", "255.255.0.0")), sent("10.9.1.1"), route(DELRT, "10.9.0.0", "255.255.0.0"), route(ADDRT, "0.0.0.0", "0.0.0.0", "9.9.9.9"))
name = ctypes.create_string_buffer(b"lo0"); lo0 = ctypes.addressof(name); none = ctypes.create_string_buffer(b"none0")
print(done(route(ADDRT, "10.9.1.1", None, None, 5, lo0)), sent("10.9.1.1"), done(route(DELRT, "10.9.1.1", None, None, 5)), sent("10.9.1.1"))
print(route(ADDRT, "10.9.1.1", None, None, 5), route(ADDRT, "10.9.1.1", None, None, 5, ctypes.addressof(none)), route(ADDRT, "10.9.1.1", None, None, 5, 8))
print(route(ADDRT, "10.9.1.1", "255.0.0.0", "127.0.0.1"), call("ioctl", s.fileno(), ADDRT, ctypes.c_void_p(8)))
""", r"EHOSTUNREACH done 1 EEXIST\ndone EHOSTUNREACH ESRCH ENETUNREACH\ndone 1 done EHOSTUNREACH\nENODEV ENODEV EFAULT\nEINVAL EFAULT"),
    ("the list that Linux keeps as a file", """
with open("/proc/net/dev") as lines: head, found = [next(lines), next(lines)], {line.split(":")[0].strip(): line.split(":")[1].split() for line in lines}
print(sorted(found), {len(numbers) for numbers in found.values()}, [line.count("|") for line in head], found["lo0"][:2] == found["lo0"][8:10] != ["0", "0"])
before = os.listdir("/proc/self/fd"); kept = os.open("/proc/net/dev", os.O_RDONLY | os.O_CLOEXEC)
print(os.get_inheritable(kept), tried(os.open, "/proc/net/dev", os.O_WRONLY) in ("EACCES", "EIO", "EPERM") or os.geteuid() == 0)
os.close(kept); print(os.listdir("/proc/self/fd") == before, subprocess.run(["cat", "/proc/self/net/dev"], stdout=subprocess.PIPE).stdout.count(b":"))
os.chdir("/rump"); print(os.path.exists("/proc/net/dev"), open("/proc/self/net/dev").read().count("shmif0:"))
""", r"\['lo0', 'shmif0'\] \{16\} \[2, 2\] True\nFalse True\nTrue 2\nTrue 1"),
    ("other sockets", """
u, t, six = socket.socket(socket.AF_UNIX), socket.socket(), socket.socket(socket.AF_INET6)
print([ask(GIFMTU, "lo0", fd=fd) > 1500 for fd in (u, t, six)], [ask(GIFADDR, "lo0", fd=fd) for fd in (u, t)])
print(ask(GIFINDEX, "shmif0", fd=u) == socket.if_nametoindex("shmif0"), [tried(fcntl.ioctl, u, n, bytes(40)) for n in (0x894b, 0x5401)])
""", r"\[True, True, True\] \['ENOTTY', \d+\]\nTrue \['(ENOTTY|EINVAL|EOPNOTSUPP)', 'ENOTTY'\]"),
]


# With the same answers on the host and on a kernel whose sockets are the host's. Of flags and kinds those that NetBSD has, too.
SAME = [
    ("names, indexes, addresses and numbers", """
for name in sorted(os.listdir("/sys/class/net")) + ["none0"]:
    print(name, ask(GIFINDEX, name), [address(n, name) for n in (GIFADDR, GIFNETMASK, GIFBRDADDR, GIFDSTADDR)], ask(GIFMTU, name), ask(GIFMETRIC, name))
    hardware, got = request(s, GIFHWADDR, name, b""), flags(name)
    print(hardware if isinstance(hardware, str) or struct.unpack_from("H", hardware, 16)[0] not in (1, 772) else hardware[16:32])
    print(got if isinstance(got, str) else got & 0x13ff)
    if name != "none0": print(socket.if_nametoindex(name), socket.if_indextoname(socket.if_nametoindex(name)))
print(request(s, GIFNAME, "", struct.pack("i", 1 << 30)))
"""),
    ("lists", """
found, untouched = listed(4000); print([(name.partition(":")[0], text) for name, text in found], untouched, listed(79), listed(39), listed(0, False))
"""),
    ("what is no address", """
print([call("ioctl", s.fileno(), n, ctypes.c_void_p(8)) for n in (GIFADDR, GIFFLAGS, GIFCONF, GIFNAME, GIFHWADDR)])
for room in 400, -40: print(call("ioctl", s.fileno(), GIFCONF, ctypes.create_string_buffer(struct.pack("iL", room, 8), 16)))
"""),
    ("the list that the host keeps as a file", """
for path in "/proc/net/dev", "/proc/self/net/dev":
    with open(path) as lines: print([line.partition(":")[0] for line in lines])
"""),
    ("other sockets", """
for fd in socket.socket(socket.AF_UNIX), socket.socket(), socket.socket(socket.AF_INET6): print(ask(GIFMTU, "lo", fd=fd), ask(GIFINDEX, "lo", fd=fd))
f = os.open(os.environ["WHERE"], os.O_RDONLY); print([ask(n, "lo", fd=f) for n in (GIFFLAGS, GIFHWADDR)])
"""),
]
READ_ONLY = ("the host's cannot be changed", """
print(address(SIFADDR, "lo", "127.0.0.1"), address(SIFADDR, "lo", "0.0.0.0"), set_flags("lo", UP), number(SIFMTU, "lo", 5000), number(SIFMETRIC, "lo", 0))
print([ask(n, "lo") for n in (SIFHWADDR, GIFTXQLEN, ETHTOOL, GARP, GIFMAP)])
print(route(ADDRT, "10.9.0.0", "255.255.0.0", "127.0.0.1"), route(DELRT, "10.9.0.0", "255.255.0.0"))
""", r"EPERM EPERM EPERM EPERM EPERM\n\['\w+SUP'(?:, '\w+SUP'){4}\]\nEPERM EPERM")


class Embedded(Rump):
    libraries = Rump.libraries + ["-lrumpnet_local"]


class Everything(Embedded):
    """With local sockets of the rump kernel's, too."""
    name = "the embedded kernel, local sockets too"

    def prefix(self):
        return [*super().prefix()[:1], "--sockets=all", *super().prefix()[1:]]


class Interfaces(NetBSD):
    libraries = NetBSD.libraries + ["-lrumpnet_netinet6", "-lrumpnet_shmif"]

    def __enter__(self):
        super().__enter__()
        subprocess.run([sys.executable, "-c", MAKE, f"{BUILD}/.libs/librumpclient.so.0", f"{self.work}/bus"], check=True,
                       env={**os.environ, "RUMP_SERVER": self.url}, timeout=LIMIT_SECONDS)
        return self


def ended(child):
    """A program's status and all that it printed."""
    text, _ = child.communicate(timeout=LIMIT_SECONDS)
    return child.returncode, text.decode("utf-8", "replace").strip()


def ifconfig(report, server):
    program = "/usr/sbin/ifconfig"
    if not os.path.exists(program):
        report.skip("ifconfig", "not installed")
        return
    results = [ended(server.run(program, "shmif0", *arguments.split())) for arguments in
               ("10.1.2.3/24 up", "mtu 1300", "", "0.0.0.0", "down", "", "txqueuelen 5", "hw ether 02:00:00:00:00:01")]
    report([status for status, _ in results] == [0] * 6 + [1] * 2, "ifconfig's status", results)
    wanted = "flags=4163<UP,BROADCAST,RUNNING,MULTICAST>  mtu 1300", "inet 10.1.2.3  netmask 255.255.255.0  broadcast 10.1.2.255", "ether "
    report(all(part in results[2][1] for part in wanted), "ifconfig shows what it has set", results[2])
    for arguments in ["-a"], []:
        status, text = ended(server.run(program, *arguments))
        shown = [line.split(":")[0] for line in text.splitlines() if line[:1].strip()]
        report((status, shown) == (0, ["lo0", "shmif0"] if arguments else ["lo0"]), " ".join(["ifconfig", *arguments]), status, text)
    report("UP" not in results[5][1] and "inet" not in results[5][1], "and what it has taken away", results[5])


def dnsmasq(report, server):
    """A server that wants to know which interfaces its addresses belong to."""
    program = "/usr/sbin/dnsmasq"
    if not os.path.exists(program):
        report.skip("dnsmasq", "not installed")
        return
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    child = server.run(program, "-d", "-C", "/dev/null", "-p", str(port), "--pid-file=", f"--user={'root' if os.geteuid() == 0 else ''}", "--no-resolv",
                       "--no-hosts", "--interface=lo", "--bind-interfaces", "--address=/name.test/192.0.2.7")
    query = b"\x12\x34\1\0\0\1\0\0\0\0\0\0\4name\4test\0\0\1\0\1"
    answer = b""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.settimeout(.2)
        asking.connect(("127.0.0.1", port))
        for _ in range(300):
            try:
                asking.send(query)
                answer = asking.recv(512)
                break
            except ConnectionRefusedError:
                time.sleep(.05)
            except TimeoutError:
                pass
            if child.poll() is not None:
                break
    child.terminate()
    status, text = ended(child)
    report(status == 0 and answer.endswith(socket.inet_aton("192.0.2.7")), "dnsmasq finds the interface and answers", status, answer, text)


def netbsd(report):
    with Interfaces(START) as server:
        for name, program, wanted in CASES:
            status, text = ended(server.start(program))
            report(status == 0 and re.fullmatch(wanted, text) is not None, f"{server.name}: {name}", f"status {status}, wanted {wanted}", text)
        ifconfig(report, server)


def embedded(report):
    with Host(START) as host:
        wanted = [ended(host.start(program)) for _, program in SAME]
    for kernel in Embedded(START), Everything(START):
        with kernel:
            for (name, program), expected in zip(SAME, wanted):
                got = ended(kernel.start(program))
                report(expected[0] == 0 and got == expected, f"{kernel.name}: {name}", f"status {got[0]}, on the host {expected}", got[1])
            status, text = ended(kernel.start(READ_ONLY[1]))
            report(status == 0 and re.fullmatch(READ_ONLY[2], text) is not None, f"{kernel.name}: {READ_ONLY[0]}", status, text)
    with Embedded(START) as kernel:
        dnsmasq(report, kernel)


def main():
    skip_if_sanitized()
    report = Report()
    embedded(report)
    if has_netbsd():
        netbsd(report)
    report.finish()


main()
