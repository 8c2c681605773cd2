"""Steps of the self-test on the modem: wires, clock, interrupt, firmware, role. A step is a
generator over app.selftest.SelfTest that yields milliseconds to wait."""

from codec import mme
from firmware.clock import ticks_diff
from micropython import const

CLOCKS_HZ = (1000000, 4000000, 8000000, 12000000)  # the chip takes 12 MHz

_SIGNATURE = const(0xAA55)
_READ_SIGNATURE = b"\xda\x00"
_START_MS = const(4000)  # of the chip after power-on
_READY_MS = const(5000)
# Sizes that the chip may be told; every bit both ways.
_PATTERNS = (0x0555, 0x0AAA, 0x0333, 0x0000, 0x0BFF, 0x0400, 0x00FF, 0x0800)
_ROUNDS = const(16)

_TRIES = const(3)
_ANSWER_MS = const(500)
_REQUESTS = const(8)

# Parameter block (open-plc-utils): a chain of images, each behind a header.
_PAGE = const(1400)  # bytes of one read, as the vendor's tool does it
_CHAIN = const(0x00010001)  # version of a header
_HEADER = const(96)
_IMAGE_LENGTH = const(16)
_IMAGE_TYPE = const(36)
_IMAGE_PIB = const(0x0F)
_FAR = const(60000)
_CCO = const(0x00F4)
_SLAC = const(0x1653)
_VEHICLE = const(1)
_STATION = const(2)


def _ones(n):
    count = 0
    while n:
        n &= n - 1
        count += 1
    return count


