"""What parts on a Modbus bus share: when they ask next, how old their readings are, what is wrong
with them, and numbers as such parts send them."""

from drivers.modbus import EXCEPTIONS
from firmware.clock import ticks_add, ticks_diff
from micropython import const

# Faults of a part, bits. The last three stay until clear().
SILENT = const(1)
REFUSES = const(2)
STRANGE = const(4)
INVALID = const(8)
DEVICE = const(16)
SETTINGS = const(32)
UNITS = const(64)
SIGN = const(128)
ENERGY = const(256)
LATCHED = const(448)

# (bit, what it means, what to do)
FAULT_WORDS = (
    (
        SILENT,
        "no valid answer",
        "is it supplied, are A and B not exchanged, is its address right, has it the bus_baud and bus_parity of the station?",
    ),
    (REFUSES, "answers that it does not know what it was asked for", "another part or an older type has this address"),
    (STRANGE, "its answers are not those of the configured part", "another part has this address; or its settings are not as delivered"),
    (INVALID, "says that its own reading is not valid", "look at the display of the part; are its measuring lines connected?"),
    (DEVICE, "reports an error of itself", "read the error at the part; replace it if it stays"),
    (SETTINGS, "does not keep the settings that were written", "are its settings locked?"),
    (UNITS, "its power or energy is not the product of its volts and amperes", "another unit (W, kW) or ratio of a transformer is set in it"),
    (SIGN, "measures power out of the car while only charging is allowed", "set meter_swapped if it is wired the other way round, then clear"),
    (ENERGY, "an energy register fell", "it was replaced or reset: note both readings, then clear"),
)  # fmt: skip

_SILENT_MAX_MS = const(2000)  # between two tries of a part that does not answer
_EXPONENT_1 = const(150)  # biased exponent of a float whose 24 bits count ones


def _denormal(high, low):
    """No instrument measures that; two exchanged words look so."""
    return not high & 0x7F80 and (high & 0x7F or low)


def milli(high, low):
    """1000 times an IEEE float of two registers, rounded, or None when that is no number below
    2**20. Without a float: those take memory on a 32-bit target."""
    shift = _EXPONENT_1 - (high >> 7 & 0xFF)
    if shift < 4 or _denormal(high, low):
        return None
    top = (high << 6 & 0x1FC0 | 0x2000) + (low >> 10)  # 14 bits of the 24, and the other 10
    bits = (low & 0x3FF) * 1000
    if shift > 40:
        value = 0
    elif shift < 10:
        value = (top * 1000 << 10 - shift) + (bits >> shift)
    else:
        value = top * 1000 + (bits >> 10)
        if shift > 10:
            value = value + (1 << shift - 11) >> shift - 10
    return -value if high & 0x8000 else value


def whole(high, low):
    """An IEEE float of two registers without its fraction, or None when that is no number below
    2**30."""
    shift = _EXPONENT_1 - (high >> 7 & 0xFF)
    if shift < -6 or _denormal(high, low):
        return None
    value = (high & 0x7F | 0x80) << 16 | low
    value = value >> shift if shift > 0 else value << -shift
    return -value if high & 0x8000 else value


class Part:
    """faults: bits. wish: when it wants to ask, for the bus. due: tick of the next poll.

    at: when the question was sent whose answer is the reading in hand; age_ms(now) counts from
    there, so a reading is never older than its age says.
    """

    limit_ms = 1000  # without an answer: SILENT

    def __init__(self, name, address, trace=None):
        self.name = name
        self.address = address
        self.faults = 0
        self.wish = self.due = self.at = None
        self.refused = 0  # the last exception code
        self._trace = trace
        self._quiet = 0  # failed questions in a row
        self._heard_at = 0

    def start(self, now):
        """Begin anew: nothing is known of the part."""
        self.faults = 0
        self.at = None
        self._quiet = 0
        self._heard_at = now
        self.wish = now
        self.due = ticks_add(now, self.limit_ms + 1)

    def poll(self, now):
        """Has it been heard in time?"""
        if self.due is None or ticks_diff(now, self.due) < 0:
            return
        if ticks_diff(now, self._heard_at) > self.limit_ms:
            self._heard_at = ticks_add(now, -self.limit_ms - 1)  # the tick wraps
            self.at = None
            self._fault(SILENT, True, now)
            self.due = ticks_add(now, self.limit_ms)
        else:
            self.due = ticks_add(self._heard_at, self.limit_ms + 1)

    def clear(self, now):
        """Forget the faults that stay; True when none is left."""
        self.faults &= ~LATCHED
        return not self.faults

    def age_ms(self, now):
        """Of the reading, None: there is none."""
        return None if self.at is None else ticks_diff(now, self.at)

    def words(self):
        """[(what is wrong, what to do)] of the faults that stand."""
        return [(what, remedy) for bit, what, remedy in FAULT_WORDS if self.faults & bit]

    # -- for the bus

    def failed(self, request, why, now):
        """A question found no answer, or an exception (why - EXCEPTIONS)."""
        if why >= EXCEPTIONS:
            self._answered(now)  # it is there, and says no
            self.refused = why - EXCEPTIONS
            self._fault(REFUSES, True, now)
        if self._quiet < 5:
            self._quiet += 1
        # A part that is away must not take the time of the others.
        self.wish = ticks_add(now, min(_SILENT_MAX_MS, 100 << self._quiet))

    def _answered(self, now):
        """It is there, whatever it said."""
        self._quiet = 0
        self._heard_at = now
        if self.due is not None:
            self.due = ticks_add(now, self.limit_ms + 1)
        self._fault(SILENT, False, now)

    def _fault(self, bits, on, now):
        """Set or take back faults, and say what is new."""
        old = self.faults
        self.faults = old | bits if on else old & ~bits
        if self.faults != old and self._trace is not None:
            for bit, what, _ in FAULT_WORDS:
                if (self.faults ^ old) & bit:
                    self._trace.note(now, self.name + (": " if on else " no more: ") + what)
