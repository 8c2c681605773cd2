"""The ROM loader of an ESP32, ESP32-C3 or ESP32-S3 behind a pseudo terminal, for the real esptool.

Source: Espressif's "Serial Protocol" page and the technical reference manuals (SPI controller,
eFuses); the numbers here are not taken from esptool. Modelled: SLIP frames, checksums, registers
that are read for telling the chip, the SPI controller as far as flash commands go, a NOR flash
(erased to 0xff by sectors, programming clears bits only), the baud rate of both ends, and a flasher
stub: its code is received and checked like any, then its commands are answered by this model.

Faults: see Faults.
"""

import contextlib
import hashlib
import os
import select
import struct
import termios
import threading
import tty
import zlib

from tests.lib.patience import LIMIT_S

SECTOR = 4096

_END, _ESC = 0xC0, 0xDB
# Requests.
FLASH_BEGIN, FLASH_DATA, FLASH_END, MEM_BEGIN, MEM_END, MEM_DATA, SYNC, WRITE_REG, READ_REG = range(2, 11)
SPI_SET_PARAMS, SPI_ATTACH, READ_FLASH_SLOW, CHANGE_BAUD, DEFL_BEGIN, DEFL_DATA, DEFL_END, MD5, SECURITY = (
    0x0B, 0x0D, 0x0E, 0x0F, 0x10, 0x11, 0x12, 0x13, 0x14,
)  # fmt: skip
ERASE_FLASH, ERASE_REGION, READ_FLASH, RUN_USER = 0xD0, 0xD1, 0xD2, 0xD3
# Errors, in the second byte of the status.
_INVALID_MESSAGE, _RUN_FAILED, _BAD_CHECKSUM, _BAD_DEFLATE, _BAD_RAM = 0x05, 0x06, 0x07, 0x0B, 0x0F

_SPI_USER, _SPI_RDID, _SPI_SFDP = 1 << 18, 0x9F, 0x5A
_BAUDS = {getattr(termios, "B%d" % rate): rate for rate in (57600, 115200, 230400, 460800, 921600)}


class Chip:
    """One chip. number: as in image headers, None for one without the security request; magic: word
    at 0x40001000. spi: base of the SPI controller; words: {register: value} at reset; usr2, w0:
    offsets in the controller."""

    def __init__(self, name, number, magic, spi, usr2, w0, words, security=True):
        self.name = name
        self.number = number
        self.magic = magic
        self.spi = spi
        self.usr2 = usr2
        self.w0 = w0
        self.words = words
        self.security = security


CHIPS = {
    # eFuse block 1 of the S3 and the C3: MAC 02:4d:56:32:00:01 in its first two words
    "esp32s3": Chip(
        "ESP32-S3", 9, 9, 0x60002000, 0x20, 0x58,
        {0x60007044: 0x56320001, 0x60007048: 0x0000024D, 0x60004038: 0x08},
    ),
    "esp32c3": Chip(
        "ESP32-C3", 5, 0x1B31506F, 0x60002000, 0x20, 0x58,
        {0x60008844: 0x56320001, 0x60008848: 0x0000024D},
    ),
    "esp32": Chip(
        "ESP32", 0, 0x00F01D83, 0x3FF42000, 0x24, 0x80,
        # MAC; divider of the UART at 115200; clock of 8 MHz and its calibration, from which the
        # crystal has 40 MHz
        {0x3FF5A004: 0x56320001, 0x3FF5A008: 0x0000024D, 0x3FF40014: 347, 0x3FF5A010: 32, 0x3FF5F06C: 3200 << 7},
        security=False,
    ),
}  # fmt: skip


class Faults:
    """deaf: answers nothing. damage: numbers of flash blocks that arrive with a wrong bit, each as
    often as it stands here. unplug_after: flash blocks after which the port is gone. worn: flash
    addresses of which a bit stays 0. max_baud: above that, what arrives is noise."""

    def __init__(self, deaf=False, damage=(), unplug_after=None, worn=(), max_baud=None):
        self.deaf = deaf
        self.damage = list(damage)
        self.unplug_after = unplug_after
        self.worn = worn
        self.max_baud = max_baud


class Unplugged(Exception):
    pass


