"""BEG1K075G over the CAN driver, the model of its chip, a bus and the model of the module."""

from drivers.infypower import COMM, CONVERTER, GRID_LOST, OVERTEMP
from drivers.infypower_beg import Beg1k075g, accept
from firmware.clock import ticks_add
from tests.lib.mtest import eq
from tests.unit.drivers.can_bench import CFG, Converter
from twin.can_bus import Frame
from twin.infypower import Beg


def bench(**more):
    return Converter(Beg1k075g, accept, Beg, **more)


def test_charges_to_the_current_and_the_voltage():
    b = bench().ready().deliver(450000, 20000)
    c = b.converter
    eq((c.ma, b.line.ma, c.on, c.faults), (20000, 20000, True, 0))
    assert 367000 < c.mv < 368000 and c.age_ms(b.now) < 300, (c.mv, c.age_ms(b.now))
    c.set(366600, 20000, b.now)  # 0.6 V above the battery, 60 mOhm: 10 A
    b.run(1000)
    assert 9000 < c.ma < 11000, c.ma
    c.off(b.now)
    b.run(100)
    eq((b.line.ma, b.module.running), (0, False))
    b.run(1500)
    eq((c.ready, c.live, b.chip.violations, b.module.refused, c.counters()), (True, False, 0, 0, c.counters()))
    eq([value for name, value in c.counters() if name not in ("can.resets",)], [0] * 7)


def test_first_words_are_off_and_then_0_a_mode_voltage_before_on():
    b = bench()
    b.run(300)
    eq(b.writes()[0], (0x1110, 0xA1))
    b = bench().ready()
    b.bus.log.clear()
    b.converter.off(b.now)
    b.converter.set(400000, -10000, b.now)
    b.run(2000)
    on = b.writes().index((0x1110, 0xA0))
    before = b.writes()[:on]
    assert (0x2110, 0xA1) in before and (0x1001, 400000) in before, before
    eq([value for what, value in before if what == 0x1002], [0] * len([1 for what, _ in before if what == 0x1002]))
    assert before.index((0x1001, 400000)) > before.index((0x2110, 0xA1))
    assert (0x1002, 0) in before[before.index((0x2110, 0xA1)) :]


def test_off_leaves_with_the_call():
    b = bench().ready().deliver(450000, 20000)
    b.run(15)
    while not b.driver.idle:
        b.run(1)
    b.converter.off(b.now)
    for _ in range(10):  # nobody polls the driver any more
        b.now = ticks_add(b.now, 1)
        b.step(False)
    eq((b.module.running, b.line.ma), (False, 0))


def test_no_start_before_off_is_confirmed():
    b = bench().ready().deliver(450000, 20000)
    c = b.converter
    c.off(b.now)
    assert not c.set(450000, 20000, b.now)
    b.run(20)
    assert not c.set(450000, 20000, b.now)
    b.run(800)
    assert c.set(450000, 20000, b.now)
    b.run(3000)
    eq((c.faults, c.ma, c.on), (0, 20000, True))


def test_no_current_is_asked_for_before_it_says_on():
    b = bench().ready()
    b.module.start_ms = 5000
    b.bus.log.clear()
    b.converter.off(b.now)
    b.converter.set(366000, 9000, b.now)
    b.run(2000)
    assert b.writes().count((0x1110, 0xA0)) and (0x1002, 9000) not in b.writes()
    b.run(4000)
    assert (0x1002, 9000) in b.writes()


def test_a_module_that_goes_off_by_itself_is_a_fault_and_is_not_switched_on_again():
    b = bench().ready().deliver(450000, 20000)
    c = b.converter
    b.module.running = False
    for _ in range(10):
        b.run(300)
        c.set(450000, 20000, b.now)
    eq((c.faults, c.why, b.module.running), (CONVERTER, "went off by itself", False))


