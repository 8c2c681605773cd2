"""What an image consists of, from the map file of GNU ld."""

import re

_OUTPUT = re.compile(r"^(\.[\w.]+)(?:\s+0x([0-9a-f]+)\s+0x([0-9a-f]+)(?:\s+load address 0x([0-9a-f]+))?)?$")
_INPUT = re.compile(r"^ (\S+)?\s+0x([0-9a-f]+)\s+0x([0-9a-f]+)(?:\s+(\S.*))?$")
_REGION = re.compile(r"^(\w+)\s+0x([0-9a-f]+)\s+0x([0-9a-f]+)")

# (part of the object's path, group). The first that fits.
_GROUPS = (
    ("frozen_content", "our modules, frozen"),
    ("/common/tls13/", "tls13"),
    ("/mbedtls/", "mbedTLS"),
    ("/common/heap_mark/", "board in C"),
    ("/common/lasting/", "buffers outside of the heap"),
    ("/lib/tinyusb/", "USB"),
    ("/shared/tinyusb/", "USB"),
    ("/lib/pico-sdk/", "pico-sdk"),
    ("/build/pico-sdk/", "pico-sdk"),
    ("/lib/littlefs/", "file systems"),
    ("/lib/oofatfs/", "file systems"),
    ("/lib/libm", "floating point"),
    ("/micropython/py/", "interpreter"),
    ("/micropython/extmod/", "MicroPython's modules"),
    ("/micropython/shared/", "MicroPython's modules"),
    ("/micropython/drivers/", "MicroPython's modules"),
    ("/micropython/lib/", "MicroPython's modules"),
    ("libgcc", "C library"),
    ("libc", "C library"),
    ("libm", "C library"),
    ("libnosys", "C library"),
    ("/thumb/", "C library"),
)
_REST = "alignment, and what the linker makes"


def group(name, board):
    for part, title in (*_GROUPS, ("/boards/%s/" % board.name, "board in C")):
        if part in name:
            return title
    return "port " + board.port


class Image:
    """flash, ram: bytes used; flash_size, ram_size: of the regions; groups: {group: [flash,
    ram]}."""

    def __init__(self):
        self.flash = self.ram = self.flash_size = self.ram_size = 0
        self.groups = {}

    def add(self, title, flash, ram):
        row = self.groups.setdefault(title, [0, 0])
        row[0] += flash
        row[1] += ram


def read(text, board):
    """The Image of a map file of a boardfile.Board. ValueError if it is none."""
    head, found, body = text.partition("\nLinker script and memory map\n")
    if not found or "\nMemory Configuration\n" not in head:
        raise ValueError("not a map file of GNU ld")
    regions = {}
    for line in head.rpartition("\nMemory Configuration\n")[2].splitlines():
        match = _REGION.match(line)
        if match:
            regions[match[1]] = int(match[2], 16), int(match[3], 16)
    (flash_at, flash_size), (ram_at, ram_size) = regions["FLASH"], regions["RAM"]
    out = Image()
    out.flash_size, out.ram_size = flash_size, ram_size
    in_flash = in_ram = False
    for line in _joined(body):
        match = _OUTPUT.match(line)
        if match:
            place, size = int(match[2] or "0", 16), int(match[3] or "0", 16)
            in_flash = flash_at <= place < flash_at + flash_size or bool(match[4] and size)
            in_ram = ram_at <= place < ram_at + ram_size
            out.flash += size if in_flash else 0
            out.ram += size if in_ram else 0
            continue
        match = _INPUT.match(line)
        if not match or not (in_flash or in_ram):
            continue
        size = int(match[3], 16)
        if size and match[4]:
            out.add(group(match[4], board), size if in_flash else 0, size if in_ram else 0)
    rest = out.flash - sum(row[0] for row in out.groups.values()), out.ram - sum(row[1] for row in out.groups.values())
    out.add(_REST, *rest)
    return out


def _joined(body):
    """Lines, a long section name put together with its numbers on the next one. Behind the debug
    sections nothing counts."""
    before = ""
    for line in body.splitlines():
        if line.startswith(".debug"):
            return
        if before:
            line, before = before + line, ""
        elif re.fullmatch(r" ?\.\S+|[.]\S+", line):
            before = line
            continue
        yield line
