"""A session that the car pauses and joins again: R-SESSION-05..11, R-STOP-01, -03, -08, -09, R-METER-03, R-DC-SAFETY-01."""

from firmware.clock import ticks_diff
from firmware.run.safe import Safe
from firmware.session import steps
from firmware.session.paused import Paused, binding
from firmware.session.states import ENDED, FAILED, IDLE, PARAMETERS, STATE_NAMES
from micropython import const
from tests.lib.mtest import eq
from tests.lib.world import World

HEAP_KB = 400  # the tests themselves are compiled into this heap; the station runs in 200 (tests/mem, sim)

# slots: begin (make gen)
_AC_ChargeLoopRes__MeterInfo = const(3)
_DC_ChargeLoopRes__MeterInfo = const(3)
_MSG_AuthorizationSetupReq = const(5)
_MSG_DC_CableCheckReq = const(81)
_MSG_SessionStopRes = const(41)
_MeterInfo__BPT_DischargedEnergyReadingWh = const(2)
_MeterInfo__ChargedEnergyReadingWh = const(1)
_responseCode__FAILED = const(21)
_responseCode__FAILED_NoServiceRenegotiationSupported = const(28)
_responseCode__FAILED_PauseNotAllowed = const(29)
_responseCode__FAILED_SequenceError = const(34)
_responseCode__OK = const(0)
_responseCode__OK_NewSessionEstablished = const(2)
_responseCode__OK_OldSessionJoined = const(3)
# slots: end

AC = "urn:iso:std:iso:15118:-20:AC"
DC = "urn:iso:std:iso:15118:-20:DC"
PAUSE, TERMINATE = 0, 1
NAME = "WMIV1234567890ABCDEX"
LEAF = bytes(range(32))
OTHER = bytes(range(1, 33))
STOP, START = 1, 0
COMBINATIONS = [(service, dynamic) for service in (1, 2, 5, 6) for dynamic in (True, False)]


def world(**changes):
    w = World(**changes)
    w.car = (NAME, LEAF)
    return w


def to_stop(w, service=6, dynamic=True):
    """A charge loop, and PowerDelivery(Stop) behind it."""
    eq(w.to_loop(service, dynamic)[1][1], _responseCode__OK)
    for _ in range(3):
        eq(w.loop(service, dynamic)[1][1], _responseCode__OK)
    eq(w.power_delivery(STOP)[1][1], _responseCode__OK)


def paused(service=6, dynamic=True, **changes):
    """A world with a session that was paused, its connection gone."""
    w = world(**changes)
    to_stop(w, service, dynamic)
    res = w.stop(PAUSE)
    eq((res[0], res[1][1], w.secc.state), (_MSG_SessionStopRes, _responseCode__OK, ENDED))
    w.secc.lost(w.now)
    return w


def come_back(w, sid, dc=True):
    """The car connects again and offers a session id; returns the response code."""
    w.connect()
    w.sap([w.protocol(DC if dc else AC)])
    return w.setup(sid)[1][1]


def is_new(w, sid, dc=True):
    """R-SESSION-04: an id that is not joined is answered as a zero one is."""
    joined = len(w.said("joined by"))
    eq(come_back(w, sid, dc), _responseCode__OK_NewSessionEstablished)
    assert w.sid not in (sid, bytes(8))
    eq(len(w.said("joined by")), joined)
    eq(w.plain(_MSG_AuthorizationSetupReq)[1][1], _responseCode__OK)


def test_same_vehicle_joins_r_session_05_06():
    w = paused()
    sid = w.sid
    eq(come_back(w, sid), _responseCode__OK_OldSessionJoined)
    eq((w.sid, w.secc.state), (sid, PARAMETERS))
    assert w.said("old session joined by vehicle " + NAME + ", certificate 00010203")
    eq(w.dc_parameters(True)[1][1], _responseCode__OK)


