"""Cable check, pre-charge, contactors and timers against a power stage that can fail. Times are
simulated."""

from codec import rational
from firmware.clock import ticks_add, ticks_diff
from firmware.session.iso20.dc_phases import test_voltage_mv as voltage_mv
from firmware.session.states import FAILED
from firmware.stage.faults import CONVERTER
from host_tools.ev import requests
from tests.lib.driver import (
    AC,
    AC_BPT,
    DC,
    DC_BPT,
    DYNAMIC,
    FINISHED,
    ONGOING,
    RENEGOTIATE,
    SCHEDULED,
    STANDBY,
    START,
    STOP,
)
from tests.lib.mtest import eq
from tests.lib.world import World

HEAP_KB = 200
from codec.slots import (
    ResponseCode,
)


def cable_check(w, poll_ms=50, most=2000):
    """Poll CableCheck until it is not Ongoing; returns the answer."""
    for _ in range(most):
        res = w.cable_check()
        if res.code != ResponseCode.OK or res.EVSEProcessing == FINISHED:
            return res
        w.sleep(poll_ms)
    return res


def test_cable_check_passes_after_the_whole_sequence_r_dc_safety_03():
    """Finished only with contactor closed, test voltage seen and output below 60 V again."""
    w = World(cable_check_ms=1000)
    w.to_schedule(DC_BPT, DYNAMIC)
    w.cable_check()
    w.sleep(900)
    assert w.hw.mv_out == 500000 and w.power.closed  # 450 V vehicle: min(500, 450 + 50) V (R-DC-SAFETY-04)
    res = cable_check(w)
    assert res.code == ResponseCode.OK and w.hw.mv_out < 60000 and w.power.closed


def test_cable_check_fails_r_dc_safety_02():
    for fault, code in (
        ("insulation_bad", ResponseCode.FAILED),
        ("converter_dead", ResponseCode.FAILED),
        ("stuck_open", ResponseCode.FAILED_ContactorError),
    ):
        w = World()
        setattr(w.contactor.model if fault == "stuck_open" else w.hw, fault, True)
        w.to_schedule(DC_BPT, DYNAMIC)
        assert cable_check(w).code == code, fault
        assert w.secc.state == FAILED and not w.contactor.wanted


def test_cable_check_begins_with_the_contact_closed_r_dc_safety_03():
    """A contact that needs longer than the test is no bad insulation; one that opens during the
    test fails it. (A stall of 0.1 s between order and contact had ended a session.)"""
    w = World(cable_check_ms=100)
    w.contactor.model._close_ms = 700
    w.to_schedule(DC_BPT, DYNAMIC)
    w.cable_check()
    w.sleep(600)
    assert w.hw.mv_out == 0 and not w.power.closed and not w.hw.test_result
    assert cable_check(w).code == ResponseCode.OK
    w.secc.lost(w.now)  # the next car's test, asked for before the contact has opened
    assert w.power.closed
    w.to_schedule(DC_BPT, DYNAMIC)
    w.cable_check()
    assert cable_check(w).code == ResponseCode.OK
    w = World(cable_check_ms=1000)
    w.to_schedule(DC_BPT, DYNAMIC)
    w.cable_check()
    w.sleep(500)
    w.contactor.model.stuck_open = True
    assert cable_check(w).code == ResponseCode.FAILED
    assert w.secc.state == FAILED and not w.contactor.wanted


def test_cable_check_is_bounded_r_dc_safety_02():
    """A test that never ends: FAILED at 38 s (D-18), not Ongoing for ever."""
    w = World(cable_check_ms=600000)
    w.to_schedule(DC_BPT, DYNAMIC)
    begin = w.now
    assert cable_check(w, 500).code == ResponseCode.FAILED
    assert 38000 <= ticks_diff(w.now, begin) < 39000


