"""The simulated car against the station machine, in simulated time (10 to 30 s each)."""

import gc

from codec import exi
from codec.rational import to_int
from firmware.clock import ticks_diff
from host_tools.ev import next_request, options, requests, states
from host_tools.ev.evcc import Evcc
from host_tools.ev.states import LOOP
from tests.lib.driver import UNIX_S
from tests.lib.mtest import eq
from tests.lib.notes import Notes
from tests.lib.plug import Plug

HEAP_KB = 700  # the station and the car; the station alone is tested in 200 kB
BARE_HEAP_KB = 600  # the same, frozen
from codec.slots import (
    MSG,
    AC_ChargeLoopReq,
    BPT_Dynamic_AC_CLReqControlMode,
    BPT_Dynamic_DC_CLReqControlMode,
    DC_ChargeLoopReq,
    DisplayParameters,
    Dynamic_DC_CLReqControlMode,
    EvseNotification,
    EVSEStatus,
    PowerDeliveryRes,
)


def session(ev, station=None, script=()):
    gc.collect()  # the buffers of the last session are large and many tests have several
    plug = Plug(ev, station or {})
    plug.script = list(script)
    car = plug.run()
    hw = plug.world.hw
    assert not plug.world.power.closed and hw.w == 0 and plug.world.power.path_off, "power is not off at the end"
    return plug, car


def test_eight_combinations():
    for service in ("AC", "AC_BPT", "DC", "DC_BPT"):
        for control in ("dynamic", "scheduled"):
            plug, car = session(
                {"service": service, "control": control, "loops": 20, "max_charge_w": 11000}, {"setpoint_w": 5000}
            )
            assert car.ok, "%s %s: %s" % (service, control, car.why)
            assert car.loops == 20 and plug.world.trace.notes[-1] == "session ended by the car"
            assert car.battery.energy_in_wms > 0


