"""Copy files onto a board so that a cut at any moment leaves a board that boots.

New files lie in a folder of their own, by number, and are read back. When all are there, one file
lists what has to be put in its place and removed; from then on it is done whatever happens: here,
or at the next start of the board (boards/common/update.py). The manifest is the last one.
"""

import ast
import binascii
import hashlib
import json

from host_tools.board.deploy import MANIFEST, STAGE, TODO
from host_tools.board.deploy.parts import FINISH
from host_tools.board.flash import FlashError

_CHUNK = 768
_TOOLS = """
import os, hashlib
from binascii import a2b_base64 as _a
def _sizes(paths):
    d = {}
    for p in paths:
        try:
            s = os.stat(p)
            if not s[0] & 0x4000:
                d[p] = s[6]
        except OSError:
            pass
    print(d)
def _hash(p):
    h = hashlib.sha256()
    b = bytearray(512)
    v = memoryview(b)
    with open(p, "rb") as f:
        while True:
            n = f.readinto(b)
            if not n:
                break
            h.update(v[:n])
    print("".join("%02x" % x for x in h.digest()))
def _empty(p):
    try:
        for n in os.listdir(p):
            os.remove(p + "/" + n)
    except OSError:
        os.mkdir(p)
"""
_ASK_AT_ONCE = 40


class Copier:
    """repl: host_tools.board.flash.repl.Repl. done(bytes) is called as they arrive."""

    def __init__(self, repl, done=lambda n: None):
        self._repl = repl
        self._done = done
        self._sent = 0
        repl.run(_TOOLS)

    def finish(self):
        """Do what an earlier copy left to do. True if there was something."""
        if not self.sizes([TODO]):
            return False
        self._repl.run(FINISH)
        return True

    def sizes(self, paths):
        """{path: bytes} of those that are there."""
        out, paths = {}, list(paths)
        for at in range(0, len(paths), _ASK_AT_ONCE):
            out.update(ast.literal_eval(self._repl.run("_sizes(%r)" % paths[at : at + _ASK_AT_ONCE]).decode()))
        return out

    def sha256(self, path):
        return self._repl.run("_hash(%r)" % path).decode().strip()

    def manifest(self):
        """{path: sha256} of the board, {} when there is none or it cannot be read."""
        if not self.sizes([MANIFEST]):
            return {}
        text = self._repl.run("with open(%r) as f: print(f.read())" % MANIFEST).decode()
        try:
            files = json.loads(text)["files"]
        except (ValueError, KeyError, TypeError):
            return {}
        return files if isinstance(files, dict) else {}

    def write(self, path, data):
        """A file, read back. FlashError when the board holds something else."""
        run = self._repl.run
        run("f = open(%r, 'wb')" % path)
        for at in range(0, len(data), _CHUNK):
            text = binascii.b2a_base64(data[at : at + _CHUNK], newline=False)
            run("f.write(_a(%r))" % text)
            self._sent += len(data[at : at + _CHUNK])
            self._done(self._sent)
        run("f.close()")
        if self.sha256(path) != hashlib.sha256(data).hexdigest():
            raise FlashError(
                "%s does not read back as it was written" % path, "is the flash of the board worn, or full?"
            )

    def apply(self, plan, about):
        """Copy, then put into place and remove. about: more to write into the manifest."""
        self._repl.run("_empty(%r)" % STAGE)  # of a copy that was cut off before it counted
        manifest = json.dumps({**about, "files": plan.manifest}).encode()
        lines = ["- " + path for path in plan.remove]
        for number, (path, data) in enumerate((*plan.copy.items(), (MANIFEST, manifest))):
            self.write("%s/%d" % (STAGE, number), data)
            lines.append("%d %s" % (number, path))
        self.write(STAGE + "/todo", "".join(line + "\n" for line in lines).encode())
        self._repl.run("os.rename(%r, %r)" % (STAGE + "/todo", TODO))
        self._repl.run(FINISH)
