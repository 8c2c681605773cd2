"""When a car may pause its session, and what ends a pause: R-SESSION-05, -08, -09, R-STOP-01, -03,
-08, -09, R-DC-SAFETY-01."""

from firmware.clock import ticks_diff
from firmware.run.safe import Safe
from firmware.session.dialects import state_name
from firmware.session.iso20 import steps
from firmware.session.paused import Paused, binding
from firmware.session.states import FAILED, IDLE
from firmware.stage.faults import CONVERTER
from tests.lib.driver import AC, DC, DC_BPT, DYNAMIC, PAUSE, START, STOP, TERMINATE
from tests.lib.mtest import eq
from tests.lib.notes import Notes
from tests.lib.paused import COMBINATIONS, LEAF, NAME, come_back, is_new, paused, to_stop, world
from tests.lib.world import World

HEAP_KB = 200
from codec.slots import (
    ResponseCode,
)


def test_plain_tcp_never_pauses_r_session_05_r_stop_08():
    w = World()
    to_stop(w)
    eq(w.stop(PAUSE).code, ResponseCode.FAILED_PauseNotAllowed)
    eq((w.secc.state, w.power.path_off, w.secc.paused.left_ms(w.now)), (FAILED, True, 0))
    assert w.said("pause of a car without a certificate")
    sid = w.sid
    w.secc.lost(w.now)
    is_new(w, sid)


def test_a_name_without_its_certificate_joins_nothing_r_session_05():
    """Whoever hands over the name alone, as a station without our TLS stage."""
    w = world()
    w.car = (NAME, None)
    to_stop(w)
    eq(w.stop(PAUSE).code, ResponseCode.FAILED_PauseNotAllowed)
    w = paused()
    sid = w.sid
    w.car = (NAME, None)
    is_new(w, sid)


def test_a_leaf_without_a_name_does_not_count():
    w = world()
    w.secc.start(w.now, None, LEAF)
    eq((w.secc.facts.secure, w.secc.facts.vehicle_cert_sha256), (False, None))


def test_after_terminate_the_id_is_unknown_r_session_08_09():
    w = world()
    to_stop(w)
    eq(w.stop(TERMINATE).code, ResponseCode.OK)
    sid = w.sid
    eq((w.secc.paused._kept, w.secc.paused._digest, w.secc.paused.due), (None, b"", None))
    w.secc.lost(w.now)
    is_new(w, sid)
    assert w.said("old session not joined: none is kept")


def test_after_a_timeout_the_id_is_unknown_r_session_08():
    for joined in (False, True):
        w = world()
        to_stop(w)
        if joined:
            w.stop(PAUSE)
            w.secc.lost(w.now)
            eq(come_back(w, w.sid), ResponseCode.OK_OldSessionJoined)
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
    eq(w.discovery().code, ResponseCode.FAILED_SequenceError)
    eq(w.stop(PAUSE).code, ResponseCode.FAILED_PauseNotAllowed)  # the one SessionStop that is answered (D-15)
    w.secc.lost(w.now)
    is_new(w, sid)
    w = world()
    to_stop(w)
    sid = w.sid
    w.stop(PAUSE)
    eq(w.stop(TERMINATE).code, ResponseCode.FAILED_SequenceError)
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


def test_pause_out_of_the_loop_is_refused_and_the_power_goes_off_r_stop_08():
    for service, dynamic in COMBINATIONS:
        w = world()
        w.to_loop(service, dynamic)
        w.loop(service, dynamic)
        assert w.power.closed
        eq(w.stop(PAUSE).code, ResponseCode.FAILED_PauseNotAllowed)
        eq((w.secc.state, w.contactor.wanted, w.hw.w), (FAILED, False, 0))
        assert w.said("refused: pause out of phase")
        sid = w.sid
        w.secc.lost(w.now)
        is_new(w, sid, service)


