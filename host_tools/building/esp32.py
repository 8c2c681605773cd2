"""Images of MicroPython's esp32 port, where ESP-IDF is installed; and the checks of a board's
definition that need no SDK."""

import csv
import hashlib
import os
import re
import shutil
import struct

from host_tools.building import fold
from host_tools.building.manifest import Manifest
from host_tools.building.mpy import compiled
from host_tools.building.source import TAG, source
from host_tools.building.step import Missing, done, fresh, run, say, stamp_of
from host_tools.root import BUILD, ROOT

IDF = "v5.4"  # the newest that MicroPython 1.25 names; its mbedTLS is 3.6, whose TLS 1.3 tls13 was written for
_PARTS = ("codec", "drivers", "firmware", "boards/common")
_SECTOR = 0x1000
_APP_ALIGN = 0x10000
_TABLE_AT, _TABLE_SIZE = 0x8000, 0x1000
_TYPES = {"app": 0, "data": 1}
_SUBTYPES = {
    "app": {"factory": 0, "test": 0x20, **{"ota_%d" % i: 0x10 + i for i in range(16)}},
    "data": {"ota": 0, "phy": 1, "nvs": 2, "coredump": 3, "nvs_keys": 4, "efuse": 5, "undefined": 6, "fat": 0x81,
             "spiffs": 0x82, "littlefs": 0x83},
}  # fmt: skip

# What an image may need at most: the stock image, which fits the 0x1f0000 of its own partition with
# Wi-Fi and Bluetooth that this one leaves out; TLS 1.3 with PSA, 153 kB in the image of the RP2040;
# and what is frozen, by its share there.
STOCK = 0x1F0000
TLS13 = 160 * 1024
FROZEN_GROWS = 1.35  # of a frozen module in flash over its .mpy file


def partitions(text):
    """[(name, type, subtype, offset, size)] of a partitions.csv; Missing names a line that is
    none."""
    out = []
    for number, row in enumerate(csv.reader(text.splitlines()), 1):
        cells = [cell.strip() for cell in row]
        if not cells or not cells[0] or cells[0].startswith("#"):
            continue
        try:
            name, kind, sub, offset, size = cells[:5]
            out.append((name, _TYPES[kind], _SUBTYPES[kind][sub], int(offset, 0), int(size, 0)))
        except (KeyError, ValueError):
            raise Missing(
                "partitions.csv:%d: not `name, app|data, subtype, offset, size`: %s" % (number, ", ".join(row))
            )
    return out


def table_faults(entries, flash):
    """Words for everything that ESP-IDF or the chip would not take."""
    out, end, names = [], _TABLE_AT + _TABLE_SIZE, set()
    for name, kind, _, offset, size in sorted(entries, key=lambda entry: entry[3]):
        align = _APP_ALIGN if kind == 0 else _SECTOR
        if len(name) > 15 or name in names:
            out.append("%s: a name of its own, of 15 characters at most" % name)
        names.add(name)
        if offset % align or size % _SECTOR or not size:
            out.append("%s: offset in steps of 0x%x, size of 0x%x" % (name, align, _SECTOR))
        if offset < end:
            out.append("%s at 0x%x overlaps what ends at 0x%x" % (name, offset, end))
        end = max(end, offset + size)
    if end > flash:
        out.append("the partitions end at 0x%x, the flash at 0x%x" % (end, flash))
    if sum(kind == 0 for _, kind, *_ in entries) == 0:
        out.append("no partition for the application")
    if not any(name == "vfs" and kind == 1 for name, kind, *_ in entries):
        out.append("no data partition vfs: MicroPython would have no file system")
    return out


def table(entries):
    """The partition table as it lies in flash: entries of 32 bytes, their MD5, 0xff up to a size of
    0xc00."""
    out = b"".join(struct.pack("<HBBII16sI", 0x50AA, k, s, at, n, name.encode(), 0) for name, k, s, at, n in entries)
    return (out + b"\xeb\xeb" + b"\xff" * 14 + hashlib.md5(out).digest()).ljust(0xC00, b"\xff")


def options(text):
    """[(line, name, value, has a comment)] of an sdkconfig fragment. A comment covers the options
    right below it."""
    out, covered = [], False
    for number, line in enumerate(text.splitlines(), 1):
        line = line.strip()
        if line.startswith("#"):
            covered = True
        elif not line:
            covered = False
        else:
            name, _, value = line.partition("=")
            out.append((number, name, value, covered))
    return out