def test_test_voltage_r_dc_safety_04():
    w = World(dc_max_voltage_mv=920000)
    f = w.secc.facts
    for ev_mv, want_mv in ((400000, 450000), (450000, 500000), (500000, 500000), (800000, 880000), (920000, 920000)):
        f.car.limits.max_mv = ev_mv
        assert voltage_mv(f) == want_mv


def test_start_without_cable_check_r_dc_safety_01():
    w = World()
    w.to_schedule(DC_BPT, DYNAMIC)
    assert w.power_delivery(START).code == ResponseCode.FAILED_SequenceError
    w = World()
    w.to_schedule(DC_BPT, DYNAMIC)
    cable_check(w)
    assert w.power_delivery(START).code == ResponseCode.FAILED_SequenceError  # no pre-charge yet


def test_precharge_tells_the_measured_voltage_r_dc_safety_08():
    """2 V per ms in the model: neither zero nor the target on the way; the target is clamped to
    both sides."""
    w = World()
    w.to_schedule(DC_BPT, DYNAMIC)
    cable_check(w)
    w.precharge(400_000)
    w.sleep(100)
    volts = rational.to_int(w.precharge(400_000).EVSEPresentVoltage)
    assert 0 < volts < 400
    w.precharge(2_000_000)
    w.sleep(1000)
    assert rational.to_int(w.precharge(2_000_000).EVSEPresentVoltage) == 450


def test_precharge_target_of_no_battery_r_dc_safety_12():
    """The car has 300 V at least, the station 150 V: 0 V, less, and what is below both is refused,
    and no contactor closes for power; a target between both minima pre-charges, but Start needs an
    output inside both ranges."""
    for target_mv, code in (
        (0, ResponseCode.FAILED),
        (-50_000, ResponseCode.FAILED),
        (100_000, ResponseCode.FAILED),
        (149_000, ResponseCode.FAILED),
        (200_000, ResponseCode.FAILED_PowerDeliveryNotApplied),
        (279_000, ResponseCode.FAILED_PowerDeliveryNotApplied),
        (300_000, ResponseCode.OK),
        (450_000, ResponseCode.OK),
        (2_000_000, ResponseCode.OK),  # clamped to what the car takes (R-LOOP-02)
    ):
        w = World()
        w.to_schedule(DC_BPT, DYNAMIC)
        cable_check(w)
        for _ in range(10):
            res = w.precharge(target_mv)
            if res.code != ResponseCode.OK:
                break
            w.sleep(100)
        else:
            res = w.power_delivery(START)
        eq((target_mv, res.code), (target_mv, code))
        if code != ResponseCode.OK:
            eq((w.dead, w.loop(DC_BPT, DYNAMIC).code), (True, ResponseCode.FAILED_SequenceError))


def test_recorded_precharge_of_0_volts_r_dc_safety_12():
    w = World()
    w.to_schedule(DC_BPT, DYNAMIC)
    cable_check(w)
    eq(w.recorded(0x8004, "8044040080808080808080880a4a7da06221000000800000").code, ResponseCode.FAILED)
    assert w.dead and w.power.out_mv < 60_000
    eq(w.power_delivery(START).code, ResponseCode.FAILED_SequenceError)


def test_precharge_is_bounded_r_dc_safety_08():
    """Within its 6.5 s (D-18)."""
    w = World()
    w.to_schedule(DC_BPT, DYNAMIC)
    cable_check(w)
    w.hw.converter_dead = True
    begin = w.now
    for _ in range(70):
        res = w.precharge()
        if res.code != ResponseCode.OK:
            break
        w.sleep(100)
    assert res.code == ResponseCode.FAILED
    assert 6500 <= ticks_diff(w.now, begin) < 6700


def test_start_at_the_wrong_voltage_d_04():
    for lenient, code in ((False, ResponseCode.FAILED_PowerDeliveryNotApplied), (True, ResponseCode.OK)):
        w = World(lenient_ev_values=lenient)
        w.to_schedule(DC_BPT, DYNAMIC)
        cable_check(w)
        w.precharge(400_000)
        assert w.power_delivery(START).code == code


