"""Made-up images of the ESP32 family with valid headers, checksums and hashes; contents from a
seed."""

import hashlib
import random
import struct

TABLE_AT = 0x8000
APP_AT = 0x10000


def part(chip, size, seed, app=False, flash_code=3):
    """An image with one segment of about `size` bytes."""
    noise = random.Random(seed).randbytes(size // 2)
    body = (noise + b"\0" * size)[: size & ~3]  # half of it compresses
    if app:
        body = struct.pack("<I", 0xABCD5432) + bytes(12) + b"1.25.0-test".ljust(32, b"\0") + body[48:]
    head = struct.pack(
        "<BBBBIB3sHBHH4sB", 0xE9, 1, 2, flash_code << 4 | 0xF, 0x40374000, 0xEE, b"", chip, 0, 0, 99, b"", 1
    )
    data = head + struct.pack("<II", 0x3C000020, len(body)) + body
    checksum = 0xEF
    for byte in body:
        checksum ^= byte
    data += b"\0" * (15 - len(data) % 16) + bytes([checksum])
    return data + hashlib.sha256(data).digest()


def table(entries):
    """entries: [(name, type, subtype, offset, size)]."""
    out = b"".join(
        struct.pack("<HBBII16sI", 0x50AA, kind, sub, at, size, name.encode(), 0)
        for name, kind, sub, at, size in entries
    )
    return out + b"\xeb\xeb" + b"\xff" * 14 + hashlib.md5(out).digest()


ENTRIES = (("nvs", 1, 2, 0x9000, 0x6000), ("factory", 0, 0, APP_AT, 0x100000), ("vfs", 1, 0x81, 0x200000, 0x100000))


def merged(chip=9, boot_at=0, size=60000, seed=1, flash_code=3, entries=ENTRIES):
    """What a build of MicroPython calls firmware.bin: from the boot loader on."""
    out = bytearray(part(chip, 9000, seed, flash_code=flash_code))
    out = out.ljust(TABLE_AT - boot_at, b"\xff") + table(entries)
    out = out.ljust(APP_AT - boot_at, b"\xff") + part(chip, size, seed + 1, app=True, flash_code=flash_code)
    return bytes(out)