def test_zero_current_is_measured_after_it_was_commanded():
    b = bench().ready().deliver(450000, 500)
    b.module.answer_ms = 90  # and an answer may be older than the command
    for wait in range(0, 500, 20):
        b.converter.set(450000, 500, b.now)
        b.run(2500)
        b.converter.set(450000, 60000, b.now)
        b.run(wait)
        b.converter.set(300000, -60000, b.now)
        b.run(2500)
        eq((b.module.under_current, b.line.ma, wait), (0, -60000, wait))


def test_discharges_and_the_sign_comes_from_the_mode():
    b = bench().ready().deliver(300000, -30000)
    c = b.converter
    eq((b.line.ma, c.ma, b.line.sink), (-30000, -30000, True))
    c.set(365400, -30000, b.now)  # not below 365.4 V: (366 - 365.4) / 60 mOhm
    b.run(1000)
    assert -11000 < c.ma < -9000, c.ma


def test_mode_changes_at_zero_current_only():
    b = bench().ready().deliver(450000, 60000)
    c = b.converter
    at = []
    switch = b.module._write

    def write(what, value):
        if what == 0x2110:
            at.append(abs(b.line.ma))
        return switch(what, value)

    b.module._write = write
    for ma in (-60000, 60000, -60000, 1000, -1000):
        assert c.set(450000 if ma > 0 else 300000, ma, b.now)
        b.run(3000)
        eq((c.ma, b.line.ma), (ma, ma))
    assert at and max(at) < 1000, at
    words = b.writes()
    for i in range(len(words)):
        if words[i][0] == 0x2110:  # what was set means another thing now
            eq([value for what, value in words[i + 1 :] if what == 0x1002][:1], [0])
    b.bus.log.clear()
    c.set(300000, 5000, b.now)  # the same voltage as before, of the other direction
    b.run(1500)
    words = b.writes()
    words = words[words.index((0x2110, 0xA0)) + 1 :]
    assert words.index((0x1001, 300000)) < words.index((0x1002, 5000)), words
    eq((b.module.under_current, c.faults), (0, 0))


def test_a_module_that_protects_itself_is_a_fault_until_it_is_switched_off():
    """The model breaks when somebody changes the mode under current; here it is not the driver."""
    b = bench().ready().deliver(450000, 60000)
    b.module._write(0x2110, 0xA1)
    b.run(500)
    c = b.converter
    eq((c.faults & CONVERTER, b.line.ma, b.module.running), (CONVERTER, 0, False))
    assert not c.set(450000, 60000, b.now)
    b.run(2000)
    c.off(b.now)
    b.run(1000)
    c.clear(b.now)
    b.run(100)
    eq((c.faults, c.ready), (0, True))


def test_faults_of_the_module_are_said_and_end_delivery():
    rows = (("fault", CONVERTER), ("hot", OVERTEMP), ("grid", GRID_LOST))
    for fault, bit in rows:
        b = bench().ready().deliver(450000, 20000)
        b.module.fault = fault
        b.run(1000)
        c = b.converter
        eq((fault, c.faults & bit, b.line.ma, c.can_charge_w, c.can_discharge_w), (fault, bit, 0, 0, 0))
        assert not c.set(450000, 20000, b.now)
        b.module.fault = "none"
        b.run(2000)
        eq(b.module.running, False)  # it does not begin again by itself
        assert not c.set(450000, 20000, b.now)
        c.off(b.now)
        c.clear(b.now)
        assert c.set(366000, 2000, b.now), (c.why, c.faults)


def test_power_limited():
    b = bench().ready().deliver(450000, 60000)
    eq(b.converter.can_charge_w, 22000)
    b.module.fault = "limited"
    b.run(1500)
    c = b.converter
    eq(c.faults, 0)
    assert 5000 <= c.can_charge_w <= 5600, c.can_charge_w


