"""drivers/proximity.py: ratings of the type 2 plug (IEC 61851-1, annex B)."""

from drivers.proximity import CHANGED, FAULT, NO_PLUG, OPEN_OHM, Proximity, classify, ohm
from firmware.clock import ticks_add
from tests.lib.mtest import eq
from twin.pilot import PlugResistor

T0 = ticks_add(0, -300)


class Plug:
    def __init__(self, ohms):
        self.resistor = PlugResistor(ohms)
        self.proximity = Proximity(self.resistor)
        self.proximity.start(T0)
        self.now = T0

    def samples(self, n, ohms=None):
        """n samples, of another resistor if one is given; the events of them."""
        if ohms is not None:
            self.resistor.ohm = ohms
        events = []
        for _ in range(n):
            self.now = self.proximity.due
            self.proximity.poll(self.now)
            events.append(self.proximity.event())
        return [e for e in events if e]


def test_bands_and_their_edges():
    for r, rating_a in (
        (0, FAULT),
        (74, FAULT),
        (75, 63),
        (100, 63),
        (149, 63),
        (150, 32),
        (220, 32),
        (329, 32),
        (330, 20),
        (680, 20),
        (999, 20),
        (1000, 13),
        (1500, 13),
        (2199, 13),
        (2200, NO_PLUG),
        (OPEN_OHM, NO_PLUG),
    ):
        eq((r, classify(r)), (r, rating_a))


def test_resistance_of_a_voltage():
    for mv, r in (
        (-20, 0),
        (0, 0),
        (300, 100),
        (1650, 1000),
        (1980, 1500),
        (3299, OPEN_OHM),
        (3300, OPEN_OHM),
        (4000, OPEN_OHM),
    ):
        eq((mv, ohm(mv, 3300, 1000)), (mv, r))
    eq(ohm(2500, 5000, 330), 330)


def test_every_plug_through_the_divider():
    for ohms, rating_a in ((10, FAULT), (100, 63), (220, 32), (680, 20), (1500, 13), (None, NO_PLUG), (4700, NO_PLUG)):
        for percent in (95, 100, 105):
            plug = Plug(None if ohms is None else ohms * percent // 100)
            eq((ohms, plug.samples(3), plug.proximity.rating_a), (ohms, [CHANGED], rating_a))


def test_nothing_is_said_before_three_samples_agree():
    plug = Plug(220)
    eq(plug.proximity.rating_a, None)
    eq((plug.samples(2), plug.proximity.rating_a), ([], None))
    eq((plug.samples(1), plug.proximity.rating_a), ([CHANGED], 32))
    eq(plug.now, ticks_add(T0, 100))


def test_samples_are_50_ms_apart():
    plug = Plug(220)
    plug.proximity.poll(T0)
    eq(plug.proximity.due, ticks_add(T0, 50))
    plug.resistor.ohm = 100
    seen = plug.proximity.ohm
    plug.proximity.poll(ticks_add(T0, 49))
    eq(plug.proximity.ohm, seen)
    plug.proximity.poll(ticks_add(T0, 50))
    assert plug.proximity.ohm != seen


def test_contact_bounce_is_no_plug():
    plug = Plug(220)
    plug.samples(3)
    for ohms in (10, 1500, 100, 4700):
        eq(plug.samples(2, ohms), [])
        eq(plug.samples(1, 220), [])
    eq(plug.proximity.rating_a, 32)


def test_rating_is_kept_within_10_percent_of_its_band():
    for nominal, inside, outside, other in (
        (220, 355, 375, 20),
        (220, 140, 130, 63),
        (680, 1080, 1120, 13),
        (100, 70, 64, FAULT),
        (1500, 2390, 2450, NO_PLUG),
    ):
        plug = Plug(nominal)
        plug.samples(3)
        eq((inside, plug.samples(5, inside)), (inside, []))
        eq((outside, plug.samples(3, outside), plug.proximity.rating_a), (outside, [CHANGED], other))


def test_unplugged():
    plug = Plug(220)
    plug.samples(3)
    plug.resistor.ohm = None
    eq((plug.samples(3), plug.proximity.rating_a), ([CHANGED], NO_PLUG))


def test_start_again_forgets():
    plug = Plug(220)
    plug.samples(3)
    plug.proximity.start(plug.now)
    eq((plug.proximity.rating_a, plug.proximity.event()), (None, 0))
    eq(plug.samples(2), [])


def test_not_started_does_nothing():
    proximity = Proximity(None)
    proximity.poll(T0)
    eq((proximity.rating_a, proximity.due), (None, None))
