"""A controller board that starts as after power-on: its own main.py, evse, mcu.board and Hardware,
over a model of its port's modules, in simulated time. CPython only: a module of a board is imported
once for every board.

    with boot.Controller("rpi_pico") as controller:
        car = controller.place.come(Notes(), loops=5)
        controller.run({"services": ["DC_BPT"]}, until=lambda: car.done, seconds=120)
        assert car.ok
"""

import builtins
import contextlib
import importlib
import io
import json
import os
import sys
import tempfile
import time as real_time
from pathlib import Path

from firmware.clock import ticks_add, ticks_diff
from host_tools import boardfile
from host_tools.lab import lab
from tests.lib.controller import machine_esp32, machine_rp2
from tests.lib.controller.machine_common import Reset
from tests.lib.controller.place import Place
from tests.lib.world import UNIX_S

ROOT = Path(__file__).resolve().parents[3]
PORTS = {"rp2": machine_rp2, "esp32": machine_esp32}
_FRESH = ("board", "mcu", "evse", "update", "firmware", "drivers", "machine", "cp_guard", "time", "select", "heap_mark")
_TURN_US = 200  # a turn of the run loop costs time, however little there is to do


class Stopped(Exception):
    """The run did not come to its end in the time it was given."""


class Serial:
    """The serial line: what the board says and what is typed."""

    def __init__(self):
        self.said = bytearray()
        self.typed = bytearray()

    def read(self, n):
        data = bytes(self.typed[:n])
        del self.typed[:n]
        return data

    def write(self, data):
        self.said += data
        return len(data)

    def type(self, line):
        self.typed += line.encode() + b"\r"

    def text(self):
        return self.said.decode(errors="replace")


class Controller:
    """board: its name; what is around its chip is in its board.toml and pins.csv. seed: of
    everything random."""

    def __init__(self, board, seed=1):
        facts = boardfile.find(board)
        self.folder = facts.folder
        self.port = PORTS[facts.port]
        circuit = facts.circuit
        self.place = Place(_pins(self.folder), circuit["pilot_divider"], circuit["pilot_offset_mv"], seed)
        self.serial = Serial()
        self.reset = None  # what the chip reset itself for
        self._until = None
        self._end_us = 0

    # -- the modules of the port

    def __enter__(self):
        self._kept = {name: module for name, module in sys.modules.items() if name.split(".")[0] in _FRESH}
        for name in self._kept:
            del sys.modules[name]
        self._path = sys.path[:]
        sys.path[:] = [str(self.folder), str(ROOT / "boards" / "common")] + [
            path for path in sys.path if not path.endswith(("boards/unix", "boards/common"))
        ]
        sys.modules.update(self.port.modules(self.place))
        sys.modules["heap_mark"] = None  # a C module; as in an image without it
        sys.modules["time"] = _Time(self)
        sys.modules["select"] = _Select(self)
        from firmware.run import console, poller

        poller._MICROPYTHON = True  # objects of any kind are polled here
        console._raw = lambda stream: self.serial
        return self

    def __exit__(self, *error):
        for name in [name for name in sys.modules if name.split(".")[0] in _FRESH]:
            del sys.modules[name]
        sys.modules.update(self._kept)
        sys.path[:] = self._path
        if hasattr(sys.modules["__main__"], "evse"):
            del sys.modules["__main__"].evse

    def hardware(self):
        """The board's own Hardware, alone."""
        return importlib.import_module("board.hardware").Hardware()

    def board(self, hw, trace, **changes):
        """mcu.board.Board over it, for tests that bring their own loop."""
        from firmware.app import config
        from mcu.board import Board

        return Board(config.merge(lab(changes)), trace, hw)

    # -- the whole board

    def run(self, cfg, until, seconds):
        """Power on with this configuration; Ctrl-C once until() is true. Returns the run loop. What
        was printed: `printed`."""
        self._until = until
        self._end_us = self.place.us + seconds * 1000000
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "config.json")
            Path(path).write_text(json.dumps(lab(cfg)))
            evse = importlib.import_module("evse")
            use, main = evse.use, importlib.import_module("firmware.main")
            evse.use = lambda make, **options: use(make, path=path, **options)
            main.os = _Os(self.place.rand)
            out = io.StringIO()
            text = (ROOT / "boards" / "common" / "main.py").read_text()
            try:
                with contextlib.redirect_stdout(out):
                    exec(compile(text, "boards/common/main.py", "exec"), {"__name__": "main", "__builtins__": builtins})
            except Reset as why:
                self.reset = str(why)
            finally:
                self._until = None
                self.printed = out.getvalue()
        return evse.link

    # -- time

    def looked(self):
        """The firmware looks for something to do."""
        self.place.pass_us(_TURN_US)
        if self._until is None:
            return
        if self._until():
            self._until = None
            raise KeyboardInterrupt
        if self.place.us > self._end_us:
            self._until = None
            raise Stopped(self.serial.text()[-2000:])


class _Os:
    def __init__(self, rand):
        self.urandom = rand

    def __getattr__(self, name):
        return getattr(os, name)


class _Time:
    """`time` of MicroPython, in simulated time."""

    def __init__(self, controller):
        self._place = controller.place
        self._zero_s = controller.port.EPOCH_S
        self.ticks_add, self.ticks_diff = ticks_add, ticks_diff

    def ticks_ms(self):
        return self._place.now

    def ticks_us(self):
        return self._place.us & 0x3FFFFFFF

    def sleep_us(self, us):
        self._place.pass_us(us)

    def sleep_ms(self, ms):
        self._place.pass_us(1000 * ms)

    def time(self):
        return UNIX_S + self._place.us // 1000000 - self._zero_s

    def gmtime(self, s=None):
        return tuple(real_time.gmtime((self.time() if s is None else s) + self._zero_s))[:8]


class _Select:
    """`select` of MicroPython: objects with ioctl(), and the serial line."""

    POLLIN, POLLOUT = 1, 4

    def __init__(self, controller):
        self.poll = lambda: _Poll(controller)


class _Poll:
    def __init__(self, controller):
        self._controller = controller
        self._entries = []

    def register(self, obj, mask):
        self.unregister(obj)
        self._entries.append((obj, mask))

    modify = register

    def unregister(self, obj):
        self._entries = [entry for entry in self._entries if entry[0] is not obj]

    def _ready(self):
        serial = self._controller.serial
        ready = []
        for obj, mask in self._entries:
            bits = (1 if serial.typed else 0) | 4 if obj is serial else obj.ioctl(3, mask)
            if bits & mask:
                ready.append((obj, bits & mask))
        return ready

    def poll(self, ms=-1):
        self._controller.looked()
        end_us = None if ms < 0 else self._controller.place.us + 1000 * ms
        ready = self._ready()
        while not ready and (end_us is None or self._controller.place.us < end_us):
            self._controller.place.pass_us(1000 - self._controller.place.us % 1000)
            self._controller.looked()
            ready = self._ready()
        return ready


def _pins(folder):
    """{name: GPIO} of pins.csv."""
    rows = [line.split(",") for line in (folder / "pins.csv").read_text().split()]
    return {name: int(gpio.replace("GPIO", "")) for name, gpio in rows}
