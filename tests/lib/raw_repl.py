"""Runs on the 32-bit image: a board with a LittleFS file system and a raw REPL on standard input
and output, as MicroPython's boards have it. raw_repl.py FOLDER PLATFORM MACHINE FROZEN CUT_AFTER

FOLDER/flash.img is its flash, made when it is not there. FROZEN 0: our frozen modules are hidden,
as on a stock image. CUT_AFTER: the supply is cut in the middle of the n-th program or erase of the
flash, 0 = never. machine.bootloader() ends the process with status 2, machine.reset() with 3, a cut
with 9. Apart from that it is a true MicroPython: what is copied to it can be imported.
"""

import gc
import io
import os
import sys

import uctypes
import vfs

FOLDER, PLATFORM, MACHINE, FROZEN, CUT_AFTER = sys.argv[1:6]
BLOCK, COUNT = 4096, 350
HIDDEN = ("tls13",)  # a stock image has no C module of ours

_real = sys
_in = sys.stdin.buffer
_out = sys.stdout.buffer


class Flash:
    """Block device over a file."""

    def __init__(self, path, cut_after):
        try:
            self.file = open(path, "r+b")
            self.new = False
        except OSError:
            with open(path, "wb") as f:
                for _ in range(COUNT):
                    f.write(b"\xff" * BLOCK)
            self.file = open(path, "r+b")
            self.new = True
        self.left = cut_after

    def _put(self, at, data):
        self.file.seek(at)
        if self.left:
            self.left -= 1
            if not self.left:
                self.file.write(data[: len(data) // 2])
                self.file.flush()
                _real.exit(9)
        self.file.write(data)
        self.file.flush()

    def readblocks(self, block, buf, offset=0):
        self.file.seek(block * BLOCK + offset)
        self.file.readinto(buf)

    def writeblocks(self, block, buf, offset=0):
        self._put(block * BLOCK + offset, bytes(buf))

    def ioctl(self, op, arg):
        if op == 4:
            return COUNT
        if op == 5:
            return BLOCK
        if op == 6:
            self._put(arg * BLOCK, b"\xff" * BLOCK)
            return 0


_flash = Flash(FOLDER + "/flash.img", int(CUT_AFTER))
if _flash.new:
    vfs.VfsLfs2.mkfs(_flash, readsize=32, progsize=32)
vfs.umount("/")
vfs.mount(vfs.VfsLfs2(_flash, readsize=32, progsize=32), "/")
vfs.mount(vfs.VfsPosix(FOLDER), "/.host")
os.chdir("/")
sys.path[:] = ["", ".frozen", "/lib"] if FROZEN == "1" else ["", "/lib"]


class _Implementation(tuple):
    """sys.implementation of another board."""

    def __init__(self, items):
        super().__init__(items)
        self._mpy = _real.implementation._mpy
        self._machine = MACHINE


class _Sys:
    """`sys` with the platform of another board."""

    def __getattr__(self, name):
        return getattr(_real, name)


_sys = _Sys()
_sys.platform = PLATFORM
_sys.implementation = _Implementation(("micropython", (1, 25, 0, "")))


class _Path(list):
    """sys.path without what is frozen, whatever is put into it."""

    def __setitem__(self, at, value):
        sys.path[:] = [part for part in value if part != ".frozen"]


if FROZEN != "1":
    import builtins

    _sys.path = _Path(sys.path)
    _import = builtins.__import__

    def _stock(name, *more):
        if name in HIDDEN:
            raise ImportError("no module named '%s'" % name)
        return _import(name, *more)

    builtins.__import__ = _stock


class _Machine:
    def bootloader(self):
        _real.exit(2)

    def reset(self):
        _real.exit(3)

    def unique_id(self):
        return b"12345678"


class _Uctypes:
    """The window of the RP2040's flash is the file .flash."""

    def bytearray_at(self, at, n):
        if at < 0x10000000 or at >= 0x11000000:
            return uctypes.bytearray_at(at, n)
        with open("/.host/.flash", "rb") as f:
            f.seek(at - 0x10000000)
            return f.read(n)


def put(text):
    _out.write(text if isinstance(text, bytes) else text.encode())


def fresh():
    """Globals of a new session; modules of the file system are imported anew."""
    for name in list(sys.modules):
        del sys.modules[name]
    sys.modules["sys"] = _sys
    sys.modules["machine"] = _Machine()
    sys.modules["uctypes"] = _Uctypes()
    gc.collect()
    return {"__name__": "__main__"}


def pasted():
    """A command in raw paste mode, with its flow control."""
    window = 128
    put(b"R\x01" + bytes((window, 0)))
    got, room = bytearray(), window
    while True:
        c = _in.read(1)
        if not c:
            _real.exit(0)
        if c == b"\x04":
            put(b"\x04")
            return got
        got += c
        room -= 1
        if not room:
            put(b"\x01")
            room = window


def main():
    space = fresh()
    raw, line = False, bytearray()
    put("MicroPython on a test board\r\n>>> ")
    while True:
        c = _in.read(1)
        if not c:
            return
        if not raw:
            if c == b"\x01":
                raw, line = True, bytearray()
                put("raw REPL; CTRL-B to exit\r\n>")
            elif c in b"\r\x02\x03":
                put("\r\n>>> ")
            continue
        if c == b"\x02":
            raw = False
            put("\r\nMicroPython on a test board\r\n>>> ")
            continue
        if c == b"\x01":
            line = bytearray()
            if len(line) == 0:
                put("raw REPL; CTRL-B to exit\r\n>")
            continue
        if c == b"\x03":
            line = bytearray()
            continue
        if c == b"\x05":
            _in.read(2)
            source = pasted()
        elif c == b"\x04":
            if not line:
                put("OK\r\nMPY: soft reboot\r\nraw REPL; CTRL-B to exit\r\n>")
                space = fresh()
                continue
            source = line
            put("OK")
        else:
            line += c
            continue
        line = bytearray()
        try:
            exec(compile(bytes(source).decode(), "<stdin>", "exec"), space)
            put("\x04")
        except Exception as error:
            put("\x04")
            text = io.StringIO()
            _real.print_exception(error, text)
            put(text.getvalue())
        put("\x04>")


main()
