"""Complete sessions of the four services in both control modes, in simulated time (about 10 s
each)."""

from codec import rational
from firmware.session.states import ENDED, IDLE
from host_tools.ev.requests import is_dc
from tests.lib.driver import AC, AC_BPT, DC, DC_BPT, DYNAMIC, MODES, SCHEDULED, SERVICES, START, STOP
from tests.lib.mtest import eq
from tests.lib.world import World

HEAP_KB = 200
from codec.slots import (
    AC_ChargeLoopRes,
    AC_CPDResEnergyTransferMode,
    BPT_Dynamic_DC_CLResControlMode,
    BPT_Scheduled_DC_CLResControlMode,
    DC_ChargeLoopRes,
    Dynamic_AC_CLResControlMode,
    EvseNotification,
    EVSEStatus,
    MeterInfo,
    ResponseCode,
)


def run(service, dynamic, **changes):
    """One whole session with three loops; returns the world and the loop answers."""
    w = World(setpoint_w=5000, **changes)
    answers = session(w, service, dynamic)
    return w, answers


def session(w, service, dynamic):
    res = w.to_loop(service, dynamic)
    assert res.code == ResponseCode.OK, res
    answers = []
    for _ in range(3):
        w.sleep(100)
        answers.append(w.loop(service, dynamic, soc=50))
        assert answers[-1].code == ResponseCode.OK
    assert w.power.closed
    res = w.power_delivery(STOP)
    assert res.code == ResponseCode.OK
    assert not w.power.closed and w.power.path_off  # R-POWER-02, R-DC-SAFETY-09: off before the answer
    if is_dc(service):
        assert w.welding().code == ResponseCode.OK
    assert w.stop().code == ResponseCode.OK
    assert w.secc.state == ENDED and w.secc.session_over
    return answers


def test_eight_combinations():
    for service in SERVICES:
        for dynamic in MODES:
            w, answers = run(service, dynamic)
            slots = (
                (AC_ChargeLoopRes.Scheduled_AC_CLResControlMode, AC_ChargeLoopRes.Dynamic_AC_CLResControlMode),
                (DC_ChargeLoopRes.Scheduled_DC_CLResControlMode, DC_ChargeLoopRes.Dynamic_DC_CLResControlMode),
                (
                    AC_ChargeLoopRes.BPT_Scheduled_AC_CLResControlMode,
                    AC_ChargeLoopRes.BPT_Dynamic_AC_CLResControlMode,
                ),
                (
                    DC_ChargeLoopRes.BPT_Scheduled_DC_CLResControlMode,
                    DC_ChargeLoopRes.BPT_Dynamic_DC_CLResControlMode,
                ),
            )[SERVICES.index(service)]
            for value in [answer.value for answer in answers]:
                # R-LOOP-01, R-LOOP-14: answered in kind, one mode block only
                assert value[slots[1 if dynamic else 0]] is not None
                assert value[slots[0 if dynamic else 1]] is None
            assert w.trace.notes == ["session ended by the car"], w.trace.notes


def test_payload_types_r_v2gtp_04():
    w, _ = run(DC_BPT, DYNAMIC)
    for _direction, kind, _, _ in w.trace.messages:
        assert kind in (0x8001, 0x8002, 0x8004)
    w, _ = run(AC_BPT, SCHEDULED)
    for _direction, kind, _, _ in w.trace.messages:
        assert kind in (0x8001, 0x8002, 0x8003)


def test_tcp_is_kept_five_seconds_r_stop_03():
    """The default of D-19."""
    w, _ = run(AC_BPT, DYNAMIC)
    w.sleep(4900)
    assert not w.closed
    w.sleep(200)
    assert w.closed


def test_car_closes_first_r_stop_03():
    w, _ = run(AC_BPT, DYNAMIC)
    w.sleep(100)
    w.secc.lost(w.now)
    assert w.secc.state == IDLE and w.secc.due is None
    assert w.trace.notes == ["session ended by the car"]


def test_session_after_session_is_the_same_r_session_11():
    """AC BPT, then DC, then AC BPT again in one process: nothing of the one before shows."""
    w = World(setpoint_w=-4000)
    first = session(w, AC_BPT, DYNAMIC)
    w.secc.lost(w.now)
    session(w, DC, SCHEDULED)
    w.secc.lost(w.now)
    again = session(w, AC_BPT, DYNAMIC)
    assert first[0].value[2:] == again[0].value[2:]
    assert w.secc.facts.session.current == 0 and w.secc.facts.car.limits.max_mv == 0