def option_faults(text, known):
    """Words for options that come twice, that nobody knows, or that say no reason."""
    out, seen = [], set()
    for number, name, value, covered in options(text):
        where = "sdkconfig.board:%d: %s" % (number, name)
        if name in seen:
            out.append(where + " comes twice")
        seen.add(name)
        if name.removeprefix("CONFIG_") not in known:
            out.append(where + " is no option that is known")
        if not covered:
            out.append(where + " says no reason")
        if not re.fullmatch(r'|y|n|-?\d+|0x[0-9a-fA-F]+|"[^"]*"', value):
            out.append(where + ": no value of an option: " + value)
    return out


def known_options(board):
    """Names in MicroPython's own fragments, and those that kconfig.txt of the board has from
    ESP-IDF's Kconfig files."""
    names = {
        line.split()[0] for line in (board.folder / "kconfig.txt").read_text().splitlines() if line and line[0] != "#"
    }
    for path in sorted((source() / "ports" / "esp32" / "boards").rglob("sdkconfig*")):
        names.update(re.findall(r"^#?\s*CONFIG_(\w+)=", path.read_text(), re.M))
    return names


def estimate(board):
    """(bytes that the application may need at most, bytes of its partition, bytes of frozen .mpy
    files)."""
    frozen = sum(len(compiled(path, name, board.march)) for name, path in Manifest(board.name).modules.items())
    room = next(size for _, kind, _, _, size in partitions((board.folder / "partitions.csv").read_text()) if kind == 0)
    return STOCK + TLS13 + int(frozen * FROZEN_GROWS), room, frozen


def check(board):
    """Everything that can be known without the SDK. Missing with all faults, or a line of what was
    found."""
    entries = partitions((board.folder / "partitions.csv").read_text())
    faults = table_faults(entries, board.image["flash_bytes"])
    faults += option_faults((board.folder / "sdkconfig.board").read_text(), known_options(board))
    need, room, frozen = estimate(board)
    if need > room:
        faults.append("the application may need %d kB, its partition has %d kB" % (need >> 10, room >> 10))
    if faults:
        raise Missing("boards/%s:\n  " % board.name + "\n  ".join(faults))
    return "%d modules compiled for %s (%d kB), at most %d kB of %d kB" % (
        len(Manifest(board.name).modules), board.march, frozen >> 10, need >> 10, room >> 10,
    )  # fmt: skip


def build(board, cross):
    """build/<board>/firmware.bin, from the boot loader on. cross() gives the path of mpy-cross.
    Missing without ESP-IDF."""
    name = board.name
    say("checked boards/%s: %s" % (name, check(board)))
    idf = os.environ.get("IDF_PATH")
    if not idf or not shutil.which("idf.py"):
        raise Missing(
            "the image for %s needs ESP-IDF %s, and there is none here (IDF_PATH, idf.py).\n"
            "Install it as Espressif describes, then in the same shell:\n"
            "    . $IDF_PATH/export.sh\n    make firmware BOARD=%s MICROPY_DIR=/path/to/micropython\n"
            "MICROPY_DIR is a checkout of MicroPython %s with its submodules: make -C ports/esp32 submodules"
            % (name, IDF, name, TAG)
        )
    tree = source()
    if not any((tree / "lib" / "berkeley-db-1.xx").glob("*/*")):
        raise Missing(
            "the source of MicroPython here has no lib/berkeley-db-1.xx, which its esp32 port wants.\n"
            "Take a whole checkout: MICROPY_DIR=/path/to/micropython, and there: make -C ports/esp32 submodules"
        )
    folder, image = BUILD / name, board.image_path
    own = [path for path in sorted(board.folder.rglob("*")) if path.suffix not in (".md", ".json", ".toml")]
    parts = [ROOT / part for part in _PARTS]
    stamp = stamp_of(TAG, idf, os.environ.get("MICROPY_DIR", ""), *parts, *own, *fold.SOURCES)
    if fresh(name, stamp) and image.exists():
        return image
    command = ["make", "-C", str(tree / "ports" / "esp32"), "BOARD_DIR=" + str(board.folder), "BUILD=" + str(folder)]
    command.append("USER_C_MODULES=" + str(board.folder / "modules.cmake"))
    env = dict(os.environ, MICROPY_MPYCROSS=str(cross()))
    run(name, command, "building %s: MicroPython with our modules frozen" % name, env=env)
    done(name, stamp)
    say("built build/%s/%s, %d kB" % (name, image.name, image.stat().st_size // 1024))
    return image