class RomLoader:
    """The loader itself: packet(bytes) -> answers. flash: its content; erased, written: how often
    something of it was."""

    def __init__(self, chip="esp32s3", faults=None, flash_mb=8):
        self.chip = CHIPS[chip]
        self.faults = faults or Faults()
        self.flash = bytearray(b"\xff") * (flash_mb << 20)
        self._id = 0xEF | 0x40 << 8 | (flash_mb.bit_length() + 19) << 16
        self.words = {0x40001000: self.chip.magic, **self.chip.words}
        self.erased = self.written = self.blocks = self.rejected = 0
        self.attached = self.stub = False
        self.baud = None  # found by the first SYNC
        self.next_baud = None
        self._ram = {}
        self._mem_at = self._at = self._left = 0
        self._inflate = None

    # -- flash ---------------------------------------------------------------

    def erase(self, at, n):
        end = -(-(at + n) // SECTOR) * SECTOR
        at -= at % SECTOR
        self.flash[at:end] = b"\xff" * (end - at)
        self.erased += (end - at) // SECTOR

    def program(self, at, data):
        old = int.from_bytes(self.flash[at : at + len(data)], "little")
        new = old & int.from_bytes(data, "little")  # programming clears bits and sets none
        self.flash[at : at + len(data)] = new.to_bytes(len(data), "little")
        for place in self.faults.worn:
            if at <= place < at + len(data):
                self.flash[place] &= 0xFE
        self.written += len(data)

    # -- requests ------------------------------------------------------------

    def packet(self, p):
        """Answers (bytes without SLIP) to one request."""
        if len(p) < 8 or p[0] != 0:
            return []
        _, op, size, checksum = struct.unpack_from("<BBHI", p)
        body = bytearray(p[8:])
        if self.faults.deaf or len(body) != size:
            return []
        if op == SYNC:
            return [self._answer(op, value=0 if self.stub else 0x20120707)] * 8
        if op in (FLASH_DATA, DEFL_DATA):
            if self.faults.unplug_after is not None and self.blocks >= self.faults.unplug_after:
                raise Unplugged
            number = struct.unpack_from("<I", body, 4)[0]
            if number in self.faults.damage:
                self.faults.damage.remove(number)
                body[16 + number % 64] ^= 0x10
        if op in (FLASH_DATA, DEFL_DATA, MEM_DATA):
            got = 0xEF
            for byte in body[16:]:
                got ^= byte
            if got != checksum & 0xFF:
                self.rejected += 1
                return [self._answer(op, error=_BAD_CHECKSUM)]
        handler = _HANDLERS.get(op) or (_STUB_HANDLERS.get(op) if self.stub else None)
        if handler is None or (op == SECURITY and not self.chip.security):
            return [self._answer(op, error=_INVALID_MESSAGE)]
        return handler(self, op, bytes(body))

    def _answer(self, op, data=b"", value=0, error=0):
        status = bytes((1 if error else 0, error)) + (b"" if self.stub else b"\0\0")
        return struct.pack("<BBHI", 1, op, len(data) + len(status), value) + data + status

    def _ok(self, op, body):
        return [self._answer(op)]

    def _read_reg(self, op, body):
        return [self._answer(op, value=self.words.get(struct.unpack("<I", body)[0], 0))]

    def _write_reg(self, op, body):
        for at in range(0, len(body) - 15, 16):
            register, value, mask, _ = struct.unpack_from("<4I", body, at)
            self.words[register] = (self.words.get(register, 0) & ~mask) | (value & mask)
            if register == self.chip.spi and value & _SPI_USER:
                self._spi_command()
        return [self._answer(op)]

    def _spi_command(self):
        command = self.words.get(self.chip.spi + self.chip.usr2, 0) & 0xFF
        value = 0
        if command == _SPI_RDID and (self.attached or self.stub):
            value = self._id
        self.words[self.chip.spi + self.chip.w0] = value
        self.words[self.chip.spi] = 0  # the bit falls when the command is done

    def _security(self, op, body):
        return [self._answer(op, struct.pack("<IB7BII", 0, 0, *[0] * 7, self.chip.number, 0))]

    def _attach(self, op, body):
        self.attached = True
        return [self._answer(op)]

    def _change_baud(self, op, body):
        self.next_baud = struct.unpack_from("<I", body)[0]
        return [self._answer(op)]

    def _begin(self, op, body):
        size, blocks, _, at = struct.unpack_from("<4I", body)
        if not self.attached and not self.stub:
            return [self._answer(op, error=_RUN_FAILED)]
        if at + size > len(self.flash):
            return [self._answer(op, error=_RUN_FAILED)]
        self._at, self._left = at, blocks
        self._inflate = zlib.decompressobj() if op == DEFL_BEGIN else None
        if size:
            self.erase(at, size)
        return [self._answer(op)]

    def _data(self, op, body):
        size = struct.unpack_from("<I", body)[0]
        data = body[16 : 16 + size]
        if not self._left or (op == DEFL_DATA) != (self._inflate is not None):
            return [self._answer(op, error=_RUN_FAILED)]
        if self._inflate is not None:
            try:
                data = self._inflate.decompress(data)
            except zlib.error:
                return [self._answer(op, error=_BAD_DEFLATE)]
        self._left -= 1
        self.blocks += 1
        self.program(self._at, data)
        self._at += len(data)
        return [self._answer(op)]

    def _md5(self, op, body):
        at, size = struct.unpack_from("<2I", body)
        digest = hashlib.md5(self.flash[at : at + size])
        return [self._answer(op, digest.digest() if self.stub else digest.hexdigest().encode())]

    def _read_slow(self, op, body):
        at, size = struct.unpack_from("<2I", body)
        return [self._answer(op, bytes(self.flash[at : at + size]).ljust(64, b"\0"))]

    def _mem_begin(self, op, body):
        self._mem_at = struct.unpack_from("<I", body, 12)[0]
        self._ram[self._mem_at] = bytearray()
        return [self._answer(op)]

    def _mem_data(self, op, body):
        size = struct.unpack_from("<I", body)[0]
        self._ram[self._mem_at] += body[16 : 16 + size]
        return [self._answer(op)]

    def _mem_end(self, op, body):
        stay, entry = struct.unpack_from("<2I", body)
        answer = self._answer(op)
        if stay:
            return [answer]
        if not any(at <= entry < at + len(code) for at, code in self._ram.items()):
            return [self._answer(op, error=_BAD_RAM)]
        self.stub = True
        return [answer, b"OHAI"]

    def _erase_all(self, op, body):
        self.erase(0, len(self.flash))
        return [self._answer(op)]

    def _erase_region(self, op, body):
        self.erase(*struct.unpack_from("<2I", body))
        return [self._answer(op)]

    def _read_flash(self, op, body):
        at, size, block, _ = struct.unpack_from("<4I", body)
        data = bytes(self.flash[at : at + size])
        return [self._answer(op), *[data[i : i + block] for i in range(0, size, block)], hashlib.md5(data).digest()]


_HANDLERS = {
    READ_REG: RomLoader._read_reg, WRITE_REG: RomLoader._write_reg, SECURITY: RomLoader._security,
    SPI_ATTACH: RomLoader._attach, SPI_SET_PARAMS: RomLoader._ok, CHANGE_BAUD: RomLoader._change_baud,
    FLASH_BEGIN: RomLoader._begin, DEFL_BEGIN: RomLoader._begin, FLASH_DATA: RomLoader._data, DEFL_DATA: RomLoader._data,
    FLASH_END: RomLoader._ok, DEFL_END: RomLoader._ok, MD5: RomLoader._md5, READ_FLASH_SLOW: RomLoader._read_slow,
    MEM_BEGIN: RomLoader._mem_begin, MEM_DATA: RomLoader._mem_data, MEM_END: RomLoader._mem_end,
}  # fmt: skip
_STUB_HANDLERS = {
    ERASE_FLASH: RomLoader._erase_all, ERASE_REGION: RomLoader._erase_region, READ_FLASH: RomLoader._read_flash,
    RUN_USER: RomLoader._ok,
}  # fmt: skip


class Port:
    """`with Port(RomLoader(...)) as path:` the loader behind a pseudo terminal, served by a
    thread."""

    def __init__(self, rom):
        self.rom = rom
        self._master = self._slave = self._stop = None
        self._thread = None

    def __enter__(self):
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        self.path = os.ttyname(self._slave)
        self._stop = os.pipe()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        return self.path

    def __exit__(self, *_):
        os.write(self._stop[1], b"x")
        self._thread.join(LIMIT_S)
        for fd in (self._slave, *self._stop):
            with contextlib.suppress(OSError):
                os.close(fd)

    def _serve(self):
        packet, open_, escaped = bytearray(), False, False
        try:
            while True:
                ready, _, _ = select.select([self._master, self._stop[0]], [], [])
                if self._stop[0] in ready:
                    return
                for byte in self._heard(os.read(self._master, 4096)):
                    if byte == _END:
                        if open_ and packet:
                            self._send(self.rom.packet(bytes(packet)))
                        packet, open_, escaped = bytearray(), True, False
                    elif escaped:
                        packet.append({0xDC: _END, 0xDD: _ESC}.get(byte, byte))
                        escaped = False
                    elif byte == _ESC:
                        escaped = True
                    else:
                        packet.append(byte)
        except (Unplugged, OSError):
            pass
        finally:
            os.close(self._slave)
            os.close(self._master)

    def _heard(self, data):
        """Bytes as the loader hears them: noise where the two ends have different rates."""
        rate = _BAUDS.get(termios.tcgetattr(self._slave)[4])
        rom = self.rom
        if rom.baud is None or (rate == 115200 and not rom.stub and rom.next_baud is None and rom.baud != rate):
            rom.baud = rate  # the ROM measures the rate at the first bytes
        if rom.next_baud is not None:
            rom.baud, rom.next_baud = rom.next_baud, None
        if rate != rom.baud or (rom.faults.max_baud and rate > rom.faults.max_baud):
            return bytes(byte & 0x55 for byte in data)
        return data

    def _send(self, answers):
        for answer in answers:
            escaped = answer.replace(b"\xdb", b"\xdb\xdd").replace(b"\xc0", b"\xdb\xdc")
            os.write(self._master, b"\xc0" + escaped + b"\xc0")
