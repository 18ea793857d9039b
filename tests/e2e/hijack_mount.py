#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""mount(2), umount2(2) and chroot(2) of hijacked programs, where they concern the rump kernel and where they do not."""

import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.environ["RUMPKIT_SRCDIR"], "tests/support"))
from hijacked import Report, Server, skip_if_sanitized  # noqa: E402  pylint: disable=wrong-import-position

IMAGES = ("ext", "iso", "squash")


class Images(Server):
    def prepare(self):
        tree = f"{self.work}/tree"
        os.makedirs(f"{tree}/etc")
        with open(f"{tree}/etc/name", "w", encoding="utf-8") as file:
            file.write("an image\n")
        for command in (["mke2fs", "-q", "-t", "ext4", "-d", tree, f"{self.work}/ext", "4m"],
                        ["genisoimage", "-quiet", "-R", "-o", f"{self.work}/iso", tree],
                        ["mksquashfs", tree, f"{self.work}/squash", "-quiet", "-no-progress"]):
            subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)


# Linux's flags.
START = """
RDONLY, NOSUID, NODEV, NOEXEC, REMOUNT, BIND, MOVE, SILENT, PRIVATE, SHARED = 1, 2, 4, 8, 32, 4096, 8192, 32768, 1 << 18, 1 << 20
FORCE, DETACH, EXPIRE, NOFOLLOW = 1, 2, 4, 8
def mount(what, where, type, flags=0, options=None):
    return call("mount", what, where, type, ctypes.c_ulong(flags), options)
def umount(where, flags=0):
    return call("umount2", where, flags)
def name():
    return tried(lambda: open("/rump/m/etc/name").read().strip())
os.makedirs("/rump/m", exist_ok=True)
"""

MOUNTS = [
    ("tmpfs", """
print(mount("tmpfs", "/rump/m", "tmpfs", NOSUID | NODEV, "size=1m,mode=0750,nr_inodes=100,uid=%d" % os.getuid()))
st, fs = os.stat("/rump/m"), os.statvfs("/rump/m")
print(oct(st.st_mode & 0o7777), st.st_uid == os.getuid(), fs.f_blocks * fs.f_frsize)
open("/rump/m/f", "w").write("x"); print(os.listdir("/rump/m"), umount("/rump/m"), os.listdir("/rump/m"))
""", r"0\n0o750 True 1048576\n\['f'\] 0 \[\]"),
    ("ext4 by the name that the server gave the image", """
print(mount("/dev/ext", "/rump/m", "ext4", SILENT), name(), tried(os.mkdir, "/rump/m/new"))
print(mount("none", "/rump/m", None, REMOUNT | RDONLY), tried(os.rmdir, "/rump/m/new"))
print(mount(None, "/rump/m", "ignored", REMOUNT, ""), tried(os.rmdir, "/rump/m/new"), umount("/rump/m", NOFOLLOW))
print(mount("/dev/ext", "/rump/m", "ext4", RDONLY), name(), tried(os.mkdir, "/rump/m/new"), umount("/rump/m"))
""", r"0 an image None\n0 EROFS\n0 None 0\n0 an image EROFS 0"),
    ("ext4 by its name below the prefix, from a directory inside, through a link",
     'os.symlink("/rump/m", "/rump/link"); os.chdir("/rump/dev")\n'
     'print(mount("/rump/dev/ext", "/rump/link", "ext4"), name(), umount("/rump/link", NOFOLLOW), umount("/rump/link"))\n'
     'print(mount("x", "../m/.", "tmpfs"), name(), umount("../m")); os.remove("/rump/link")',
     r"0 an image EINVAL 0\n0 ENOENT 0"),
    ("an ISO image and a squashfs",
     'print(mount("/dev/iso", "/rump/m", "iso9660", RDONLY), name(), umount("/rump/m"))\n'
     'print(mount("/dev/squash", "/rump/m", "squashfs", RDONLY), name(), umount("/rump/m"))',
     r"0 an image 0\n0 an image 0"),
    ("NetBSD's own names of types", 'print(mount("/dev/ext", "/rump/m", "ext2fs"), name(), umount("/rump/m"))\n'
     'print(mount("/dev/iso", "/rump/m", "cd9660", RDONLY), name(), umount("/rump/m"))', r"0 an image 0\n0 an image 0"),
    ("what is wrong has an errno", """
print(mount("x", "/rump/m", "btrfs"), mount("x", "/rump/m", "tmpfs", 0, "nonsense=1"), mount("x", "/rump/none", "tmpfs"))
print(mount("/dev/none", "/rump/m", "ext4"), umount("/rump/m"), umount("/rump/none"), umount("/rump/m", EXPIRE), umount("/rump/m", 64))
print(mount("/rump/m", "/rump/m", None, MOVE), mount("none", "/rump/m", None, PRIVATE), mount("none", "/rump/m", None, SHARED))
print(mount("/etc", "/rump/m", None, BIND), mount("x", "/rump/m", "tmpfs", 256), mount("x", "/rump/m", None))
libc.mount.argtypes = [ctypes.c_void_p] * 5
print(call("mount", 1, ctypes.create_string_buffer(b"/rump/m"), ctypes.create_string_buffer(b"ext4"), 0, None))
open("/rump/m/kept", "w").close(); print(os.listdir("/rump/m")); os.remove("/rump/m/kept")
""", r"ENODEV EINVAL ENOENT\nENOENT EINVAL ENOENT EINVAL EINVAL\nEINVAL 0 EINVAL\nEINVAL EINVAL EINVAL\nEFAULT\n\['kept'\]"),
    ("a busy one stays, unless by force", """
print(mount("t", "/rump/m", "tmpfs")); f = open("/rump/m/f", "w")
print(umount("/rump/m"), umount("/rump/m", DETACH), umount("/rump/m", FORCE), os.listdir("/rump/m"))
""", r"0\nEBUSY EBUSY 0 \[\]"),
    ("the host's are the host's", """
os.mkdir("d"); print(mount("x", "/nonexistent", "tmpfs"), mount("x", "d", "nosuchtype") in ("ENODEV", "EPERM"))
print(umount("d") in ("EINVAL", "EPERM")); os.rmdir("d")
""", r"ENOENT True\nTrue"),
]

