"""One megabyte each way through our TCP at 20 % loss, with the Linux kernel's TCP at the other end;
every byte compared."""

import os
import select
import socket
import subprocess
import sys
import time
from pathlib import Path

from host_tools.root import ROOT
from host_tools.station.process import firmware_command
from tests.interop import netns

SIZE = 1 << 20
LINE = "loss=20"
_LIMIT_S = 600  # 100 s on an idle machine
_SERVER = Path(__file__).with_name("bulk_server.py")


def transfer(number, folder, stop, line=LINE):
    """A text with the goodput."""
    with netns.Plant(number, "packet") as plant, open(folder / "client.log", "wb") as log:
        netns.bad_line(plant.evcc)
        binary = firmware_command("unix")[0]
        # Modules of the image first; a frozen package and a folder of the same name cannot be
        # mixed, nor need they be.
        wire = subprocess.Popen(
            [
                *netns.prefix(plant.middle[0]), sys.executable, "-m", "tests.interop.bad_wire",
                plant.modem, plant.middle[1], *line.split(),
            ],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, cwd=ROOT, start_new_session=True,
        )  # fmt: skip
        wire.stdout.readline()
        server = subprocess.Popen(
            [*netns.prefix(plant.station[0]), binary, str(_SERVER), plant.station[1]],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=folder,
            env=dict(os.environ, MICROPYPATH=".frozen"), start_new_session=True,
        )  # fmt: skip
        try:
            address, port = _ready(server, folder)
            client = subprocess.Popen(
                [
                    *netns.prefix(plant.evcc[0]), sys.executable, "-m", "tests.interop.bulk",
                    plant.evcc[1], address, port,
                ],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, cwd=ROOT, start_new_session=True,
            )  # fmt: skip
            try:
                begin = time.monotonic()
                while client.poll() is None:
                    assert not stop.is_set(), "stopped"
                    if time.monotonic() - begin > _LIMIT_S:  # a guard against hanging
                        raise AssertionError("not done within %d s" % _LIMIT_S)
                    time.sleep(0.1)
                seconds = time.monotonic() - begin
            finally:
                _end(client)
            told = client.stdout.read().decode().strip()
            assert client.returncode == 0, told or (folder / "client.log").read_text()[-300:]
        finally:
            _end(server)
            _end(wire)
    return "1 MB each way at %s in %.0f s, %.1f kB/s, every byte the same" % (line, seconds, SIZE / 1000 / seconds)


def _end(process):
    if process.poll() is None:
        process.kill()
    process.wait()


def _ready(server, folder):
    """(address, port) in words; the rest of its output goes to server.log."""
    fd = server.stdout.fileno()
    end = time.monotonic() + 60
    text = b""
    while time.monotonic() < end:
        if select.select([fd], [], [], 0.2)[0]:
            data = os.read(fd, 4096)
            text += data
            (folder / "server.log").write_bytes(text)
            for line in text.decode().splitlines(True):
                if line.startswith("READY ") and line.endswith("\n"):
                    return line.split()[1:]
            if not data:
                break
    raise AssertionError("the echo server does not start: %s" % text.decode()[-300:])


def client(interface, address, port):
    """Runs in the vehicle's namespace. Exit status 0 if what came back is what was sent."""
    scope = socket.if_nametoindex(interface)
    sent = os.urandom(SIZE)
    at, got = 0, bytearray()
    with socket.create_connection((address + "%" + interface, int(port), 0, scope)[:2], timeout=60) as sock:
        sock.setblocking(False)
        while len(got) < SIZE:
            readable, writable, _ = select.select([sock], [sock] if at < SIZE else [], [], 120)
            if not readable and not writable:
                return "silence for 120 s after %d bytes" % len(got)
            if writable:
                at += sock.send(sent[at : at + 4096])
                if at == SIZE:
                    sock.shutdown(socket.SHUT_WR)
            if readable:
                data = sock.recv(65536)
                if not data:
                    return "closed after %d bytes" % len(got)
                if sent[len(got) : len(got) + len(data)] != data:
                    return "another byte near %d" % len(got)
                got += data
        sock.setblocking(True)
        sock.settimeout(60)
        return "more came back than was sent" if sock.recv(1) else ""


if __name__ == "__main__":
    why = client(*sys.argv[1:])
    print(why)
    sys.exit(bool(why))
