"""A board without a board: the unix image whose stdin and stdout are a pseudo terminal, in
simulated hardware.

    with PtyStation({"services": ["DC_BPT"]}) as station:
        serial.Serial(station.port) ...

It behaves as a board at its serial line: the trace is kept and not sent until somebody asks, what
is typed is echoed, Ctrl-C falls to the REPL, what is no command is Python. station.udp is the port
of its powerline: host_tools.ev.cable plugs a car in. `cut()` pulls the serial cable. To look at it
by hand: python -m tests.lib.pty_station [CONFIG.json]
"""

import fcntl
import json
import os
import pty
import select
import signal
import socket
import subprocess
import sys
import tempfile
import termios
import threading
import time
from pathlib import Path

from host_tools.lab import LAB
from host_tools.root import ROOT
from tests.lib.patience import LIMIT_S

IMAGES = {"unix": "unix", "unix32": "mcu32"}


def _raw(fd):
    """As a serial line is: bytes as they come, no echo; Ctrl-C is left a signal, as the interrupt
    of a UART makes it on boards."""
    mode = termios.tcgetattr(fd)
    mode[0] = mode[1] = 0
    mode[3] = termios.ISIG
    termios.tcsetattr(fd, termios.TCSANOW, mode)


def free_udp_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


class PtyStation:
    """config: dict of firmware/app/config.py keys, the device's config.json. link: sim if None.
    Attributes: port (path of the terminal), udp, folder (the device's file system)."""

    def __init__(self, config=None, runtime="unix", heap_kb=None):
        self._dir = tempfile.TemporaryDirectory(prefix="microv2g-pty-")
        self.folder = Path(self._dir.name)
        self.udp = free_udp_port()
        path = self.folder / "config.json"
        path.write_text(json.dumps({**LAB, **(config or {})}))
        # Two pairs with a pump between: the one that a tool opens can be pulled while the station's
        # lives on.
        self._device, device_end = pty.openpty()
        self._plug, self._socket = pty.openpty()
        _raw(device_end)
        _raw(self._socket)
        self.port = os.ttyname(self._socket)
        command = [str(ROOT / "build" / IMAGES[runtime] / "micropython")]
        if heap_kb or runtime == "unix32":
            command += ["-X", "heapsize=%dk" % (heap_kb or 200)]
        command += ["-i", "-c", "from firmware import main; main.serial('sim:%d', 'config.json')" % self.udp]
        self.process = subprocess.Popen(
            command, stdin=device_end, stdout=device_end, stderr=device_end, cwd=self.folder,
            env=dict(os.environ, MICROPYPATH=".frozen", TERM="dumb"), start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )  # fmt: skip
        os.close(device_end)
        self._stop = threading.Event()
        self._paused = False
        self._lock = threading.Lock()
        self._pumps = [
            threading.Thread(target=self._pump, args=ends, daemon=True)
            for ends in (("_device", "_plug"), ("_plug", "_device"))
        ]
        for thread in self._pumps:
            thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _pump(self, source, sink):
        """Carry bytes from one attribute's end to the other's. The lock: an end is not closed under
        a read."""
        while not self._stop.is_set():
            if self._paused and source == "_device":
                time.sleep(0.01)
                continue
            with self._lock:
                try:
                    there = select.select([getattr(self, source)], [], [], 0)[0]
                    data = os.read(getattr(self, source), 1024) if there else b""
                except (OSError, ValueError):
                    data = b""  # pulled, or the far end is not open now
            while data and not self._stop.is_set():
                with self._lock:
                    try:
                        ready = select.select([], [getattr(self, sink)], [], 0)[1]
                        data = data[os.write(getattr(self, sink), data[:64]) if ready else 0 :]
                    except (OSError, ValueError):
                        data = b""
            time.sleep(0.002)

    def noise(self, data):
        """Bytes that the tool sees and the station has not sent."""
        with self._lock:
            os.write(self._plug, data)

    def pause(self, yes):
        """Nobody reads what the station says, as after Ctrl-S."""
        self._paused = yes

    def cut(self):
        """Pull the serial cable: the tool's end is gone."""
        with self._lock:
            plug, self._plug = self._plug, -1
            os.close(self._socket)
            os.close(plug)
            self._socket = -1

    def close(self):
        self._stop.set()
        for number in (signal.SIGINT, signal.SIGHUP, signal.SIGKILL):
            if self.process.poll() is None:
                self.process.send_signal(number)
                try:
                    self.process.wait(0.5)
                except subprocess.TimeoutExpired:
                    continue
        self.process.wait(LIMIT_S)
        for thread in self._pumps:
            thread.join(LIMIT_S)
        for fd in (self._device, self._plug, self._socket):
            try:
                os.close(fd)
            except OSError:
                pass
        self._dir.cleanup()


def main():
    config = json.loads(Path(sys.argv[1]).read_text()) if len(sys.argv) > 1 else {}
    with PtyStation(config) as station:
        print(
            "serial port %s, powerline %d (microv2g ev --link sim:%d); Ctrl-C ends it"
            % (station.port, station.udp, station.udp)
        )
        try:
            station.process.wait()
        except KeyboardInterrupt:
            pass


if __name__ == "__main__":
    main()
