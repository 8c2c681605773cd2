"""A paused session that is joined again, or not: R-SESSION-04..07, -10, -11, R-METER-03."""

from firmware.session.iso20.states import PARAMETERS
from firmware.session.paused import binding
from host_tools.ev.requests import is_bpt, is_dc
from tests.lib.driver import AC_BPT, DC, DC_BPT, DYNAMIC, PAUSE, START, STOP, TERMINATE
from tests.lib.mtest import eq
from tests.lib.paused import COMBINATIONS, LEAF, NAME, OTHER, come_back, is_new, paused, to_stop, world

HEAP_KB = 200
from codec.slots import (
    MeterInfo,
    ResponseCode,
)


def test_same_vehicle_joins_r_session_05_06():
    w = paused()
    sid = w.sid
    eq(come_back(w, sid), ResponseCode.OK_OldSessionJoined)
    eq((w.sid, w.secc.state), (sid, PARAMETERS))
    assert w.said("old session joined by vehicle " + NAME + ", certificate 00010203")
    eq(w.parameters(DC_BPT).code, ResponseCode.OK)


def test_joined_only_parameters_r_session_06():
    """Everything else is the sequence error, the parameters of the other current too."""
    for call in (
        lambda w: w.discovery(),
        lambda w: w.authorization_setup(),
        lambda w: w.authorization(),
        lambda w: w.select(DC_BPT, 7),
        lambda w: w.schedule(DYNAMIC),
        lambda w: w.cable_check(),
        lambda w: w.power_delivery(START),
        lambda w: w.loop(DC_BPT, DYNAMIC),
        lambda w: w.parameters(AC_BPT),
    ):
        w = paused()
        sid = w.sid
        eq(come_back(w, sid), ResponseCode.OK_OldSessionJoined)
        eq(call(w).code, ResponseCode.FAILED_SequenceError)
        assert not w.contactor.wanted
        w.secc.lost(w.now)
        is_new(w, sid)  # R-SESSION-08: what has failed cannot be joined


def test_another_certificate_is_a_new_session_r_session_05():
    for car in ((NAME, OTHER), ("WMIV1234567890ABCDEY", LEAF)):
        w = paused()
        sid = w.sid
        w.car = car
        is_new(w, sid)
        assert w.said("old session not joined: another vehicle certificate")
        w.secc.lost(w.now)
        w.car = (NAME, LEAF)  # and now it is over for the first one too
        is_new(w, sid)


def test_plain_tcp_never_joins_r_session_05():
    w = paused()
    sid = w.sid
    w.car = (None, None)
    is_new(w, sid)
    assert w.said("old session not joined: the car has shown no certificate")


def test_binding_has_all_three_parts():
    one = binding(b"12345678", LEAF, NAME)
    eq(len(one), 32)
    for other in ((b"12345679", LEAF, NAME), (b"12345678", OTHER, NAME), (b"12345678", LEAF, NAME + "X")):
        assert binding(*other) != one


def test_terminate_of_a_joined_session_ends_it_r_session_09():
    w = paused()
    sid = w.sid
    eq(come_back(w, sid), ResponseCode.OK_OldSessionJoined)
    eq(w.stop(TERMINATE).code, ResponseCode.OK)
    w.secc.lost(w.now)
    is_new(w, sid)


def test_kept_for_a_time_r_session_10():
    """Over new connections after a minute, to the last second, and not after the end."""
    for wait_ms, joined in ((60000, True), (119000, True), (120000, False), (700000, False)):
        w = paused(pause_max_s=120)
        sid = w.sid
        w.sleep(wait_ms)
        eq(come_back(w, sid) == ResponseCode.OK_OldSessionJoined, joined)
        eq(bool(w.said("given up: its time is over")), not joined)


def test_expiry_does_not_come_back_with_the_wrap_of_the_tick_r_session_10():
    """The tick wraps after 12.4 days, and half of that is the past: the longest pause is fired in
    time."""
    w = paused(pause_max_s=432000)
    sid = w.sid
    for _ in range(6 * 24):
        w.sleep(3600000)
    eq((w.secc.paused.due, w.secc.paused.left_ms(w.now)), (None, 0))
    is_new(w, sid)