def test_joined_only_parameters_r_session_06():
    """Everything else is the sequence error, the parameters of the other current too."""
    for call in (
        lambda w: w.discovery(),
        lambda w: w.plain(_MSG_AuthorizationSetupReq),
        lambda w: w.authorization(),
        lambda w: w.select(6, 7),
        lambda w: w.schedule(True),
        lambda w: w.plain(_MSG_DC_CableCheckReq),
        lambda w: w.power_delivery(START),
        lambda w: w.dc_loop(True, True),
        lambda w: w.ac_parameters(True),
    ):
        w = paused()
        sid = w.sid
        eq(come_back(w, sid), _responseCode__OK_OldSessionJoined)
        eq(call(w)[1][1], _responseCode__FAILED_SequenceError)
        assert not w.hw.relay.wanted
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


def test_plain_tcp_never_pauses_r_session_05_r_stop_08():
    w = World()
    to_stop(w)
    eq(w.stop(PAUSE)[1][1], _responseCode__FAILED_PauseNotAllowed)
    eq((w.secc.state, w.hw.path_off, w.secc.paused.left_ms(w.now)), (FAILED, True, 0))
    assert w.said("pause of a car without a certificate")
    sid = w.sid
    w.secc.lost(w.now)
    is_new(w, sid)


def test_plain_tcp_never_joins_r_session_05():
    w = paused()
    sid = w.sid
    w.car = (None, None)
    is_new(w, sid)
    assert w.said("old session not joined: the car has shown no certificate")


def test_a_name_without_its_certificate_joins_nothing_r_session_05():
    """Whoever hands over the name alone, as a station without our TLS stage."""
    w = world()
    w.car = (NAME, None)
    to_stop(w)
    eq(w.stop(PAUSE)[1][1], _responseCode__FAILED_PauseNotAllowed)
    w = paused()
    sid = w.sid
    w.car = (NAME, None)
    is_new(w, sid)


def test_a_leaf_without_a_name_does_not_count():
    w = world()
    w.secc.start(w.now, None, LEAF)
    eq((w.secc.facts.secure, w.secc.facts.leaf), (False, None))


def test_binding_has_all_three_parts():
    one = binding(b"12345678", LEAF, NAME)
    eq(len(one), 32)
    for other in ((b"12345679", LEAF, NAME), (b"12345678", OTHER, NAME), (b"12345678", LEAF, NAME + "X")):
        assert binding(*other) != one


def test_after_terminate_the_id_is_unknown_r_session_08_09():
    w = world()
    to_stop(w)
    eq(w.stop(TERMINATE)[1][1], _responseCode__OK)
    sid = w.sid
    eq((w.secc.paused._kept, w.secc.paused._digest, w.secc.paused.due), (None, b"", None))
    w.secc.lost(w.now)
    is_new(w, sid)
    assert w.said("old session not joined: none is kept")


def test_terminate_of_a_joined_session_ends_it_r_session_09():
    w = paused()
    sid = w.sid
    eq(come_back(w, sid), _responseCode__OK_OldSessionJoined)
    eq(w.stop(TERMINATE)[1][1], _responseCode__OK)
    w.secc.lost(w.now)
    is_new(w, sid)


def test_after_a_timeout_the_id_is_unknown_r_session_08():
    for joined in (False, True):
        w = world()
        to_stop(w)
        if joined:
            w.stop(PAUSE)
            w.secc.lost(w.now)
            eq(come_back(w, w.sid), _responseCode__OK_OldSessionJoined)
        sid = w.sid
        w.sleep(60001)
        assert w.closed and w.said("sequence timeout")
        w.secc.lost(w.now)
        is_new(w, sid)


def test_lost_connection_keeps_nothing_r_session_08_r_stop_10():
    w = world()
    to_stop(w)
    sid = w.sid
    w.secc.lost(w.now)
    is_new(w, sid)


def test_after_failed_the_id_is_unknown_r_session_08():
    """Refused in the session, and a request behind the confirmed pause."""
    w = world()
    to_stop(w)
    sid = w.sid
    eq(w.discovery()[1][1], _responseCode__FAILED_SequenceError)
    eq(w.stop(PAUSE)[1][1], _responseCode__FAILED_PauseNotAllowed)  # the one SessionStop that is answered (D-15)
    w.secc.lost(w.now)
    is_new(w, sid)
    w = world()
    to_stop(w)
    sid = w.sid
    w.stop(PAUSE)
    eq(w.stop(TERMINATE)[1][1], _responseCode__FAILED_SequenceError)
    w.secc.lost(w.now)
    is_new(w, sid)
    w = world()
    to_stop(w)
    sid = w.sid
    w.stop(PAUSE)
    w.feed(b"\xff" * 8)
    assert w.closed
    w.secc.lost(w.now)
    is_new(w, sid)