def test_silent_module_is_switched_off_unheard_and_counts_as_live():
    b = bench().ready().deliver(450000, 20000)
    c = b.converter
    b.module.fault = "silent"
    b.run(700)
    eq((c.faults, c.live, c.on, c.can_charge_w), (COMM, True, None, 0))
    assert not c.set(450000, 20000, b.now)
    b.run(500)
    eq((b.module.running, c.live), (False, True))  # it hears; nobody knows
    b.run(9300)
    eq(c.live, True)
    b.run(1000)
    eq(c.live, False)
    b.module.fault = "none"
    b.run(1500)
    eq((c.faults, c.ready), (0, True))
    assert not c.set(450000, 20000, b.now)  # what was asked before the silence is over
    c.off(b.now)
    assert c.set(450000, 20000, b.now)


def test_deaf_module_goes_off_by_itself_within_the_time_that_it_counts_as_live():
    b = bench().ready().deliver(450000, 20000)
    c = b.converter
    b.module.fault = "deaf"
    b.run(700)
    eq((c.faults, c.live, b.line.ma), (COMM, True, 20000))
    b.run(9000)
    eq((c.live, b.line.ma), (True, 20000))
    b.run(700)
    eq((c.live, b.line.ma), (True, 0))
    b.run(1500)
    eq(c.live, False)


def test_a_module_from_before_the_start_counts_as_live_and_is_switched_off():
    b = bench()
    b.module.running = True
    b.module.set_mv, b.module.set_ma = 400000, 10000
    eq(b.converter.live, True)
    b.run(60)
    eq((b.module.running, b.converter.ready), (False, False))
    b.ready()
    b = bench()
    b.module.fault = "deaf"
    b.module.running = True
    b.run(10900)
    eq((b.converter.live, b.converter.ready, b.module.running), (True, False, False))
    b.run(200)
    eq((b.converter.live, b.converter.ready), (False, False))


def test_bus_off_nothing_old_is_sent_and_delivery_does_not_come_back():
    b = bench().ready().deliver(450000, 20000)
    c = b.converter
    b.bus.shorted = True
    b.run(1000)
    eq((c.faults, c.live, b.driver.bus_offs), (COMM, True, 1))
    b.bus.log.clear()
    b.bus.shorted = False
    b.run(6000)
    eq((c.faults, c.ready, b.module.running, b.line.ma), (0, True, False, 0))
    eq(b.writes()[0], (0x1110, 0xA1))
    assert (0x1110, 0xA0) not in b.writes() and (0x1002, 20000) not in b.writes()


def test_overflow_is_a_loss_of_communication():
    b = bench().ready().deliver(450000, 20000)
    b.module.fault = "babbles"
    b.run(200, asleep_ms=60)
    eq((b.converter.faults & COMM, b.driver.overflows > 0, b.converter.set(450000, 20000, b.now)), (COMM, True, False))


def test_two_answers_are_under_way_at_most_and_a_sleepy_loop_loses_none():
    b = bench().ready().deliver(450000, 20000)
    b.run(20000, asleep_ms=60)
    c = b.converter
    eq((b.driver.overflows, c.faults, b.line.ma), (0, 0, 20000))


def test_does_not_go_on_does_not_go_off():
    b = bench().ready()
    c = b.converter
    b.module.fault = "never on"
    c.off(b.now)
    assert c.set(400000, 1000, b.now)
    b.run(9900)
    eq(c.faults, 0)
    b.run(300)
    eq((c.faults, c.why), (CONVERTER, "does not go on"))
    b = bench().ready().deliver(450000, 20000)
    c = b.converter
    b.module.fault = "stuck on"
    c.off(b.now)
    b.run(1000)
    eq(c.faults, 0)
    b.run(1000)
    eq((c.faults, c.why, c.live), (CONVERTER, "does not go off", True))
    c.clear(b.now)
    b.run(2000)
    eq(c.faults, CONVERTER)  # its cause is not gone


def test_mode_that_does_not_change_is_a_fault_and_no_current():
    b = bench().ready().deliver(450000, 20000)
    b.module.fault = "stuck mode"
    c = b.converter
    c.set(300000, -20000, b.now)
    b.run(5000)
    eq((c.faults, c.why, b.line.ma, b.module.running), (CONVERTER, "does not change its mode", 0, False))


