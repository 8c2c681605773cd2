"""A station that only says back what it got, over a socket of the operating system: tls_socket.py
PROFILE PORT [LIMIT_MS].

For peers that are programs of their own. Prints `READY`, then the notes of the stage and `END` for
each connection, until stdin is closed. MicroPython only; the root of the project is the working
directory.
"""

import select
import socket
import sys

sys.path[:] = [".frozen", "."]

import tls13

from firmware.clock import ticks_diff, ticks_ms
from firmware.net import tls_stage
from firmware.net.tls_profile import PROFILES
from firmware.run.tls_files import ARENA
from tests.lib.tls_pair import NOW_S, data


class Tcp:
    """A socket with the calls of a TcpConn."""

    def __init__(self, sock):
        sock.setblocking(False)
        self.sock = sock
        self.at_end = False

    def read(self, buf):
        if self.sock is None:
            return 0
        try:
            n = self.sock.readinto(buf)
        except OSError:
            n = 0
        if n == 0:
            self.at_end = True
        return n or 0

    def write(self, buf, at, n):
        if self.sock is None:
            return 0
        try:
            return self.sock.write(buf[at : at + n]) or 0
        except OSError:
            return 0

    def close(self):
        if self.sock:
            self.sock.close()
        self.sock = None

    abort = close


class Out:
    def note(self, now, text, value=None):
        print(text)


def main():
    profile = PROFILES[sys.argv[1]]
    prefix = sys.argv[1] + "_"
    limit_ms = int(sys.argv[3]) if len(sys.argv) > 3 else 3000
    tls13.init(ARENA)
    own = tls13.Config(
        data(prefix + "secc.pem"), data(prefix + "secc.key"), (data(prefix + "oem_root.pem"), data("strict_oem_root.pem")),
        profile[0], profile[1], profile[2],
    )  # fmt: skip
    stage = tls_stage.TlsStage(tls13.Conn(own), lambda: (NOW_S, True), Out(), limit_ms)
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    address = socket.getaddrinfo("127.0.0.1", int(sys.argv[2]))[0][-1]
    listener.bind(address)
    listener.listen(4)
    print("READY")
    while serve(listener, stage):
        pass


def serve(listener, stage):
    poller = select.poll()
    poller.register(listener, select.POLLIN)
    poller.register(sys.stdin, select.POLLIN)
    if any([obj is sys.stdin for obj, _ in poller.poll()]):
        return False
    tcp = Tcp(listener.accept()[0])
    stage.open(tcp, ticks_ms())
    poller = select.poll()
    poller.register(tcp.sock, select.POLLIN)
    buf = bytearray(512)
    out = bytearray(8192)
    for _ in range(100000):  # a guard against hanging: most turns wait 50 ms
        due = stage.due
        now = ticks_ms()
        poller.poll(50 if due is None else max(0, min(50, ticks_diff(due, now))))
        stage.pump(ticks_ms())
        if stage.phase == tls_stage.FAILED:
            print("END")
            return True
        if stage.phase != tls_stage.OPEN:
            continue
        while stage.readable():
            n = stage.read(buf)
            out[:n] = buf[:n]
            if bytes(buf[:4]) == b"quit":
                stage.close()
                print("END")
                return True
            stage.write(out, 0, n)
        if stage.at_end:
            stage.close()
            print("END")
            return True
    raise OSError("the connection does not end")


main()
