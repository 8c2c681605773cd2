"""The steps table is the law: what a row says holds, and no handler can lead elsewhere."""

from codec import exi, exi_json
from codec.slots import (
    MSG,
    ResponseCode,
)
from firmware.run.safe import Safe
from firmware.session import dialects, sap
from firmware.session.iso20 import dialect, messages, power_delivery, states, steps
from firmware.session.states import ENDED, FAILED
from tests.lib.driver import AC_BPT, DC_BPT, DYNAMIC, START
from tests.lib.law import find, with_row
from tests.lib.paused import paused
from tests.lib.world import World

HEAP_KB = 200


def test_a_foreign_next_state_is_our_own_fault_r_errors_09():
    """A handler that leads where its row does not: caught before anything is answered or energised;
    power off, FAILED, latched."""
    w = World()
    w.trace.error = w.trace.note
    w.to_loop(DC_BPT, DYNAMIC)
    w.loop(DC_BPT, DYNAMIC)
    safe = Safe(lambda: w.secc, w.power, w.trace)
    row = find(steps.STEPS, w.secc.state, MSG.DC_ChargeLoopReq)
    foreign = states.AUTH

    def planted(f, req):
        return row[2](f, req)[0], foreign

    with_row(w, row[:2] + (planted,) + row[3:])
    try:
        assert w.contactor.wanted
        w.request = w.frame  # make the bytes, send nothing
        data = w.loop(DC_BPT, DYNAMIC)
        safe.rx(data, len(data), w.now)
    finally:
        with_row(w, row)
    assert w.said("DC_ChargeLoop leads to Authorization")
    assert safe.broken and safe.event(w.now) and w.secc.state == FAILED and not w.contactor.wanted
    n = safe.tx(w.buf, w.now)
    msg, value = exi.decode(exi.DC, w.buf, 8, n - 8)
    assert (msg, value[1]) == (MSG.DC_ChargeLoopRes, ResponseCode.FAILED)


def test_every_state_that_a_row_names_exists():
    """No row leads into a state of nobody, and no state of the dialect is without a row."""
    known = [number for number, _ in dialect.STATES] + [ENDED, FAILED]
    for row in steps.STEPS:
        assert all(state in known for state in row[0] + row[4]), row
    assert sorted({state for row in steps.STEPS for state in row[0]}) == sorted(
        [number for number, _ in dialect.STATES] + [FAILED]
    )
    assert [dialects.state_name(n) for n in (0, 1, 14, 15, 17, 18, 19)] == [
        "SupportedAppProtocol", "SessionSetup", "SessionStop", "Ended", "Idle", "Stopping", "?"
    ]  # fmt: skip


def test_what_uses_the_power_path_is_guarded_r_status_07_r_dc_safety_07():
    """In an established session a station fault is refused in every request but SessionStop; the
    lost pilot in what wants power."""
    dead = (states.STOP, states.STOPPING)  # nothing wants power there, but a contactor may be welded
    wants = (MSG.DC_CableCheckReq, MSG.DC_PreChargeReq, MSG.AC_ChargeLoopReq, MSG.DC_ChargeLoopReq)
    for row in steps.STEPS:
        assert (steps.no_fault in row[3]) == (row[1] not in (MSG.SessionSetupReq, MSG.SessionStopReq)), row
        assert (steps.pilot_kept in row[3]) == (row[1] in wants and row[0][0] not in dead), row


def test_the_answer_has_the_next_id():
    for (request, word, _), _ in messages.MESSAGES:
        for name, msg in ((word + "Req", request), (word + "Res", request + 1)):
            assert (messages.name(msg), exi_json.name_of(msg)) == (name, name)
    assert sap.ANSWER == sap.REQUEST + 1


def test_a_handler_that_waits_is_not_run_again_r_power_04():
    """PowerDelivery(Start) waits for the contactor: what it checks and asks happens once, however
    often it is polled."""
    w = World()
    w.to_start(AC_BPT, DYNAMIC)
    counts = {}

    def counted(name):
        call = getattr(power_delivery, name)

        def count(*args):
            counts[name] = counts.get(name, 0) + 1
            return call(*args)

        setattr(power_delivery, name, count)
        return name, call

    kept = [counted(name) for name in ("_waiting", "_check_profile", "_closed")]
    try:
        assert w.power_delivery(START).code == ResponseCode.OK
    finally:
        for name, call in kept:
            setattr(power_delivery, name, call)
    assert (counts["_waiting"], counts["_check_profile"]) == (1, 1) and w.secc.state == states.AC_LOOP
    assert counts["_closed"] > 2


def test_a_stranger_without_a_session_costs_no_paused_one_r_session_08():
    """What fails before SessionSetup may be anybody: however often it is refused, what another car
    has paused stays."""
    w = paused()
    w.car = (None, None)
    w.connect()
    for _ in range(3):
        w.authorization_setup()
    assert w.secc.state == FAILED and w.secc.paused.left_ms(w.now) > 0 and not w.said("given up")


def test_after_session_setup_a_failure_costs_the_paused_one_r_session_08():
    w = paused()
    w.connect()
    w.sap()
    w.setup()
    assert w.secc.paused.left_ms(w.now) == 0
