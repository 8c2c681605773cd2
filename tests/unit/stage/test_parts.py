"""Bought parts made into one power stage, over their models: the contract of every stage, and what is
theirs alone."""

RUNTIMES = ("cpython", "unix")
SLOW = True

from drivers import infypower_beg, infypower_reg
from drivers.acrel import Acrel
from drivers.bender import Bender
from drivers.mcp2515 import Mcp2515
from drivers.modbus import Bus
from firmware.clock import ticks_add
from firmware.stage.faults import COMM, CONVERTER, IMD_ALARM, METER, REVERSE
from firmware.stage.parts import PartsStage
from firmware.stage.words import ENERGY, OUT, READY
from tests.lib.mtest import eq
from tests.lib.notes import Notes
from tests.lib.stage_contract import TOP_MV, Rig, failures
from twin.acrel import AcrelModel
from twin.bender import BenderModel
from twin.can_bus import CanBus
from twin.dc_line import DcLine
from twin.infypower import Beg, Reg
from twin.mcp2515 import Mcp2515 as Chip
from twin.rtu import Port

T0 = ticks_add(0, -300)


class PartsRig(Rig):
    """An Infypower on CAN behind the chip, an Acrel and a Bender on one Modbus."""

    step_ms = 2
    settle_ms = 2500
    off_ms = 200
    test_ms = 15000
    kind, model, accept = infypower_beg.Beg1k075g, Beg, infypower_beg.accept

    def __init__(self, settled=True, **places):
        cfg = {"can_module": 0, "converter_silence_ms": 10000, "meter_place": "car", "monitor_place": "station",
               "monitor_settle_ms": 3000, "export": "free", "meter_id": "ACREL-1"}  # fmt: skip
        cfg.update(places)
        line = DcLine()
        self.can = CanBus()
        self.chip = Chip(self.can, 8000000)
        mask, idents = type(self).accept(cfg)
        notes = Notes()
        can = Mcp2515(self.chip, self.chip.cs, self.chip.int_pin, 8, 125, mask, idents, notes)
        self.module = self.model(line, 0, 125000)
        self.port = Port(19200, "even")
        self.acrel = self.port.add(AcrelModel(1, 19200, "even"))
        self.bender = self.port.add(BenderModel())
        bus = Bus(self.port, None, 19200, "even")
        meter = Acrel(1) if cfg["meter_place"] != "none" else None
        monitor = Bender(3) if cfg["monitor_place"] != "none" else None
        for part in (meter, monitor):
            if part is not None:
                bus.add(part)
        converter = self.kind(can, cfg, notes)
        Rig.__init__(self, PartsStage(cfg, converter, meter, monitor, bus, notes), line, T0)
        self.can.start(T0)
        self.chip.start(T0)
        self.module.plug(self.can, T0)
        self.models()
        self.stage.start(T0)
        if settled:
            self.run(4000)

    def models(self):
        line = self.line
        self.acrel.v, self.acrel.a = line.mv_out / 1000, line.ma / 1000
        self.bender.u_n = line.mv_out / 1000
        self.bender.r_ohm = float(line.insulation_ohm)
        self.port.poll(self.now)
        self.module.poll(self.now)
        self.can.poll(self.now)
        self.chip.poll(self.now)

    def contact(self, closed):
        self.line.contact = closed

    def silence(self):
        self.module.fault = "silent"
        self.port.cut = True

    def bad_insulation(self):
        self.line.insulation_ohm = 20000

    def broken(self):
        self.module.fault = "fault"

    def repair(self):
        self.module.fault = "none"
        self.port.cut = False


class RegRig(PartsRig):
    kind, model, accept = infypower_reg.Reg, Reg, infypower_reg.accept


def test_parts_both_ways():
    eq(failures(PartsRig), [])


def test_parts_one_way():
    eq(failures(RegRig), [])


def test_parts_with_the_monitor_at_the_car():
    eq(failures(lambda settled=True: PartsRig(settled, meter_place="station", monitor_place="car")), [])


# -- of parts alone


def test_without_a_measurement_at_the_car_caps_say_so():
    rig = PartsRig(settled=False, meter_place="station")
    caps = rig.stage.caps
    eq((caps.has_out, rig.stage.age_ms(OUT, rig.now)), (False, None))
    rig = PartsRig(settled=False, meter_place="none", monitor_place="none")
    caps = rig.stage.caps
    eq((caps.has_out, caps.has_monitor, caps.has_meter, caps.meter_id), (False, False, False, ""))


def test_no_monitor_no_insulation_test():
    rig = PartsRig(monitor_place="none")
    rig.contact(True)
    rig.run(500, lambda: rig.stage.test(500000, 1000, rig.now))
    assert rig.stage.faults & IMD_ALARM and "without an insulation monitor" in rig.stage.why
    eq((rig.line.mv_in, rig.stage.test_result), (0, 0))


def test_below_200_v_it_is_refused_in_words():
    rig = PartsRig()
    rig.contact(True)
    rig.run(500, lambda: rig.stage.precharge(150000, 1000, rig.now))
    eq(rig.stage.why, "the converter begins at 200 V, 150 V were asked")
    assert rig.stage.faults & CONVERTER
    eq(rig.line.mv_in, 0)
    rig.stage.off(rig.now)
    rig.run(100)
    eq((rig.stage.faults, rig.stage.state), (0, READY))


def test_the_mode_changes_only_at_zero_current():
    rig = PartsRig().charging()
    rig.dc(8000, 300000, -10000, 22000)
    assert rig.line.ma < -9000
    eq(rig.module.under_current, 0)


def test_the_meter_alone_is_silent():
    rig = PartsRig().charging()
    rig.port.cut = True
    assert rig.until(2500, lambda: rig.stage.faults & COMM, lambda: rig.stage.dc(420000, 20000, 22000, rig.now))


def test_counters_of_both_buses():
    counted = dict(PartsRig().stage.counters())
    assert counted["bus.requests"] > 10 and counted["can.bad"] == 0, counted


def test_the_converter_alone_is_silent():
    rig = PartsRig().charging()
    rig.module.fault = "silent"
    assert rig.until(1500, lambda: rig.stage.faults & COMM, lambda: rig.stage.dc(420000, 20000, 22000, rig.now))


def test_a_meter_that_is_1000_off_does_not_count_energy():
    rig = PartsRig(settled=False)
    rig.acrel.power_unit = 1000.0
    rig.run(4000)
    rig.charging()
    rig.run(1500, lambda: rig.stage.dc(420000, 20000, 22000, rig.now))
    assert rig.stage.faults & METER and not rig.stage.meter_ok
    assert rig.stage.age_ms(ENERGY, rig.now) > rig.stage.caps.limit_ms[ENERGY]
    assert abs(rig.stage.w - rig.line.w) < 400  # volts times amperes meanwhile


def test_a_meter_wired_the_other_way_round_is_found_by_charging_first():
    rig = PartsRig()
    rig.acrel.reversed = True
    rig.charging()
    rig.dc(2000, TOP_MV, 20000, 22000)
    assert rig.stage.faults & REVERSE and rig.stage.faults & METER, rig.stage.faults
