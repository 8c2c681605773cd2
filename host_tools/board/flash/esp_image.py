"""Images of the ESP32 family: boot loader, partition table and application, alone or merged into
one file.

Source: Espressif's "Firmware Image Format" and "Partition Tables". Chips and their offsets come
from esptool.
"""

import hashlib
import struct

from host_tools.board.flash import BadImage

MAGIC = 0xE9
_HEADER = struct.Struct("<BBBBIB3sHBHH4sB")
TABLE_AT = 0x8000  # flash address of the partition table, as every image of MicroPython has it
_TABLE_MAX = 0xC00
_ENTRY = struct.Struct("<HBBII16sI")
_ENTRY_MAGIC = 0x50AA
_MD5_MAGIC = b"\xeb\xeb" + b"\xff" * 14
_APP_DESCRIPTION = struct.pack("<I", 0xABCD5432)
_SIZES = {0: 1, 1: 2, 2: 4, 3: 8, 4: 16, 5: 32, 6: 64, 7: 128}  # MB of flash by the header's code


class Part:
    """One image with a header of its own. chip: number of the chip; size: bytes; flash_mb: the
    flash that it was made for."""

    def __init__(self, chip, size, flash_mb, app, version):
        self.chip = chip
        self.size = size
        self.flash_mb = flash_mb
        self.app = app
        self.version = version


def part(data, at=0):
    """The image that begins at `at`; BadImage if its checksum or hash does not fit."""
    if len(data) < at + _HEADER.size or data[at] != MAGIC:
        raise BadImage("there is no image of the ESP32 family at 0x%x of the file" % at)
    fields = _HEADER.unpack_from(data, at)
    segments, size_code, chip, hashed = fields[1], fields[3] >> 4, fields[7], fields[12]
    if not 1 <= segments <= 16:
        raise BadImage("the image header says %d segments" % segments)
    place, checksum, app, version = at + _HEADER.size, 0xEF, False, ""
    for number in range(segments):
        if place + 8 > len(data):
            raise BadImage("the file ends inside of the image", "copy or build the file again")
        length = struct.unpack_from("<I", data, place + 4)[0]
        body = data[place + 8 : place + 8 + length]
        if len(body) != length:
            raise BadImage("the file ends inside of the image", "copy or build the file again")
        if number == 0 and body[:4] == _APP_DESCRIPTION:
            app, version = True, body[16:48].split(b"\0")[0].decode("ascii", "replace")
        for byte in body:
            checksum ^= byte
        place += 8 + length
    place = at + ((place - at) | 15)  # the checksum is the last byte of a line of 16
    if place >= len(data) or data[place] != checksum:
        raise BadImage("the checksum of the image does not fit", "copy or build the file again")
    place += 1
    if hashed and data[place : place + 32] != hashlib.sha256(data[at:place]).digest():
        raise BadImage("the SHA-256 of the image does not fit", "copy or build the file again")
    return Part(chip, place + (32 if hashed else 0) - at, _SIZES.get(size_code, 0), app, version)


def table(data, at=0):
    """[(name, type, subtype, offset, size)] of a partition table, None if there is none; BadImage
    if its MD5 is wrong."""
    out, place = [], at
    while place + 32 <= min(len(data), at + _TABLE_MAX):
        line = data[place : place + 32]
        if line[:16] == _MD5_MAGIC:
            if hashlib.md5(data[at:place]).digest() != line[16:]:
                raise BadImage("the MD5 of the partition table does not fit", "copy or build the file again")
            return out
        magic, kind, sub, offset, size, name, _ = _ENTRY.unpack(line)
        if magic != _ENTRY_MAGIC:
            break
        out.append((name.split(b"\0")[0].decode("ascii", "replace"), kind, sub, offset, size))
        place += 32
    return out or None


def app_partition(entries):
    """(offset, size) of where the application of a whole image goes: `factory`, else the first
    one."""
    apps = sorted((sub, offset, size) for _, kind, sub, offset, size in entries or () if kind == 0)
    return apps[0][1:] if apps else None


class EspImage:
    """chip: number; base: flash address of the file, None = the application's partition on the
    chip; whole: with boot loader and partition table; entries: its partitions; flash_mb: the flash
    that it was made for."""

    def __init__(self, chip, base, whole, entries, flash_mb, version):
        self.chip = chip
        self.base = base
        self.whole = whole
        self.entries = entries
        self.flash_mb = flash_mb
        self.version = version


def chips():
    """{number: (name, flash address of the boot loader)} of what esptool knows."""
    from esptool.targets import CHIP_DEFS

    known = [cls for cls in CHIP_DEFS.values() if cls.IMAGE_CHIP_ID is not None]
    return {cls.IMAGE_CHIP_ID: (cls.CHIP_NAME, cls.BOOTLOADER_FLASH_OFFSET) for cls in known}


def parse(data):
    """EspImage of a file that is an image, or a merged one; BadImage tells what is wrong with
    it."""
    start = 0
    while start < len(data) and data[start] == 0xFF and start < TABLE_AT:
        start += 0x1000  # merged from address 0 on: the chips whose boot loader lies higher have 0xff before it
    first = part(data, start)
    known = chips()
    if first.chip not in known:
        raise BadImage("this image is for a chip of the ESP32 family that is not known here (number %d)" % first.chip)
    name, boot_at = known[first.chip]
    if first.app:
        if start:
            raise BadImage("an application stands at 0x%x of the file, where a boot loader belongs" % start)
        return EspImage(first.chip, None, False, None, first.flash_mb, first.version)
    base = boot_at - start
    if base < 0:
        raise BadImage("the boot loader stands at 0x%x of the file; an %s wants it at 0x%x" % (start, name, boot_at))
    entries = table(data, TABLE_AT - base)
    place = app_partition(entries)
    if place is None:
        raise BadImage("this is a boot loader alone, without partition table and application", "flash the merged image")
    app = part(data, place[0] - base)
    if app.chip != first.chip:
        raise BadImage("boot loader and application of this image are for different chips")
    if app.size > place[1]:
        raise BadImage("the application has %d bytes, its partition %d" % (app.size, place[1]))
    return EspImage(first.chip, base, True, entries, first.flash_mb, app.version)
