"""A second protocol beside ISO 15118-20: one module and its place in DIALECTS, and nothing else
(tests/lib/second_dialect.py)."""

from codec import exi, v2gtp
from codec.slots import (
    MSG,
    MessageHeader,
    ResponseCode,
    SAP_responseCode,
)
from firmware.run.safe import Safe
from firmware.session import dialects, sap
from firmware.session.paused import Paused
from firmware.session.states import ENDED, FAILED
from host_tools.ev.requests import session_setup, session_stop
from tests.lib import second_dialect as second
from tests.lib.answer import Answer
from tests.lib.driver import DC_BPT, DYNAMIC, PAUSE, TERMINATE
from tests.lib.mtest import eq
from tests.lib.notes import Notes
from tests.lib.paused import LEAF, NAME, paused
from tests.lib.world import World

HEAP_KB = 200


class Both:
    """The station speaks both while this is entered."""

    def __enter__(self):
        self.before = dialects.DIALECTS
        dialects.DIALECTS = self.before + (second,)

    def __exit__(self, *_):
        dialects.DIALECTS = self.before


def say(w, request):
    """A request of the second protocol; its answer comes in the same payload type."""
    w.feed(w.frame(request, v2gtp.SAP))
    end = 0
    while end < 40:
        n = w.secc.tx(w.buf)
        if n:
            eq(w.buf[2] << 8 | w.buf[3], v2gtp.SAP)
            return Answer(*exi.decode(exi.CM, w.buf, 8, n - 8))
        w.sleep(10)
        end += 1
    return None


def choose(w, first, other):
    """SupportedAppProtocol with both namespaces; priorities as given; returns (code, schema id)."""
    w.connect()
    res = w.sap(w.protocol(priority=other, schema_id=1), w.protocol(second.NAMESPACE, priority=first, schema_id=2))
    return res.code, res.SchemaID


def hello(w):
    res = say(w, session_setup(w.says(evcc_id="CAR")))
    w.sid = bytes(res.Header[MessageHeader.SessionID])
    return res


def bye(w, kind=TERMINATE):
    return say(w, session_stop(w.says(), kind))


def test_the_car_chooses_the_protocol_r_sap_01():
    with Both():
        w = World()
        eq(choose(w, 1, 2), (SAP_responseCode.OK_SuccessfulNegotiation, 2))
        eq((w.secc.dialect, w.secc.state, w.secc.established), (second, second.HELLO, False))
        res = hello(w)
        eq((res.msg, res.code, res.EVSEID), (MSG.SessionSetupRes, ResponseCode.OK, "SECOND"))
        eq((w.secc.state, w.secc.established, w.secc.facts.car.id), (second.WORK, True, "CAR"))
        eq(bye(w).code, ResponseCode.OK)
        eq((w.secc.state, w.secc.session_over), (ENDED, True))
        w.sleep(5100)
        assert w.closed
        w.secc.lost(w.now)
        eq(choose(w, 2, 1), (SAP_responseCode.OK_SuccessfulNegotiation, 1))
        eq(w.setup().code, ResponseCode.OK_NewSessionEstablished)
        w.secc.lost(w.now)
        w.to_loop(DC_BPT, DYNAMIC)  # and all of -20 as ever
        eq(w.loop(DC_BPT, DYNAMIC).code, ResponseCode.OK)


def test_without_its_registration_it_is_not_served():
    w = World()
    eq(choose(w, 1, 2), (SAP_responseCode.OK_SuccessfulNegotiation, 1))


def test_its_own_law_guards_waiting_and_refusals_r_errors_01():
    with Both():
        w = World()
        choose(w, 1, 2)
        eq(bye(w).code, ResponseCode.FAILED_SequenceError)
        eq(w.secc.state, FAILED)
        w.secc.lost(w.now)
        choose(w, 1, 2)
        hello(w)
        w.sid = bytes(8)
        eq(bye(w).code, ResponseCode.FAILED_UnknownSession)
        w.secc.lost(w.now)
        choose(w, 1, 2)
        hello(w)
        before = w.now
        eq(bye(w, PAUSE).code, ResponseCode.OK)  # the handler that waits
        assert 200 <= w.now - before <= 260
        w.secc.lost(w.now)


def test_frames_of_the_other_protocol_are_skipped_r_v2gtp_03():
    """Its PAYLOADS hold as soon as it is chosen, and -20's do again on the next connection."""
    with Both():
        w = World()
        choose(w, 1, 2)
        w.feed(w.frame(session_setup(w.says())))  # framed as -20 does
        eq((w.secc.tx(w.buf), w.secc.state), (0, second.HELLO))
        hello(w)
        eq(w.secc.state, second.WORK)
        w.secc.lost(w.now)
        w.connect()
        w.sap()
        eq(w.setup().code, ResponseCode.OK_NewSessionEstablished)


def test_its_timers_are_in_its_rows_r_timers_01():
    with Both():
        w = World(sequence_timeout_ms=7000)
        choose(w, 1, 2)
        hello(w)
        w.sleep(6900)
        assert not w.closed
        w.sleep(200)
        assert w.closed and w.said("sequence timeout")
        w.secc.lost(w.now)
        choose(w, 1, 2)
        w.sleep(18100)
        assert w.closed and w.said("no session within the set-up time")


def test_an_error_of_ours_is_answered_in_its_words_r_errors_09():
    with Both():
        w = World()
        w.trace.error = w.trace.note
        choose(w, 1, 2)
        hello(w)
        safe = Safe(lambda: w.secc, w.power, w.trace)
        row = second.STEPS[1]
        second.STEPS = (second.STEPS[0], row[:4] + ((second.HELLO,), row[5]))
        try:
            data = w.frame(session_stop(w.says()), v2gtp.SAP)
            safe.rx(data, len(data), w.now)
        finally:
            second.STEPS = (second.STEPS[0], row)
        assert safe.broken and w.said("Work leads to Ended")
        n = safe.tx(w.buf, w.now)
        eq((w.buf[3], exi.decode(exi.CM, w.buf, 8, n - 8)[1][1]), (1, ResponseCode.FAILED))


def test_traces_name_its_states_and_messages():
    with Both():
        w = World()
        choose(w, 1, 2)
        hello(w)
        said = [(dialects.state_name(state), sap.name(state, kind, data)) for _, kind, data, state in w.trace.messages]
        eq(
            said,
            [
                ("SupportedAppProtocol", "supportedAppProtocolReq"),
                ("SupportedAppProtocol", "supportedAppProtocolRes"),
                ("Hello", "HelloReq"),
                ("Hello", "HelloRes"),
            ],
        )


def test_a_paused_session_is_joined_in_its_own_protocol_only_r_session_05():
    with Both():
        w = paused()
        f = w.secc.facts
        kept = Paused(1000, Notes())
        for dialect, joined in ((second, True), (dialects.DIALECTS[0], False)):
            f.session.id = b"\x05" * 8
            f.vehicle_name, f.vehicle_cert_sha256 = NAME, LEAF
            kept.keep(f, (bytes(8),), second, w.now)
            eq((dialect, kept.take(b"\x05" * 8, f, dialect, w.now) is not None), (dialect, joined))