def test_kept_for_a_time_r_session_10():
    """Over new connections after a minute, to the last second, and not after the end."""
    for wait_ms, joined in ((60000, True), (119000, True), (120000, False), (700000, False)):
        w = paused(pause_max_s=120)
        sid = w.sid
        w.sleep(wait_ms)
        eq(come_back(w, sid) == _responseCode__OK_OldSessionJoined, joined)
        eq(bool(w.said("given up: its time is over")), not joined)


def test_expiry_does_not_come_back_with_the_wrap_of_the_tick_r_session_10():
    """The tick wraps after 12.4 days, and half of that is the past: the longest pause is fired in time."""
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
    w.sap([w.protocol()])
    assert w.discovery()[1][1] >= _responseCode__FAILED
    w.secc.lost(w.now)
    w.car = car
    eq(come_back(w, sid), _responseCode__OK_OldSessionJoined)
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
    w = paused(6)
    is_new(w, w.sid, dc=False)
    assert w.said("old session not joined: AC and DC exchanged")


def test_pause_out_of_the_loop_is_refused_and_the_power_goes_off_r_stop_08():
    for service, dynamic in COMBINATIONS:
        w = world()
        w.to_loop(service, dynamic)
        w.loop(service, dynamic)
        assert w.hw.contactor
        eq(w.stop(PAUSE)[1][1], _responseCode__FAILED_PauseNotAllowed)
        eq((w.secc.state, w.hw.relay.wanted, w.hw.w), (FAILED, False, 0))
        assert w.said("refused: pause out of phase")
        sid = w.sid
        w.secc.lost(w.now)
        is_new(w, sid, service in (2, 6))


def test_where_a_pause_is_allowed_d_05_r_stop_08():
    """Behind a selected service, with nothing energised; the table says it."""
    allowed = [STATE_NAMES[row[0]] for row in steps.STEPS if row[2].__name__ == "stop_or_pause"]
    eq(
        allowed,
        ["ChargeParameterDiscovery", "ScheduleExchange", "AC_Start", "WeldingDetection", "SessionStop"],
    )
    reaches = (
        (lambda w: w.to_authorized(True), False),
        (lambda w: (w.to_authorized(True), w.discovery()), False),
        (lambda w: (w.to_authorized(True), w.discovery(), w.select(6, w.set_id(6, True))), True),
        (lambda w: w.to_schedule(1, True), True),
        (lambda w: w.to_schedule(6, True), False),  # cable check is next: PowerDelivery(Stop) comes first
        (lambda w: w.to_start(6, True), False),
        (lambda w: to_stop(w, 1), True),
        (lambda w: (to_stop(w), w.welding()), True),
    )
    for reach, may in reaches:
        w = world()
        reach(w)
        state = w.secc.state
        code = w.stop(PAUSE)[1][1]
        eq((state, code), (state, _responseCode__OK if may else _responseCode__FAILED_PauseNotAllowed))
        assert not w.hw.relay.wanted


def test_dc_leaves_out_the_cable_check_on_the_way_to_a_pause_r_dc_safety_01():
    w = world()
    w.to_schedule(6, True)
    eq(w.power_delivery(STOP)[1][1], _responseCode__OK)
    eq(w.stop(PAUSE)[1][1], _responseCode__OK)
    sid = w.sid
    w.secc.lost(w.now)
    eq(come_back(w, sid), _responseCode__OK_OldSessionJoined)
    w.dc_parameters(True)
    w.schedule(True)
    eq(w.power_delivery(START)[1][1], _responseCode__FAILED_SequenceError)  # and not on the way to power


