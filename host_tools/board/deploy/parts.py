"""What belongs on a board: the modules of its manifest, compiled for its processor, and a main.py
that starts them."""

import ast
import hashlib
import importlib.metadata
import tomllib
from pathlib import Path

from host_tools.board.deploy import STATION
from host_tools.building.manifest import Manifest
from host_tools.building.mpy import compiled
from host_tools.root import CHECKOUT, ROOT

# The sockets of an operating system: no controller board has one, and a stock image lacks what they
# import.
_NOT_HERE = ("firmware/run/socket_loop.py", "firmware/run/os_conn.py", "firmware/run/os_net.py")

# Imported by what the configuration chooses (`stage` and its parts), or for the self-test: on the
# file system, and in RAM only where they are used.
_BY_CHOICE = (
    "drivers/acrel", "drivers/bender", "drivers/eastron", "drivers/infypower", "drivers/mcp2515", "drivers/modbus", "firmware/stage/ac",
    "firmware/stage/parts", "firmware/stage/serial", "firmware/app/selftest", "mcu/can", "mcu/rs485",
)  # fmt: skip

# Behind a question whether this is CPython.
_CPYTHON = ("traceback",)

# Finishes a copy that was cut off; on a stock image it stands in main.py itself, before anything of
# ours is imported.
FINISH = (ROOT / "boards" / "common" / "update.py").read_text() + "\n\nfinish()\n"
MAIN = "# Made by microv2g deploy: the start of the station.\n" + FINISH + "import %s\n" % STATION


def in_ram(files):
    """Bytes of the modules among files {path: content} that every station imports."""
    return sum(len(data) for path, data in files.items() if path.endswith(".mpy") and not _chosen(path))


def _chosen(path):
    return any("/" + name in path for name in _BY_CHOICE)


def names(board, only=()):
    """{name on the target: Path of the source}. only: top-level packages or modules, () = all."""
    modules = {name: path for name, path in Manifest(board).modules.items() if name not in _NOT_HERE}
    if only:
        tops = {Path(name).with_suffix("").parts[0] for name in modules}
        wrong = sorted(set(only) - tops)
        if wrong:
            raise KeyError("no package %s; there are %s" % (", ".join(wrong), ", ".join(sorted(tops))))
        modules = {name: path for name, path in modules.items() if Path(name).with_suffix("").parts[0] in only}
    return modules


def files(board, march, only=(), root="/lib"):
    """{path on the board: bytes}. Below `root`; with everything comes /main.py."""
    out = {}
    for name, path in names(board, only).items():
        target = STATION + ".py" if name == "main.py" else name
        data = compiled(path, name, march)
        out[root.rstrip("/") + "/" + target[:-3] + ".mpy"] = data
    if not only:
        out["/main.py"] = MAIN.encode()
    return out


def digests(wanted):
    return {path: hashlib.sha256(data).hexdigest() for path, data in wanted.items()}


def _imports(tree, guarded=False):
    """(module, may be missing) of every import; one in a try with `except ImportError` may be."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, guarded) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module, guarded
        elif isinstance(node, ast.Try):
            caught = {getattr(h.type, "id", "") for h in node.handlers}
            for part in node.body:
                yield from _imports(ast.Module([part], []), guarded or bool(caught & {"ImportError", "Exception", ""}))
            for part in (*node.handlers, *node.orelse, *node.finalbody):
                yield from _imports(part, guarded)
        else:
            yield from _imports(node, guarded)


def needs(board, only=()):
    """{module that the image must bring: (names of ours that import it, may be missing)}."""
    modules = names(board, only)
    ours = {Path(name).with_suffix("").parts[0] for name in names(board)}
    out = {}
    for name, path in modules.items():
        for module, guarded in _imports(ast.parse(path.read_text())):
            top = module.split(".")[0]
            if top in ours or top in _CPYTHON:
                continue
            users, missing_ok = out.get(top, ([], True))
            if name not in users:
                users.append(name)
            out[top] = users, missing_ok and guarded
    return dict(sorted(out.items()))


def version():
    """Of this checkout, from pyproject.toml, or of what is installed."""
    if not CHECKOUT:
        return importlib.metadata.version("microv2g")
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