def test_ids_differ_between_sessions_r_session_01():
    w = World()
    ids = []
    for _ in range(3):
        w.to_authorized(DC)
        ids.append(w.sid)
        w.secc.lost(w.now)
    assert len(set(ids)) == 3 and bytes(8) not in ids


def ac_target(value):
    return rational.to_int(
        value[AC_ChargeLoopRes.BPT_Dynamic_AC_CLResControlMode][Dynamic_AC_CLResControlMode.EVSETargetActivePower]
    )


def test_ac_set_point_steers_r_loop_07():
    """+7 kW, 0, -3 kW, beyond the limit: each in the next answer, charge positive, discharge
    negative."""
    w = World(setpoint_w=7000)
    w.to_loop(AC_BPT, DYNAMIC)
    assert ac_target(w.loop(AC_BPT, DYNAMIC).value) == 7000
    for want, got in ((0, 0), (-3000, -3000), (-50000, -11000), (50000, 11000)):
        w.setpoint(want)
        assert ac_target(w.loop(AC_BPT, DYNAMIC).value) == got


def test_no_discharge_without_bpt_r_loop_10():
    w = World(setpoint_w=-3000)
    w.to_loop(AC, DYNAMIC)
    mode = w.loop(AC, DYNAMIC).Dynamic_AC_CLResControlMode
    assert mode[Dynamic_AC_CLResControlMode.EVSETargetActivePower] == 0


def test_no_discharge_below_the_floors_r_loop_10():
    """State of charge below the station's floor, or the battery below the car's own minimum: 0 W
    (R-SCHEDULE-11)."""
    w = World(setpoint_w=-3000, v2x_min_soc=20)
    w.to_loop(AC_BPT, DYNAMIC)
    assert ac_target(w.loop(AC_BPT, DYNAMIC, soc=19).value) == 0
    assert ac_target(w.loop(AC_BPT, DYNAMIC, soc=20).value) == -3000
    assert ac_target(w.loop(AC_BPT, DYNAMIC).value) == -3000  # absent does not overwrite (R-LOOP-12)
    assert ac_target(w.loop(AC_BPT, DYNAMIC, least_wh=500).value) == 0


def test_dc_set_point_turns_the_current_r_loop_06():
    """DC_BPT Dynamic at 400 V: the present current follows the set-point through zero, with the
    ramp of the stage."""
    w = World(setpoint_w=8000, power_ramp_w_per_s=20000)
    w.to_loop(DC_BPT, DYNAMIC)
    for _ in range(20):
        value = w.loop(DC_BPT, DYNAMIC).value
        w.sleep(100)
    assert rational.to_milli(value[DC_ChargeLoopRes.EVSEPresentCurrent]) == 20000
    w.setpoint(-8000)
    mode = w.loop(DC_BPT, DYNAMIC).BPT_Dynamic_DC_CLResControlMode
    # the next answer carries it: the discharge limit is the set-point (R-LOOP-04)
    assert rational.to_int(mode[BPT_Dynamic_DC_CLResControlMode.EVSEMaximumDischargePower]) == 8000
    for _ in range(20):
        value = w.loop(DC_BPT, DYNAMIC).value
        w.sleep(100)
    assert rational.to_milli(value[DC_ChargeLoopRes.EVSEPresentCurrent]) == -20000
    assert w.hw.w == -8000


def test_energy_is_counted_both_ways_r_meter_04():
    w = World(setpoint_w=10000)
    w.to_loop(DC_BPT, DYNAMIC)
    w.loop(DC_BPT, DYNAMIC)
    for _ in range(40):
        w.sleep(200)
        w.loop(DC_BPT, DYNAMIC)
    charged = w.power.charged_wh
    assert 15 < charged < 25  # 8 s of 10 kW = 22 Wh, less the ramp
    w.setpoint(-10000)
    for _ in range(40):
        w.sleep(200)
        value = w.loop(DC_BPT, DYNAMIC, meter=True).value
    assert charged <= w.power.charged_wh <= charged + 2
    meter = value[DC_ChargeLoopRes.MeterInfo]
    assert 15 < meter[MeterInfo.BPT_DischargedEnergyReadingWh] < 25


