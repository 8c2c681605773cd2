"""Control pilot of IEC 61851-1: what the car says by loading the line, what the station says by its
duty.

A front end (drivers/pilot_adc.py on hardware, twin.pilot as a model) hands in:

    sampling            "sync", "peak" or "free": how it finds the plateaus
    set_duty(permille)  1000 = steady +12 V (X1), 0 = steady -12 V (F), between = 1 kHz PWM; 50 = 5 %
    sample()            measure once, fills high_mv and low_mv
    high_mv, low_mv     mV at the pilot contact; low_mv is None when there is no negative plateau
"""

from firmware.clock import ticks_add, ticks_diff
from micropython import const

# States. Only the positive plateau says which (IEC 61851-1, table A.4).
UNKNOWN = const(0)  # between or outside of the bands: line, car or station is broken
A = const(1)  # no car, 12 V
B = const(2)  # car, 9 V
C = const(3)  # car ready, 6 V
D = const(4)  # car ready and wants ventilation, 3 V
E = const(5)  # 0 V: pilot shorted to earth, or station without supply
F = const(6)  # steady -12 V

STATE_NAMES = ("?", "A", "B", "C", "D", "E", "F")

# Events.
CHANGED = const(1)  # `state` is another one
DIODE = const(2)  # the car's diode is missing: no charging until it has been unplugged
COUNTED = const(4)  # `toggles` is the number of the window

X1 = const(1000)  # permille: steady +12 V
FIVE_PERCENT = const(50)  # permille: digital communication

# B-C-B toggles (ISO 15118-3, validation): 200..400 ms and 3.5 s in the standard; 50 ms more on each
# side, 0.2 s in all, because both ends of a half are seen through samples.
_HALF_MIN_MS = const(150)
_HALF_MAX_MS = const(450)
_WINDOW_MS = const(3700)
# Two bad samples with less than this of clean ones between them take the readiness away, and this
# long without a bad one gives it (R-POWER-15): longer than any bouncing that a contact of 50 ms
# would follow.
_CLEAN_MS = const(100)
_CLEAN = const(3)  # samples; a pause of the firmware is not clean


def classify(mv, last):
    """State of one reading in mV. Between two bands lies a gap of 1 V where the state `last` lives
    on if it is a neighbour (IEC 61851-1, table A.4)."""
    if mv > 7000:
        if mv > 13000:
            return UNKNOWN
        if mv >= 11000 or (mv > 10000 and last == A):
            return A
        if mv >= 8000 or A <= last <= B:
            return B
        return C
    if mv > 2000:
        if mv >= 5000 or (mv > 4000 and A <= last <= C):
            return C
        return D
    if mv >= -1000 or (mv > -2000 and last == E):
        return E
    if mv < -13000:
        return UNKNOWN
    if mv <= -11000 or (mv < -10000 and last == F):
        return F
    return UNKNOWN


def diode_missing(high_mv, low_mv):
    """True when the negative plateau is loaded as the positive one is: it mirrors it to 1.2 V, or
    does not reach -10 V. Means something with PWM on and a car in B, C or D (IEC 61851-1, annex A).
    """
    return high_mv + low_mv >= -1200 or low_mv > -10000


def duty_permille(amps_x10):
    """Duty that offers a current in 0.1 A (IEC 61851-1, table A.7); 1000, no charging, below 5.9 A
    and above 80 A.

    Rounded down, so that the offer is never above the limit; 51 to 52.5 A has no code of its own
    and is offered as 51 A.
    """
    if amps_x10 < 59 or amps_x10 > 800:
        return X1
    if amps_x10 <= 61:
        return 100
    if amps_x10 <= 510:
        return amps_x10 * 10 // 6
    if amps_x10 <= 525:
        return 850
    return 640 + amps_x10 * 4 // 10


def amps_x10(permille):
    """What a car may draw at a duty, in 0.1 A (IEC 61851-1, table A.8); 0 = nothing. At 5 % the
    message says it: 0 here."""
    if permille < 80 or permille > 970:
        return 0
    if permille <= 100:
        return 60
    if permille <= 850:
        return permille * 6 // 10
    if permille <= 960:
        return (permille - 640) * 25 // 10
    return 800