def test_start_while_precharge_is_ongoing_d_04():
    """The PyPI vehicle says Ongoing last; accepted unless the switch is strict."""
    for strict, code in ((False, ResponseCode.OK), (True, ResponseCode.FAILED_SequenceError)):
        w = World(strict_precharge_order=strict)
        w.to_start(DC_BPT, DYNAMIC)
        assert w.power_delivery(START).code == code


def test_polls_decide_nothing_r_power_03():
    w = World()
    w.to_start(AC_BPT, DYNAMIC)
    for _ in range(5):
        assert w.power_delivery(START, ONGOING).code == ResponseCode.OK
        assert not w.contactor.wanted
    assert w.power_delivery(START).code == ResponseCode.OK and w.power.closed


def test_stop_instead_of_start_r_power_01():
    w = World()
    w.to_start(AC_BPT, DYNAMIC)
    assert w.power_delivery(STOP).code == ResponseCode.OK
    assert not w.contactor.wanted
    assert w.loop(AC_BPT, DYNAMIC).code == ResponseCode.FAILED_SequenceError


def test_standby_is_a_warning_r_power_12():
    """The session goes on (D-20)."""
    w = World()
    w.to_loop(AC_BPT, DYNAMIC)
    assert w.power_delivery(STANDBY).code == ResponseCode.WARNING_StandbyNotAllowed
    assert w.loop(AC_BPT, DYNAMIC).code == ResponseCode.OK  # R-ERRORS-04
    assert w.power_delivery(RENEGOTIATE).code == ResponseCode.WARNING_ScheduleRenegotiationFailed
    assert w.loop(AC_BPT, DYNAMIC).code == ResponseCode.OK


def test_contactor_that_does_not_close_r_power_04():
    """FAILED_ContactorError after 1.4 s; the vehicle gives up at 2 s."""
    w = World()
    w.contactor.model.stuck_open = True
    w.to_start(AC_BPT, DYNAMIC)
    w.feed(w.frame(w.delivery(START)))
    assert w.answer(1300) is None
    assert w.answer(200).code == ResponseCode.FAILED_ContactorError
    assert not w.contactor.wanted


def test_contactor_wait_is_cancelled_r_power_06():
    """The car goes while the contactor wait runs: nothing is sent later."""
    w = World()
    w.contactor.model.stuck_open = True
    w.to_start(AC_BPT, DYNAMIC)
    w.feed(w.frame(w.delivery(START)))
    w.secc.lost(w.now)
    w.sleep(3000)
    assert w.secc.tx(w.buf) == 0 and not w.contactor.wanted


def test_welded_contactor_r_power_07():
    w = World()
    w.to_loop(DC_BPT, DYNAMIC)
    w.contactor.model.welded = True
    assert w.power_delivery(STOP).code == ResponseCode.FAILED_ContactorError


def test_profile_is_checked_r_power_08_09():
    for setpoint_w, tuple_id, watts, code in (
        (20_000, 1, 11040, ResponseCode.OK),  # what real vehicles send (R-SCHEDULE-04)
        (-20_000, 1, -11040, ResponseCode.OK),
        (20_000, 99, 1000, ResponseCode.FAILED_ScheduleSelectionInvalid),
        (20_000, 1, 12000, ResponseCode.FAILED_EVPowerProfileInvalid),
        (-20_000, 1, -12000, ResponseCode.FAILED_EVPowerProfileInvalid),
        (20_000, None, 0, ResponseCode.FAILED_EVPowerProfileInvalid),
        # what was offered counts, and that is the set-point (R-SCHEDULE-10)
        (2_000, 1, 2_000, ResponseCode.OK),
        (2_000, 1, 2_001, ResponseCode.FAILED_EVPowerProfileInvalid),
        (2_000, 1, -1, ResponseCode.FAILED_EVPowerProfileInvalid),
        (-2_000, 1, 1, ResponseCode.FAILED_EVPowerProfileInvalid),
        (0, 1, 0, ResponseCode.OK),
    ):
        w = World(setpoint_w=setpoint_w)
        w.to_start(AC_BPT, SCHEDULED)
        assert w.power_delivery(START, FINISHED, tuple_id, watts).code == code, (tuple_id, watts)
        assert w.power.closed == (code == ResponseCode.OK)


