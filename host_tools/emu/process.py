"""The emulator as a process: node with js/main.mjs, and two pipes to it."""

import base64
import json
import os
import shutil
import subprocess
from pathlib import Path

from host_tools.emu import wire
from host_tools.root import BUILD

FOLDER = BUILD / "emu"
MAIN = Path(__file__).resolve().parent / "js" / "main.mjs"
_INSTALL = "python3 host_tools/building/build.py emulator"


class EmulatorError(Exception):
    """The emulator cannot run or has failed; str() says why and what helps."""


class Process:
    """folder: where rp2040js is installed (build/emu)."""

    def __init__(self, folder=FOLDER):
        node = shutil.which("node")
        if node is None:
            raise EmulatorError("no node in PATH (Debian: apt-get install nodejs npm)")
        if not (Path(folder) / "node_modules" / "rp2040js").is_dir():
            raise EmulatorError("rp2040js is not in %s; run: %s" % (folder, _INSTALL))
        their_in, self._out = os.pipe()
        self._in, their_out = os.pipe()
        command = [node, str(MAIN), str(their_in), str(their_out)]
        env = dict(os.environ, MICROV2G_EMU=str(folder))
        self._child = subprocess.Popen(
            command, env=env, pass_fds=(their_in, their_out), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE, start_new_session=True,  # Ctrl-C is for us: the flash is read after it
        )  # fmt: skip
        os.close(their_in)
        os.close(their_out)

    def send(self, data):
        view = memoryview(data)
        try:
            while view:
                view = view[os.write(self._out, view) :]
        except BrokenPipeError:
            raise EmulatorError(self._last_words()) from None

    def receive(self):
        """(Head, records) of the next message."""
        n = int.from_bytes(self._exactly(4), "little")
        return wire.parse(self._exactly(n))

    def command(self, **what):
        """Carry out a command of js/main.mjs while the chip stands still; returns its answer, a
        dict."""
        self.send(wire.framed(b"J" + json.dumps(what).encode()))
        _, records = self.receive()
        reply = json.loads(records[-1][2])
        if "error" in reply:
            raise EmulatorError(reply["error"])
        return reply

    def read(self, at, n):
        return base64.b64decode(self.command(do="read", at=at, n=n)["data"])

    def ram(self, at, n):
        return base64.b64decode(self.command(do="ram", at=at, n=n)["data"])

    def write(self, at, data):
        self.command(do="write", at=at, data=base64.b64encode(data).decode())

    def close(self):
        os.close(self._out)
        os.close(self._in)
        try:
            self._child.wait(5)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
        self._child.stderr.close()

    def _exactly(self, n):
        data = bytearray()
        while len(data) < n:
            more = os.read(self._in, n - len(data))
            if not more:
                raise EmulatorError(self._last_words())
            data += more
        return bytes(data)

    def _last_words(self):
        try:
            self._child.wait(5)
        except subprocess.TimeoutExpired:
            return "the emulator does not answer"
        text = self._child.stderr.read().decode(errors="replace").strip().splitlines()
        return "the emulator has ended: " + (" | ".join(text[:6]) or "exit status %s" % self._child.returncode)