def test_meter_info_first_and_on_request_r_meter_01_02():
    w = World()
    w.to_loop(AC, SCHEDULED)
    assert w.loop(AC, SCHEDULED).MeterInfo is not None
    assert w.loop(AC, SCHEDULED).MeterInfo is None
    assert w.loop(AC, SCHEDULED, meter=True).MeterInfo is not None
    w = World(meter_id="")
    w.to_loop(AC, SCHEDULED)
    assert w.loop(AC, SCHEDULED, meter=True).MeterInfo is None  # R-METER-07


def test_scheduled_dc_follows_the_car_inside_the_limits_r_loop_02():
    """500 A at a limit of 125 A: clamped, flag set, no failure; -30 A discharges; 0 V keeps the
    last voltage."""
    w = World(power_ramp_w_per_s=1000000, setpoint_w=50_000)
    w.to_start(DC_BPT, SCHEDULED)
    assert w.power_delivery(START, tuple_id=1).code == ResponseCode.OK
    for target_a, want_ma, limited in ((500, 125000, True), (20, 20000, False), (-30, -30000, False)):
        if target_a < 0:
            w.setpoint(-50_000)
        for _ in range(5):
            value = w.loop(DC_BPT, SCHEDULED, wish_ma=target_a * 1000).value
            w.sleep(100)
        assert rational.to_milli(value[DC_ChargeLoopRes.EVSEPresentCurrent]) == want_ma
        current = value[DC_ChargeLoopRes.EVSECurrentLimitAchieved]
        power = value[DC_ChargeLoopRes.EVSEPowerLimitAchieved]
        assert (current or power) == limited
    value = w.loop(DC_BPT, SCHEDULED, wish_ma=20_000, wish_mv=0).value
    assert value[1] == ResponseCode.OK and w.secc.facts.car.target_mv == 450000


def flags(answer):
    """(power, current, voltage) limit achieved."""
    return answer.EVSEPowerLimitAchieved, answer.EVSECurrentLimitAchieved, answer.EVSEVoltageLimitAchieved


def test_flags_are_those_of_this_answer_r_loop_05():
    """Each request bounded by another limit, the next one by none: the flags change with the very
    answer, both ways."""
    w = World(setpoint_w=60_000, power_ramp_w_per_s=1_000_000, dc_max_charge_ma=110_000, dc_max_discharge_ma=40_000)
    w.to_loop(DC_BPT, SCHEDULED)
    free, power, current, voltage = (False,) * 3, (True, False, False), (False, True, False), (False, False, True)
    for setpoint_w, wish, want in (
        (60_000, {"wish_ma": 20_000}, free),
        (60_000, {"wish_ma": 500_000}, current),
        (60_000, {"wish_ma": 20_000}, free),
        (8_000, {"wish_ma": 21_000}, power),
        (8_000, {"wish_ma": 20_000}, free),
        (60_000, {"wish_ma": 20_000, "wish_mv": 460_000}, voltage),
        (60_000, {"wish_ma": 20_000, "wish_mv": 440_000}, free),
        (-60_000, {"wish_ma": -41_000}, current),
        (-60_000, {"wish_ma": -39_000}, free),
        (-8_000, {"wish_ma": -21_000}, power),
        (-8_000, {"wish_ma": -19_000}, free),
    ):
        w.setpoint(setpoint_w)
        eq((setpoint_w, wish, flags(w.loop(DC_BPT, SCHEDULED, soc=50, **wish))), (setpoint_w, wish, want))
        w.sleep(50)
    w = World(setpoint_w=5_000, power_ramp_w_per_s=1_000_000, dc_max_charge_ma=20_000, dc_max_discharge_ma=10_000)
    w.to_loop(DC_BPT, DYNAMIC)
    for setpoint_w, want in ((5_000, power), (9_000, current), (5_000, power), (-5_000, current), (-3_000, power)):
        w.setpoint(setpoint_w)
        eq((setpoint_w, flags(w.loop(DC_BPT, DYNAMIC, soc=50))), (setpoint_w, want))
        w.sleep(50)


