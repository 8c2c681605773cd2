"""Parameter block (PIB) of a modem, as its host can read it with VS_MODULE_OPERATION.

Layouts from open-plc-utils of Qualcomm: the block lies in a chain of images, each behind a header
of 96 bytes. The settings of the role are at fixed places of the block itself (docbook, SLAC
configuration).

    header   major 2, minor 2, 12 bytes, length 4, checksum 4, 4 bytes, next 4, previous 4, type 4, ..., checksum 4 (at 92)
    request  (from byte 20) 4 | number of operations 1 | operation 2, length 2, 4, module 2, sub 2, length 2, offset 4
    answer   status 2, 2, 4 | the same from `number of operations` on | data

All numbers little-endian. Checksums: the 32-bit words together, and the checksum, give all ones.
"""

CCO_AT = 0xF4  # CCoSelection: 0 automatic, 1 never, 2 always coordinator of its network
SLAC_AT = 0x1653  # SLAC_EnableMode: 0 off, 1 vehicle, 2 station
NEVER = 1
ALWAYS = 2

_HEADER = 96
_MANIFEST = 0x0E
_PIB = 0x0F
_PARAMETERS = 0x7002  # module
_READ = 0
_SIZE = 0x2000  # bytes of the block
_MOST = 1400  # bytes of one read


def _words(*values):
    return b"".join([bytes((v & 0xFF, v >> 8 & 0xFF, v >> 16 & 0xFF, v >> 24 & 0xFF)) for v in values])


def _sum(data):
    """The four bytes that make the exclusive or of all words of data, and of themselves, all
    ones."""
    lanes = [0xFF] * 4
    for i in range(len(data)):
        lanes[i & 3] ^= data[i]
    return bytes(lanes)


class Pib:
    """pev: a vehicle's settings. cco, slac: the two bytes; reading them by others than answer() is
    not foreseen. flat: without the chain of images, as older firmware has it. manifest: bytes of
    the image in front of it."""

    def __init__(self, pev):
        self.cco = self.slac = NEVER if pev else ALWAYS
        self.flat = False
        self.manifest = 320
        self.refuse = False  # answer with a status other than 0

    def answer(self, frame):
        """Body, from byte 20, of the answer to a request."""
        kind = frame[25] | frame[26] << 8
        module = frame[33] | frame[34] << 8
        n = frame[37] | frame[38] << 8
        at = frame[39] | frame[40] << 8 | frame[41] << 16
        if self.refuse or frame[24] != 1 or kind != _READ or module != _PARAMETERS or not 0 < n <= _MOST:
            return b"\x10\x00" + bytes(6) + frame[24:43]
        data = self._read(at, n)
        return bytes(8) + frame[24:37] + bytes((len(data) & 0xFF, len(data) >> 8)) + frame[39:43] + data

    def _parts(self):
        """[(bytes, or None for the block itself, size)] one behind the other."""
        if self.flat:
            return [(None, _SIZE)]
        block = _HEADER + self.manifest
        manifest = b"\x08\x00\x00\x00" + bytes(self.manifest - 4)
        sparse = bytearray(4)  # the words of the block that are not 0, as one
        sparse[CCO_AT & 3] ^= self.cco
        sparse[SLAC_AT & 3] ^= self.slac
        return [
            (_header(_MANIFEST, self.manifest, _sum(manifest), block, 0xFFFFFFFF), _HEADER),
            (manifest, self.manifest),
            (_header(_PIB, _SIZE, _sum(sparse), 0xFFFFFFFF, 0), _HEADER),
            (None, _SIZE),
        ]

    def _read(self, at, n):
        out = bytearray()
        for data, size in self._parts():
            if at < size and len(out) < n:
                out += self._block(at, min(size - at, n - len(out))) if data is None else data[at : at + n - len(out)]
                at = 0
            else:
                at = max(0, at - size)
        return bytes(out)

    def _block(self, at, n):
        data = bytearray(n)
        for place, value in ((CCO_AT, self.cco), (SLAC_AT, self.slac)):
            if at <= place < at + n:
                data[place - at] = value
        return data


def _header(kind, length, checksum, following, before):
    head = b"\x01\x00\x01\x00" + bytes(12) + _words(length) + checksum + _words(0, following, before, kind) + bytes(52)
    return head + _sum(head)
