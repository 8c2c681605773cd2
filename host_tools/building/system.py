"""System packages: what a goal needs is checked before anything long starts, and named with its
remedy."""

import importlib.util
import os
import platform
import shutil
import subprocess
import sys

from host_tools.building.step import Missing, run, say

# (probe, Debian packages). A probe is a program that must be in PATH, or one of the functions
# below.
_VENV = (("venv", "python3-venv"),)
_BASE = (("cc", "gcc libc6-dev"), ("make", "make"), ("xz", "xz-utils"), ("bzip2", "bzip2"), *_VENV)
_M32 = (("cc -m32", "gcc-multilib"),)
_WITNESS = (("openssl", "openssl"),)
_EVCC = (("java", "default-jre-headless"), ("ip", "iproute2"))
_PEV = (("pev", "plc-utils-extra"),)
_TSHARK = (("tshark", "tshark"),)
_ARM = (
    ("cmake", "cmake"),
    ("arm-none-eabi-gcc", "gcc-arm-none-eabi libnewlib-arm-none-eabi libstdc++-arm-none-eabi-newlib"),
)
_EMU = (*_ARM, ("node", "nodejs"), ("npm", "npm"))
GOALS = {
    "venv": _VENV,
    "demo": _BASE,
    "test": _BASE + _M32 + _WITNESS,
    "test32": _BASE + _ARM + _WITNESS + (("qemu-system-arm", "qemu-system-arm"),),
    "emu": _BASE + _EMU + _TSHARK,
    "interop": _BASE + _M32 + _WITNESS + _EVCC + _PEV + _TSHARK,
    "all": _BASE + _M32 + _WITNESS + _EVCC + _PEV + _TSHARK + _EMU + (("qemu-system-arm", "qemu-system-arm"),),
}


def _compiles(*options):
    if not shutil.which("gcc"):
        return False
    source = b'#include <stdio.h>\nint main(void) { return puts("") < 0; }\n'
    command = ["gcc", *options, "-x", "c", "-o", "/dev/null", "-"]
    return subprocess.run(command, input=source, capture_output=True).returncode == 0


_PROBES = {
    "cc": _compiles,
    "cc -m32": lambda: _compiles("-m32"),
    "venv": lambda: importlib.util.find_spec("ensurepip") is not None,  # Debian splits it off
}


def _have(probe):
    return _PROBES[probe]() if probe in _PROBES else shutil.which(probe) is not None


def missing(probes):
    """Names of the Debian packages that are lacking here. probes: as those of a goal."""
    return [name for probe, names in probes if not _have(probe) for name in names.split()]


def packages(goal):
    """Missing, with the command that helps, if `goal` lacks something; as root it is installed
    instead."""
    _provide(GOALS[goal])


def board_packages(board):
    """The same for the image of a board: what every image needs, and what its board.toml says
    besides."""
    _provide((*_BASE, *board.packages.items()))


def _provide(probes):
    if sys.version_info < (3, 11):  # noqa: UP036 - whatever python3 is there runs this file
        raise Missing("Python 3.11 or newer is needed, this is %s" % platform.python_version())
    names = missing(probes)
    if not names:
        return
    if "gcc-multilib" in names and platform.machine() != "x86_64":
        raise Missing(
            "the 32-bit image needs a compiler for 32-bit x86, and this machine is %s.\n"
            "`make test-fast` and `make demo` do without it." % platform.machine()
        )
    command = "apt-get install -y " + " ".join(names)
    if not shutil.which("apt-get"):
        raise Missing("missing from the system (Debian's names of the packages): " + " ".join(names))
    if os.geteuid():
        raise Missing("missing system packages; install them and run again:\n    sudo " + command)
    say("missing system packages, installing them: " + command)
    env = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    remedy = "install by hand and run again:\n    " + command
    run("apt-update", ["apt-get", "update"], "apt-get update", remedy, env=env)
    run("apt-install", command.split(), command, remedy, env=env)
    still = missing(probes)
    if still:
        raise Missing("still missing behind the installation: " + " ".join(still))