def test_station_stop_r_status_02():
    """Terminate stands in every answer until the car reacts, with a delay that counts down
    (R-STATUS-03, D-27)."""
    w = World()
    w.to_loop(DC_BPT, DYNAMIC)
    assert w.loop(DC_BPT, DYNAMIC).EVSEStatus is None  # R-STATUS-01
    w.secc.request_stop(w.now)
    delays = []
    for _ in range(3):
        status = w.loop(DC_BPT, DYNAMIC).EVSEStatus
        assert status[EVSEStatus.EVSENotification] == EvseNotification.Terminate
        delays.append(status[EVSEStatus.NotificationMaxDelay])
        for _ in range(3):
            w.sleep(400)
            w.loop(DC_BPT, DYNAMIC)
    assert delays[0] == 30 and delays[0] > delays[1] > delays[2]
    assert w.power_delivery(STOP).code == ResponseCode.OK
    w.stop()
    assert w.trace.notes == ["session ended by the station"]


def test_car_that_ignores_terminate_r_status_04():
    w = World(terminate_delay_s=10)
    w.to_loop(AC, DYNAMIC)
    w.secc.request_stop(w.now)
    for _ in range(60):
        res = w.loop(AC, DYNAMIC)
        if res.code != ResponseCode.OK:
            break
        w.sleep(400)
    assert res.code == ResponseCode.FAILED and not w.contactor.wanted


def test_stop_after_n_loops():
    w = World(stop_after_loops=3)
    w.to_loop(AC_BPT, DYNAMIC)
    got = [w.loop(AC_BPT, DYNAMIC).EVSEStatus is not None for _ in range(4)]
    assert got == [False, False, True, True]


def test_stop_wish_before_power_r_status_06():
    """A stop wished before the loop is told in PowerDeliveryRes and no contactor closes; the car
    goes on in each way that there is, up to one that does not read it and begins the loop
    (R-POWER-01)."""
    for service in SERVICES:
        for dynamic in MODES:
            for then in ("", "stop", "stop stop", "loop loop stop", "stop welding welding", "welding", "loop"):
                if "welding" in then and not is_dc(service):
                    continue
                w = World(setpoint_w=5000)
                w.to_schedule(service, dynamic)
                w.secc.request_stop(w.now)
                w.on_to_start(service)
                answer = w.power_delivery(START, tuple_id=None if dynamic else 1)
                assert terminates(answer) and w.dead and w.power.path_off
                for word in then.split():
                    w.sleep(100)
                    if word == "loop":
                        answer = w.loop(service, dynamic, soc=50, wish_ma=50_000, present_w=5000)
                        assert terminates(answer)
                    elif word == "stop":
                        assert terminates(w.power_delivery(STOP))
                    else:
                        eq(w.welding().code, ResponseCode.OK)
                    assert w.dead and not w.power.closed, (service, dynamic, then)
                eq((w.stop().code, w.state), (ResponseCode.OK, "Ended"))
                eq(w.trace.notes, ["session ended by the station"])


def terminates(answer):
    """OK, and the station wants to end."""
    eq(answer.code, ResponseCode.OK)
    return (
        answer.EVSEStatus is not None and answer.EVSEStatus[EVSEStatus.EVSENotification] == EvseNotification.Terminate
    )


def test_a_stop_takes_the_power_down_with_the_word_r_status_08():
    """Dynamic and Scheduled, both directions: the answer that says Terminate has the target 0, and
    the output is on its way down while the car still sends loops."""
    for service in (AC_BPT, DC_BPT):
        for dynamic in MODES:
            for setpoint_w in (8000, -8000):
                w = World(setpoint_w=setpoint_w, power_ramp_w_per_s=20_000)
                w.to_loop(service, dynamic)
                wish_ma = 20_000 if setpoint_w > 0 else -20_000
                for _ in range(10):
                    w.loop(service, dynamic, soc=50, wish_ma=wish_ma, present_w=setpoint_w)
                    w.sleep(100)
                assert abs(w.hw.w - setpoint_w) <= 3, w.hw.w  # whole mA on each line
                w.secc.request_stop(w.now)
                answer = w.loop(service, dynamic, soc=50, wish_ma=wish_ma, present_w=setpoint_w)
                assert terminates(answer)
                eq(w.secc.facts.wanted.target_w, 0)
                if service == DC_BPT:
                    name = "BPT_Dynamic_DC_CLResControlMode" if dynamic else "BPT_Scheduled_DC_CLResControlMode"
                    eq([rational.to_int(x) for x in _powers(getattr(answer, name), dynamic)], [0, 0])
                    for _ in range(5):
                        w.sleep(100)
                        assert terminates(w.loop(service, dynamic, soc=50, wish_ma=wish_ma))
                    eq((w.hw.w, w.power.closed), (0, True))  # the car opens the session, not the contactor
                eq(w.power_delivery(STOP).code, ResponseCode.OK)


