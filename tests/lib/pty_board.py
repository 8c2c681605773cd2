"""A board on a pseudo terminal: tests/lib/raw_repl.py on the 32-bit image, with a folder for its
flash."""

import contextlib
import os
import select
import subprocess
import threading
import tty
from pathlib import Path

from host_tools.root import ROOT
from tests.lib.patience import LIMIT_S

IMAGE = ROOT / "build" / "mcu32" / "micropython"
if not IMAGE.exists():  # make test-fast
    IMAGE = ROOT / "build" / "unix" / "micropython"
MACHINES = {
    "rp2": "Raspberry Pi Pico with RP2040",
    "esp32": "Generic ESP32S3 module with Octal-SPIRAM with ESP32S3",
}
BOOTLOADER, RESET, CUT = 2, 3, 9  # exit status of the process


class PtyBoard:
    """`with PtyBoard(folder) as board`: board.port is its serial port. platform: what sys.platform says; frozen: it has our
    modules in its image; cut_after: the supply is cut in that many programs or erases of the flash. on_bootloader() is called, and must come
    back, when the boot loader was asked for; the board starts again behind it, and behind a reset, on the same port.
    """

    def __init__(
        self, folder, platform="esp32", frozen=False, cut_after=0, heap_kb=4000, on_bootloader=None, machine=""
    ):
        self.folder = Path(folder)
        self.platform = platform
        self.frozen = frozen
        self.cut_after = cut_after
        self.heap_kb = heap_kb
        self.on_bootloader = on_bootloader
        self.machine = machine
        self.resets = 0
        self.cut = False
        self._process = self._thread = None
        self._closing = False

    def __enter__(self):
        self._master, self._slave = os.openpty()
        self._fds = self._master, self._slave
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
        self._thread.join(LIMIT_S)
        self._pump.join(LIMIT_S)
        self._close()

    def _start(self):
        command = [str(IMAGE), "-X", "heapsize=%dk" % self.heap_kb, str(ROOT / "tests" / "lib" / "raw_repl.py")]
        machine = self.machine or MACHINES.get(self.platform, self.platform)
        command += [str(self.folder), self.platform, machine, "1" if self.frozen else "0", str(self.cut_after)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=self._master)

    def _close(self):
        for fd in self._fds:
            os.close(fd)
        self._fds = ()

    def files(self):
        """{path: bytes} of its file system, read by another implementation of LittleFS."""
        return files(self.folder)

    def _carry(self):
        """What the host writes goes to the process that lives at the moment."""
        while not self._closing and not self.cut:
            if not select.select([self._master], [], [], 0.05)[0]:
                continue
            try:
                data = os.read(self._master, 4096)
            except OSError:
                return
            with contextlib.suppress(OSError, ValueError):
                self._process.stdin.write(data)
                self._process.stdin.flush()
        if self.cut:  # the port hangs up, as that of a board on USB
            self._close()

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
                return
            if self._closing:
                return
            self._start()


def files(folder):
    """{path: bytes} of the file system in folder/flash.img."""
    from littlefs import LittleFS, UserContext

    data = (Path(folder) / "flash.img").read_bytes()
    context = UserContext(len(data))
    context.buffer[:] = data
    fs = LittleFS(context=context, block_size=4096, block_count=len(data) // 4096, prog_size=32, read_size=32)
    out = {}
    for top, _, names in fs.walk("/"):
        for name in names:
            path = top.rstrip("/") + "/" + name
            with fs.open(path, "rb") as file:
                out[path] = file.read()
    return out