def test_an_unfinished_stranger_changes_nothing_and_a_new_session_everything_r_session_08():
    """One that connects and says nothing, or garbage, is no session; one that is set up is."""
    w = paused()
    sid = w.sid
    car, w.car = w.car, ("WMIV9999999999ABCDEX", OTHER)
    w.connect()
    w.sleep(18001)
    assert w.closed
    w.secc.lost(w.now)
    w.connect()
    w.feed(b"garbage!")
    w.secc.lost(w.now)
    w.connect()
    w.sap()
    assert w.discovery().code >= ResponseCode.FAILED
    w.secc.lost(w.now)
    w.car = car
    eq(come_back(w, sid), ResponseCode.OK_OldSessionJoined)
    w = paused()
    sid = w.sid
    w.car = ("WMIV9999999999ABCDEX", OTHER)
    is_new(w, bytes(8))
    assert w.said("old session not joined: the car begins a new one")
    w.secc.lost(w.now)
    w.car = car
    is_new(w, sid)


def test_another_id_of_the_same_vehicle_r_session_04():
    w = paused()
    sid = w.sid
    is_new(w, b"abcdefgh")
    assert w.said("old session not joined: another session id")
    w.secc.lost(w.now)
    is_new(w, sid)


def test_the_other_current_is_a_new_session_r_session_06():
    w = paused(DC_BPT)
    is_new(w, w.sid, AC_BPT)
    assert w.said("old session not joined: AC and DC exchanged")


def test_charges_again_without_authorisation_r_session_07():
    """AC and DC, with BPT and without, both control modes; twice (R-SESSION-11)."""
    for service, dynamic in COMBINATIONS:
        w = world(setpoint_w=4000)
        to_stop(w, service, dynamic)
        for _ in range(2):
            sid = w.sid
            eq(w.stop(PAUSE).code, ResponseCode.OK)
            w.secc.lost(w.now)
            w.sleep(30000)
            eq(come_back(w, sid, service), ResponseCode.OK_OldSessionJoined)
            f = w.secc.facts
            eq((f.session.service, f.session.bpt, f.session.dynamic), (service, is_bpt(service), dynamic))
            eq(w.parameters(service).code, ResponseCode.OK)
            eq(w.schedule(dynamic).code, ResponseCode.OK)
            w.on_to_start(service)
            eq(w.power_delivery(START, tuple_id=None if dynamic else 1).code, ResponseCode.OK)
            for _ in range(5):
                more = {} if is_dc(service) else {"present_w": 4000}
                eq(w.loop(service, dynamic, **more).code, ResponseCode.OK)
                w.sleep(100)
            assert w.power.closed and w.hw.w
            eq(w.power_delivery(STOP).code, ResponseCode.OK)
        eq(w.stop(TERMINATE).code, ResponseCode.OK)


def readings(w, service):
    meter = w.loop(service, DYNAMIC, meter=True).MeterInfo
    return meter[MeterInfo.ChargedEnergyReadingWh], meter[MeterInfo.BPT_DischargedEnergyReadingWh] or 0


def charge(w, service, watts):
    """For 20 s, positive into the car."""
    w.setpoint(watts)
    more = {} if service == DC_BPT else {"present_w": watts}
    for _ in range(100):
        w.loop(service, DYNAMIC, **more)
        w.sleep(200)


def test_the_meter_goes_on_after_a_pause_r_meter_03():
    """Both ways, AC and DC; the next session begins at zero (R-SESSION-11)."""
    for service in (DC_BPT, AC_BPT):
        w = world()
        w.to_loop(service, DYNAMIC)
        charge(w, service, 10000)
        charge(w, service, -10000)
        before = readings(w, service)
        assert before[0] > 30 and before[1] > 30, before
        w.power_delivery(STOP)
        w.stop(PAUSE)
        w.secc.lost(w.now)
        eq(come_back(w, w.sid, service), ResponseCode.OK_OldSessionJoined)
        w.parameters(service)
        w.schedule(DYNAMIC)
        w.on_to_start(service)
        w.power_delivery(START)
        eq(readings(w, service), before)
        charge(w, service, 10000)
        after = readings(w, service)
        assert before[0] + 30 < after[0] < 2 * before[0] + 30 and after[1] == before[1], (before, after)
        w.power_delivery(STOP)
        w.stop(TERMINATE)
        w.secc.lost(w.now)
        w.to_loop(service, DYNAMIC)
        eq(readings(w, service), (0, 0))


def test_two_pauses_of_two_cars_r_session_11():
    """One at most: the session of the second takes the place of the first."""
    w = paused()
    first = w.sid
    w.car = ("WMIV9999999999ABCDEX", OTHER)
    to_stop(w, DC)
    eq(w.stop(PAUSE).code, ResponseCode.OK)
    second = w.sid
    w.secc.lost(w.now)
    eq(come_back(w, second), ResponseCode.OK_OldSessionJoined)
    eq((w.secc.facts.session.service, w.secc.facts.session.base_charged_wh), (2, w.secc.facts.station.charged_wh))
    w.stop(TERMINATE)
    w.secc.lost(w.now)
    w.car = (NAME, LEAF)
    is_new(w, first)
