"""AC stage: a meter on the bus, the contactor is Power's."""

from drivers.eastron import Eastron
from drivers.modbus import Bus
from firmware.clock import ticks_add
from firmware.stage.ac import AcStage
from firmware.stage.faults import COMM, METER, REVERSE
from firmware.stage.words import AC, CURRENT, ENERGY, FAULT, INSULATION, LINES, OFF, OUT, RUN
from tests.lib.mtest import eq
from twin.eastron import EastronModel
from twin.rtu import Port

T0 = ticks_add(0, -300)


class Rig:
    def __init__(self, export="free"):
        self.now = T0
        self.port = Port(9600, "none")
        self.model = self.port.add(EastronModel())
        bus = Bus(self.port, None, 9600, "none")
        self.meter = Eastron(1)
        bus.add(self.meter)
        self.stage = AcStage({"ac_phases": 3, "export": export, "meter_id": "SDM-1"}, self.meter, bus)
        self.port.poll(self.now)
        self.stage.start(self.now)

    def run(self, ms, command=None):
        for _ in range(ms // 5):
            self.now = ticks_add(self.now, 5)
            self.port.poll(self.now)
            if command:
                command()
            self.stage.poll(self.now)
        return self

    def charging(self, watts=(2000, 2000, 2000)):
        self.run(1500)
        self.stage.close(self.now)
        self.model.load(watts)
        return self.run(2000, lambda: self.stage.ac(10000, 10000, 10000, 0, self.now))


def test_what_it_is():
    rig = Rig().run(2000)
    caps = rig.stage.caps
    eq((caps.kind, caps.phases, caps.has_meter, caps.has_out, caps.meter_id), (AC, 3, True, False, "SDM-1"))
    eq((rig.stage.state, rig.stage.faults, rig.stage.closed), (OFF, 0, None))
    eq((rig.stage.age_ms(OUT, rig.now), rig.stage.age_ms(INSULATION, rig.now)), (None, None))


def test_lines_are_those_of_the_meter_both_ways():
    rig = Rig().charging((2000, 0, -1000))
    s = rig.stage
    eq((list(s.l_w), s.w, s.state), ([2000, 0, -1000], 1000, RUN))
    assert s.l_ma[0] > 8000 and s.l_ma[2] < -4000 and s.meter_ok
    for source in (CURRENT, LINES, ENERGY):
        assert s.age_ms(source, rig.now) <= s.caps.limit_ms[source], source


def test_registers_count_each_way():
    rig = Rig().charging((20000, 20000, 20000))
    first = rig.stage.charged_wh
    rig.run(4000, lambda: rig.stage.beat(rig.now))
    assert rig.stage.charged_wh >= first + 50
    rig.model.load((-20000, 0, 0))
    before = rig.stage.discharged_wh
    rig.run(4000, lambda: rig.stage.beat(rig.now))
    assert rig.stage.discharged_wh >= before + 10


def test_a_silent_meter_is_no_answer_and_ages_grow():
    rig = Rig().charging()
    rig.model.silent = True
    assert dict(rig.stage.counters())["bus.timeouts"] == 0
    rig.run(2500, lambda: rig.stage.beat(rig.now))
    assert rig.stage.faults & COMM and dict(rig.stage.counters())["bus.timeouts"] > 2
    for source in (CURRENT, LINES):
        assert rig.stage.age_ms(source, rig.now) > rig.stage.caps.limit_ms[source], source


def test_a_strange_meter_is_a_meter_fault():
    rig = Rig().charging()
    rig.model.not_a_number = True
    rig.run(1500, lambda: rig.stage.beat(rig.now))
    assert rig.stage.faults & METER and not rig.stage.meter_ok


def test_a_meter_wired_the_other_way_round_is_found_by_charging_first():
    """Each start begins with charging alone, where export is allowed too: the wrong sign is REVERSE."""
    rig = Rig()
    rig.model.reversed = True
    rig.charging()
    rig.run(1500, lambda: rig.stage.ac(10000, 10000, 10000, 0, rig.now))
    assert rig.stage.faults & REVERSE and rig.stage.faults & METER
    assert "meter_swapped" in rig.meter.words()[0][1]


def test_power_out_of_the_car_is_no_wrong_sign_once_it_was_asked_for():
    rig = Rig().charging()
    rig.model.load((-2000, -2000, -2000))
    rig.run(3000, lambda: rig.stage.ac(-10000, -10000, -10000, 0, rig.now))
    rig.run(3000, lambda: rig.stage.ac(10000, 10000, 10000, 0, rig.now))  # the car is slow to follow
    eq((rig.stage.faults, rig.stage.w), (0, -6000))
    rig.stage.off(rig.now)
    rig.run(1000)
    rig.run(3000, lambda: rig.stage.ac(10000, 10000, 10000, 0, rig.now))  # another start
    assert rig.stage.faults & REVERSE


def test_a_station_without_export_never_takes_it_for_right():
    rig = Rig("no").charging()
    rig.model.load((-2000, -2000, -2000))
    rig.run(3000, lambda: rig.stage.ac(-10000, -10000, -10000, 0, rig.now))
    assert rig.stage.faults & REVERSE


def test_the_lease():
    rig = Rig().charging()
    rig.run(250)
    eq(rig.stage.state, RUN)
    rig.run(200)
    eq((rig.stage.state, rig.stage.faults), (FAULT, COMM))
    rig.run(300, lambda: rig.stage.ac(0, 0, 0, 0, rig.now))
    eq(rig.stage.state, FAULT)  # not by itself
    rig.stage.off(rig.now)
    rig.run(100)
    eq((rig.stage.state, rig.stage.faults), (OFF, 0))


def test_direct_current_is_none_of_its():
    rig = Rig().run(500)
    rig.stage.test(500000, 1000, rig.now)
    eq(rig.stage.test_result, 2)
