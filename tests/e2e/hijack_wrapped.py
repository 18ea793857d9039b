#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Another library that is preloaded, with calls of libc's names: what librumphijack does for a call does not come back to it."""

import os
import sys

sys.path.insert(0, os.path.join(os.environ["RUMPKIT_SRCDIR"], "tests/support"))
from hijacked import BUILD, Report, Server, skip_if_sanitized  # noqa: E402  pylint: disable=wrong-import-position

WRAPPED = f"{BUILD}/tests/e2e/.libs/libwrapped.so"

PROGRAM = """
import threading
socket.socket().close()
open("/rump/tmp/file", "w").close()
child = os.fork()
if child == 0:
    socket.socket().close()
    os._exit(0)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
l = socket.create_server(("127.0.0.1", 0))
thread = threading.Thread(target=lambda: socket.create_connection(l.getsockname()).sendall(b"x"))
thread.start()
peer, _ = l.accept()
print(peer.recv(1), peer.getpeername()[0])
thread.join()
"""


def main():
    skip_if_sanitized()
    report = Report()
    with Server("-lrumpvfs", "-lrumpfs_tmpfs", "-lrumpnet", "-lrumpnet_sockin") as server:
        status, text = server.run("env", f"LD_PRELOAD={WRAPPED}", "/usr/bin/python3", "-c",
                                  "import os, socket" + PROGRAM)
        report((status, text) == (0, "0\nb'x' 127.0.0.1\n"), "calls are not entered again", f"status {status}", text)
    report.finish()


main()
