#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Programs whose libraries lie in the rump kernel when they start: found by run path, by LD_LIBRARY_PATH and by LD_PRELOAD."""

import difflib
import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.environ["RUMPKIT_SRCDIR"], "tests/support"))
sys.path.insert(0, os.path.join(os.environ["RUMPKIT_SRCDIR"], "tests/e2e"))
from hijacked import LIMIT_SECONDS, Report, Server, skip_if_sanitized  # noqa: E402  pylint: disable=wrong-import-position
from programs import escaped  # noqa: E402  pylint: disable=wrong-import-position

# A program that needs libtwice, which needs libbase: its function prints the file that it is in. All of it is in $T, with copies
# of the programs in $C, which is the host's.
BUILD = r"""
set -e
mkdir -p $T/bin $T/lib $T/other $C; cd $T
cat > base.c <<'END'
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
int base(int x) { Dl_info info; dladdr((void *)base, &info); printf("%s\n", info.dli_fname); return x + 1; }
END
echo 'int base(int); int twice(int x) { return 2 * base(x); }' > twice.c
cat > main.c <<'END'
#include <stdio.h>
#include <stdlib.h>
int twice(int);
int main(void) {
	printf("%d%s\n", twice(20), getenv("LD_AUDIT") != NULL ? " is audited" : "");
	return 0;
}
END
echo 'int base(int x) { return x; }' > fake.c
cat > open.c <<'END'
#include <dlfcn.h>
#include <stdio.h>
int main(int argc, char **argv) {
	void *library = dlopen(argv[argc - 1], RTLD_NOW); int (*twice)(int);
	if (library == NULL) { puts(dlerror()); return 1; }
	twice = (int (*)(int))dlsym(library, "twice"); printf("%d\n", twice(20)); return 0;
}
END
gcc -shared -fPIC -o lib/libbase.so base.c; gcc -shared -fPIC -o other/libbase.so fake.c
gcc -shared -fPIC -o lib/libtwice.so twice.c -Llib -lbase -Wl,-rpath,'$ORIGIN'
gcc -shared -fPIC -o lib/libplain.so twice.c -Llib -lbase
echo '__thread char room[24000]; int twice(int x) { room[x] += 42; return room[x]; }' > large.c
gcc -shared -fPIC -ftls-model=initial-exec -o lib/liblarge.so large.c
link() { gcc -o bin/$1 ${3:-main.c} -Llib -Wl,--no-as-needed -l${4:-twice} -Wl,-rpath-link,lib $2; }
link run -Wl,-rpath,$T/lib; link old "-Wl,--disable-new-dtags -Wl,-rpath,$T/lib" main.c plain
link origin '-Wl,-rpath,$ORIGIN/../lib'; link relative -Wl,-rpath,lib; link none
link several -Wl,-rpath,/nonexistent:$T/other:$T/lib; link open '-Wl,-rpath,$ORIGIN/../lib' open.c c
link large -Wl,-rpath,$T/lib main.c large
gcc -o bin/path main.c $PWD/lib/libplain.so -Wl,-rpath-link,lib
cp bin/* $C
"""

# What each prints is compared with what it does where all of it is the host's; the last says what has to be in there.
CASES = [
    ("a run path", "cd $T; bin/run; cd /; $T/bin/run; $C/run", "42"),
    ("a run path of the older kind, which is its libraries' too", "$T/bin/old; $C/old", "42"),
    ("a run path relative to the program",
     "$T/bin/origin; cd $T; bin/origin; ln -s ../bin/origin other/link; other/link; rm other/link; $C/origin", "42"),
    ("a run path relative to the current directory", "cd $T; bin/relative; $C/relative; cd bin; ../bin/relative; echo $?", "127"),
    ("several directories, one of them the first that has it", "$T/bin/several; LD_LIBRARY_PATH=$T/other $T/bin/none", "42"),
    ("LD_LIBRARY_PATH", """
export LD_LIBRARY_PATH=$T/lib; $T/bin/none; $C/none; cat < /dev/null; LD_LIBRARY_PATH=/usr/lib:$T/lib $C/none
env -C $T LD_LIBRARY_PATH= bin/none; env -C $T/lib LD_LIBRARY_PATH=: ../bin/none; env -C $T LD_LIBRARY_PATH=lib $C/none
""", "42"),
    ("a library with much storage of its threads", "$T/bin/large; $C/large; GLIBC_TUNABLES=glibc.malloc.check=0 $C/large; env | grep ^GLIBC_TUNABLES=", "42"),
    ("LD_PRELOAD", """
P=$LD_PRELOAD; LD_PRELOAD=$T/other/libbase.so $T/bin/run; LD_PRELOAD=$P:$T/other/libbase.so $C/run; LD_PRELOAD=$T/none.so $C/run
""", "40"),
    ("a library that is needed by its path", "$T/bin/path; LD_LIBRARY_PATH=$T/lib $C/path", "42"),
    ("a library that is not there, and the message in the rump kernel", """
$T/bin/none; echo $?; $T/bin/none 2> $T/error; echo $?; cat $T/error; mv $T/lib/libbase.so $T/base; $T/bin/run; echo $?
echo text > $T/lib/libbase.so; $T/bin/run; echo $?; mv $T/base $T/lib/libbase.so
""", "error while loading shared libraries: libtwice.so: cannot open shared object file: No such file or directory"),
    ("a library that is opened later, by the program's run path and by its name",
     "$T/bin/open libtwice.so; $T/bin/open libnone.so; $C/open $T/lib/libtwice.so", "42"),
    ("without a table for the loader", "export RUMPHIJACK_CACHE=/proc/nonexistent; $T/bin/run; $C/run; $T/bin/origin", "42"),
    ("a program that libtool left in its tree", r"""
mkdir -p $T/.libs; cp $T/bin/none $T/.libs/prog; cd $T
cat > prog <<END
#!/bin/sh
LD_LIBRARY_PATH=$T/lib:\$LD_LIBRARY_PATH; export LD_LIBRARY_PATH
exec "\${0%/*}/.libs/prog" "\$@"
END
chmod +x prog
./prog; cd ..; $T/prog | tail -n 1
""", "42"),
    ("more than one process, started in all ways", r"""
cat > $T/ways.py <<'END'
import os, subprocess, sys
program = sys.argv[1]
print(subprocess.run([program], capture_output=True, text=True).stdout, end="", flush=True)
os.waitpid(os.posix_spawn(program, [program], os.environ), 0)
if os.fork() == 0: os.execv(program, [program])
os.wait()
f = os.open(program, os.O_RDONLY | os.O_CLOEXEC); os.execve(f, [program], {"LD_LIBRARY_PATH": sys.argv[2]})
END
python3 $T/ways.py $T/bin/run $T/lib; python3 $T/ways.py $C/run $T/lib
""", "42"),
    ("descriptors, signals and the environment are as they were", r"""
cd $T; exec 5> out; run() { LD_LIBRARY_PATH=$T/lib "$@"; }
run bash -c 'for f in /proc/self/fd/?; do echo ${f##*/}; done; grep SigBlk /proc/self/status; echo text >&5'; cat out
run env | grep LD_AUDIT; run env -i $T/bin/none; run sh -c 'pwd; exec pwd'; run env | grep LD_LIB
LD_AUDIT=/nonexistent.so run env | grep LD_AUDIT
""", "SigBlk:\t0000000000000000"),
]