def test_energy_both_ways_dc_bpt():
    """+20 kW, then -15 kW: both sides count the same energy, within the meter's whole Wh and the
    loop pace."""
    script = [(3000, lambda p: p.world.setpoint(-15000))]
    plug, car = session(
        {"service": "DC_BPT", "capacity_wh": 2000, "duration_ms": 20000, "max_charge_w": 30000},
        {"setpoint_w": 20000, "power_ramp_w_per_s": 40000},
        script,
    )
    assert car.ok, car.why
    hw = plug.world.hw
    assert plug.most_w > 19000 and plug.least_w < -14000
    assert hw.charged_wh > 0 and hw.discharged_wh > 50
    assert abs(car.battery.energy_out_wms // 3600000 - hw.discharged_wh) <= 2 + hw.discharged_wh // 20


def test_ac_bpt_follows_the_target():
    script = [(4000, lambda p: p.world.setpoint(-7000))]
    _, car = session({"service": "AC_BPT", "duration_ms": 8000, "max_charge_w": 11000}, {"setpoint_w": 7000}, script)
    assert car.ok and car.battery.energy_out_wms > 0 and car.battery.energy_in_wms > 0


def test_scheduled_bpt_discharges_in_its_second_half():
    for service in ("AC_BPT", "DC_BPT"):
        car = {"service": service, "control": "scheduled", "loops": 40, "max_charge_w": 11000}
        _, ended = session(car, {"setpoint_w": -5000})
        assert ended.ok, ended.why
        assert ended.battery.energy_out_wms > 0 == ended.battery.energy_in_wms


def test_station_stop():
    plug, car = session({"service": "DC_BPT"}, {"stop_after_loops": 7, "setpoint_w": 1000})
    assert car.ok and car.told_to_stop and car.loops == 7
    assert plug.world.trace.notes == ["session ended by the station"]


def test_station_stop_in_every_phase_r_status_06_r_power_01():
    """A stop by the station while the car is in each of its states, AC and DC: an orderly end, told
    in the first answer that can tell it; current flows only if the loop had begun."""
    for service in ("AC", "AC_BPT", "DC", "DC_BPT"):
        for control in ("dynamic", "scheduled"):
            for state in range(states.SETUP, states.LOOP + 1):
                if service[:2] == "AC" and state in (states.CABLE_CHECK, states.PRECHARGE):
                    continue
                plug = Plug(
                    {"service": service, "control": control},
                    {"setpoint_w": 5000, "authorization": "operator", "schedule_delay_ms": 100},
                )
                plug.script = [(300, lambda p: p.world.power.decide.authorize(p.world.now, None, "the operator"))]
                stopped = Stopper(plug, state)
                car = plug.run()
                at = service, control, states.STATE_NAMES[state], car.why
                assert car.ok and car.told_to_stop and stopped.done, at
                notes = plug.world.trace.notes
                assert notes[:2] == ["authorised by the operator", "session ended by the station"], (at, notes)
                if state < states.START:
                    assert (car.loops, plug.most_w) == (0, 0), at


class Stopper:
    """request_stop() at the first answer of the station that the car gets in `state`."""

    def __init__(self, plug, state):
        self.plug = plug
        self.state = state
        self.done = False
        self._rx = plug.car.rx
        plug.car.rx = self.rx

    def rx(self, data, n, now):
        secc = self.plug.world.secc
        if self.plug.car.state == self.state and not self.done and secc.established:
            self.done = True
            secc.request_stop(now)
        self._rx(data, n, now)


def test_only_terminate_means_stop_r_status_02():
    """A recorded PowerDeliveryRes with another notification: the car goes on to its loop."""
    data = bytes.fromhex("8058040080808080808080880a4a7da0620003c100")
    msg, value = exi.decode(exi.CM, data, 0, len(data))
    eq(msg, MSG.PowerDeliveryRes)
    status = value[PowerDeliveryRes.EVSEStatus]
    eq(status[EVSEStatus.EVSENotification], EvseNotification.ServiceRenegotiation)
    for notification, after in (
        (EvseNotification.ServiceRenegotiation, LOOP),
        (EvseNotification.Pause, LOOP),
        (EvseNotification.MeteringConfirmation, LOOP),
        (EvseNotification.Terminate, states.STOP),
    ):
        status[EVSEStatus.EVSENotification] = notification
        car = Evcc(dict(options.DEFAULTS), lambda: UNIX_S, Notes())
        eq((car.on_start(value, 0), car.told_to_stop), (after, after == states.STOP))


def test_falls_back_to_plain_service():
    for service in ("AC", "DC"):
        _, car = session({"service": service + "_BPT", "loops": 5}, {"services": [service]})
        assert car.ok and not car.bpt and car.service == (1 if service == "AC" else 2)


def test_stops_when_full_and_does_not_discharge_below_its_floor():
    _, car = session({"service": "DC", "capacity_wh": 100, "soc": 88, "target_soc": 90}, {"setpoint_w": 10000})
    assert car.ok and car.battery.soc >= 90
    for service in ("DC_BPT", "AC_BPT"):
        for control in ("dynamic", "scheduled"):
            _, car = session(
                {"service": service, "control": control, "soc": 5, "min_soc": 10, "loops": 20},
                {"setpoint_w": -10000, "v2x_min_soc": 0},
            )
            assert car.ok and car.battery.energy_out_wms == 0, (service, control)


def test_full_battery_takes_nothing_more():
    """A car that may go up to 100 %: the power goes down before, and both meters agree. A BPT car
    ends there too."""
    for service in ("DC", "DC_BPT", "AC", "AC_BPT"):
        plug, car = session(
            {"service": service, "capacity_wh": 100, "soc": 85, "target_soc": 100, "duration_ms": 20000},
            {"setpoint_w": 10000},
        )
        assert car.ok and 9900 <= car.battery.soc_centi <= 10000, (service, car.battery.soc_centi)
        assert plug.world.power.charged_wh <= 17, (service, plug.world.power.charged_wh)
        _, car = session({"service": service, "capacity_wh": 100, "soc": 88, "target_soc": 90}, {"setpoint_w": 10000})
        assert car.ok and car.battery.soc >= 90, service


def test_scheduled_car_keeps_to_the_limits_of_the_station():
    for kind in ("ac", "dc"):
        for negative in (False, True):  # stations that write discharge limits as negative numbers are understood too
            _, car = session(
                {"service": kind.upper() + "_BPT", "control": "scheduled", "loops": 60, "scheduled_w": 6000},
                {
                    kind + "_max_charge_w": 3000,
                    kind + "_max_discharge_w": 2000,
                    "negative_discharge_limits": negative,
                    "setpoint_w": 10_000,
                },
                [(6000, lambda p: p.world.setpoint(-10_000))],
            )
            assert car.ok, car.why
            # 30 loops each way, of 0.2 s and a little
            assert 0 < car.battery.energy_in_wms <= 3000 * 7000
            assert 0 < car.battery.energy_out_wms <= 2000 * 7000


def request_in_loop(**ev):
    """Block of the Dynamic request, display parameters: what the car would send now."""
    car = Plug(ev, {}).car
    car.bpt = True
    car.service = requests.DC_BPT if car.dc else requests.AC_BPT
    msg, r = next_request.NEXT[LOOP](car)
    if msg == MSG.DC_ChargeLoopReq:
        return r[DC_ChargeLoopReq.BPT_Dynamic_DC_CLReqControlMode], r[DC_ChargeLoopReq.DisplayParameters]
    return r[AC_ChargeLoopReq.BPT_Dynamic_AC_CLReqControlMode], r[AC_ChargeLoopReq.DisplayParameters]


def test_loop_request_tells_charge_and_limits():
    """The energies have a sign: the minimum is negative above the car's floor, and then it may be
    discharged."""
    for service in ("AC_BPT", "DC_BPT"):
        limits = {"service": service, "max_charge_w": 11000, "max_discharge_w": 7000}
        b, shown = request_in_loop(soc=50, min_soc=10, target_soc=80, capacity_wh=60000, **limits)
        assert shown[DisplayParameters.PresentSOC] == 50 and shown[DisplayParameters.TargetSOC] == 80
        assert to_int(b[Dynamic_DC_CLReqControlMode.EVTargetEnergyRequest]) == 18000
        assert to_int(b[Dynamic_DC_CLReqControlMode.EVMaximumEnergyRequest]) == 30000
        assert to_int(b[Dynamic_DC_CLReqControlMode.EVMinimumEnergyRequest]) == -24000
        most_out = BPT_Dynamic_AC_CLReqControlMode.EVMaximumDischargePower
        if service == "DC_BPT":
            most_out = BPT_Dynamic_DC_CLReqControlMode.EVMaximumDischargePower
        most = Dynamic_DC_CLReqControlMode.EVMaximumChargePower  # same slot in AC
        assert to_int(b[most]) == 11000 and to_int(b[most_out]) == 7000
        b, _ = request_in_loop(soc=100, **limits)
        assert to_int(b[most]) == 0 and to_int(b[most_out]) == 7000
        b, _ = request_in_loop(soc=5, min_soc=10, **limits)
        assert to_int(b[Dynamic_DC_CLReqControlMode.EVMinimumEnergyRequest]) == 3000
        assert to_int(b[most]) == 11000 and to_int(b[most_out]) == 0


def test_order_of_the_last_requests():
    for service, last in (
        ("AC", [MSG.PowerDeliveryReq, MSG.SessionStopReq]),
        ("DC", [MSG.PowerDeliveryReq] + [MSG.DC_WeldingDetectionReq] * 3 + [MSG.SessionStopReq]),
    ):
        _, car = session({"service": service, "loops": 2}, {"cable_check_ms": 100})
        sent = [m for m in car._trace.messages if m[0] == 0][-len(last) :]
        found = [exi.decode(exi.schema_of(kind), data, 0, len(data))[0] for _, kind, data, _ in sent]
        assert found == last, (service, found)


def test_driver_stops():
    plug, car = session({"service": "DC_BPT"}, {"setpoint_w": 5000}, [(4000, lambda p: p.car.request_stop())])
    assert car.ok and car.why == "stopped by the driver" and not car.told_to_stop
    assert plug.world.trace.notes == ["session ended by the car"]


def test_driver_stops_before_anything_flows():
    script = [(2000, lambda p: p.car.request_stop())]  # the cable check takes longer
    plug, car = session({"service": "DC_BPT"}, {"setpoint_w": 5000, "cable_check_ms": 10000}, script)
    assert car.ok and car.loops == 0 and car.why == "stopped by the driver"
    assert plug.world.trace.notes == ["session ended by the car"]


def test_answers_in_pieces_and_two_at_once():
    """TCP has no borders: an answer byte by byte is one answer; a second one that nobody asked for
    ends the session."""
    plug = Plug({"service": "DC_BPT"}, {})
    car, w = plug.car, plug.world
    w.connect()
    car.start(w.now)
    car.poll(w.now)
    n = car.tx(plug.buf)
    w.secc.rx(plug.buf, n, w.now)
    n = w.secc.tx(plug.buf)
    answer = bytes(plug.buf[:n])
    for i in range(n):
        assert car.state == 0
        car.rx(answer[i : i + 1], 1, w.now)
    assert car.state == 1 and not car.why
    car.start(w.now)
    car.poll(w.now)
    car.rx(answer + answer, 2 * n, w.now)
    assert not car.ok and car.why == "an answer without a request"
    car.start(w.now)
    car.poll(w.now)
    car.rx(b"HTTP/1.1", 8, w.now)
    assert car.why == "the station's stream is not V2GTP" and car.event() == 1 and car.due is None


def test_answer_of_another_type():
    """In place of its third answer the station sends the second one again."""
    plug = Plug({"loops": 3}, {})
    car = plug.car
    rx, seen = car.rx, []

    def other(buf, n, now):
        seen.append(bytes(buf[:n]))
        data = seen[1] if len(seen) == 3 else seen[-1]
        rx(data, len(data), now)

    car.rx = other
    plug.run()
    assert not car.ok and car.why == "SessionSetupRes is no answer to AuthorizationSetupReq", car.why
    assert not plug.world.power.closed


def test_silent_station():
    """No answer: the car gives up after 2 s, and a loop answer must come within 0.5 s."""
    plug = Plug({"service": "DC"}, {})
    car, now = plug.car, plug.world.now
    car.start(now)
    car.poll(now)
    waited = 0
    while not car.event():
        waited += ticks_diff(car.due, now)
        now = car.due
        car.poll(now)
    assert waited == 2000 and "SupportedAppProtocol in time" in car.why
    plug = Plug({"service": "DC_BPT", "fault": "silence"}, {"loop_sequence_timeout_ms": 60000})
    car = plug.run()
    assert "no answer to ChargeLoop in time" in car.why  # and the silent car itself does not wait for ever


def test_a_car_told_to_wait_longer_does():
    """A line of 0.6 s there and back: too long for the 0.5 s of a loop answer, not for an option
    above it."""
    for ev, why in (
        ({}, "no answer to ChargeLoop in time"),
        ({"loop_timeout_ms": 1000}, "done"),
        ({"loop_timeout_ms": 1000, "message_timeout_ms": 400}, "no answer to SupportedAppProtocol in time"),
    ):
        car = Plug(dict(ev, service="AC", loops=3), {"loop_sequence_timeout_ms": 2000}, delay_ms=300).run()
        assert car.why == why, (ev, car.why)


def test_slow_station():
    """Authorisation, schedule and cable check take seconds: the car polls at its pace and goes
    on."""
    _, car = session(
        {"service": "DC_BPT", "loops": 3},
        {"authorization": "operator", "schedule_delay_ms": 2000, "cable_check_ms": 5000},
        [(3000, lambda p: p.world.power.decide.authorize(p.world.now, None, "the operator"))],
    )
    assert car.ok


def test_faults_end_with_power_off():
    """Whatever the car does wrong in the loop, the station's contactor opens."""
    for fault, why in (
        ("wrong_session", "FAILED_UnknownSession"),
        ("wrong_mode", "FAILED"),
        ("out_of_order", "FAILED_SequenceError"),
        ("silence", "connection lost"),
    ):
        plug, car = session({"service": "DC_BPT", "loops": 50, "fault": fault}, {"setpoint_w": 5000})
        assert not car.ok and why in car.why, (fault, car.why)
        assert plug.world.secc.session_over


def test_no_common_protocol():
    _, car = session({"service": "AC"}, {"services": ["DC"]})
    assert not car.ok and "none of our protocols" in car.why
