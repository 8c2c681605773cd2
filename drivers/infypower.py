"""What Infypower's DC modules have in common on CAN: identifiers, the pace of questions, silence,
the way to off. The two protocols are drivers/infypower_beg.py (both directions) and
drivers/infypower_reg.py (charging only).

Source: the public drivers of EVerest for both. 29 bits: source, destination << 8, command << 16,
device << 22 (0A: a single module), error << 26; 8 bytes, big-endian; the controller is F0. There
is no sender check, counter or checksum above CAN's own, so only whole frames from the module to the
controller count, and a measurement that cannot be is none.

A chip with two receive buffers stands below: at most two answers are under way. Nobody says whether
an accepted write is answered: it counts as a question whose answer is not waited for for long.

A module that went silent may still deliver until its own time-out ends it (`live`). After a fault
set() does nothing before off() was called: what goes on then is new, and not what was asked before.
"""

from drivers.mcp2515 import DOWN, OVERFLOW
from firmware.clock import sooner, ticks_add, ticks_diff
from micropython import const

# Faults, bits.
COMM = 1  # silent, or a frame was lost by overflow: nothing is known
CONVERTER = 2  # the module's own, or it does not do what it was told
OVERVOLT = 4
OVERTEMP = 8
GRID_LOST = 16  # its AC side

CONTROLLER = 0xF0
BROADCAST = 0x3F  # as `can_module`: the only one on the bus, whatever its address is
ZERO_MA = const(1000)  # its regulation keeps to 1 A
NEVER = const(1 << 29)

_SINGLE = const(0x0A)
_GAP_MS = const(40)  # between two frames; the known driver keeps 50
_BUSY_MS = const(10)
_READ_MS = const(120)  # a read is answered by then
_WRITE_MS = const(60)  # a write, if at all
_LIMIT_MS = const(500)
_OFF_MS = const(1500)  # it says off by then
_START_MS = const(10000)  # it says on by then
_SPARE_MS = const(1000)
_REFUSALS = const(4)  # in a row
_STARTING = const(7)  # error code: no refusal for good
_PLAUSIBLE_MV = const(1500000)
_PLAUSIBLE_MA = const(500000)
_COUNT_MASK = const(0x3FFFFFFF)

# Status of both protocols: (index in the eight bytes, bit, fault, words). What is not here is no
# fault: asleep, load sharing, walk-in, PFC off, and "communication interrupted", upon which the
# module goes off, which is seen.
_STATUS = (
    (7, 0x01, CONVERTER, "output short"),
    (7, 0x20, CONVERTER, "discharge abnormal"),
    (6, 0x02, CONVERTER, "module fault"),
    (6, 0x04, CONVERTER, "module protection"),
    (6, 0x08, CONVERTER, "fan"),
    (6, 0x10, OVERTEMP, "module too hot"),
    (6, 0x20, OVERVOLT, "output over-voltage"),
    (5, 0x02, CONVERTER, "two modules with one address"),
    (5, 0x08, GRID_LOST, "input phase lost"),
    (5, 0x10, GRID_LOST, "input unbalanced"),
    (5, 0x20, GRID_LOST, "input too low"),
    (5, 0x40, GRID_LOST, "input over-voltage"),
)