def ran(server, script, *side):
    """What a script prints with $T and $C as they are given."""
    environment = {**os.environ, "T": side[0], "C": side[1], "LC_ALL": "C", "WORK": server.work}
    if side[0].startswith("/rump"):
        _, text = server.run("bash", "-c", script, T=side[0], C=side[1])
    else:
        text = subprocess.run(["bash", "-c", script], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, cwd=server.work, env=environment, timeout=LIMIT_SECONDS,
                              check=False).stdout
    return text.replace(side[1], "C").replace(side[0], "T")


def escapes(report, server, *side):
    """No call names a path of the rump kernel's to the host."""
    name = "the host is not asked for any of it"
    if shutil.which("strace") is None:
        report.skip(name, "strace not installed")
        return
    log = f"{server.work}/trace"
    script = "$T/bin/run; $T/bin/origin; $T/bin/none; export LD_LIBRARY_PATH=$T/lib; $T/bin/none; cd $T; $C/run; cat /dev/null"
    ran(server, f"exec strace -f -s 64 -o {log} bash -c '{script}'", *side)
    bad, total = escaped(log)
    report(not bad and total > 1000, name, f"{total} calls", *bad)


# Has a filter say EINVAL to PR_SET_SYSCALL_USER_DISPATCH, as older kernels do, and executes its arguments.
WITHOUT_DISPATCH = """
import ctypes, os, struct, sys
code = [(0x20, 0, 0, 0), (0x15, 0, 3, 157), (0x20, 0, 0, 16), (0x15, 0, 1, 59), (6, 0, 0, 0x50016), (6, 0, 0, 0x7fff0000)]
text = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *line) for line in code))
program = ctypes.create_string_buffer(struct.pack("HxxxxxxQ", len(code), ctypes.addressof(text)))
assert ctypes.CDLL(None).prctl(38, 1, 0, 0, 0) == 0 and ctypes.CDLL(None).prctl(22, 2, program, 0, 0) == 0
os.execv(sys.argv[1], sys.argv[1:])
"""


def main():
    skip_if_sanitized()
    if shutil.which("gcc") is None:
        print("1..0 # SKIP gcc not installed")
        return
    report = Report()
    with Server("-lrumpvfs", "-lrumpfs_tmpfs") as server:
        rump, host = ("/rump/t", f"{server.work}/rump"), (f"{server.work}/h/t", f"{server.work}/h/copies")
        for side in rump, host:
            text = ran(server, BUILD, *side)
            report(text == "", "programs and libraries are built", text)
        for name, script, needed in CASES:
            wanted, text = ran(server, script, *host), ran(server, script, *rump)
            difference = difflib.unified_diff(wanted.splitlines(), text.splitlines(), "host", "rump kernel", lineterm="")
            report(text == wanted and needed in text, name, *difference)
        escapes(report, server, *rump)
        for cache, wanted in (server.work, "42"), ("/proc/nonexistent", "libtwice.so: cannot open"):
            status, text = server.run("/usr/bin/python3", "-c", WITHOUT_DISPATCH, "/bin/bash", "-c",
                                      "LD_LIBRARY_PATH=/rump/t/lib cat /dev/null && /rump/t/bin/run", RUMPHIJACK_CACHE=cache)
            report(wanted in text, f"without dispatch: {wanted}", status, text)
        # No other hands its connection on.
        for program in "/rump/t/bin/run", f"{server.work}/rump/run":
            status, text = server.run(program)
            report(status == 0 and text == "/rump/t/lib/libbase.so\n42\n", "the program that is hijacked first", status, text)
    report.finish()


main()
