"""Where the files of the project are: in a checkout, or in what an installed package has of one
(setup.py).

Standard library only: the build imports it before there is an environment.
"""

import os
import sys
from pathlib import Path

TOOLS = Path(__file__).resolve().parent
CHECKOUT = (TOOLS.parent / "pyproject.toml").is_file() and (TOOLS.parent / "firmware").is_dir()
ROOT = TOOLS.parent if CHECKOUT else TOOLS / "tree"  # holds boards/, codec/, drivers/, firmware/
# What is made: images, environments, caches.
_CACHE = Path(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")) / "microv2g"
BUILD = ROOT / "build" if CHECKOUT else _CACHE
RUNTIME = "unix" if CHECKOUT else "cpython"  # where the firmware runs unless told: only a checkout builds images

# The firmware's modules import `micropython`, `board` and `mcu`; on CPython these folders stand in
# for a board.
PATHS = (ROOT, TOOLS / "shim", ROOT / "boards" / "unix", ROOT / "boards" / "common")


def import_paths():
    """Put PATHS in front of sys.path, and behind all the folder that has `twin`: no tool is taken
    for a library."""
    for path in reversed(PATHS):
        if str(path) not in sys.path:
            sys.path.insert(0, str(path))
    if str(TOOLS) not in sys.path:
        sys.path.append(str(TOOLS))


def python_path():
    """The same as a value of PYTHONPATH, for a process."""
    return os.pathsep.join(str(path) for path in (*PATHS, TOOLS))
