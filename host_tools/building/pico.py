"""The image of the board rpi_pico: MicroPython's rp2 port with our modules frozen, as UF2."""

import os
import shutil
import sys

from host_tools.building import fold
from host_tools.building.source import TAG, port_source
from host_tools.building.step import done, fresh, run, say, stamp_of
from host_tools.root import BUILD, ROOT

_RP2040 = "0xe48bff56"  # family of the UF2 format
_FLASH = "0x10000000"
_PARTS = ("codec", "drivers", "firmware", "boards/common", "boards/rpi_pico")


def pico(cross):
    """build/rpi_pico/firmware.uf2 (and .bin, .elf, .elf.map). cross() gives the path of mpy-cross."""
    name = "rpi_pico"
    folder, board = BUILD / name, ROOT / "boards" / name
    image = folder / "firmware.uf2"
    places = [os.environ.get(variable, "") for variable in ("MICROPY_DIR", "MBEDTLS_DIR")]
    common = [path for name in ("tls13", "heap_mark") for path in sorted((ROOT / "boards/common" / name).glob("*.*"))]
    config = stamp_of(TAG, *places, *sorted(board.glob("m*")), *sorted(board.glob("*.c*")), *common)
    stamp = stamp_of(config, *[ROOT / part for part in _PARTS], *fold.SOURCES)
    if fresh(name, stamp) and image.exists():
        return image
    mpy_cross = cross()
    tree = port_source()
    if not fresh(name + "-config", config):
        shutil.rmtree(folder, ignore_errors=True)  # the port does not track names that a changed configuration brings
    lib = BUILD / "mpy-lib"  # the port wants a micropython-lib and uses nothing of it
    lib.mkdir(parents=True, exist_ok=True)
    (lib / "README.md").write_text("empty\n")
    env = dict(os.environ, MICROPY_MPYCROSS=str(mpy_cross))
    run(
        name + "-cmake",
        ["cmake", "-S", str(tree / "ports" / "rp2"), "-B", str(folder), "-DPICO_BUILD_DOCS=0", "-DPICO_NO_PICOTOOL=1",
         "-DMICROPY_LIB_DIR=" + str(lib), "-DMICROPY_BOARD=RPI_PICO", "-DMICROPY_BOARD_DIR=" + str(board),
         "-DUSER_C_MODULES=" + str(board / "modules.cmake")],
        "configuring rpi_pico", env=env,
    )  # fmt: skip
    done(name + "-config", config)
    jobs = "-j%d" % (os.cpu_count() or 1)
    run(name, ["make", "-C", str(folder), jobs], "building rpi_pico: MicroPython with our modules frozen", env=env)
    convert = [sys.executable, str(tree / "tools" / "uf2conv.py"), "-b", _FLASH, "-f", _RP2040, "-c", "-o"]
    run(name + "-uf2", [*convert, str(image), str(folder / "firmware.bin")])
    done(name, stamp)
    say("built build/rpi_pico/firmware.uf2, %d kB of flash" % ((folder / "firmware.bin").stat().st_size // 1024))
    return image
