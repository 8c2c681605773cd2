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

    `debounce` equal samples, `sample_ms` apart, make a state: with 20 ms and 2 a car that goes from C to B is seen
    within 40 ms, which leaves 60 ms for the contactor (R-POWER-11). Samples that disagree with the state and with each
    other for twice as long make UNKNOWN: a bad contact must not keep C alive.

    state       debounced, UNKNOWN until the first samples agree; changed_at: tick of its last change
    raw         class of the last sample; high_mv, low_mv: its plateaus
    blind       the station itself puts out F, or did until just now: `state` is what it was before
    diode_ok    False from the DIODE event until A
    diode_seen  a good negative plateau since the car came: wait for it before a contactor closes
    duty        permille on the wire; duty_before: the one before; duty_since: tick of the change (R-LINK-04)
    longest_ms  longest gap between two samples since start()
    toggles     B-C-B toggles since count_toggles(); counting: their 3.7 s run
    """

    def __init__(self, front, sample_ms=20, debounce=2):
        self._front = front
        self._sample_ms = sample_ms
        self._debounce = debounce
        self._reset()
        self.due = None
        self.changed_at = self.duty_since = self._window_end = 0
        self.longest_ms = self._sampled_at = 0
        self.duty = self.duty_before = X1

    def _reset(self):
        self.state = self.raw = UNKNOWN
        self.high_mv = 0
        self.low_mv = None
        self.blind = False
        self.diode_ok = True
        self.diode_seen = False
        self.toggles = 0
        self.counting = False
        self._toggling = False
        self._same = self._away = self._mirrored = 0
        self._events = 0

    def start(self, now):
        """Begin with X1 on the wire."""
        self._reset()
        self._front.set_duty(X1)
        self.duty = self.duty_before = X1
        self.longest_ms = 0
        self.changed_at = self.duty_since = self.due = self._sampled_at = now

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
        self.due = ticks_add(now, self._sample_ms)
        gap_ms = ticks_diff(now, self._sampled_at)
        if gap_ms > self.longest_ms:
            self.longest_ms = gap_ms
        self._sampled_at = now
        if self.counting and ticks_diff(now, self._window_end) > 0:
            self.counting = False
            self._events |= COUNTED
        front = self._front
        front.sample()
        self.high_mv = front.high_mv
        self.low_mv = front.low_mv
        raw = classify(self.high_mv, self.state)
        if raw != self.raw:
            self._same = 0
        self.raw = raw
        if self.duty == 0:
            self._same = self._away = 0
            return
        if self._same < self._debounce:
            self._same += 1
        if self._same == self._debounce:
            self.blind = False
            self._away = 0
            if raw != self.state:
                self._go(raw, now)
        elif raw == self.state:
            self._away = 0
        elif self._away < 2 * self._debounce:
            self._away += 1
            if self._away == 2 * self._debounce and self.state != UNKNOWN:
                self._go(UNKNOWN, now)
        self._check_diode()

    def _check_diode(self):
        if self.low_mv is None or self.duty == X1 or not B <= self.raw <= D:
            return
        if not diode_missing(self.high_mv, self.low_mv):
            self._mirrored = 0
            self.diode_seen = True
        elif self._mirrored < self._debounce:
            self._mirrored += 1
            if self._mirrored == self._debounce and self.diode_ok:
                self.diode_ok = False
                self._events |= DIODE

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
            self._mirrored = 0
        self.state = state
        self.changed_at = now
        self._events |= CHANGED

    def event(self):
        """DIODE, CHANGED, COUNTED or 0 = nothing more; one code a call."""
        events = self._events
        code = DIODE if events & DIODE else events & -events
        self._events = events ^ code
        return code
