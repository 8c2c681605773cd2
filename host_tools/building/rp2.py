"""Images of MicroPython's rp2 port with our modules frozen, as UF2."""

import os
import shutil
import sys

from host_tools.building import fold
from host_tools.building.source import TAG, port_source
from host_tools.building.step import done, fresh, run, say, stamp_of
from host_tools.root import BUILD, ROOT

_PARTS = ("codec", "drivers", "firmware", "boards/common")


def build(board, cross):
    """build/<board>/firmware.uf2 (and .bin, .elf, .elf.map). cross() gives the path of
    mpy-cross."""
    name, place = board.name, board.folder
    folder, image = BUILD / name, board.image_path
    places = [os.environ.get(variable, "") for variable in ("MICROPY_DIR", "MBEDTLS_DIR")]
    modules = [ROOT / "boards/common" / part for part in ("tls13", "heap_mark", "lasting")]
    common = [path for module in modules for path in sorted(module.glob("*.*"))]
    own = [path for path in sorted(place.rglob("*")) if path.suffix not in (".md", ".json", ".toml")]
    facts = repr((board.port_board, board.image))
    config = stamp_of(TAG, *places, facts, *sorted(place.glob("m*")), *sorted(place.glob("*.c*")), *common)
    stamp = stamp_of(config, *[ROOT / part for part in _PARTS], *own, *fold.SOURCES)
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
         "-DMICROPY_LIB_DIR=" + str(lib), "-DMICROPY_BOARD=" + (board.port_board or name.upper()), "-DMICROPY_BOARD_DIR=" + str(place),
         "-DUSER_C_MODULES=" + str(place / "modules.cmake")],
        "configuring " + name, env=env,
    )  # fmt: skip
    done(name + "-config", config)
    jobs = "-j%d" % (os.cpu_count() or 1)
    run(name, ["make", "-C", str(folder), jobs], "building %s: MicroPython with our modules frozen" % name, env=env)
    convert = [sys.executable, str(tree / "tools" / "uf2conv.py"), "-b", hex(board.image["base"])]
    convert += ["-f", hex(board.image["family"]), "-c", "-o"]
    run(name + "-uf2", [*convert, str(image), str(folder / "firmware.bin")])
    done(name, stamp)
    say("built build/%s/%s, %d kB of flash" % (name, image.name, (folder / "firmware.bin").stat().st_size // 1024))
    return image