class Pilot:
    """Debounced state of the line, and the only way to its duty.

    Samples of one class that span `sample_ms` * (`debounce` - 1) make a state: with 20 ms and 2 a car that goes from C to
    B is seen within 40 ms. Samples that disagree with the state and with each other for three times as long
    make UNKNOWN. In C and D samples are `live_ms` apart: 10 where no hardware watches the line too.

    `ready` does not wait for samples that agree. Whatever is no C or D, or has no diode, is a bad sample, bad ones of
    any kind count together, and two of them end it: with 10 ms within 20 ms of a step and within 30 ms of a contact
    that bounces at half time, which leaves 50 ms for the contactor (R-POWER-11, R-POWER-15). One alone is noise.

    state       debounced, UNKNOWN until the first samples agree; changed_at: tick of its last change
    ready       the car may be energised: C or D, and no doubt for 100 ms
    raw         class of the last sample; high_mv, low_mv: its plateaus; sampled_at: its tick
    blind       the station itself puts out F, or did until just now: `state` is what it was before
    diode_ok    False from the DIODE event until A
    diode_seen  a good negative plateau since the car came: wait for it before a contactor closes
    duty        permille on the wire; duty_before: the one before; duty_since: tick of the change (R-LINK-04)
    longest_ms  longest gap between two samples since start()
    toggles     B-C-B toggles since count_toggles(); counting: their 3.7 s run
    """

    def __init__(self, front, sample_ms=20, debounce=2, live_ms=None):
        self._front = front
        self._sample_ms = sample_ms
        self._live_ms = live_ms or sample_ms
        self._settle_ms = sample_ms * (debounce - 1)
        self._unclear_ms = sample_ms * (2 * debounce - 1)
        self._reset()
        self.due = None
        self.changed_at = self.duty_since = self._window_end = 0
        self.longest_ms = self.sampled_at = 0
        self.duty = self.duty_before = X1

    def _reset(self):
        self.state = self.raw = UNKNOWN
        self.high_mv = 0
        self.low_mv = None
        self.blind = False
        self.ready = False
        self.diode_ok = True
        self.diode_seen = False
        self.toggles = 0
        self.counting = False
        self._toggling = False
        # Ticks of the first of the samples that agree, that are away from the state, and that have
        # no diode; of the last bad one.
        self._same_at = self._away_at = self._mirrored_at = self._bad_at = None
        self._clean = 0  # good samples since then
        self._events = 0

    def start(self, now):
        """Begin with X1 on the wire."""
        self._reset()
        self._front.set_duty(X1)
        self.duty = self.duty_before = X1
        self.longest_ms = 0
        self.changed_at = self.duty_since = self.due = self.sampled_at = self._bad_at = now

    def set_duty(self, permille, now):
        """Put a duty on the wire, 0..1000 permille; ValueError outside. The same one again is not a
        change."""
        if permille < 0 or permille > 1000:
            raise ValueError("duty")
        if permille == self.duty:
            return
        self._front.set_duty(permille)
        self.duty_before = self.duty
        self.duty = permille
        self.duty_since = now
        if permille == 0:
            self.blind = True

    def count_toggles(self, now):
        """Begin to count B-C-B toggles (R-LINK-18), for 3.7 s.

        One counts when its C half, and the B half before it, last 150..450 ms; the B before the
        first is free.
        """
        self.toggles = 0
        self.counting = True
        self._toggling = False
        self._window_end = ticks_add(now, _WINDOW_MS)

    def poll(self, now):
        """Take a sample when one is due."""
        if self.due is None or ticks_diff(now, self.due) < 0:
            return
        gap_ms = ticks_diff(now, self.sampled_at)
        if gap_ms > self.longest_ms:
            self.longest_ms = gap_ms
        self.sampled_at = now
        if self.counting and ticks_diff(now, self._window_end) > 0:
            self.counting = False
            self._events |= COUNTED
        front = self._front
        front.sample()
        self.high_mv = front.high_mv
        self.low_mv = front.low_mv
        raw = classify(self.high_mv, self.state)
        if raw != self.raw:
            self._same_at = None
        self.raw = raw
        if self.duty == 0:
            self._same_at = self._away_at = None
            self._doubt(False, now)
        else:
            self._settle(raw, now)
            self._doubt(self._diode(now) and C <= raw <= D, now)
        live = self.ready or C <= self.state <= D
        self.due = ticks_add(now, self._live_ms if live else self._sample_ms)

    def _settle(self, raw, now):
        """The debounced state."""
        if self._same_at is None:
            self._same_at = now
            settled = self._settle_ms == 0
        else:
            settled = ticks_diff(now, self._same_at) >= self._settle_ms
        if settled:
            self.blind = False
            self._away_at = None
            if raw != self.state:
                self._go(raw, now)
        elif raw == self.state:
            self._away_at = None
        elif self._away_at is None:
            self._away_at = now
        elif ticks_diff(now, self._away_at) >= self._unclear_ms and self.state != UNKNOWN:
            self._go(UNKNOWN, now)

    def _doubt(self, good, now):
        """What a sample does to `ready`."""
        if good:
            self._clean += 1
        if self._bad_at is not None and self._clean >= _CLEAN and ticks_diff(now, self._bad_at) >= _CLEAN_MS:
            self._bad_at = None
        if not good:
            if self._bad_at is not None:
                self.ready = False
            self._bad_at = now
            self._clean = 0
        elif self._bad_at is None and C <= self.state <= D:
            self.ready = True

    def _diode(self, now):
        """False when this sample has no diode in it; for _settle_ms without one it is an event."""
        if self.low_mv is None or self.duty == X1 or not B <= self.raw <= D:
            return True
        if not diode_missing(self.high_mv, self.low_mv):
            self._mirrored_at = None
            self.diode_seen = True
            return True
        if self._mirrored_at is None:
            self._mirrored_at = now
        if ticks_diff(now, self._mirrored_at) >= self._settle_ms and self.diode_ok:
            self.diode_ok = False
            self._events |= DIODE
        return False

    def _go(self, state, now):
        if self.counting:
            half_ms = ticks_diff(now, self.changed_at)
            fits = _HALF_MIN_MS <= half_ms <= _HALF_MAX_MS
            if self.state == C and state == B and self._toggling and fits:
                self.toggles += 1
            self._toggling = self.state == B and state == C and (fits or self.toggles == 0)
        if state == A:
            self.diode_ok = True
            self.diode_seen = False
            self._mirrored_at = None
        self.state = state
        self.changed_at = now
        self._events |= CHANGED

    def event(self):
        """DIODE, CHANGED, COUNTED or 0 = nothing more; one code a call."""
        events = self._events
        code = DIODE if events & DIODE else events & -events
        self._events = events ^ code
        return code
