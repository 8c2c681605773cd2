"""The folder of the project, which host tools and tests measure their paths from, and the paths that its packages come from.

Standard library only: the build imports it before there is an environment.
"""

import os
import sys
from pathlib import Path

TOOLS = Path(__file__).resolve().parent
ROOT = TOOLS.parent

# The firmware's modules import `micropython`, `board` and `mcu`; on CPython these folders stand in for a board.
PATHS = (ROOT, TOOLS / "shim", ROOT / "boards" / "unix", ROOT / "boards" / "common")


def import_paths():
    """Put PATHS in front of sys.path, and behind all the folder that has `twin`: no tool is taken for a library."""
    for path in reversed(PATHS):
        if str(path) not in sys.path:
            sys.path.insert(0, str(path))
    if str(TOOLS) not in sys.path:
        sys.path.append(str(TOOLS))


def python_path():
    """The same as a value of PYTHONPATH, for a process."""
    return os.pathsep.join(str(path) for path in (*PATHS, TOOLS))