def test_refusals_are_noted_and_end_it():
    b = bench().ready()
    c = b.converter
    b.module.fault = "refuses"
    c.off(b.now)
    c.set(400000, 1000, b.now)
    b.run(2000)
    eq((c.faults & CONVERTER, c.why, b.module.running), (CONVERTER, "refuses what it is told", False))
    assert c.refused >= 4
    b = bench()
    b.module.fault = "starting"
    b.run(5000)
    eq((b.converter.faults, b.converter.ready), (COMM, False))
    b.module.fault = "none"
    b.run(1000)
    eq((b.converter.faults, b.converter.ready), (0, True))


def test_below_200_v_it_can_do_nothing():
    b = bench().ready()
    c = b.converter
    eq((c.min_mv, c.max_mv, c.max_charge_ma, c.max_discharge_w), (200000, 1000000, 73300, 22000))
    c.off(b.now)
    for mv in (0, 60000, 199999):
        assert not c.set(mv, 1000, b.now)
    b.run(1000)
    assert (0x1110, 0xA0) not in b.writes()
    assert c.set(1200000, 90000, b.now)
    b.run(3000)
    assert (0x1001, 1000000) in b.writes() and (0x1002, 73300) in b.writes()


def test_strangers_change_nothing():
    b = bench().ready().deliver(450000, 20000)
    c = b.converter
    mv = c.mv
    b.bus.attach(b.peer)
    for ident in (0x0283F001, 0x02A3F001, 0x02A3F100, 0x02A33F00):
        b.peer.tx.append(Frame(ident, b"\x10\x01\0\0\0\x01\0\0"))
    b.bus.wake()
    b.run(500)
    eq((c.mv, c.faults), (mv, 0))
    b.peer.tx.append(Frame(0x02A3F000, b"\x10\x01\0\0\xff\xff\xff\xff"))  # its own, and impossible
    b.bus.wake()
    b.run(100)
    eq((c.mv, c.bad), (mv, 1))
    for octets in (b"\xff\xff\xff\xff", b"\0\x0f\xff\xff"):
        b.peer.tx.append(Frame(0x02A3F000, b"\x10\x02\0\0" + octets))
        b.bus.wake()
        b.run(20)
        eq(c.ma, 20000)
    eq(c.bad, 3)


def test_by_broadcast_a_single_module_works_and_two_are_refused():
    cfg = dict(CFG)
    cfg["can_module"] = 0x3F
    b = Converter(Beg1k075g, accept, Beg, cfg)
    b.module.address = 5
    b.ready().deliver(450000, 20000)
    eq(b.line.ma, 20000)
    assert 0x02A43FF0 in [f.ident for _, f in b.bus.log]
    other = Beg(b.line, 6)
    other.plug(b.bus, b.now)
    b.parts.append(other)
    b.run(1500)
    c = b.converter
    assert c.faults & (CONVERTER | COMM) and not b.module.running and not other.running
    c.clear(b.now)
    c.off(b.now)
    b.run(3000)
    assert not c.ready and c.strangers, c.why


def test_an_addressed_module_works_beside_another():
    b = bench().ready()
    other = Beg(b.line, 7)
    other.plug(b.bus, b.now)
    b.deliver(450000, 20000)
    other.poll(b.now)
    eq((b.line.ma, other.heard, other.running), (20000, 0, False))


def test_module_with_other_bit_rate_is_no_communication():
    b = bench()
    b.module.bit_rate = 250000
    b.run(12000)
    eq((b.converter.ready, b.converter.faults), (False, COMM))


def test_accepted_writes_that_are_not_answered_are_fine():
    b = bench()
    b.module.echo = False
    b.ready().deliver(450000, 20000)
    eq((b.line.ma, b.converter.faults), (20000, 0))