class Module:
    """A converter on the contract of boards/contract.py. can: drivers.mcp2515.Mcp2515, whose only
    user this is (it has to let in what accept() says). cfg: can_module, converter_silence_ms.

    The class of a protocol has _take(command, now) for what has come, _choose(now) -> ms for what
    goes out next, _fresh(now), and its limits.

    mv, ma (signed, positive into the car): at its terminals; faults: bits; why: the last one in
    words; on: what it says (None = unknown); ready: it answers, is off, has no fault; live: it may
    deliver, for all that is known. Counters: refused, strangers, bad (values that cannot be).
    """

    limit_ms = _LIMIT_MS  # of age_ms()
    min_mv = max_mv = 0
    max_charge_ma = max_discharge_ma = 0
    max_charge_w = max_discharge_w = 0

    def __init__(self, can, cfg, trace=None):
        self._can = can
        self._module = cfg["can_module"]
        self._silence_ms = cfg["converter_silence_ms"] + _SPARE_MS
        self._trace = trace
        self._buf = bytearray(8)
        self._ident = 0
        self.refused = self.strangers = self.bad = 0
        self.due = None
        self.why = ""
        self.mv = self.ma = 0
        self._blame = self._limp = 0  # until clear(); while its status says so
        self._lost = True
        self._want = self._armed = self._limited = False
        self._set_mv = self._set_ma = 0
        self._refusals = 0
        self._live_until = self._off_at = self._on_since = self._next_at = self._gap_until = None
        self._forget()

    def _forget(self):
        """What is known of the module, and what it was told, is nothing."""
        self.on = self._on_at = self._mv_at = self._ma_at = None
        self._source = None if self._module == BROADCAST else self._module
        self._told_on = self._told_mv = self._told_ma = self._zero_at = None
        self._open_1 = self._open_2 = None  # answers under way: until when
        self._turn = 0

    # -- the contract

    def start(self, now):
        self._can.start(now)
        self._forget()
        self._lost = True
        self._want = self._armed = False
        self._blame = self._limp = self._refusals = 0
        self._off_at = self.due = self._next_at = self._gap_until = now
        self._live_until = ticks_add(now, self._silence_ms)  # of a module that was on before us

    def off(self, now):
        """Block it: the frame leaves with this call when the bus is free, else with a poll soon,
        before all others."""
        self._armed = True
        self._stop(now)
        if self._told_on is not False and self.due is not None:
            self._send(now)

    def _stop(self, now):
        if self._want:
            self._want = False
            self._off_at = self.due = now
            self._told_on = None

    def set(self, mv, ma, now):
        """Deliver at most `mv` with at most `ma`; with a negative `ma` take that much while the
        voltage is above `mv`. It goes on when `ready`. False: it cannot, or there was a fault since
        the last off(): it is off."""
        if self.faults or not self._armed or mv < self.min_mv or (ma < 0 and not self.max_discharge_ma):
            self._stop(now)
            return False
        if not self._want:
            if self.on is not False:
                return False
            self._want = True
            self._on_since = now
            self._told_on = None
        self._set_mv = mv if mv < self.max_mv else self.max_mv
        self._set_ma = max(-self.max_discharge_ma, min(ma, self.max_charge_ma))
        return True

    def clear(self, now):
        """Forget what the module was blamed for; its own faults go when it says so. True: none is
        left."""
        self._blame = self._refusals = 0
        return not self.faults

    @property
    def faults(self):
        return self._blame | self._limp | (COMM if self._lost else 0)

    @property
    def ready(self):
        return not self.faults and self.on is False

    @property
    def live(self):
        return self._live_until is not None

    def age_ms(self, now):
        """Of the older one of `mv` and `ma`; NEVER when one is not known."""
        if self._mv_at is None or self._ma_at is None:
            return NEVER
        return max(ticks_diff(now, self._mv_at), ticks_diff(now, self._ma_at))

    @property
    def can_charge_w(self):
        return 0 if self.faults else self._now_w(self.max_charge_w)

    @property
    def can_discharge_w(self):
        return 0 if self.faults else self._now_w(self.max_discharge_w)

    def counters(self):
        """[(name, value)] since boot."""
        names = ("refused", "strangers", "bad")
        return self._can.counters() + [("converter." + name, getattr(self, name)) for name in names]

    def poll(self, now):
        can = self._can
        can.poll(now)
        code = can.event()
        while code:
            if code == DOWN:
                self._lose("CAN: off the bus", now)
            elif code == OVERFLOW:
                self._lose("CAN: a frame found no room", now)
            code = can.event()
        while can.recv():
            self._receive(now)
        self._watch(now)
        self._send(now)
        self.due = sooner(can.due, self._next_at)

    # -- what comes

    def _receive(self, now):
        ident = self._can.ident
        source = ident & 0xFF
        if ident >> 8 & 0xFF != CONTROLLER:
            self.strangers = self.strangers + 1 & _COUNT_MASK
            return
        if self._source is None:
            self._source = source
        if source != self._source:
            self.strangers = self.strangers + 1 & _COUNT_MASK
            if self._module == BROADCAST:
                self._accuse("more than one module answers", now)
            return
        self._live_until = ticks_add(now, self._silence_ms)
        if self._open_1 is not None:
            self._open_1 = None
        else:
            self._open_2 = None
        error = ident >> 26 & 7
        if not error:
            self._take(ident >> 16 & 0x3F, now)
            return
        self.refused = self.refused + 1 & _COUNT_MASK
        if error != _STARTING:
            self._refusals += 1
            if self._refusals == _REFUSALS:
                self._accuse("refuses what it is told", now)

    def _measured_mv(self, mv, now):
        if 0 <= mv <= _PLAUSIBLE_MV:
            self.mv = mv
            self._mv_at = now
            return
        self.bad = self.bad + 1 & _COUNT_MASK

    def _measured_ma(self, ma, now):
        if -_PLAUSIBLE_MA <= ma <= _PLAUSIBLE_MA:
            self.ma = ma
            self._ma_at = now
            return
        self.bad = self.bad + 1 & _COUNT_MASK

    def _status(self, data, now):
        faults = 0
        for i, bit, fault, words in _STATUS:
            if data[i] & bit:
                if not self._limp & fault and not faults & fault:
                    self._say(words, now)
                faults |= fault
        self._limp = faults
        self._limited = bool(data[5] & 0x01)
        on = not data[6] & 0x01
        if self._want and self.on and not on and self._told_on:
            self._accuse("went off by itself", now)
        self.on = on
        self._on_at = now

    # -- what does not come

    def _watch(self, now):
        if self._lost:
            if self._fresh(now):
                self._lost = False
                self._off_at = now
                self._told_on = None
                self._say("answers", now)
        elif not self._fresh(now):
            self._lose("silent", now)
        if self._want:
            if not self.on and ticks_diff(now, self._on_since) >= _START_MS:
                self._accuse("does not go on", now)
            if self.faults:
                self._armed = False
                self._stop(now)
        elif self.on and self._off_at is not None and ticks_diff(now, self._off_at) >= _OFF_MS:
            # It was asked for its status since, or it would have been lost.
            self._accuse("does not go off", now)
            self._off_at = now
        if not self._want and self._told_on is False and self.on is False:
            self._off_at = None
            self._live_until = None
        elif self._live_until is not None and ticks_diff(now, self._live_until) >= 0:
            self._live_until = None

    def _fresh(self, now):
        return (
            self.age_ms(now) <= _LIMIT_MS and self._on_at is not None and ticks_diff(now, self._on_at) <= 2 * _LIMIT_MS
        )

    def _lose(self, why, now):
        if not self._lost:
            self._say(why, now)
        self._lost = True
        self._forget()

    def _accuse(self, why, now):
        if not self._blame & CONVERTER:
            self._say(why, now)
        self._blame |= CONVERTER

    def _say(self, why, now):
        self.why = why
        if self._trace is not None:
            self._trace.note(now, "converter: " + why)

    # -- what goes out

    def _send(self, now):
        can = self._can
        if not can.up:
            self._next_at = None
            return
        urgent = not self._want and self._told_on is not False
        if self._open_1 is not None and ticks_diff(now, self._open_1) >= 0:
            self._open_1 = None
        if self._open_2 is not None and ticks_diff(now, self._open_2) >= 0:
            self._open_2 = None
        if not urgent and ticks_diff(now, self._gap_until) < 0:
            self._next_at = self._gap_until
            return
        if not urgent and self._open_1 is not None and self._open_2 is not None:
            self._next_at = sooner(self._open_1, self._open_2)
            return
        if not can.idle:
            self._next_at = ticks_add(now, _BUSY_MS)
            return
        until = ticks_add(now, _READ_MS if self._choose(now) else _WRITE_MS)
        can.send(self._ident, self._buf, now)
        if self._open_1 is None:
            self._open_1 = until
        else:
            self._open_2 = until
        self._gap_until = self._next_at = ticks_add(now, _GAP_MS)

    def _address(self, command):
        self._ident = CONTROLLER | self._module << 8 | command << 16 | _SINGLE << 22

    def _zero(self, now):
        """No current flows, by a measurement that was asked for after 0 A was commanded."""
        if self._told_ma != 0 or self._ma_at is None or ticks_diff(self._ma_at, self._zero_at) < _READ_MS:
            return False
        return -ZERO_MA < self.ma < ZERO_MA

    def _tell_ma(self, ma, now):
        if ma == 0 and self._told_ma != 0:
            self._zero_at = now
        self._told_ma = ma


def put_u32(buf, at, value):
    buf[at] = value >> 24
    buf[at + 1] = value >> 16 & 0xFF
    buf[at + 2] = value >> 8 & 0xFF
    buf[at + 3] = value & 0xFF


def get_u32(buf, at):
    """A number below 2**29, or -1 for what is bigger: no measurement of these modules is."""
    if buf[at] & 0xE0:
        return -1
    return buf[at] << 24 | buf[at + 1] << 16 | buf[at + 2] << 8 | buf[at + 3]
