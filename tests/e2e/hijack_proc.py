#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What hijacked programs find under /proc/self and /dev/fd about what they have in the rump kernel."""

import os
import sys

sys.path.insert(0, os.path.join(os.environ["RUMPKIT_SRCDIR"], "tests/support"))
from hijacked import Report, Server, skip_if_sanitized  # noqa: E402  pylint: disable=wrong-import-position

START = """
os.makedirs("/rump/tmp/d/e", exist_ok=True); os.chdir("/rump/tmp/d")
with open("/rump/tmp/d/f", "w") as new: new.write("content")
def link(fd, where="/proc/self/fd/"): return tried(os.readlink, f"{where}{fd}")
def opened(path, flags=os.O_RDONLY): return tried(os.open, path, flags)
"""

CASES = [
    ("a descriptor reads as the file's name", """
f = os.open("/rump/tmp/d/f", 0); print(link(f), link(f, "/dev/fd/"), link(f, f"/proc/{os.getpid()}/fd/"), link(f, "/proc/thread-self/fd/"))
os.chdir("e"); r = os.open("../f", 0); os.chdir("/"); print(link(r))
d = os.open("/rump/tmp/d", 0); g = os.open("f", 0, dir_fd=d); h = os.open("e/../f", 0, dir_fd=d); print(link(d), link(g), link(h))
os.symlink("e/../f", "/rump/tmp/d/l"); l = os.open("/rump/tmp/d/l", 0); os.remove("/rump/tmp/d/l"); print(link(os.dup(r)))
os.dup2(r, 50); print(link(50)); os.close(r); s = os.open("/etc/passwd", 0); print(link(s))
print(os.path.realpath(f"/proc/self/fd/{f}"), tried(os.readlink, "/proc/self/fd/77"), os.lstat(f"/proc/self/fd/{f}").st_mode >> 12)
""", r"(/rump/tmp/d/f ){3}/rump/tmp/d/f\n/rump/tmp/d/f\n/rump/tmp/d /rump/tmp/d/f /rump/tmp/d/f\n/rump/tmp/d/f\n/rump/tmp/d/f\n"
     r"/etc/passwd\n/rump/tmp/d/f ENOENT 10"),
    ("a link that was followed does not stay in the name",
     'os.symlink("e/../f", "l"); f = os.open("l", 0); print(link(f)); os.remove("l")', "/rump/tmp/d/f"),
    ("no name that is another file's", """
f = os.open("g", os.O_CREAT | os.O_RDWR); print(link(f)); os.rename("g", "h"); print(link(f)); os.mkdir("g"); print(link(f)); os.rmdir("g")
os.remove("h"); print(link(f)); s = socket.socket(); print(link(s.fileno())[:8]); os.dup2(s.fileno(), f); print(link(f)[:8])
""", r"/rump/tmp/d/g\n/rump/tmp/d/h\n/rump/tmp/d/h\n/rump/tmp/d/h \(deleted\)\nsocket:\[\nsocket:\["),
    ("it is so after fork and exec", """
f = os.open("f", 0); os.set_inheritable(f, True); sys.stdout.flush()
if os.fork() == 0: print(link(f)); sys.stdout.flush(); os._exit(0)
os.wait(); subprocess.run(["/usr/bin/readlink", f"/proc/self/fd/{f}"], pass_fds=[f])
subprocess.run(["/bin/sh", "-c", "readlink /proc/self/fd/0; readlink /proc/self/cwd"], stdin=f)
""", "(/rump/tmp/d/f\n){3}/rump/tmp/d"),
    ("a descriptor that is opened by its name is another", """
f = os.open("f", os.O_RDONLY); os.read(f, 3); g = opened(f"/proc/self/fd/{f}"); print(os.read(g, 9), os.read(f, 9))
w = opened(f"/dev/fd/{f}", os.O_WRONLY | os.O_APPEND); print(os.write(w, b"+"), tried(os.write, f, b"-"), os.pread(f, 99, 0))
t = opened(f"/dev/fd/{f}", os.O_RDWR | os.O_TRUNC | os.O_CREAT); print(os.pread(f, 99, 0), opened(f"/dev/fd/{f}", os.O_DIRECTORY))
s = socket.socket(); print(opened(f"/proc/self/fd/{s.fileno()}"))
os.write(t, b"gone"); os.remove("f"); print(os.pread(opened(f"/proc/self/fd/{f}"), 9, 0), opened(f"/proc/self/fd/{f}", os.O_WRONLY))
""", r"b'content' b'tent'\n1 EBADF b'content\+'\nb'' ENOTDIR\nENXIO\nb'gone' EACCES"),
    ("below a directory, and the current one", """
d = os.open("/rump/tmp", 0); print(open(f"/proc/self/fd/{d}/d/f").read(), os.listdir(f"/dev/fd/{d}/d/e"), tried(os.stat, f"/dev/fd/{d}/x"))
print(os.readlink("/proc/self/cwd"), os.readlink(f"/proc/{os.getpid()}/cwd"), sorted(os.listdir("/proc/self/cwd")), open("/proc/self/cwd/f").read())
print(os.path.samefile("/proc/self/cwd", "."), os.path.realpath("/proc/self/cwd/e/.."), os.path.exists("/proc/self/cwd/../../../etc/passwd"))
os.mkdir("/proc/self/cwd/new"); print(os.path.isdir("/rump/tmp/d/new")); os.rmdir("new"); print(os.listdir(opened(f"/proc/self/fd/{d}")))
os.chdir("/"); print(os.readlink("/proc/self/cwd"), os.readlink("/proc/self/exe") == os.path.realpath("/usr/bin/python3"))
""", r"content \[\] ENOENT\n/rump/tmp/d /rump/tmp/d \['e', 'f'\] content\nTrue /rump/tmp/d True\nTrue\n\['d'\]\n/ True"),
    ("extended attributes below a directory, as tar restores them", """
d = os.open("/rump/tmp/d", 0); p = f"/proc/self/fd/{d}/f"; os.setxattr(p, "user.a", b"1", follow_symlinks=False); os.setxattr(p, "user.b", b"2")
print(os.getxattr("/rump/tmp/d/f", "user.a"), os.getxattr(p, "user.b"), sorted(os.listxattr(p)), os.listxattr(p, follow_symlinks=False) == os.listxattr(p))
f = f"/proc/self/fd/{os.open(p, 0)}"; os.removexattr(f, "user.a"); print(os.listxattr(f), os.getxattr(f, "user.b"), tried(os.getxattr, p, "user.a"))
os.removexattr(p, "user.b"); print(os.listxattr("/rump/tmp/d/f"), tried(os.listxattr, f"/proc/self/fd/{d}/x"))
""", r"b'1' b'2' \['user.a', 'user.b'\] True\n\['user.b'\] b'2' ENODATA\n\[\] ENOENT"),
    ("the program itself", """
import shutil
for name in "/rump/tmp/prog", "/rump/tmp/d/" + "long" * 60:
    shutil.copy("/usr/bin/readlink", name); print(subprocess.run([name, "/proc/self/exe"], capture_output=True).stdout.decode().strip().replace(name, "NAME"))
print(subprocess.run(["../prog", "/proc/self/exe"], capture_output=True).stdout)
print(subprocess.run(["/rump/tmp/d/../prog", "-f", "/proc/self/exe"], capture_output=True).stdout)
shutil.copy("/usr/bin/env", "/rump/tmp/env"); os.symlink("/rump/tmp/env", "alias")
print(subprocess.run(["./alias", "/proc/self/exe", "/rump/tmp/prog", "/proc/self/exe"], capture_output=True).stdout)
os.remove("alias"); os.remove("/rump/tmp/d/" + "long" * 60)
""", r"NAME\n/memfd:program \(deleted\)\nb'/rump/tmp/prog\\n'\nb'/rump/tmp/prog\\n'\nb'/rump/tmp/prog\\n'"),
    ("a file that the program has renamed, and a directory above it", """
f = os.open("f", os.O_RDONLY); os.read(f, 3); os.rename("f", "e/g"); print(link(f)); w = opened(f"/proc/self/fd/{f}", os.O_WRONLY); os.write(w, b"C")
d = os.open("e", 0); os.rename("/rump/tmp/d/e", "/rump/tmp/d/ee"); print(link(f), link(d), os.pread(opened(f"/dev/fd/{f}"), 9, 0), os.read(f, 9))
open("other", "w").close(); os.rename("other", "ee/g"); print(link(f), opened(f"/dev/fd/{f}", os.O_WRONLY)); os.rename("ee", "e"); os.remove("e/g")
sys.stdout.flush(); g = os.open("x", os.O_CREAT | os.O_RDWR); os.set_inheritable(g, True)
if os.fork() == 0: os.rename("x", "y"); print(link(g)); sys.stdout.flush(); os._exit(0)
os.wait(); print(link(g)); os.remove("y")
""", r"/rump/tmp/d/e/g\n/rump/tmp/d/ee/g /rump/tmp/d/ee b'Content' b'tent'\n/rump/tmp/d/ee/g \(deleted\) EACCES\n/rump/tmp/d/y\n/rump/tmp/d/x \(deleted\)"),
    ("the current directory is removed", """
os.makedirs("r/s/t"); os.chdir("r/s/t"); print(os.getcwd()); ino = os.stat("..").st_ino; os.rmdir("/rump/tmp/d/r/s/t")
print(tried(os.getcwd), os.readlink("/proc/self/cwd"), os.stat("..").st_ino == ino, os.listdir(".."), os.listdir("./../.."), tried(os.stat, "../t"), tried(os.mkdir, "x"), tried(os.stat, "x/.."))
os.mkdir("../u"); os.rename("../u", "../v"); print(os.listdir("..")); os.rmdir("../v"); sys.stdout.flush()
subprocess.run(["/bin/sh", "-c", "cd ..; pwd -P; cd ..; pwd -P"], stderr=subprocess.DEVNULL)
os.rmdir("../../s"); print(tried(os.stat, ".."), os.listdir("../.."), os.readlink("/proc/self/cwd")); os.chdir("../.."); print(os.getcwd())
os.mkdir("s"); os.chdir("s"); os.path.exists("../x"); os.rmdir("../s"); os.rename("/rump/tmp/d/r", "/rump/tmp/d/q"); os.mkdir("/rump/tmp/d/r"); print(tried(os.listdir, ".."))
os.chdir("/rump/tmp/d"); os.mkdir("own"); os.chdir("own"); os.rmdir("/rump/tmp/d/own"); print(tried(os.readlink, "/proc/self/cwd"), tried(os.listdir, "../q"))
os.chdir("/rump/tmp/d"); os.mkdir("never"); os.chdir("never"); subprocess.run(["rmdir", "/rump/tmp/d/never"]); print(tried(os.readlink, "/proc/self/cwd"), tried(os.listdir, ".."))
""", r"/rump/tmp/d/r/s/t\nENOENT /rump/tmp/d/r/s/t \(deleted\) True \[\] \['s'\] ENOENT ENOENT ENOENT\n\['v'\]\n/rump/tmp/d/r/s\n/rump/tmp/d/r\n"
     r"ENOENT \[\] /rump/tmp/d/r/s/t \(deleted\)\n/rump/tmp/d/r\nENOENT\n/rump/tmp/d/own \(deleted\) \[\]\n/rump/tmp/d/never \(deleted\) \['e', 'f', 'q', 'r'\]"),
    ("the library's own descriptors are in no list", """
import select
s = socket.socket(); p = select.poll(); p.register(s, 1); p.poll(1); f = os.open("/rump/tmp/d/f", 0)
for directory in ("/proc/self/fd", "/dev/fd/", f"/proc/{os.getpid()}/fd"):
    numbers = sorted(map(int, os.listdir(directory))); print(numbers[:3], numbers[-1] < 100, {s.fileno(), f} <= set(numbers))
fd = os.open("/proc/self/fd", 0); os.dup2(1, 100); print(len(os.listdir(fd)) - len(numbers), len(os.listdir("/proc/1/task")) > 0)
sys.stdout.flush()
if os.fork() == 0: print(max(map(int, os.listdir("/proc/self/fd"))), flush=True); os._exit(0)
os.wait(); [os.close(int(n)) for n in os.listdir("/proc/self/fd") if int(n) not in (0, 1, 2, f) and tried(os.fstat, int(n)) != "EBADF"]; print(os.fstat(f).st_size > 0)
""", r"(\[0, 1, 2\] True True\n){3}2 True\n100\nTrue"),
    ("standard input by its name, in a shell", """
open("lines", "w").write("one\\ntwo\\n")
print(subprocess.run(["bash", "-c", "{ read x; cat /dev/stdin; } <lines; cat /proc/self/fd/3 - 3<lines <lines; exec 4>>out; echo a >/dev/fd/4;"
                      "echo b >>/proc/self/fd/4; cat out; rm out lines"], capture_output=True, text=True).stdout.split())
""", r"\['one', 'two', 'one', 'two', 'one', 'two', 'a', 'b'\]"),
]


def main():
    skip_if_sanitized()
    report = Report()
    with Server("-lrumpvfs", "-lrumpfs_tmpfs", "-lrumpnet", "-lrumpnet_sockin") as server:
        report.programs(server, [(name, START + program, wanted) for name, program, wanted in CASES])
    report.finish()


main()
