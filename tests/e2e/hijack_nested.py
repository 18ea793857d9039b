#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""epoll sets that are polled, and sets in sets, with sockets of the rump kernel's in them: what is readable, and which events come,
as on the host with sockets of its own. Each program runs on the host and on the kernels that there are, and must print the same."""

import os
import sys

sys.path.insert(0, os.path.join(os.environ["RUMPKIT_SRCDIR"], "tests/support"))
from kernels import compare_programs  # noqa: E402  pylint: disable=wrong-import-position

# give(): there is something to read at once. see(): a set's events now, by the names of their descriptors; readable(): whether it
# is, as every call says. waiter(): what a call comes to that another thread is in by the time it has begun.
START = """
import fcntl, random, select, threading, time
from select import EPOLLIN, EPOLLOUT, EPOLLET, EPOLLONESHOT, EPOLLRDHUP
names = {}
def pair():
    l = socket.create_server(("127.0.0.1", 0)); c = socket.create_connection(l.getsockname()); s = l.accept()[0]; l.close()
    s.setblocking(False)
    return c, s
class Pipe:
    def __init__(self): self.r, self.w = os.pipe()
    def fileno(self): return self.r
    def give(self): os.write(self.w, b"x")
    def take(self): os.read(self.r, 1)
class Socket:
    def __init__(self): self.c, self.s = pair()
    def fileno(self): return self.s.fileno()
    def give(self): self.c.send(b"x"); select.select([self.s], [], [], 60)
    def take(self): self.s.recv(99)
    def close(self): self.s.close()
def new(kind, *wanted):
    made = [kind() for name in wanted]
    for name, one in zip(wanted, made): names[one.fileno()] = name
    return made
