"""UF2, the file that boot loaders with a drive take: blocks of 512 bytes, each with its address and
the family of its chip.

Source: the UF2 specification; for the checksum of the second-stage boot loader the RP2040 data
sheet, 2.8.1.3.
"""

import struct

from host_tools.board.flash import BadImage

_BLOCK = struct.Struct("<8I476sI")
_MAGIC = (0x0A324655, 0x9E5D5157, 0x0AB16F30)
_NOT_MAIN_FLASH = 0x00000001
_FAMILY_PRESENT = 0x00002000
_PAYLOAD = 256  # the boot ROM of the RP2040 takes no other
FLASH_AT = 0x10000000
_FLASH_END = FLASH_AT + 16 * 1024 * 1024
_BOOT2 = 256
SECTOR = 4096

RP2040 = 0xE48BFF56
RP2350 = 0xE48BFF59
_ANY_RP2 = 0xE48BFF57  # blocks that a boot ROM skips: they stand in for an erratum of the RP2350
# What people have lying about; any other family is named by its number.
FAMILIES = {
    RP2040: "RP2040",
    RP2350: "RP2350 (Arm)",
    0xE48BFF5A: "RP2350 (RISC-V)",
    0x1C5F21B0: "ESP32",
    0xBFDD4EEE: "ESP32-S2",
    0xC47E5767: "ESP32-S3",
    0xD42BA06C: "ESP32-C3",
    0x540DDF62: "ESP32-C6",
    0x68ED2B88: "SAMD21",
    0x55114460: "SAMD51",
    0xADA52840: "nRF52840",
    0x57755A57: "STM32F4",
}


def family_name(family):
    """Words for a family id."""
    if family is None:
        return "a chip that it does not name"
    return FAMILIES.get(family, "UF2 family 0x%08x" % family)


def is_uf2(data):
    return len(data) >= 8 and struct.unpack_from("<2I", data) == _MAGIC[:2]


def parse(data):
    """(family or None, [(address, bytes)]): what a UF2 writes, neighbours joined, by address.
    BadImage if it is damaged."""
    if len(data) % 512:
        raise BadImage(
            "this UF2 ends inside of block %d" % (len(data) // 512), "the file is not complete: copy or build it again"
        )
    families = {}
    for at in range(0, len(data), 512):
        m0, m1, flags, address, size, number, total, family, payload, m2 = _BLOCK.unpack_from(data, at)
        if (m0, m1, m2) != _MAGIC:
            raise BadImage("block %d of this UF2 is damaged" % (at // 512), "copy or build the file again")
        if flags & _NOT_MAIN_FLASH:
            continue
        if size > 476:
            raise BadImage("block %d of this UF2 says that it has %d bytes" % (at // 512, size))
        key = family if flags & _FAMILY_PRESENT else None
        families.setdefault(key, []).append((number, total, address, payload[:size]))
    families.pop(_ANY_RP2, None)
    if len(families) != 1:
        names = ", ".join(sorted(family_name(key) for key in families)) or "nothing"
        raise BadImage("this UF2 is for %s; one for a single chip is needed" % names)
    family, blocks = families.popitem()
    totals = {total for _, total, _, _ in blocks}
    numbers = sorted(number for number, _, _, _ in blocks)
    if len(totals) != 1 or numbers != list(range(totals.pop())):
        raise BadImage("this UF2 has not each of its blocks once", "the file is not complete: copy or build it again")
    parts = []
    for _, _, address, payload in sorted(blocks, key=lambda block: block[2]):
        if parts and parts[-1][0] + len(parts[-1][1]) > address:
            raise BadImage("this UF2 writes address 0x%08x twice" % address)
        if parts and parts[-1][0] + len(parts[-1][1]) == address:
            parts[-1][1].extend(payload)
        else:
            parts.append((address, bytearray(payload)))
    return family, [(address, bytes(part)) for address, part in parts]


def boot2_checksum(first):
    """What the RP2040's boot ROM demands behind the first 252 bytes: CRC-32, polynomial 04C11DB7,
    not reflected."""
    crc = 0xFFFFFFFF
    for byte in first[:252]:
        crc ^= byte << 24
        for _ in range(8):
            crc = (crc << 1 ^ 0x04C11DB7 if crc & 0x80000000 else crc << 1) & 0xFFFFFFFF
    return crc


def boot2_good(first):
    return len(first) >= _BOOT2 and struct.unpack_from("<I", first, 252)[0] == boot2_checksum(first)


def check_rp2040(parts):
    """BadImage for what the boot ROM would take and the chip would not run."""
    for address, data in parts:
        if address % _PAYLOAD or len(data) % _PAYLOAD:
            raise BadImage("this UF2 has blocks that are not %d bytes at %d" % (_PAYLOAD, _PAYLOAD))
        if not (address >= FLASH_AT and address + len(data) <= _FLASH_END):
            raise BadImage("this UF2 writes 0x%08x, which is no flash of an RP2040" % address)
    if parts[0][0] != FLASH_AT or not boot2_good(parts[0][1]):
        raise BadImage(
            "this UF2 has no valid boot sector: an RP2040 would not start from it", "build it again: make firmware"
        )


def build(parts, family):
    """UF2 of [(address, bytes)], lengths in multiples of 256."""
    blocks = [
        (address + at, data[at : at + _PAYLOAD]) for address, data in parts for at in range(0, len(data), _PAYLOAD)
    ]
    out = bytearray()
    for number, (address, payload) in enumerate(blocks):
        fields = (_FAMILY_PRESENT, address, _PAYLOAD, number, len(blocks), family, payload)
        out += _BLOCK.pack(_MAGIC[0], _MAGIC[1], *fields, _MAGIC[2])
    return bytes(out)


def with_rest_erased(parts, flash_size):
    """The parts, and all that is not in them as 0xff: a boot ROM has no order to erase, but an
    erased sector can be written."""
    end = FLASH_AT + flash_size
    out, at = [], FLASH_AT
    for address, data in [*parts, (end, b"")]:
        if address > at:
            out.append((at, b"\xff" * (address - at)))
        if data:
            out.append((address, data))
        at = max(at, address + len(data))
    return out
