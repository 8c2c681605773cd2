"""The image that runs the tests on an emulated Cortex-M3: build/qemu_m3/firmware.elf, from
MicroPython's qemu port and boards/qemu_m3. Frozen are the firmware, its models, and every test that
runs on a bare image (tests/lib/closure.py)."""

import os
import shutil

from host_tools.building import fold
from host_tools.building.source import TAG, mbedtls, source
from host_tools.building.step import Missing, done, fresh, run, say, stamp_of
from host_tools.root import BUILD, ROOT
from tests.lib import closure

FLASH_KB = 4096  # of the emulated machine
_ENTRY = "boot_tests.py"  # of the board
# Whole packages, though a test may import a part: what a target has is what its tests have.
_PACKAGES = ("codec", "drivers", "firmware")


def linker_script(text):
    """The port's script for this machine, made fit: code in the first memory of 4 MB, data and heap
    in the second.

    Missing if the port's script is not the one that this was written for.
    """
    changes = (
        ("LENGTH = 4M\n", "LENGTH = 4M\n    DATA : ORIGIN = 0x20000000, LENGTH = 4M\n"),
        ("_estack = ORIGIN(RAM) + LENGTH(RAM);", "_estack = ORIGIN(DATA) + LENGTH(DATA);\n_heap_end = _estack - 32K;"),
        # Of the C library's division: tables for exceptions of C++, which nothing here throws.
        ("SECTIONS\n{", "SECTIONS\n{\n    /DISCARD/ : { *(.ARM.exidx*) *(.ARM.extab*) }\n"),
        ("_edata = .;\n    } >RAM", "_edata = .;\n    } >DATA"),
        ("_ebss = .;\n    } >RAM", "_ebss = .;\n    } >DATA"),
    )
    for old, new in changes:
        if text.count(old) != 1:
            raise Missing("the qemu port of this MicroPython has another linker script (no %r in it)" % old)
        text = text.replace(old, new)
    return text


def manifest(board, modules):
    """Text of the frozen manifest for {module: file}."""
    files = {}
    for name in modules:
        package = name.split(".")[0]
        if package not in _PACKAGES:
            place = closure.PLACES[package]
            files.setdefault((package, place), []).append(modules[name].relative_to(place / package).as_posix())
    lines = ['include("$(MPY_DIR)/extmod/asyncio")', "module(%r, base_path=%r)" % (_ENTRY, str(board.folder))]
    lines += ["package(%r, base_path=%r)" % (name, str(closure.PLACES[name])) for name in _PACKAGES]
    for (package, place), names in sorted(files.items()):
        lines.append("package(%r, base_path=%r, files=%r)" % (package, str(place), tuple(sorted(names))))
    return "\n".join(lines) + "\n"


def build(board, cross):
    """Bring the image up to date. cross: function that gives the path of mpy-cross, made if it is
    not there."""
    name, place = board.name, board.folder
    folder, made = BUILD / name, BUILD / (name + "-made")
    binary = board.image_path
    modules = closure.bare_modules()
    modules["tests.lib.runner"] = closure.find("tests.lib.runner")
    text = manifest(board, modules)
    crypto = ROOT / "boards" / "common" / "tls13"
    places = [os.environ.get(variable, "") for variable in ("MICROPY_DIR", "MBEDTLS_DIR")]
    here = ROOT / "host_tools" / "building" / "qemu.py"
    config = stamp_of(
        TAG, *places, here, *sorted(place.glob("*.[hm]*")), *sorted(crypto.glob("*.mk")), *crypto.glob("*.h")
    )
    parts = [*(ROOT / part for part in _PACKAGES), *fold.SOURCES]
    stamp = stamp_of(config, text, *parts, *modules.values(), *sorted(place.glob("*")), *sorted(crypto.glob("*.c")))
    if fresh(name, stamp) and binary.exists():
        return
    mpy_cross, port = cross(), source() / "ports" / "qemu"
    if not fresh(name + "-config", config):
        shutil.rmtree(folder, ignore_errors=True)  # the port's makefile does not track a changed configuration
        done(name + "-config", config)
    made.mkdir(parents=True, exist_ok=True)
    (made / "m3.ld").write_text(linker_script((port / "mcu" / "arm" / "mps2.ld").read_text()))
    _write(made / "manifest.py", text)
    lib = BUILD / "mpy-lib"  # the makefile wants a micropython-lib and uses nothing of it
    lib.mkdir(parents=True, exist_ok=True)
    (lib / "README.md").write_text("empty\n")
    command = [
        "make", "-C", str(port), "-j%d" % (os.cpu_count() or 1), "BOARD=" + name, "BOARD_DIR=" + str(place),
        "BUILD=" + str(folder), "LDSCRIPT=" + str(made / "m3.ld"), "FROZEN_MANIFEST=" + str(made / "manifest.py"),
        "MPY_LIB_DIR=" + str(lib), "MICROPY_MPYCROSS=" + str(mpy_cross), "MICROPY_HEAP_SIZE=4",
        "USER_C_MODULES=" + str(crypto.parent), "MBEDTLS_DIR=" + str(mbedtls()),
    ]  # fmt: skip
    title = "building %s: MicroPython for a Cortex-M3, with firmware and tests frozen" % name
    run(name, command, title, "needed: apt-get install gcc-arm-none-eabi libnewlib-arm-none-eabi qemu-system-arm")
    done(name, stamp)
    say("built build/%s/firmware.elf, %d of %d kB of flash, %d modules" % (name, _used(folder), FLASH_KB, len(modules)))


def _used(folder):
    """kB of code and constants, from the linker's map."""
    for line in (folder / "firmware.map").read_text().splitlines():
        if line.endswith("_etext = ."):
            return int(line.split()[0], 16) // 1024
    return 0


def _write(path, text):
    """Only if it differs: make goes by the time of a file."""
    if not path.exists() or path.read_text() != text:
        path.write_text(text)
