"""Refusals: own response type, right code, every mandatory field, power off, latched
(R-ERRORS-01..09)."""

from codec import exi
from firmware.run.safe import Safe
from firmware.session.iso20 import messages, steps
from firmware.session.states import ENDED, FAILED, IDLE, SAP
from host_tools.ev.requests import is_dc, protocol, service_discovery
from tests.lib.driver import AC_BPT, DC, DC_BPT, DYNAMIC, MODES, SERVICES, STOP
from tests.lib.every_request import certificate_installation, every
from tests.lib.law import find, with_row
from tests.lib.poison import BYTE
from tests.lib.world import World

HEAP_KB = 200
from codec.slots import (
    MSG,
    ChargingSession,
    MessageHeader,
    ResponseCode,
)

# How to reach each phase: (service, stretch of World, states it leaves the machine in).
PHASES = (
    ("SAP", lambda w: w.connect()),
    ("SETUP", lambda w: (w.connect(), w.sap())),
    ("AUTH_SETUP", lambda w: (w.connect(), w.sap(), w.setup())),
    ("AUTH", lambda w: (w.connect(), w.sap(), w.setup(), w.authorization_setup())),
    ("DISCOVERY", lambda w: w.to_authorized(DC)),
    ("SELECT", lambda w: (w.to_authorized(DC), w.discovery())),
    ("PARAMETERS", lambda w: (w.to_authorized(DC), w.discovery(), w.select(DC_BPT, w.set_id(DC_BPT, DYNAMIC)))),
    (
        "SCHEDULE",
        lambda w: (
            w.to_authorized(DC),
            w.discovery(),
            w.select(DC_BPT, w.set_id(DC_BPT, DYNAMIC)),
            w.parameters(DC_BPT),
        ),
    ),
    ("CABLE_CHECK", lambda w: w.to_schedule(DC_BPT, DYNAMIC)),
    ("PRECHARGE", lambda w: w.to_start(DC_BPT, DYNAMIC)),
    ("AC_START", lambda w: w.to_start(AC_BPT, DYNAMIC)),
    ("AC_LOOP", lambda w: w.to_loop(AC_BPT, DYNAMIC)),
    ("DC_LOOP", lambda w: w.to_loop(DC_BPT, DYNAMIC)),
    ("WELDING", lambda w: (w.to_loop(DC_BPT, DYNAMIC), w.power_delivery(STOP))),
    ("STOP", lambda w: (w.to_loop(AC_BPT, DYNAMIC), w.power_delivery(STOP))),
    ("ENDED", lambda w: (w.to_authorized(DC), w.stop())),
    ("FAILED", lambda w: (w.to_authorized(DC), w.authorization_setup())),
)


def test_every_request_in_every_phase_r_errors_01():
    """What the table does not allow gets its own response type with FAILED_SequenceError and power
    off. The answer is decoded from its bytes, so every mandatory field was there (R-ERRORS-02)."""
    w = World()
    refused = 0
    for name, reach in PHASES:
        reach(w)
        state = w.secc.state
        table = every(w)
        assert sorted(table) == sorted([MSG.supportedAppProtocolReq] + [row[0][0] for row in messages.MESSAGES])
        for msg in table:
            if find(steps.STEPS, state, msg) or (state, msg) == (SAP, MSG.supportedAppProtocolReq):
                continue
            w.secc.lost(w.now)
            w.sleep(200)
            reach(w)
            assert w.secc.state == state, name
            res = w.request((msg, every(w)[msg]))
            assert res is not None, (name, msg)
            assert res.msg == msg + 1, (name, msg)
            if msg != MSG.supportedAppProtocolReq:
                assert res.code == ResponseCode.FAILED_SequenceError, (name, msg, res.code)
                assert bytes(res.Header[MessageHeader.SessionID]) == w.sid
            assert not w.contactor.wanted and w.hw.ma == 0 and w.hw.w == 0
            assert w.secc.state in (FAILED, ENDED)
            refused += 1
            w.trace.messages.clear()
            w.trace.notes.clear()
        w.secc.lost(w.now)
    assert refused > 300


def test_wrong_session_id_r_session_03():
    """Wrong, zero and flipped ids: own response type with FAILED_UnknownSession and no effect."""
    w = World()
    for sid in (b"\xff" * 8, bytes(8), None):
        for row in messages.MESSAGES:
            msg = row[0][0]
            if msg == MSG.SessionSetupReq:
                continue
            w.to_authorized(DC)
            own = w.sid
            w.sid = sid or bytes([own[0] ^ 1]) + own[1:]
            res = w.request((msg, every(w)[msg]))
            assert res.msg == msg + 1 and res.code == ResponseCode.FAILED_UnknownSession
            assert bytes(res.Header[MessageHeader.SessionID]) == own  # R-SESSION-02
            w.secc.lost(w.now)