def test_where_a_pause_is_allowed_d_05_r_stop_08():
    """Behind a selected service, with nothing energised; the table says it. Nobody must have
    proposed it (D-26)."""
    allowed = [state_name(state) for row in steps.STEPS if row[2].__name__ == "stop_or_pause" for state in row[0]]
    eq(
        allowed,
        ["ChargeParameterDiscovery", "ScheduleExchange", "AC_Start", "WeldingDetection", "SessionStop"],
    )
    reaches = (
        (lambda w: w.to_authorized(DC), False),
        (lambda w: (w.to_authorized(DC), w.discovery()), False),
        (lambda w: (w.to_authorized(DC), w.discovery(), w.select(DC_BPT, w.set_id(DC_BPT, DYNAMIC))), True),
        (lambda w: w.to_schedule(AC, DYNAMIC), True),
        (lambda w: w.to_schedule(DC_BPT, DYNAMIC), False),  # cable check is next: PowerDelivery(Stop) comes first
        (lambda w: w.to_start(DC_BPT, DYNAMIC), False),
        (lambda w: to_stop(w, AC), True),
        (lambda w: (to_stop(w), w.welding()), True),
    )
    for reach, may in reaches:
        w = world()
        reach(w)
        state = w.secc.state
        code = w.stop(PAUSE).code
        eq((state, code), (state, ResponseCode.OK if may else ResponseCode.FAILED_PauseNotAllowed))
        assert not w.contactor.wanted


def test_dc_leaves_out_the_cable_check_on_the_way_to_a_pause_r_dc_safety_01():
    w = world()
    w.to_schedule(DC_BPT, DYNAMIC)
    eq(w.power_delivery(STOP).code, ResponseCode.OK)
    eq(w.stop(PAUSE).code, ResponseCode.OK)
    sid = w.sid
    w.secc.lost(w.now)
    eq(come_back(w, sid), ResponseCode.OK_OldSessionJoined)
    w.parameters(DC_BPT)
    w.schedule(DYNAMIC)
    eq(w.power_delivery(START).code, ResponseCode.FAILED_SequenceError)  # and not on the way to power


def test_pause_waits_for_the_power_path_r_stop_08_09():
    """The answer leaves with the path off; a path that stays live is a refusal, and so is a fault
    of the power stage."""
    w = world()
    to_stop(w)
    w.hw.mv_in = w.hw.mv_out = 400000
    began = w.now
    eq(w.stop(PAUSE).code, ResponseCode.OK)
    assert w.power.path_off and ticks_diff(w.now, began) > 0
    for fault, why in ((0, "pause with a live cable"), (CONVERTER, "pause with a station fault")):
        w = world()
        to_stop(w)
        w.hw.keeps_charge = True  # the output capacitor
        w.hw.mv_in = w.hw.mv_out = 400000
        w.hw.fault_bits = fault
        eq(w.stop(PAUSE).code, ResponseCode.FAILED_PauseNotAllowed)
        assert w.said(why), w.trace.notes
        eq(w.secc.paused.left_ms(w.now), 0)


def test_pause_can_be_switched_off_r_stop_08():
    w = world(pause_allowed=False)
    to_stop(w)
    eq(w.stop(PAUSE).code, ResponseCode.FAILED_PauseNotAllowed)
    assert w.said("pause is not configured")


def test_a_station_that_ends_the_session_is_not_paused():
    w = world()
    to_stop(w)
    w.secc.request_stop(w.now)
    eq(w.stop(PAUSE).code, ResponseCode.FAILED_PauseNotAllowed)


def test_the_three_answers_of_session_stop_r_stop_01():
    for kind, code in (
        (0, ResponseCode.OK),
        (1, ResponseCode.OK),
        (2, ResponseCode.FAILED_NoServiceRenegotiationSupported),
    ):
        w = world()
        to_stop(w)
        began = w.now
        eq(w.stop(kind).code, code)
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
    eq(come_back(w, w.sid), ResponseCode.OK_OldSessionJoined)


def test_nothing_is_energised_during_a_pause_r_stop_09():
    w = paused()
    for _ in range(100):
        w.sleep(6000)
        assert not w.contactor.wanted and not w.power.closed and w.power.path_off


def test_a_fault_of_our_own_keeps_nothing_r_session_08():
    w = paused()
    sid = w.sid
    w.trace = Notes()
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
    notes = Notes()
    p = Paused(1000, notes)
    f = world().secc.facts
    f.vehicle_name, f.vehicle_cert_sha256 = NAME, LEAF
    p.keep(f, (bytes(8),), None, 0)
    p.forget(0, "test")
    eq((p.begun(), p.left_ms(0)), (False, 0))
    p.keep(f, (bytes(8),), None, 0)
    eq((p.begun(), p.begun(), p.left_ms(400)), (True, False, 600))
    p.poll(1000)
    eq((p.left_ms(1000), p.due), (0, None))