def _powers(block, dynamic):
    """Most charging and discharging power of a DC loop answer."""
    if dynamic:
        return (
            block[BPT_Dynamic_DC_CLResControlMode.EVSEMaximumChargePower],
            block[BPT_Dynamic_DC_CLResControlMode.EVSEMaximumDischargePower],
        )
    return (
        block[BPT_Scheduled_DC_CLResControlMode.EVSEMaximumChargePower],
        block[BPT_Scheduled_DC_CLResControlMode.EVSEMaximumDischargePower],
    )


def test_per_phase_answers_r_cpd_04_05():
    """A car that sends L2/L3 gets L1/L2/L3; the sum stays."""
    w = World(setpoint_w=6000)
    w.to_authorized(AC)
    w.discovery()
    w.select(AC_BPT, w.set_id(AC_BPT, DYNAMIC))
    block = w.parameters(AC_BPT, lines_w=(3666, 3666, 3666)).BPT_AC_CPDResEnergyTransferMode
    total = 0
    for at in (
        AC_CPDResEnergyTransferMode.EVSEMaximumChargePower,
        AC_CPDResEnergyTransferMode.EVSEMaximumChargePower_L2,
        AC_CPDResEnergyTransferMode.EVSEMaximumChargePower_L3,
    ):
        total += rational.to_int(block[at])
    assert total == 11040 and block[AC_CPDResEnergyTransferMode.MaximumPowerAsymmetry] is None  # R-CPD-06
    w.schedule(DYNAMIC)
    w.power_delivery(START)
    mode = w.loop(AC_BPT, DYNAMIC).BPT_Dynamic_AC_CLResControlMode
    assert rational.to_int(mode[Dynamic_AC_CLResControlMode.EVSETargetActivePower]) == 2000
    assert rational.to_int(mode[Dynamic_AC_CLResControlMode.EVSETargetActivePower_L3]) == 2000  # R-LOOP-08


def test_pieces_of_every_size_r_v2gtp_01():
    """A whole session with its requests cut into pieces of 1 to 100 bytes: always the same
    answers."""
    w = World(setpoint_w=5000)
    want = None
    for piece in range(100):
        w.piece = piece
        got = [a.value[1:] for a in session(w, DC_BPT, DYNAMIC)]
        want = want or got
        assert got == want, piece
        w.secc.lost(w.now)
        w.sleep(1000)
        w.trace.messages.clear()
        w.trace.notes.clear()


def test_limits_of_the_loop_only_narrow_r_loop_03_11():
    """A car that said 20 kW and 100 A in parameter discovery and 11 kW (AC: 11 kW) or more in the
    loop: the lower holds."""
    w = World(setpoint_w=-30000)
    w.to_authorized(AC)
    w.discovery()
    w.select(AC_BPT, w.set_id(AC_BPT, DYNAMIC))
    w.parameters(AC_BPT, max_charge_w=4000, max_discharge_w=3000)
    w.schedule(DYNAMIC)
    w.power_delivery(START)
    assert ac_target(w.loop(AC_BPT, DYNAMIC).value) == -3000  # the loop request says 11 kW
    w.setpoint(30000)
    assert ac_target(w.loop(AC_BPT, DYNAMIC).value) == 4000
    w = World(setpoint_w=-30000, power_ramp_w_per_s=1000000)
    w.to_schedule(DC_BPT, DYNAMIC)
    w.secc.facts.car.first.discharge_ma = 11000  # as a vehicle that said 11 A, and 100 A in the loop
    for _ in range(100):
        if w.cable_check().EVSEProcessing == 0:
            break
        w.sleep(50)
    for _ in range(20):
        w.precharge()
        w.sleep(50)
    w.power_delivery(START)
    for _ in range(5):
        value = w.loop(DC_BPT, DYNAMIC).value
        w.sleep(100)
    assert rational.to_milli(value[DC_ChargeLoopRes.EVSEPresentCurrent]) == -11000
    assert value[DC_ChargeLoopRes.EVSECurrentLimitAchieved] is True  # R-LOOP-05