def test_failed_is_a_latch_r_errors_03_r_security_02():
    """After FAILED the formerly valid request is refused; one SessionStop is answered; after 5 s
    TCP is closed (D-15)."""
    w = World()
    w.to_loop(DC_BPT, DYNAMIC)
    w.loop(DC_BPT, DYNAMIC)
    sid = w.sid
    w.sid = bytes(8)
    assert w.loop(DC_BPT, DYNAMIC).code == ResponseCode.FAILED_UnknownSession
    assert w.secc.state == FAILED and not w.contactor.wanted and w.hw.ma == 0
    w.sid = sid
    for _ in range(3):
        assert w.loop(DC_BPT, DYNAMIC).code == ResponseCode.FAILED_SequenceError
        assert not w.power.closed or not w.contactor.wanted
    w.sleep(4000)
    assert not w.closed
    assert w.stop().code == ResponseCode.OK
    w.sleep(6000)
    assert w.closed


def test_failed_closes_after_five_seconds():
    w = World()
    w.to_authorized(DC)
    w.authorization_setup()
    w.sleep(4900)
    assert not w.closed
    w.discovery()  # no further refusal extends the time
    w.sleep(200)
    assert w.closed


def test_wrong_mode_in_the_loop_r_loop_01():
    """Each of the three other kinds is refused, and the refusal is in the selected kind."""
    for service in SERVICES:
        for dynamic in MODES:
            for other, mode in ((s, m) for s in SERVICES for m in MODES if is_dc(s) == is_dc(service)):
                if (other, mode) == (service, dynamic):
                    continue
                w = World()
                w.to_loop(service, dynamic)
                assert w.loop(other, mode).code == ResponseCode.FAILED
                assert not w.contactor.wanted


def test_two_refusals_share_nothing_r_errors_08():
    w = World()
    w.to_authorized(DC)
    first = w.authorization_setup()
    second = w.detail(99)
    assert first.msg == MSG.AuthorizationSetupRes and second.msg == MSG.ServiceDetailRes
    assert second.ServiceID == 0


def test_certificate_installation_as_sap_r_v2gtp_05():
    """The one known field deviation is understood inside a session (and refused as not offered)."""
    w = World()
    w.to_authorized(DC)
    res = w.request(certificate_installation(w), 0x8001)
    assert res.msg == MSG.CertificateInstallationRes and res.code == ResponseCode.FAILED_SequenceError


def test_wrong_payload_type_is_a_decode_failure_r_v2gtp_05():
    w = World()
    w.to_loop(AC_BPT, DYNAMIC)
    table = every(w)
    w.feed(w.frame((MSG.AC_ChargeLoopReq, table[MSG.AC_ChargeLoopReq]), 0x8002))
    assert w.closed and not w.contactor.wanted


def test_undecodable_ends_the_session_r_errors_07():
    """In every phase: connection closed, power off, the next car is served."""
    for name, reach in PHASES:
        w = World()
        reach(w)
        w.feed(b"\x01\xfe\x80\x02\x00\x00\x00\x04\x80\xff\xff\xff")
        assert w.closed, name
        assert not w.contactor.wanted and w.hw.ma == 0
        w.secc.lost(w.now)
        w.sleep(100)
        assert w.to_authorized(DC).code == ResponseCode.OK


def test_response_from_the_car_is_no_request():
    w = World()
    w.to_authorized(DC)
    res = messages.ok(w.secc.facts, MSG.SessionStopReq)
    w.feed(w.frame((MSG.SessionStopRes, res)))
    assert w.closed


def test_stream_garbage_r_v2gtp_02():
    for data in (b"GET / HTTP/1.1\r\n\r\n", b"\x01\xfe\x80\x02\xff\xff\xff\xff", b"\x02"):
        w = World()
        w.connect()
        w.feed(data)
        assert w.closed and w.secc.state == FAILED


def test_unknown_payload_types_are_skipped_r_v2gtp_03():
    w = World()
    w.to_authorized(DC)
    w.feed(b"\x01\xfe\x9a\xbc\x00\x00\x00\x03abc\x01\xfe\xa0\x00\x00\x00\x00\x00")
    assert w.discovery().code == ResponseCode.OK


def test_requests_in_pieces_and_joined_r_v2gtp_01_07():
    """Byte by byte; then three requests in one run: answered one after the other, in order."""
    w = World()
    w.connect()
    for byte in w.frame(protocol([w.protocol()])):
        w.feed(bytes([byte]))
    assert w.answer().msg == MSG.supportedAppProtocolRes
    w.setup()
    table = every(w)
    joined = b""
    for msg in (MSG.AuthorizationSetupReq, MSG.AuthorizationReq, MSG.ServiceDiscoveryReq):
        joined += w.frame((msg, table[msg]))
    w.feed(joined)
    got = [w.answer().msg for _ in range(3)]
    assert got == [MSG.AuthorizationSetupRes, MSG.AuthorizationRes, MSG.ServiceDiscoveryRes]


