"""Which known part answers at which speed, parity and address of a Modbus RTU line; and its address,
speed and parity set anew where its maker says how.

A small master that waits, for a person at a desk: the firmware's never waits (drivers/modbus.py).
"""

import struct
import time

SPEEDS = (9600, 19200, 38400, 4800, 2400, 115200)
PARITIES = ("N", "E", "O")
_NAMES = {"N": "none", "E": "even", "O": "odd"}
_LATE_S = 0.06  # from the end of the question to the first character of the answer
_GAP_S = 0.02


def _crc(data):
    value = 0xFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ 0xA001 if value & 1 else value >> 1
    return struct.pack("<H", value)


class Refused(Exception):
    """The part answered with an exception; its code is the argument."""


class Master:
    """end: ends.Port."""

    def __init__(self, end, baud, parity):
        self.end = end
        self.use(baud, parity)

    def use(self, baud, parity):
        self.end.set(baud, parity)
        self._char_s = (10 if parity == "N" else 11) / baud
        time.sleep(_GAP_S)

    def ask(self, body, size):
        """Body of the answer (address and function in front), or None. size: of a whole answer."""
        self.end.read()
        frame = body + _crc(body)
        self.end.write(frame)
        end = time.monotonic() + len(frame) * self._char_s + _LATE_S
        got = b""
        while time.monotonic() < end:
            data = self.end.read()
            if data:
                got += data
                end = max(end, time.monotonic() + 0.03 + size * self._char_s)
                # An adapter may hear itself: what was sent is not the answer.
                answer = got[len(frame) :] if got.startswith(frame) and len(got) > len(frame) else got
                whole = 5 if len(answer) > 1 and answer[1] & 0x80 else size
                if (
                    len(answer) >= whole
                    and answer[: whole - 2]
                    and _crc(answer[: whole - 2]) == answer[whole - 2 : whole]
                ):
                    time.sleep(_GAP_S)
                    if answer[0] != body[0] or answer[1] & 0x7F != body[1]:
                        return None
                    if answer[1] & 0x80:
                        raise Refused(answer[2])
                    return answer[: whole - 2]
            time.sleep(0.001)
        return None

    def read(self, address, function, register, count):
        """Words, or None without an answer. Raises Refused."""
        answer = self.ask(struct.pack(">BBHH", address, function, register, count), 5 + 2 * count)
        if answer is None or answer[2] != 2 * count:
            return None
        return list(struct.unpack(">%dH" % count, answer[3:]))

    def anybody(self, address):
        """Does anything answer at all? An exception counts too."""
        for function in (3, 4):
            try:
                if self.read(address, function, 0, 2) is not None:
                    return True
            except Refused:
                return True
        return False

    def write(self, address, register, words):
        """True: done. Raises Refused."""
        head = struct.pack(">BBHHB", address, 16, register, len(words), 2 * len(words))
        return self.ask(head + struct.pack(">%dH" % len(words), *words), 8) is not None


def _real(words, at=0):
    return struct.unpack(">f", struct.pack(">HH", words[at], words[at + 1]))[0]


def _bender(master, address):
    words = master.read(address, 3, 9800, 10)
    name = b"".join(struct.pack(">H", word) for word in words).decode("ascii", "replace").strip() if words else ""
    return "bender", "insulation monitor Bender " + name if name.lower().startswith(("isocha", "isoev")) else ""


def _eastron(master, address):
    words = master.read(address, 4, 0x46, 2)
    hz = _real(words) if words else 0
    words = master.read(address, 4, 0, 2)
    volts = _real(words) if words else 0
    ok = words and 40 <= hz <= 70 and 50 <= volts <= 500
    return "eastron", f"AC meter Eastron, {volts:.1f} V at L1, {hz:.2f} Hz" if ok else ""


def _acrel(master, address):
    words = master.read(address, 3, 0, 20)
    if not words or words[1] > 6 or words[3] > 6 or words[9] > 9:
        return "acrel", ""
    volts = words[0] * 10.0 ** (words[1] - 3)
    amps = (words[2] - (words[2] >> 15 << 16)) * 10.0 ** (words[3] - 3)
    return "acrel", f"DC meter Acrel, {volts:.1f} V, {amps:+.2f} A"


KINDS = (_bender, _eastron, _acrel)


def identify(master, address):
    """(kind, text) of what answers at an address, ("?", text) for a stranger, None: nobody."""
    if not master.anybody(address):
        return None
    for kind in KINDS:
        try:
            name, text = kind(master, address)
        except Refused:
            continue
        if text:
            return name, text
    return "?", "answers, and is none of the known parts"


def scan(end, speeds, parities, addresses, tell):
    """Yield (baud, parity, address, kind, text) of everything that answers. tell(text): progress."""
    master = None
    for baud in speeds:
        for parity in parities:
            master = master or Master(end, baud, parity)
            master.use(baud, parity)
            for address in addresses:
                tell(f"{baud} baud, parity {_NAMES[parity]}, address {address}")
                found = identify(master, address)
                if found:
                    yield baud, parity, address, *found


# -- setting: registers of Eastron's manuals (SDM72D-M V1.5, SDM630 V2), floats in two registers
_E_PARITY, _E_ADDRESS, _E_BAUD = 0x0012, 0x0014, 0x001C
_E_BAUDS = {2400: 0, 4800: 1, 9600: 2, 19200: 3, 38400: 4}
_E_PARITIES = {"N": 0, "E": 1, "O": 2}

BY_HAND = {
    "bender": "Bender isoCHA425HV: address, speed and parity are set in its own menu, or with the maker's tool; as delivered "
    "19200 baud, parity even, address 3. Set bus_baud 19200 and bus_parity even, and the meters to the same.",
    "acrel": "Acrel DJSF1352-RN: address, speed and parity are set with the keys at the meter; no source says by which registers.",
}


def set_eastron(master, address, new_address=None, baud=None, parity=None):
    """Write what is not None, one register after the other, the speed last; a list of what was done.
    Raises Refused, ValueError."""
    if baud is not None and baud not in _E_BAUDS:
        raise ValueError("an Eastron has the speeds " + ", ".join(str(n) for n in _E_BAUDS))
    done = []
    for value, register, text in (
        (None if parity is None else _E_PARITIES[parity], _E_PARITY, f"parity {_NAMES.get(parity)}"),
        (None if baud is None else _E_BAUDS[baud], _E_BAUD, f"{baud} baud"),
        (new_address, _E_ADDRESS, f"address {new_address}"),
    ):
        if value is not None:
            words = struct.unpack(">HH", struct.pack(">f", float(value)))
            if not master.write(address, register, words):
                raise ValueError(f"no answer when {text} was written; find it again before anything else is set")
            done.append(text)
    return done
