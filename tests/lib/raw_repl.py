"""Runs on the unix image: a board with a file system and a raw REPL on standard input and output, as MicroPython's boards
have it. raw_repl.py FOLDER PLATFORM FROZEN DIE_AFTER

FOLDER becomes the whole file system. FROZEN 0: our frozen modules are hidden, as on a stock image. DIE_AFTER: the process
ends, as if the supply were cut, before the n-th command is run. machine.bootloader() ends it with status 2, machine.reset()
with 3. Between such commands it is a true MicroPython: what is copied to it can be imported.
"""

import gc
import io
import sys

import uctypes
import vfs

folder, platform, frozen, die_after = sys.argv[1:5]
die_after = int(die_after)
vfs.umount("/")
vfs.mount(vfs.VfsPosix(folder), "/")
sys.path[:] = ["", ".frozen", "/lib"] if frozen == "1" else ["", "/lib"]

_real = sys
_in = sys.stdin.buffer
_out = sys.stdout.buffer


class _Sys:
    """`sys` with the platform of another board."""

    def __getattr__(self, name):
        return getattr(_real, name)


_sys = _Sys()
_sys.platform = platform


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
        with open("/.flash", "rb") as f:
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
    global die_after
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
        die_after -= 1
        if die_after == 0:
            _real.exit(9)
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