def test_pause_waits_for_the_power_path_r_stop_08_09():
    """The answer leaves with the path off; a path that stays live is a refusal, and so is a fault of the power stage."""
    w = world()
    to_stop(w)
    w.hw.mv = 400000
    began = w.now
    eq(w.stop(PAUSE)[1][1], _responseCode__OK)
    assert w.hw.path_off and ticks_diff(w.now, began) > 0
    for fault, why in ((0, "pause with a live cable"), (3, "pause with a station fault")):
        w = world()
        to_stop(w)
        w.hw.mv = 400000
        w.hw._ramp = lambda target_mv, dt: None  # the output capacitor keeps its charge
        w.hw.converter_fault = fault
        eq(w.stop(PAUSE)[1][1], _responseCode__FAILED_PauseNotAllowed)
        assert w.said(why), w.trace.notes
        eq(w.secc.paused.left_ms(w.now), 0)


def test_pause_can_be_switched_off_r_stop_08():
    w = world(pause_allowed=False)
    to_stop(w)
    eq(w.stop(PAUSE)[1][1], _responseCode__FAILED_PauseNotAllowed)
    assert w.said("pause is not configured")


def test_a_station_that_ends_the_session_is_not_paused():
    w = world()
    to_stop(w)
    w.secc.request_stop(w.now)
    eq(w.stop(PAUSE)[1][1], _responseCode__FAILED_PauseNotAllowed)


def test_the_three_answers_of_session_stop_r_stop_01():
    for kind, code in (
        (0, _responseCode__OK),
        (1, _responseCode__OK),
        (2, _responseCode__FAILED_NoServiceRenegotiationSupported),
    ):
        w = world()
        to_stop(w)
        began = w.now
        eq(w.stop(kind)[1][1], code)
        assert ticks_diff(w.now, began) < 1500


def test_tcp_is_held_after_a_pause_r_stop_03():
    w = world()
    to_stop(w)
    w.stop(PAUSE)
    w.sleep(4900)
    assert not w.closed
    w.sleep(200)
    assert w.closed
    w.secc.lost(w.now)
    eq(come_back(w, w.sid), _responseCode__OK_OldSessionJoined)


def test_nothing_is_energised_during_a_pause_r_stop_09():
    w = paused()
    for _ in range(100):
        w.sleep(6000)
        assert not w.hw.relay.wanted and not w.hw.contactor and w.hw.path_off


def test_charges_again_without_authorisation_r_session_07():
    """AC and DC, with BPT and without, both control modes; twice (R-SESSION-11)."""
    for service, dynamic in COMBINATIONS:
        dc = service in (2, 6)
        w = world(setpoint_w=4000)
        to_stop(w, service, dynamic)
        for _ in range(2):
            sid = w.sid
            eq(w.stop(PAUSE)[1][1], _responseCode__OK)
            w.secc.lost(w.now)
            w.sleep(30000)
            eq(come_back(w, sid, dc), _responseCode__OK_OldSessionJoined)
            f = w.secc.facts
            eq((f.service, f.bpt, f.dynamic), (service, service >= 5, dynamic))
            eq((w.dc_parameters if dc else w.ac_parameters)(service >= 5)[1][1], _responseCode__OK)
            eq(w.schedule(dynamic)[1][1], _responseCode__OK)
            w.on_to_start(service)
            eq(w.power_delivery(START, 0, None if dynamic else 1)[1][1], _responseCode__OK)
            for _ in range(5):
                more = {} if dc else {"present_w": 4000}
                eq(w.loop(service, dynamic, **more)[1][1], _responseCode__OK)
                w.sleep(100)
            assert w.hw.contactor and w.hw.w
            eq(w.power_delivery(STOP)[1][1], _responseCode__OK)
        eq(w.stop(TERMINATE)[1][1], _responseCode__OK)


def readings(w, service):
    res = w.loop(service, True, meter=True)[1]
    meter = res[_DC_ChargeLoopRes__MeterInfo if service in (2, 6) else _AC_ChargeLoopRes__MeterInfo]
    return meter[_MeterInfo__ChargedEnergyReadingWh], meter[_MeterInfo__BPT_DischargedEnergyReadingWh] or 0