def test_flood_ends_the_session_r_v2gtp_07():
    w = World()
    w.to_authorized(DC)
    one = w.frame(service_discovery(w.says()))
    for _ in range(10):
        w.feed(one * 100)
    assert w.closed


def test_lost_connection_in_every_phase_r_stop_10():
    for name, reach in PHASES:
        w = World()
        reach(w)
        w.secc.lost(w.now)
        assert w.secc.state == IDLE and not w.contactor.wanted and w.hw.ma == 0 and w.hw.w == 0, name
        w.sleep(200)
        assert w.power.path_off and w.secc.due is None


def test_terminate_in_every_phase_r_stop_02():
    """Up to Start (R-STOP-11) and later."""
    for name, reach in PHASES:
        if name in ("SAP", "SETUP", "ENDED"):
            continue
        w = World()
        reach(w)
        res = w.stop()
        assert res.msg == MSG.SessionStopRes and res.code == ResponseCode.OK, name
        assert w.power.path_off and w.secc.state == ENDED  # safe before the answer


def test_pause_and_renegotiation_are_refused_r_stop_07_08():
    for kind, code in (
        (ChargingSession.Pause, ResponseCode.FAILED_PauseNotAllowed),
        (ChargingSession.ServiceRenegotiation, ResponseCode.FAILED_NoServiceRenegotiationSupported),
    ):
        w = World()
        w.to_loop(DC_BPT, DYNAMIC)
        assert w.stop(kind).code == code
        assert not w.contactor.wanted and w.secc.state == FAILED


def test_answers_are_exact_r_v2gtp_06():
    """The header length equals the stream: decoding the answer uses its last byte."""
    w = World()
    w.connect()
    w.sap()
    w.setup()
    for direction, kind, data, _state in w.trace.messages:
        if direction:
            exi.decode(exi.schema_of(kind), data, 0, len(data))
            try:
                exi.decode(exi.schema_of(kind), data, 0, len(data) - 1)
                raise AssertionError("one byte less still decodes")
            except exi.ExiError:
                pass
    assert w.trace.messages[0][3] == SAP


def test_own_error_ends_that_session_only_r_errors_09():
    """A handler that raises: power off, a FAILED answer of the right type, connection closed, next
    car fine."""
    w = World()
    machine = w.secc
    for name, reach in PHASES:
        safe = Safe(lambda: machine, w.power, w.trace)
        reach(w)
        state = w.secc.state
        table = every(w)
        row = next((r for r in steps.STEPS if state in r[0]), None)
        if row is None:
            continue

        def broken(f, req):
            raise IndexError("seam")

        with_row(w, row[:2] + (broken,) + row[3:])
        try:
            data = w.frame((row[1], table[row[1]]))
            safe.rx(data, len(data), w.now)
        finally:
            with_row(w, row)
        assert safe.broken and safe.event(w.now), name
        n = safe.tx(w.buf, w.now)
        kind = w.buf[2] << 8 | w.buf[3]
        msg, value = exi.decode(exi.schema_of(kind), w.buf, 8, n - 8)
        assert msg == row[1] + 1, name
        assert value[1] == ResponseCode.FAILED, name
        assert not w.contactor.wanted and w.hw.ma == 0 and w.hw.w == 0
        machine.lost(w.now)
        w.sleep(200)
        assert w.to_authorized(DC).code == ResponseCode.OK
        machine.lost(w.now)
        w.trace.messages.clear()
        w.trace.notes.clear()


def test_a_view_of_a_request_that_is_kept_is_spoilt_and_the_session_does_not_notice():
    """World spoils each request when its answer is made (tests/lib/poison.py): had the product kept
    views, its sessions would fail. That it works: the view that this test keeps of the same
    requests reads as what it was spoilt to."""
    w = World()
    seen = []
    step = w.secc._step

    def keep(now):
        request, again = w.secc._req, w.secc._again
        if w.secc._msg != MSG.supportedAppProtocolReq and again is None:
            octets = request[0][MessageHeader.SessionID]
            seen.append((octets, bytes(octets)))
        step(now)

    w.secc._step = keep
    w.to_loop(DC_BPT, DYNAMIC)
    w.loop(DC_BPT, DYNAMIC, soc=50)
    assert len(seen) > 10 and w.secc.facts.session.id == seen[-1][1]
    for view, at_that_time in seen:
        assert bytes(view) == bytes([BYTE] * 8) != at_that_time
