"""A board on a pseudo terminal: tests/lib/raw_repl.py on the 32-bit image, with a folder for its flash."""

import contextlib
import os
import select
import subprocess
import threading
import tty
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
IMAGE = ROOT / "build" / "mcu32" / "micropython"
BOOTLOADER, RESET, CUT = 2, 3, 9  # exit status of the process


class PtyBoard:
    """`with PtyBoard(folder) as board`: board.port is its serial port. platform: what sys.platform says; frozen: it has our
    modules in its image; die_after: the supply is cut before that many commands. on_bootloader() is called, and must come
    back, when the boot loader was asked for; the board starts again behind it, and behind a reset, on the same port."""

    def __init__(self, folder, platform="esp32", frozen=False, die_after=0, heap_kb=2000, on_bootloader=None):
        self.folder = Path(folder)
        self.platform = platform
        self.frozen = frozen
        self.die_after = die_after
        self.heap_kb = heap_kb
        self.on_bootloader = on_bootloader
        self.resets = 0
        self.cut = False
        self._process = self._thread = None
        self._closing = False

    def __enter__(self):
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        self.port = os.ttyname(self._slave)
        self._start()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._pump = threading.Thread(target=self._carry, daemon=True)
        self._pump.start()
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._closing = True
        self._process.kill()
        self._thread.join(10)
        self._pump.join(10)
        for fd in (self._slave, self._master):
            with contextlib.suppress(OSError):
                os.close(fd)

    def _start(self):
        command = [str(IMAGE), "-X", "heapsize=%dk" % self.heap_kb, str(ROOT / "tests" / "lib" / "raw_repl.py")]
        command += [str(self.folder), self.platform, "1" if self.frozen else "0", str(self.die_after)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=self._master)

    def _carry(self):
        """What the host writes goes to the process that lives at the moment."""
        while not self._closing:
            if not select.select([self._master], [], [], 0.05)[0]:
                continue
            try:
                data = os.read(self._master, 4096)
            except OSError:
                return
            with contextlib.suppress(OSError, ValueError):
                self._process.stdin.write(data)
                self._process.stdin.flush()

    def _watch(self):
        while True:
            status = self._process.wait()
            self._process.stdin.close()
            if self._closing:
                return
            if status == BOOTLOADER and self.on_bootloader:
                self.on_bootloader()
            elif status == RESET:
                self.resets += 1
            else:
                self.cut = True
                os.close(self._slave)  # nobody answers any more
                return
            if self._closing:
                return
            self._start()