def named(found): return " ".join(sorted(f"{names[fd]}:{events:#x}" for fd, events in found)) or "-"
def see(*sets): print(*(f"[{named(e.poll(0))}]" for e in sets))
class Fd(ctypes.Structure): _fields_ = [("fd", ctypes.c_int), ("events", ctypes.c_short), ("revents", ctypes.c_short)]
def answers(e, seconds=0):
    fd, p = Fd(e.fileno(), 1), select.poll(); p.register(e, select.POLLIN)
    yield named(p.poll(seconds * 1000))
    yield f"{call('ppoll', ctypes.byref(fd), ctypes.c_long(1), ctypes.byref((ctypes.c_long * 2)(seconds)), None)}:{fd.revents}"
    yield len(select.select([e], [], [], seconds)[0])
    bits = (ctypes.c_ulong * 16)(); bits[e.fileno() // 64] = 1 << e.fileno() % 64
    yield call("pselect", e.fileno() + 1, bits, None, None, ctypes.byref((ctypes.c_long * 2)(seconds)), None)
def readable(*sets):
    for e in sets: print(*answers(e))
def waiter(function, *arguments):
    begun, result = threading.Event(), []
    def go(): begun.set(); result.append(function(*arguments))
    thread = threading.Thread(target=go); thread.start(); begun.wait(); time.sleep(.05)
    def end(): thread.join(); return result[0]
    return end
"""
SETS = """
e, o = new(select.epoll, "e", "o"); p, q = new(Pipe, "p", "q"); s, t = new(Socket, "s", "t")
"""

CASES = [
    ("poll, ppoll, select and pselect of a set", SETS + """
e.register(s, EPOLLIN); e.register(p, EPOLLIN); readable(e); s.give(); readable(e); see(e); readable(e); s.take(); readable(e)
p.give(); readable(e); s.give(); readable(e); p.take(); readable(e); s.take(); readable(e); see(e); e.modify(s, EPOLLOUT); readable(e)
e.modify(s, 0); readable(e); e.unregister(s); readable(e); e.register(s, EPOLLOUT)
l = select.poll(); l.register(e, select.POLLOUT | select.POLLPRI); print(l.poll(0)); l.register(e); print(named(l.poll(0)))
print(select.select([], [e], [e], 0)); o.register(e, EPOLLIN | EPOLLOUT | EPOLLRDHUP | select.EPOLLRDNORM); see(o)
"""),
    ("a set in a set, by level", SETS + """
e.register(s, EPOLLIN); e.register(p, EPOLLIN); o.register(e, EPOLLIN); o.register(q, EPOLLIN); see(o, e); s.give(); see(o, o, e, o); q.give(); see(o)
s.take(); see(o, e); p.give(); see(o, e); q.take(); s.give(); see(o, e); p.take(); see(o, e); s.take(); see(o, e)
"""),
    ("sockets in both", SETS + """
e.register(s, EPOLLIN); o.register(e, EPOLLIN); o.register(t, EPOLLIN); o.register(s, EPOLLOUT); see(o); s.give(); see(o); t.give(); see(o); s.take(); see(o)
t.take(); readable(o); o.unregister(s); see(o); readable(o); s.give(); readable(o); see(o); o.unregister(e); readable(o); see(o, e)
"""),
    ("a set in a set, by edge", SETS + """
e.register(s, EPOLLIN); e.register(p, EPOLLIN); e.register(t, EPOLLIN); o.register(e, EPOLLIN | EPOLLET); see(o); s.give(); see(o, o, e, o, e, o)
t.give(); see(o, o); p.give(); see(o, o); s.take(); see(o); t.take(); p.take(); see(o, e); s.give(); see(o, o); s.take(); s.give(); see(o, o)
o.modify(e, EPOLLIN | EPOLLET); see(o, o); s.take(); see(o); s.give(); s.take(); see(o, e)
"""),
    ("edges of the members", SETS + """
e.register(s, EPOLLIN | EPOLLET); o.register(e, EPOLLIN); s.give(); see(o, o); readable(e, o); see(e, o, e); readable(e, o); s.take(); see(o, e)
s.give(); readable(o); see(e); readable(o); s.take(); e.modify(s, EPOLLIN | EPOLLET); see(o, e); s.give(); e.modify(s, EPOLLIN | EPOLLET); see(o, e, o)
"""),
    ("one shot, inside and around", SETS + """
e.register(s, EPOLLIN | EPOLLONESHOT); o.register(e, EPOLLIN); s.give(); see(o, e, o, e); readable(o); e.modify(s, EPOLLIN | EPOLLONESHOT); see(o, e, o); s.take()
e.modify(s, EPOLLIN); o.modify(e, EPOLLIN | EPOLLONESHOT); see(o); s.give(); see(o, o, e, o); o.modify(e, EPOLLIN | EPOLLONESHOT); see(o, o); readable(o)
"""),
    ("to any depth", SETS + """
sets = new(select.epoll, *"abcd"); chain = [*sets, e]
for outer, inner in zip(chain, chain[1:]): outer.register(inner, EPOLLIN)
e.register(s, EPOLLIN); see(*chain); s.give(); see(*chain); readable(*chain); s.take(); readable(*chain); see(*chain)
sets[0].modify(sets[1], EPOLLIN | EPOLLET); s.give(); see(*chain); see(*chain); s.take(); see(*chain); s.give(); see(*chain)
print(tried(e.register, sets[0], EPOLLIN), tried(e.register, e, EPOLLIN))
more = new(select.epoll, "f", "g"); print(tried(more[0].register, sets[0], EPOLLIN), tried(more[1].register, more[0], EPOLLIN))
"""),
    ("nested before there are sockets", """
e, o = new(select.epoll, "e", "o"); o.register(e, EPOLLIN); see(o); s, t = new(Socket, "s", "t"); see(o); e.register(s, EPOLLIN); see(o, e)
readable(o, e); s.give(); see(o, e); readable(o); s.take(); see(o); e.unregister(s); s.give(); see(o, e)
"""),
    ("taken out, and closed", SETS + """
e.register(s, EPOLLIN); o.register(e, EPOLLIN); s.give(); o.unregister(e); see(o, e); o.register(e, EPOLLIN); see(o); print(tried(o.register, e, EPOLLIN)); e.unregister(s)
see(o); readable(o, e); e.register(s, EPOLLIN); see(o); s.close(); see(o, e); readable(o, e); e.register(t, EPOLLIN); t.give(); see(o); e.close(); see(o); readable(o)
f, = new(select.epoll, "f"); see(o); f.register(t, EPOLLIN); see(o, f); o.register(f, EPOLLIN); see(o); o.close(); see(f); readable(f)
"""),
    ("duplicates are the same set", SETS + """
d = select.epoll.fromfd(os.dup(e.fileno())); names[d.fileno()] = "d"; d.register(s, EPOLLIN); s.give(); see(e, d); readable(e, d); print(tried(e.register, s, EPOLLIN))
o.register(d, EPOLLIN); see(o); e.close(); see(d, o); s.take(); see(d, o); readable(o, d); s.give(); see(d, o)
f = select.epoll.fromfd(os.dup2(d.fileno(), 200)); names[200] = "f"; see(f); f.unregister(s); see(f, d, o); d.register(s, EPOLLIN); see(f, d, o)
g = select.epoll.fromfd(fcntl.fcntl(200, fcntl.F_DUPFD, 300)); h = select.epoll.fromfd(call("dup", 200)); names[300] = "g"; names[h.fileno()] = "h"
o.register(g, EPOLLIN); see(g, h, o); os.dup2(p.fileno(), 200); see(g); readable(g); g.close(); h.close(); see(o); d.close(); see(o)
"""),
    ("a set changes while another thread waits for the one around it", SETS + """
o.register(e, EPOLLIN); s.give()
for wait in lambda: named(o.poll(60)), *((lambda n=n: [*answers(o, 60)][n]) for n in range(4)):
    end = waiter(wait); e.register(s, EPOLLIN); print(end())
    s.take(); end = waiter(wait); s.give(); print(end()); s.take()
    end = waiter(wait); e.modify(s, EPOLLOUT); print(end())
    e.unregister(s); end = waiter(wait); p.give(); e.register(p, EPOLLIN); print(end()); e.unregister(p); p.take(); s.give()
"""),
    ("nothing comes of a member that has nothing", SETS + """
o.register(e, EPOLLIN); end = waiter(lambda: named(o.poll(.3))); e.register(s, EPOLLIN); e.modify(s, EPOLLIN | EPOLLET); e.unregister(s); e.register(s, EPOLLIN); print(end())
l = select.poll(); l.register(e, select.POLLIN); end = waiter(lambda: l.poll(300)); e.modify(s, EPOLLIN | EPOLLET); e.unregister(s); print(end())
"""),
    ("the first socket is made while other threads wait", """
e, f, o = new(select.epoll, "e", "f", "o"); o.register(f, EPOLLIN)
ends = [waiter(lambda: named(e.poll(-1))), waiter(lambda: named(o.poll(-1))), waiter(lambda: named(o.poll(60))), waiter(lambda: [*answers(f, 60)])]
s, t = new(Socket, "s", "t"); e.register(s, EPOLLIN); f.register(t, EPOLLIN); time.sleep(.1); s.give(); t.give(); print(*(end() for end in ends))
"""),
    ("all who wait for a set learn of its first socket", """
def wait(e, done): e.poll(-1); s.take(); done.release()
for i in range(8):
    e, done = select.epoll(), threading.Semaphore(0); [threading.Thread(target=wait, args=(e, done), daemon=True).start() for i in range(6)]; time.sleep(.02)
    s = Socket(); e.register(s, EPOLLIN | EPOLLONESHOT)
    for i in range(6): s.c.send(b"x"); print(i, done.acquire(timeout=20)); e.modify(s, EPOLLIN | EPOLLONESHOT)
"""),
    ("a set is put in another while a thread waits for that", SETS + """
given = []; e.register(s, EPOLLIN); end = waiter(lambda: (named(o.poll(60)), given)); o.register(e, EPOLLIN); time.sleep(.05); given.append(1); s.give(); print(end())
"""),
    ("threads that wait by edge and by level", SETS + """
e.register(s, EPOLLIN); o.register(e, EPOLLIN | EPOLLET); ends = [waiter(lambda: named(o.poll(60))), waiter(lambda: named(e.poll(60))), waiter(lambda: [*answers(o, 60)][0])]
s.give(); print(ends[0](), ends[1]()); o.modify(e, EPOLLIN); print(ends[2]())
"""),
    ("none of many wake-ups is lost", SETS + """
e.register(s, EPOLLIN); e.register(p, EPOLLIN); o.register(e, EPOLLIN); l = select.poll(); l.register(o, select.POLLIN); taken = threading.Semaphore(0); over = False
def take():
    try: s.s.recv(1); taken.release()
    except BlockingIOError: pass
def consume(wait):
    while not over: wait(); take()
def churn():
    for i in range(400): e.register(t, EPOLLIN); e.modify(t, EPOLLOUT if i % 2 else EPOLLIN); e.unregister(t); time.sleep(.0005)
waits = lambda: e.poll(60), lambda: o.poll(60), lambda: l.poll(60000), lambda: select.select([e], [], [], 60)
threads = [threading.Thread(target=consume, args=(wait,)) for wait in waits] + [threading.Thread(target=churn)]; [thread.start() for thread in threads]
print(sum(s.c.send(b"x") == 1 and taken.acquire(timeout=30) for i in range(300)))
over = True; p.give(); [thread.join() for thread in threads]
"""),
    ("a child has the sets too", SETS + """
e.register(s, EPOLLIN); o.register(e, EPOLLIN); sys.stdout.flush()
def child(*what):
    if os.fork() == 0:
        for one in what: one()
        sys.stdout.flush(); os._exit(0)
    print(os.wait()[1])
child(lambda: see(o, e), s.give, lambda: see(o, e), lambda: readable(o, e)); see(o, e); readable(o, e)
child(lambda: see(o), s.take, lambda: see(o, e)); see(o, e); s.give(); see(o, e); child(e.close, lambda: see(o)); see(o, e)
child(lambda: [f.close() for f in (e, o)]); see(o, e); s.take(); see(o, e); readable(o)
"""),
    ("a child of vfork leaves the sets alone", SETS + """
e.register(s, EPOLLIN); o.register(e, EPOLLIN); subprocess.run(["/bin/true"], check=True); s.give(); see(o, e); readable(o)
"""),
    ("a new program has what is the host's of a set", SETS + """
e.register(s, EPOLLIN); e.register(p, EPOLLIN); o.register(e, EPOLLIN); s.give(); see(o, e); [os.set_inheritable(f.fileno(), True) for f in (e, o, p)]
os.set_inheritable(p.w, True); sys.stdout.flush(); os.execv("/usr/bin/python3", ["python3", "-c", f'''
import os, select, sys; e, o, p, w = {e.fileno()}, {o.fileno()}, {p.r}, {p.w}; sets = [select.epoll.fromfd(f) for f in (o, e)]
print([f.poll(0) for f in sets], select.select([o, e], [], [], 0)[0]); os.write(w, b"x"); print([f.poll(0) == [(x, 1)] for f, x in zip(sets, (e, p))])
'''])
"""),
    ("nobody starves", SETS + """
e.register(s, EPOLLIN); e.register(p, EPOLLIN); e.register(t, EPOLLIN); e.register(q, EPOLLIN); o.register(e, EPOLLIN); [f.give() for f in (s, p, t, q)]
print(named({fd: events for i in range(12) for fd, events in e.poll(0, 1)}.items())); o.register(q, EPOLLIN); o.register(t, EPOLLIN)
print(named({fd: events for i in range(12) for fd, events in o.poll(0, 1)}.items())); p.take(); q.take(); print({len(e.poll(0, 1)) for i in range(12)})
"""),
    ("many calls in any order", """
FLAGS = EPOLLIN, EPOLLIN, EPOLLIN | EPOLLET, EPOLLIN | EPOLLONESHOT, EPOLLOUT, EPOLLIN | EPOLLOUT, 0
for seed in range(SEEDS):
    random.seed(seed); print(seed); sets = new(select.epoll, *"abcd"); files = new(Socket, "s", "t") + new(Pipe, "p"); full = set()
    [sets[i].register(sets[i + 1], random.choice((EPOLLIN, EPOLLIN, EPOLLIN | EPOLLET))) for i in range(3)]
    for step in range(120):
        one, target, flags, what = random.choice(sets), random.choice(files + sets), random.choice(FLAGS), random.randrange(10)
        file = random.choice(files)
        if what < 2 and file not in full: file.give(); full.add(file)
        elif what < 2 or what == 2 and file in full: select.select(sets, [], [], 0); file.take(); full.discard(file)
        elif what == 3: print(tried(one.register, target, flags))
        elif what == 4: print(tried(one.modify, target, flags))
        elif what == 5 and random.randrange(3) == 0: print(tried(one.unregister, target))
        elif what < 8: see(one)
        else: readable(one)
    see(*sets); [f.close() for f in sets]; [(f.s.close(), f.c.close()) for f in files[:2]]; os.close(files[2].r); os.close(files[2].w)
""".replace("SEEDS", "60" if os.environ.get("RUMPKIT_TEST_ALL") else "8")),
    ("asyncio in a loop of select's", """
import asyncio
loop = asyncio.new_event_loop(); out = []
async def serve(r, w): out.append(await r.readline()); w.write(b"world\\n"); await w.drain(); w.close()
async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", 0); address = server.sockets[0].getsockname()
    r, w = await asyncio.open_connection(*address); w.write(b"hello\\n"); out.append(await r.readline()); w.close(); server.close(); out.append("done")
task = loop.create_task(main()); turns = 0
while not task.done():
    loop.call_soon(loop.stop); loop.run_forever(); turns += 1
    if not task.done() and not loop._ready: select.select([loop._selector._selector.fileno()], [], [], 60)
print(out, turns < 100)
"""),
]


compare_programs(START, CASES)