def charge(w, service, watts):
    """For 20 s, positive into the car."""
    w.power.set_setpoint_w(watts)
    more = {} if service == 6 else {"present_w": watts}
    for _ in range(100):
        w.loop(service, True, **more)
        w.sleep(200)


def test_the_meter_goes_on_after_a_pause_r_meter_03():
    """Both ways, AC and DC; the next session begins at zero (R-SESSION-11)."""
    for service in (6, 5):
        dc = service == 6
        w = world()
        w.to_loop(service, True)
        charge(w, service, 10000)
        charge(w, service, -10000)
        before = readings(w, service)
        assert before[0] > 30 and before[1] > 30, before
        w.power_delivery(STOP)
        w.stop(PAUSE)
        w.secc.lost(w.now)
        eq(come_back(w, w.sid, dc), _responseCode__OK_OldSessionJoined)
        (w.dc_parameters if dc else w.ac_parameters)(True)
        w.schedule(True)
        w.on_to_start(service)
        w.power_delivery(START)
        eq(readings(w, service), before)
        charge(w, service, 10000)
        after = readings(w, service)
        assert before[0] + 30 < after[0] < 2 * before[0] + 30 and after[1] == before[1], (before, after)
        w.power_delivery(STOP)
        w.stop(TERMINATE)
        w.secc.lost(w.now)
        w.to_loop(service, True)
        eq(readings(w, service), (0, 0))


def test_two_pauses_of_two_cars_r_session_11():
    """One at most: the session of the second takes the place of the first."""
    w = paused()
    first = w.sid
    w.car = ("WMIV9999999999ABCDEX", OTHER)
    to_stop(w, 2)
    eq(w.stop(PAUSE)[1][1], _responseCode__OK)
    second = w.sid
    w.secc.lost(w.now)
    eq(come_back(w, second), _responseCode__OK_OldSessionJoined)
    eq((w.secc.facts.service, w.secc.facts.base_charged_wh), (2, w.secc.facts.charged_wh))
    w.stop(TERMINATE)
    w.secc.lost(w.now)
    w.car = (NAME, LEAF)
    is_new(w, first)


class Loud:
    def __init__(self):
        self.notes = []

    def note(self, now, text, value=None):
        self.notes.append(text)

    error = note

    def message(self, *args):
        pass


def test_a_fault_of_our_own_keeps_nothing_r_session_08():
    w = paused()
    sid = w.sid
    w.trace = Loud()
    first, made = w.secc, []
    safe = Safe(lambda: made.pop() if made else first, w.power, w.trace)
    assert safe.paused_ms(w.now) > 0 and safe.pause_begun() and not safe.pause_begun()
    made.append(World().secc)
    w.secc.rx = None
    safe.rx(b"", 0, w.now)
    eq((safe.broken, safe.paused_ms(w.now), safe.pause_begun(), first.paused.left_ms(w.now)), (True, 0, False, 0))
    safe.lost(w.now)
    w.secc = safe.secc
    assert w.secc is not first
    eq(w.secc.state, IDLE)
    is_new(w, sid)


def test_the_trace_tells_who_and_never_the_digest():
    w = paused()
    text = " ".join(w.trace.notes)
    assert "session paused; bound to vehicle " + NAME + ", certificate 00010203; s 86400" in text, text
    digest = binding(w.sid, LEAF, NAME)
    for secret in (digest, LEAF):
        assert "".join(["%02x" % b for b in secret]) not in text
    eq(w.secc.paused.left_ms(w.now), 86400000)


def test_nothing_begins_twice():
    """begun() tells a pause once, and not any more when it is over."""
    notes = Loud()
    p = Paused(1000, notes)
    f = world().secc.facts
    f.vehicle, f.leaf = NAME, LEAF
    p.keep(f, 0)
    p.forget(0, "test")
    eq((p.begun(), p.left_ms(0)), (False, 0))
    p.keep(f, 0)
    eq((p.begun(), p.begun(), p.left_ms(400)), (True, False, 600))
    p.poll(1000)
    eq((p.left_ms(1000), p.due), (0, None))