def test_discharge_profile_needs_bpt_r_power_09():
    w = World()
    w.to_start(AC, SCHEDULED)
    assert w.power_delivery(START, FINISHED, 1, -1000).code == ResponseCode.FAILED_EVPowerProfileInvalid


def test_loop_silence_removes_power_in_half_a_second_r_timers_02():
    for service in (AC_BPT, DC_BPT):
        w = World(setpoint_w=5000)
        w.to_loop(service, DYNAMIC)
        for _ in range(5):
            w.loop(service, DYNAMIC, **({"present_w": 5000} if service == AC_BPT else {}))
            w.sleep(100)
        assert w.hw.w > 0
        w.loop(service, DYNAMIC)
        w.sleep(499)
        assert w.power.closed and not w.closed
        w.sleep(2)
        assert w.hw.w == 0 and w.hw.ma == 0 and not w.contactor.wanted and w.closed
        w.sleep(60)
        assert not w.power.closed


def test_pace_below_the_limit_is_fine_r_timers_09():
    w = World()
    w.to_loop(DC_BPT, DYNAMIC)
    for _ in range(5):
        w.sleep(450)
        assert w.loop(DC_BPT, DYNAMIC).code == ResponseCode.OK


def test_silence_elsewhere_sixty_seconds_r_timers_01_03():
    for reach in (
        lambda w: w.to_authorized(DC),
        lambda w: (w.to_schedule(DC_BPT, DYNAMIC), w.cable_check()),
        lambda w: w.to_loop(DC_BPT, DYNAMIC),
        lambda w: (w.to_loop(DC_BPT, DYNAMIC), w.power_delivery(STOP)),
    ):
        w = World()
        reach(w)
        w.sleep(59900)
        assert not w.closed
        w.sleep(200)
        assert w.closed and not w.contactor.wanted


def test_partial_request_does_not_stop_the_timer_r_timers_06():
    w = World()
    w.to_loop(DC_BPT, DYNAMIC)
    w.loop(DC_BPT, DYNAMIC)
    w.feed(b"\x01\xfe\x80\x04\x00\x00")
    w.sleep(501)
    assert w.closed and not w.contactor.wanted


def test_own_slowness_is_not_counted_r_timers_05():
    """PowerDelivery(Stop) that waits 400 ms for the power path does not run into the loop timer of
    500 ms."""
    w = World()
    w.to_loop(DC_BPT, DYNAMIC)
    w.loop(DC_BPT, DYNAMIC)
    w.sleep(400)
    assert w.power_delivery(STOP).code == ResponseCode.OK


def test_own_time_in_decode_and_encode_is_not_counted_r_timers_10():
    """A clock that goes on while the machine decodes and encodes: the answer leaves 600 ms behind
    the tick that the machine was given. The car has its whole 0.5 s from there, and no more
    (R-TIMERS-05, R-TIMERS-09)."""
    for late_ms in (70, 600):
        w = World(setpoint_w=5000)
        w.to_loop(DC_BPT, DYNAMIC)
        for _ in range(10):
            data = w.frame(requests.loop(w.says(DC_BPT, soc=50), DC_BPT, DYNAMIC))
            w.feed(data)
            n = w.secc.tx(w.buf)
            assert n
            w.now = ticks_add(w.now, late_ms)  # decoding, encoding, collecting garbage
            w.secc.poll(w.now)
            w.sleep(450)
            assert not w.closed and not w.dead, late_ms
        w.sleep(49)
        assert not w.closed
        w.sleep(2)
        assert w.closed and w.dead


