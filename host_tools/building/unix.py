"""The images for this computer, 64 and 32 bits: MicroPython's unix port as variant boards/<board>,
with our modules frozen."""

import os
import shutil

from host_tools.building import fold
from host_tools.building.source import TAG, mbedtls, source
from host_tools.building.step import done, fresh, run, say, stamp_of
from host_tools.root import BUILD, ROOT


def build(board, cross):
    """build/<board>/micropython. cross() gives the path of mpy-cross."""
    name = board.name
    folder = BUILD / name
    binary = board.image_path
    crypto = ROOT / "boards" / "common"
    places = [os.environ.get(variable, "") for variable in ("MICROPY_DIR", "MBEDTLS_DIR")]
    crypto_files = (*sorted(crypto.glob("*/*.mk")), *crypto.glob("*/*.h"))
    config = stamp_of(TAG, *places, *sorted(board.folder.glob("m*")), *crypto_files)
    parts = ("codec", "drivers", "firmware", "boards/common", "boards/unix/board", "host_tools/twin")
    stamp = stamp_of(config, *[ROOT / part for part in parts], *fold.SOURCES)
    if fresh(name, stamp) and binary.exists():
        return
    mpy_cross = cross()
    if not fresh(name + "-config", config):
        shutil.rmtree(folder, ignore_errors=True)  # the port's makefile does not track a changed configuration
        done(name + "-config", config)
    lib = BUILD / "mpy-lib"  # the makefile wants a micropython-lib and uses nothing of it
    lib.mkdir(parents=True, exist_ok=True)
    (lib / "README.md").write_text("empty\n")
    command = [
        "make", "-C", str(source() / "ports" / "unix"), "-j%d" % (os.cpu_count() or 1),
        "VARIANT_DIR=" + str(board.folder), "BUILD=" + str(folder), "MPY_LIB_DIR=" + str(lib),
        "MICROPY_MPYCROSS=" + str(mpy_cross), "MBEDTLS_DIR=" + str(mbedtls()),
    ]  # fmt: skip
    run(name, command, "building %s: MicroPython with our modules frozen" % name)
    done(name, stamp)
    say("built build/%s/micropython, %d kB" % (name, binary.stat().st_size // 1024))