def spi(t):
    modem = t.board.modem
    if not hasattr(modem, "echo"):
        t.report("spi-none")
        return
    modem.stop(t.now)
    t.stopped = True
    own_hz = t.board.spi_hz(None)
    t.board.spi_hz(CLOCKS_HZ[0])
    begun = t.now
    while True:
        seen = [modem.signature() for _ in range(8)]
        if _SIGNATURE in seen:
            break
        if ticks_diff(t.now, begun) >= _START_MS:
            t.report(_no_answer(t.board, seen), ("signature", "%04X" % seen[-1], ""))
            return
        yield 100
    for hz in CLOCKS_HZ:
        real_hz = t.board.spi_hz(hz)
        errors = 0
        for _ in range(_ROUNDS):
            for value in _PATTERNS:
                errors += _ones(modem.signature() ^ _SIGNATURE) + _ones(modem.echo(value) ^ value)
            yield 1
        code = "spi-clock"
        if errors:
            code = "spi-errors" if real_hz <= own_hz else "spi-margin"
        bits = _ROUNDS * len(_PATTERNS) * 32
        t.report(code, ("clock", real_hz // 1000, "kHz"), ("errors", errors, "bit"), ("of", bits, "bit"))
    t.board.spi_hz(CLOCKS_HZ[0])
    modem.echo(0)
    t.board.spi_hz(None)
    t.stopped = False
    modem.start(t.now)


def _no_answer(board, seen):
    for _ in range(2):  # the first read after power-on may be wrong
        back = board.exchanged(_READ_SIGNATURE, 2)
    if back == b"\xaa\x55":
        return "spi-swapped"
    if seen[-1] in (0x0000, 0xFFFF) and seen.count(seen[-1]) == len(seen):
        return "spi-no-modem"
    if seen[-1] & 0x7FFF == _SIGNATURE >> 1 or seen[-1] & 0xFFFE == _SIGNATURE << 1 & 0xFFFE:
        return "spi-mode"
    return "spi-garbage"


def modem(t):
    if t.bad("spi"):
        t.report("modem-skip")
        t.failed.append("modem")
        return
    driver = t.board.modem
    begun = t.now
    while not driver.up and ticks_diff(t.now, begun) < _READY_MS:
        yield 20
    if driver.up:
        t.report("modem-up", ("after", ticks_diff(t.now, begun), "ms"))
    else:
        t.report("modem-stuck", ("resets", getattr(driver, "resets", 0), ""))


def _exchange(t, n, kind):
    """yield from it: the answer of type `kind` to the frame t.out[0:n], None if there is none."""
    t.want = kind
    for _ in range(_TRIES):
        t.got = None
        t.board.modem.send(t.out, n)
        for _ in range(_ANSWER_MS // 10):
            yield 10
            if t.got is not None:
                return t.got
    return None


def version(t):
    if t.bad("modem"):
        return
    t.loader = False
    frame = yield from _exchange(t, mme.version_req(t.out, t.board.mac), mme.VERSION_CNF)
    if frame is None:
        t.report("version-loader" if t.loader else "version-none")
        return
    n = min(frame[mme.VERSION_LENGTH], len(frame) - mme.VERSION_TEXT)
    name = "".join([chr(c) for c in frame[mme.VERSION_TEXT : mme.VERSION_TEXT + n] if 32 < c < 127 and c not in b",|="])
    t.mac = frame[mme.SOURCE : mme.SOURCE + 6]
    mac = ":".join(["%02x" % b for b in t.mac])
    t.report("version-ok", ("version", name, ""), ("mac", mac, ""))


def interrupt(t):
    driver = t.board.modem
    if t.bad("modem", "version") or not hasattr(driver, "edges"):
        return
    if driver.edges is None:
        t.report("int-none")
        return
    edges = driver.edges
    answers = 0
    for _ in range(_REQUESTS):
        frame = yield from _exchange(t, mme.version_req(t.out, t.board.mac), mme.VERSION_CNF)
        answers += frame is not None
    yield 20
    edges = driver.edges - edges
    code = "int-ok" if edges >= answers else "int-lossy" if edges else "int-open"
    t.report(code, ("edges", edges, ""), ("answers", answers, ""))


def others(t):
    """yield from it: how many answers of other modems came, for a car brings one. None: the own
    modem does not answer."""
    if t.mac is None:
        return None
    t.strangers = 0
    for _ in range(_TRIES):
        t.board.modem.send(t.out, mme.version_req(t.out, t.board.mac, mme.BROADCAST))
        yield 300
    return t.strangers


class _Refused(Exception):
    pass


class _Parameters:
    """Numbers out of the modem's parameters, read page by page."""

    def __init__(self, t):
        self._t = t
        self._page = None
        self._data = b""

    def number(self, at, size):
        """yield from it: little-endian number of `size` bytes at offset `at`; _Refused."""
        value = 0
        for i in range(size):
            page, place = divmod(at + i, _PAGE)
            if page != self._page:
                yield from self._fetch(page)
            if place >= len(self._data):
                raise _Refused
            value |= self._data[place] << 8 * i
        return value

    def _fetch(self, page):
        t = self._t
        frame = yield from _exchange(t, mme.module_req(t.out, t.board.mac, page * _PAGE, _PAGE), mme.MODULE_CNF)
        if frame is None or frame[mme.MODULE_MSTATUS] or frame[mme.MODULE_MSTATUS + 1]:
            raise _Refused
        at, length = mme.MODULE_OFFSET, mme.MODULE_LENGTH
        n = frame[length] | frame[length + 1] << 8
        if frame[at] | frame[at + 1] << 8 != page * _PAGE or n > len(frame) - mme.MODULE_DATA:
            raise _Refused
        self._page = page
        self._data = frame[mme.MODULE_DATA : mme.MODULE_DATA + n]

    def block(self):
        """yield from it: offset of the parameter block itself. Older firmware has it without the
        chain."""
        at = 0
        while at < _FAR:
            if (yield from self.number(at, 4)) != _CHAIN:
                if at:
                    break
                return 0
            if (yield from self.number(at + _IMAGE_TYPE, 4)) == _IMAGE_PIB:
                return at + _HEADER
            at += _HEADER + (yield from self.number(at + _IMAGE_LENGTH, 4))
        raise _Refused


def role(t):
    if t.bad("modem", "version"):
        return
    parameters = _Parameters(t)
    try:
        base = yield from parameters.block()
        cco = yield from parameters.number(base + _CCO, 1)
        slac = yield from parameters.number(base + _SLAC, 1)
    except _Refused:
        t.report("role-unread")
        return
    if slac == _VEHICLE:
        code = "role-pev"
    elif slac != _STATION:
        code = "role-factory"
    else:
        code = "role-evse" if cco == _STATION else "role-cco"
    t.report(code, ("CCoSelection", cco, ""), ("SLAC_EnableMode", slac, ""), ("block_at", base, ""))
