# SPDX-License-Identifier: BSD-2-Clause
"""A relay before a server that hides its capabilities: what remains is version 0.4 of the protocol, as NetBSD's servers speak
it, in which no call can be ended."""

import re
import socket
import threading

BANNER_MAX = 4096


def shovel(source, sink):
    try:
        while data := source.recv(65536):
            sink.sendall(data)
    except OSError:
        pass
    for end in (source, sink):
        try:
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


class PlainRelay:
    """Listens at one path for a server at another until it is closed."""

    def __init__(self, path, server):
        self.server = server
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen(64)
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        try:
            while True:
                client, _ = self.listener.accept()
                threading.Thread(target=self.relay, args=(client,), daemon=True).start()
        except OSError:
            pass

    def relay(self, client):
        with client, socket.socket(socket.AF_UNIX) as server:
            server.connect(self.server)
            banner = b""
            while not banner.endswith(b"\n") and len(banner) < BANNER_MAX:
                banner += server.recv(1)
            try:
                client.sendall(re.sub(rb" caps=[0-9a-f]+", b"", banner))
            except OSError:
                return
            back = threading.Thread(target=shovel, args=(server, client), daemon=True)
            back.start()
            shovel(client, server)
            back.join()

    def close(self):
        self.listener.close()
