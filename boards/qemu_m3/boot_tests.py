"""First thing that the image runs when the host has said something: one test module, or one script.

MODULE [PART]      run its tests whose names contain PART (tests/lib/runner.py)
= MODULE           import it and call its main()
"""

import sys

import bench
import uctypes
import vfs

_FILES = 0x21000000  # QEMU puts an image with the files there (tests/lib/qemu.py)


def _files():
    image = uctypes.bytearray_at(_FILES, 16 << 20)
    if image[:3] == b"\xd2\xcd\x31":
        vfs.mount(vfs.VfsRom(image), "/")


def _main(words):
    _files()
    sys.path[:] = [".frozen", "/", "/modules"]
    if words[0] == "=":
        name = words[1]
        __import__(name)
        sys.modules[name].main()
    else:
        from tests.lib import runner

        runner.run(words[0], words[1] if len(words) > 1 else "")


_main(bench.command().split())