def test_an_answer_that_nobody_takes_keeps_no_power_r_timers_02():
    w = World(setpoint_w=5000)
    w.to_loop(DC_BPT, DYNAMIC)
    w.feed(w.frame(requests.loop(w.says(DC_BPT, soc=50), DC_BPT, DYNAMIC)))
    w.sleep(1501)
    assert w.closed and w.dead


def test_set_up_timer_r_sdp_08_r_timers_04():
    w = World()
    w.connect()
    w.sleep(17000)
    assert w.sap().code == 0
    w.sleep(900)
    assert w.setup().code == ResponseCode.OK_NewSessionEstablished
    w.sleep(20000)
    assert not w.closed
    w = World()
    w.connect()
    w.sap()
    w.sleep(18001)
    assert w.closed


def test_station_fault_in_the_loop_r_status_07():
    """Power off at once, the word with the next answer, session over."""
    w = World(setpoint_w=5000)
    w.to_loop(DC_BPT, DYNAMIC)
    w.loop(DC_BPT, DYNAMIC)
    w.sleep(200)
    w.hw.fault_bits = CONVERTER
    w.secc.poll(w.now)
    assert not w.contactor.wanted and w.hw.ma == 0
    assert w.loop(DC_BPT, DYNAMIC).code == ResponseCode.FAILED


def test_out_of_service_is_read_by_the_car_r_status_07():
    """What the supervisor says of a fault: power off at once, the code of the fault in the next
    answer, in every phase; a request under way is answered; silence ends the connection in 2 s
    (R-STATUS-04)."""

    def loop(w):
        w.to_loop(DC_BPT, DYNAMIC)
        w.loop(DC_BPT, DYNAMIC)
        return requests.loop(w.says(DC_BPT), DC_BPT, DYNAMIC)

    def discovery(w):
        w.to_authorized(AC)
        return requests.service_discovery(w.says())

    def ac_start(w):
        w.to_start(AC_BPT, DYNAMIC)
        return w.delivery(START)

    for go in (loop, discovery, ac_start):
        for welded in (False, True):
            for silent in (False, True):
                w = World(setpoint_w=5000)
                request = go(w)
                if welded:
                    w.contactor.fault = 2
                else:
                    w.hw.fault_bits = CONVERTER
                w.secc.out_of_service(w.now)
                assert w.dead
                w.sleep(1900)
                assert not w.closed
                if silent:
                    w.sleep(101)
                    assert w.closed
                    continue
                code = ResponseCode.FAILED_ContactorError if welded else ResponseCode.FAILED
                eq((w.request(request).code, w.state), (code, "Failed"))
                w.sleep(5001)
                assert w.closed
    w = World()
    w.to_start(AC_BPT, DYNAMIC)
    w.contactor.model.stuck_open = True  # the contact does not come: the request waits
    w.feed(w.frame(w.delivery(START)))
    w.sleep(100)
    w.hw.fault_bits = CONVERTER
    w.secc.out_of_service(w.now)
    eq(w.answer().code, ResponseCode.FAILED)
    w.sleep(5001)
    assert w.closed


def test_nothing_flows_before_the_first_loop_request_r_power_11():
    w = World(setpoint_w=20000)
    w.to_loop(DC_BPT, DYNAMIC)
    w.sleep(300)
    assert w.hw.ma == 0 and w.power.closed


def test_a_new_connection_begins_with_the_power_off_r_session_11():
    """Also where the machine was not told that the one before is gone: nothing that it asked for
    goes on meanwhile."""
    for service in (DC_BPT, AC_BPT):
        w = World(setpoint_w=8000)
        w.to_loop(service, DYNAMIC)
        w.loop(service, DYNAMIC, present_w=8000)
        w.sleep(400)
        assert not w.dead and w.power.closed
        w.connect()
        assert w.dead
        w.sleep(100)
        assert not w.power.closed
        w.sap(service)
        w.setup()
        assert w.dead