ROOTS = [
    ("a directory inside becomes the root", """
os.makedirs("/rump/new/sub/deep", exist_ok=True); open("/rump/new/f", "w").write("found")
os.symlink("/f", "/rump/new/absolute"); os.symlink("../../f", "/rump/new/beyond")
fd = os.open("/rump/new/sub", os.O_RDONLY); os.chdir("/rump/new/sub")
print(call("chroot", "/rump/new"), os.getcwd(), sorted(os.listdir("/")), tried(os.stat, "/etc/passwd"), tried(os.stat, "/rump"))
print(open("/f").read(), open("/absolute").read(), open("/beyond").read(), open("../../../f").read())
print(os.path.realpath("deep/../../absolute"), os.listdir(fd)); os.chdir("/sub/deep"); print(os.getcwd())
os.rename("/f", "f"); os.symlink("/sub/deep/f", "l"); print(open("l").read(), os.readlink("l")); os.rename("f", "/f"); os.remove("l")
os.fchdir(fd); os.chdir(".."); print(os.getcwd(), call("chroot", "sub"), os.listdir("/"), tried(os.stat, "/../f"))
""", r"0 /sub \['absolute', 'beyond', 'f', 'sub'\] ENOENT ENOENT\nfound found found found\n/f \['deep'\]\n/sub/deep\n"
     r"found /sub/deep/f\n/ 0 \['deep'\] ENOENT"),
    ("so it is for children and for programs that they execute", """
import shutil
shutil.copy("/bin/cat", "/rump/new/cat"); open("/rump/new/script", "w").write("#!/cat\\ntext\\n"); os.chmod("/rump/new/script", 0o755)
call("chroot", "/rump/new"); os.chdir("/")
sys.stdout.flush()
if os.fork() == 0: os.execv("/cat", ["cat", "/f"])
os.wait()
print(subprocess.run(["/cat", "/sub/../f"], capture_output=True, cwd="/sub").stdout, tried(subprocess.run, ["/bin/true"]))
print(subprocess.run(["/script"], capture_output=True).stdout)
""", r"foundb'found' ENOENT\nb'#!/cat\\ntext\\n'"),
    ("a current directory on the host stays, and leads nowhere inside", """
open("here", "w").write("host"); print(call("chroot", "/rump/new"), open("here").read(), tried(os.stat, "/here"))
print(call("chroot", "."), os.path.exists("/f")); os.remove("here")
""", r"0 host ENOENT\nEPERM True"),
    ("sockets' names lie below the root", """
call("chroot", "/rump/new"); os.chdir("/"); s = socket.socket(socket.AF_UNIX); s.bind("/sub/name"); s.listen()
c = socket.socket(socket.AF_UNIX); c.connect("/sub/name"); print(s.getsockname(), c.getpeername()); os.remove("/sub/name")
""", r"/sub/name /sub/name"),
    ("what cannot be a root", 'print(call("chroot", "/rump/none"), call("chroot", "/rump/new/f"), os.path.exists("/etc/passwd"))',
     r"ENOENT ENOTDIR True"),
    ("the host's root is the host's", """
os.stat("/rump"); os.mkdir("r"); open("r/x", "w").close(); got = call("chroot", "r")
print(got in (0, "EPERM"), got != 0 or os.path.exists("/x"), os.path.exists("/rump/new/f"))
""", r"True True True"),
]


def mount_8(server, report):
    """mount(8) and umount(8), which look at more than they are told."""
    name = "mount(8), df(1) and umount(8)"
    if os.geteuid() != 0:
        return report.skip(name, "mount(8) is not hijacked when it changes the user")
    status, text = server.run("bash", "-ec", "mount -t tmpfs -o size=1m,noexec t /rump/m; df --output=size,target /rump/m; "
                              "umount /rump/m; mount -t ext4 -o ro /dev/ext /rump/m; cat /rump/m/etc/name; umount /rump/m; "
                              "ls /rump/m; umount /rump/m 2>&1 || echo not mounted")
    report(status == 0 and "1024" in text and "an image" in text and text.endswith("not mounted\n"), name, status, text)
    status, text = server.run("chroot", "/rump/new", "/cat", "/f")
    return report(status == 0 and text == "found", "chroot(8)", status, text)


def main():
    skip_if_sanitized()
    if not all(map(shutil.which, ("mke2fs", "genisoimage", "mksquashfs"))):
        print("1..0 # SKIP no programs that make images")
        return
    report = Report()
    drives = [f"-dkey=/dev/{name},hostpath=WORK/{name},size=host" for name in IMAGES]
    with Images("-lrumpvfs", "-lrumpfs_tmpfs", "-lrumpfs_ext2fs", "-lrumpfs_cd9660", "-lrumpfs_squashfs", "-lrumpnet",
                "-lrumpnet_local", *drives) as server:
        report.programs(server, [(name, START + program, wanted) for name, program, wanted in MOUNTS])
        report.programs(server, ROOTS)
        mount_8(server, report)
    report.finish()


main()
