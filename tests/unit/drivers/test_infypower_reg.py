"""REG V1.13 over the CAN driver, the model of its chip, a bus and the model of the module."""

import struct

from drivers.infypower import COMM, CONVERTER
from drivers.infypower_reg import Reg, accept, milli
from tests.lib.mtest import eq
from tests.unit.drivers.can_bench import Converter
from twin import infypower as models
from twin.can_bus import Frame


def bench(**more):
    return Converter(Reg, accept, models.Reg, **more)


def test_floats_become_milli_without_a_float():
    for value in (0.0, 3.5, 500.0, 0.001, 0.25, 1.0, 999.999, 1000.0, 73.3, -2.5, 0.9999, 65535.0):
        got = milli(struct.pack(">f", value), 0)
        assert abs(got - value * 1000) <= 1 + abs(value) / 500, (value, got)
    for octets in (b"\x7f\x80\0\0", b"\x7f\xc0\0\0", b"\xff\xff\xff\xff", b"\x50\0\0\0"):
        eq(milli(octets, 0), -1 << 29)
    eq(milli(b"\x00\x00\x00\x01", 0), 0)


def test_charges_and_tells_its_limits():
    b = bench().ready()
    c = b.converter
    eq((c.min_mv, c.max_mv, c.max_charge_ma, c.max_charge_w), (150000, 1000000, 50000, 20000))
    eq((c.max_discharge_ma, c.can_discharge_w), (0, 0))
    b.deliver(450000, 20000)
    eq((c.ma, b.line.ma, c.faults), (20000, 20000, 0))
    assert c.age_ms(b.now) < 300
    c.set(366600, 20000, b.now)
    b.run(1000)
    assert 9000 < c.ma < 11000, c.ma
    c.set(450000, 0, b.now)
    b.run(1000)
    eq((c.ma, c.on), (0, True))
    c.off(b.now)
    b.run(1500)
    eq((b.module.running, c.ready, c.live, b.chip.violations, b.module.refused), (False, True, False, 0, 0))


def test_never_takes_power_out_of_the_car():
    b = bench().ready().deliver(450000, 20000)
    assert not b.converter.set(300000, -5000, b.now)
    b.run(500)
    eq((b.line.ma, b.module.running), (0, False))


def test_0_a_before_on():
    b = bench().ready()
    b.bus.log.clear()
    c = b.converter
    c.off(b.now)
    c.set(400000, 10000, b.now)
    b.run(2000)
    mine = [(f.ident >> 16 & 0x3F, f.data) for _, f in b.bus.log if f.ident & 0xFF == 0xF0]
    on = mine.index((0x1A, bytes(8)))
    sets = [data for command, data in mine[:on] if command == 0x1C]
    assert sets and sets[-1] == struct.pack(">II", 400000, 0), sets
    assert (0x1C, struct.pack(">II", 400000, 10000)) in mine[on:]


def test_every_question_has_eight_bytes_of_zero():
    b = bench().ready()
    for _, frame in b.bus.log:
        eq(len(frame.data), 8)
        if frame.ident & 0xFF == 0xF0 and frame.ident >> 16 & 0x3F < 0x10:
            eq((frame.data, frame.ident & ~0x3F0000), (bytes(8), 0x028000F0))


def test_published_frames_of_a_module():
    b = bench()
    b.module.fault = "silent"
    b.module.running = True
    frames = (
        (0x0283F000, b"\x43\xfa\0\0\x40\x60\0\0"),
        (0x028AF000, b"\x01\xf4\0\xc8\x03\xe8\x03\xe8"),
        (0x028CF000, b"\x0f\xa0\x01\xf4\0\0\0\0"),
    )
    b.bus.attach(b.peer)
    b.run(60)
    for ident, data in frames:
        b.peer.tx.append(Frame(ident, data))
    b.bus.wake()
    b.run(100)
    c = b.converter
    eq((c.mv, c.ma), (500000, 3500))
    eq((c.max_mv, c.min_mv, c.max_charge_ma, c.max_charge_w), (500000, 200000, 100000, 10000))
    eq(c._now_w(10000), 10000)
    c.mv = 100000
    eq(c._now_w(10000), 10000)  # 200 V at least, 50 A


def test_available_current_is_what_it_can_do():
    b = bench().ready().deliver(450000, 20000)
    eq(b.converter.can_charge_w > 18000, True)
    b.module.fault = "limited"
    b.run(1000)
    assert 4700 <= b.converter.can_charge_w <= 5100, b.converter.can_charge_w


def test_ends_by_itself_10_s_after_silence_and_counts_as_live_until_then():
    b = bench().ready().deliver(450000, 20000)
    c = b.converter
    b.module.fault = "deaf"
    b.run(9500)
    eq((c.faults, c.live, b.line.ma), (COMM, True, 20000))
    b.run(700)
    eq((c.live, b.line.ma), (True, 0))
    b.run(2000)
    eq((c.live, c.ready), (False, False))


def test_refusals_faults_and_bus_off():
    b = bench().ready()
    c = b.converter
    b.module.fault = "refuses"
    c.off(b.now)
    c.set(400000, 1000, b.now)
    b.run(3000)
    eq((c.faults & CONVERTER, c.why), (CONVERTER, "refuses what it is told"))
    b = bench().ready().deliver(450000, 20000)
    b.module.fault = "fault"
    b.run(800)
    eq((b.converter.faults, b.line.ma), (CONVERTER, 0))
    b = bench().ready().deliver(450000, 20000)
    b.bus.shorted = True
    b.run(1000)
    b.bus.log.clear()
    b.bus.shorted = False
    b.run(6000)
    eq((b.converter.ready, b.module.running, b.line.ma), (True, False, 0))
    first = b.bus.log[0][1]
    eq((first.ident, first.data), (0x029A00F0, b"\x01" + bytes(7)))
