"""Proximity pilot of the type 2 plug: a resistor between PP and PE codes what the cable may carry
(IEC 61851-1, annex B).

CCS2 plugs carry 1500 ohm whatever their cable is for: with one, the rating says nothing about DC.
"""

from firmware.clock import ticks_add, ticks_diff

FAULT = -1  # shorted
NO_PLUG = 0

CHANGED = 1  # event: `rating_a` is another one

OPEN_OHM = 1000000  # anything from there on

# (below this many ohm, A). 680 ohm is 20 A in the table of the standard; some stations take it for
# 16 A.
_RATINGS = ((75, FAULT), (150, 63), (330, 32), (1000, 20), (2200, 13))


def classify(ohm):
    """Rating of the cable in A, FAULT or NO_PLUG."""
    for below, rating_a in _RATINGS:
        if ohm < below:
            return rating_a
    return NO_PLUG


def ohm(mv, supply_mv, pullup_ohm):
    """Resistance from PP to PE, of the voltage at PP behind a pull-up. OPEN_OHM at the supply and
    above it."""
    if mv <= 0:
        return 0
    if mv >= supply_mv:
        return OPEN_OHM
    return min(OPEN_OHM, mv * pullup_ohm // (supply_mv - mv))


class Proximity:
    """Debounced rating of the plugged cable.

    adc: has read_u16(); full_mv: what 65536 would be; supply_mv and pullup_ohm of the divider. A
    rating is kept while the resistance is within 10 % of its band, and needs `debounce` equal
    samples. rating_a: A, FAULT or NO_PLUG, None until the first samples agree. ohm: the last
    sample.
    """

    def __init__(self, adc, full_mv=3300, supply_mv=3300, pullup_ohm=1000, sample_ms=50, debounce=3):
        self._adc = adc
        self._full_mv = full_mv
        self._supply_mv = supply_mv
        self._pullup_ohm = pullup_ohm
        self._sample_ms = sample_ms
        self._debounce = debounce
        self.rating_a = self._raw = None
        self.ohm = OPEN_OHM
        self.due = None
        self._same = self._event = 0

    def start(self, now):
        self.rating_a = self._raw = None
        self._same = self._event = 0
        self.due = now

    def poll(self, now):
        """Take a sample when one is due."""
        if self.due is None or ticks_diff(now, self.due) < 0:
            return
        self.due = ticks_add(now, self._sample_ms)
        self.ohm = r = ohm(self._adc.read_u16() * self._full_mv >> 16, self._supply_mv, self._pullup_ohm)
        kept = self.rating_a
        if kept is not None and (classify(r * 10 // 11) == kept or classify(r * 11 // 10) == kept):
            rating_a = kept
        else:
            rating_a = classify(r)
        if rating_a != self._raw:
            self._same = 0
        self._raw = rating_a
        if self._same < self._debounce:
            self._same += 1
        if self._same == self._debounce and rating_a != kept:
            self.rating_a = rating_a
            self._event = CHANGED

    def event(self):
        """CHANGED or 0."""
        code = self._event
        self._event = 0
        return code
