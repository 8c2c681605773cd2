"""Bytes of .mpy by module, and bytes of heap that an import keeps, on the 32-bit image."""

import ast
import subprocess
import tempfile
from pathlib import Path

from host_tools import boardfile
from host_tools.building.manifest import Manifest, group
from host_tools.building.mpy import compiled
from host_tools.building.step import Missing
from host_tools.root import BUILD

# Imported in this order, so that each package is charged what is its own and not what it imports.
ORDER = (
    "codec/tables", "codec", "drivers", "firmware", "firmware/net", "firmware/slac", "firmware/session", "firmware/app",
    "firmware/run", "mcu", "evse",
)  # fmt: skip
# For people, an operating system, or sources that are not folded; main is a start and no library.
# What imports `machine` needs a chip.
_LEFT_OUT = (
    "codec.exi_json",
    "codec.slots",
    "codec.tables.names",
    "firmware.main",
    "firmware.run.socket_loop",
    "firmware.run.os_conn",
    "firmware.run.os_net",
)

_SCRIPT = """
import gc, sys
sys.path[:] = %r
import codec.tables, drivers, firmware
def heap():
    gc.collect()
    gc.collect()
    return gc.mem_alloc()
for title, names in %r:
    before = heap()
    for name in names:
        __import__(name)
    print(repr((title, max(0, heap() - before))))
"""


def mpy(board):
    """{group: {module: bytes}} of everything that the board freezes."""
    out = {}
    march = boardfile.find(board).march
    for name, path in Manifest(board).modules.items():
        out.setdefault(group(name), {})[name] = len(compiled(path, name, march))
    return out


def _imported():
    """[(group, [module])] in the order of ORDER, of what the image mcu32 has."""
    modules = {}
    for name, path in Manifest("mcu32").modules.items():
        dotted = name.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        if dotted not in _LEFT_OUT and not _needs_chip(path):
            modules.setdefault(group(name), []).append(dotted)
    return [(title, sorted(modules[title])) for title in ORDER if title in modules]


def _needs_chip(path):
    nodes = ast.walk(ast.parse(Path(path).read_text()))
    return any(isinstance(node, ast.ImportFrom) and node.module == "machine" for node in nodes)


def heap(files=False):
    """{group: bytes of heap that its import keeps}. files: from .mpy files, as on a stock image,
    instead of frozen."""
    image = BUILD / "mcu32" / "micropython"
    if not image.exists():
        raise Missing("no 32-bit image to measure on: make firmware-unix")
    with tempfile.TemporaryDirectory() as folder:
        path = [".frozen"]
        if files:
            path = [folder]
            for name, source in Manifest("mcu32").modules.items():
                file = Path(folder) / name.replace(".py", ".mpy")
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(compiled(source, name, boardfile.find("mcu32").march))
        command = [str(image), "-X", "heapsize=2000k", "-c", _SCRIPT % (path, _imported())]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    if done.returncode:
        raise Missing("an import failed on the 32-bit image:\n" + (done.stdout + done.stderr).strip()[-800:])
    return dict(ast.literal_eval(line) for line in done.stdout.splitlines())
