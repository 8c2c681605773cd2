"""What `make interop` asserts about a session: a good one passes, and each way of being wrong is
found. Host only."""

import copy

from tests.interop.cases import (
    COMBINATIONS,
    DISCHARGE_W,
    FRAMED,
    LOOPS,
    SCENARIOS,
    SERVICES,
    SETPOINT_W,
    check,
    check_trace,
)
from tests.interop.tls import check_handshake
from tests.interop.wireshark import compare, v2gtp
from tests.lib.mtest import eq, raises

RUNTIMES = ("cpython",)  # the harness runs on the host

CASES = {case.name: case for case in COMBINATIONS + SCENARIOS}
AC = CASES["AC_BPT dynamic"]
DC = CASES["DC_BPT dynamic"]
STOP = CASES["station stops (Terminate)"]
EARLY = CASES["stop before the loop: DC"]
FALLBACK = CASES["fallback: no BPT on offer"]
_TURN = 10  # loop answer that is the first to carry the negative set-point


def session(case):
    """[(is request, name, content)] as the vehicle's log has them, with the fields that the checks
    read."""
    kind = case.service[:2]
    names = ["supportedAppProtocol", "SessionSetup", "AuthorizationSetup", "Authorization", "ServiceDiscovery"]
    names += ["ServiceDetail", "ServiceSelection", kind + "_ChargeParameterDiscovery", "ScheduleExchange"]
    names += ["DC_CableCheck"] * 3 + ["DC_PreCharge"] * 2 if kind == "DC" else []
    counted = 1 if case.stop_at else case.stop_after or LOOPS + 1
    names += ["PowerDelivery"] * 2 + [kind + "_ChargeLoop"] * counted + ["PowerDelivery"]
    names += ["DC_WeldingDetection"] * 2 if kind == "DC" else []
    out = []
    loops = 0
    for name in [*names, "SessionStop"]:
        asked = {"Header": {"SessionID": "0123456789ABCDEF"}}
        answered = {"Header": {"SessionID": "0123456789ABCDEF"}, "ResponseCode": "OK"}
        if name == "supportedAppProtocol":
            asked, answered = {}, {"ResponseCode": "OK_SuccessfulNegotiation"}
        elif name == "SessionSetup":
            asked["Header"]["SessionID"] = "00" * 8
            answered["ResponseCode"] = "OK_NewSessionEstablished"
        elif name == "ServiceDiscovery":
            offer = [{"ServiceID": SERVICES[service][0]} for service in case.config["services"]]
            answered["EnergyTransferServiceList"] = {"Service": offer}
        elif name == "ServiceSelection":
            asked["SelectedEnergyTransferService"] = {"ServiceID": SERVICES[case.service][0]}
        elif name == "PowerDelivery" and case.stop_at:
            answered["EVSEStatus"] = {"EVSENotification": "Terminate", "NotificationMaxDelay": 29}
        elif name.endswith("ChargeLoop"):
            loops += 1
            flow = DISCHARGE_W if case.bpt_dynamic and loops >= _TURN else SETPOINT_W
            if case.stop_at:
                flow = 0
            mode = {"EVSETargetActivePower": {"Value": flow, "Exponent": 0}}
            bpt = "BPT_" if case.service.endswith("BPT") else ""
            answered[bpt + "%s_%s_CLResControlMode" % (case.control.capitalize(), kind)] = mode
            answered["EVSEPresentCurrent"] = {"Value": flow // 400, "Exponent": 0}
            if loops == case.stop_after or case.stop_at:
                answered["EVSEStatus"] = {"EVSENotification": "Terminate", "NotificationMaxDelay": 0}
        out += [(True, name + "Req", asked), (False, name + "Res", answered)]
    return out


def trace(messages):
    """The station's trace of the same session."""
    kinds = {"sup": "0x8001", "AC_": "0x8003", "DC_": "0x8004"}
    return [
        {
            "dir": "EVCC->SECC" if is_request else "SECC->EVCC",
            "payload_type": kinds.get(name[:3], "0x8002"),
            "json": {name: copy.deepcopy(content)},
        }
        for is_request, name, content in messages
    ]


def content(messages, name, number=0):
    return [c for _, n, c in messages if n == name][number]


def mode(messages, number):
    loop = content(messages, "AC_ChargeLoopRes", number)
    return next(v for k, v in loop.items() if k.endswith("CLResControlMode"))["EVSETargetActivePower"]


def finds(case, what, change):
    """`check` refuses the session after `change`, and `what` is in its words."""
    messages = session(case)
    messages = change(messages) or messages
    try:
        check(case, messages)
    except AssertionError as error:
        assert what in str(error), error
    else:
        raise AssertionError("not found: " + what)


def finds_in_trace(what, change):
    messages = session(AC)
    records = trace(messages)
    records = change(records) or records
    try:
        check_trace(messages, records)
    except AssertionError as error:
        assert what in str(error), error
    else:
        raise AssertionError("not found: " + what)


def test_good_sessions_pass():
    for case in COMBINATIONS + SCENARIOS:
        messages = session(case)
        check(case, messages)
        check_trace(messages, trace(messages))


def test_stop_before_the_loop():
    def untold(name):
        return lambda m: content(m, name).pop("EVSEStatus") and None

    def flows(m):
        content(m, "DC_ChargeLoopRes")["EVSEPresentCurrent"]["Value"] = 1

    finds(EARLY, "not told to stop", untold("PowerDeliveryRes"))
    finds(EARLY, "not told to stop", untold("DC_ChargeLoopRes"))
    finds(EARLY, "1 flows", flows)


def test_refusal_and_warning():
    for name, code in (("AC_ChargeLoopRes", "FAILED"), ("SessionStopRes", "FAILED_UnknownSession"),
                       ("AuthorizationRes", "WARNING_EIMAuthorizationFailure")):  # fmt: skip
        finds(AC, name + ": " + code, lambda m, n=name, c=code: content(m, n).update(ResponseCode=c))


def test_session_that_ends_early_or_skips_a_phase():
    finds(AC, "last answer", lambda m: m[:-1])
    finds(AC, "order of requests", lambda m: m[:-2])
    finds(DC, "order of requests", lambda m: [x for x in m if "CableCheck" not in x[1]])


def test_answer_missing():
    finds(AC, "without its answer", lambda m: [x for i, x in enumerate(m) if i != 3])


def test_two_sessions_in_one_log():
    # What a vehicle leaves behind that failed and then tried again.
    finds(AC, "order of requests", lambda m: m + m)


def test_loops_are_counted():
    def one_less(m):
        at = next(i for i, x in enumerate(m) if x[1] == "AC_ChargeLoopReq")
        return m[:at] + m[at + 2 :]

    finds(AC, "loops", one_less)


def test_session_id():
    finds(AC, "another session id", lambda m: content(m, "AC_ChargeLoopRes", 3)["Header"].update(SessionID="AA" * 8))
    finds(AC, "session id 0", lambda m: [x[2].get("Header", {}).update(SessionID="00" * 8) for x in m] and None)


def test_wrong_service_or_offer():
    finds(AC, "selected service 1", lambda m: content(m, "ServiceSelectionReq").update(
        SelectedEnergyTransferService={"ServiceID": 1}))  # fmt: skip
    finds(FALLBACK, "services on offer", lambda m: content(m, "ServiceDiscoveryRes")["EnergyTransferServiceList"][
        "Service"].append({"ServiceID": 6}))  # fmt: skip


def test_wrong_control_mode():
    def swap(m):
        loop = content(m, "AC_ChargeLoopRes", 5)
        loop["BPT_Scheduled_AC_CLResControlMode"] = loop.pop("BPT_Dynamic_AC_CLResControlMode")

    finds(AC, "BPT_Scheduled_AC_CLResControlMode", swap)


def test_set_point_that_does_not_turn_or_not_by_as_much():
    def up(m):
        for number in range(LOOPS + 1):
            mode(m, number)["Value"] = SETPOINT_W

    def little(m):
        for number in range(_TURN - 1, LOOPS + 1):
            mode(m, number)["Value"] = -1

    def too_late(m):
        up(m)
        mode(m, LOOPS)["Value"] = DISCHARGE_W

    finds(AC, "from the vehicle", up)
    finds(AC, "from the vehicle", little)
    finds(AC, "did not go on", too_late)
    finds(DC, "from the vehicle", lambda m: [
        x[2].update(EVSEPresentCurrent={"Value": 12, "Exponent": 0}) for x in m if x[1] == "DC_ChargeLoopRes"
    ] and None)  # fmt: skip


def test_terminate_too_early_or_not_obeyed():
    early = {"EVSENotification": "Terminate", "NotificationMaxDelay": 0}
    finds(STOP, "before its time", lambda m: content(m, "DC_ChargeLoopRes", 1).update(EVSEStatus=early))

    def one_more(m):
        at = next(i for i, x in enumerate(m) if x[1] == "DC_ChargeLoopReq")
        return m[:at] + m[at : at + 2] + m[at:]

    finds(STOP, "loops", one_more)


def test_trace_that_differs_from_the_vehicles_log():
    finds_in_trace("came as 0x8002", lambda r: r[-6].update(payload_type="0x8002"))
    finds_in_trace(
        "the vehicle's codec reads", lambda r: r[7]["json"]["AuthorizationRes"].update(ResponseCode="FAILED")
    )
    finds_in_trace("messages in the trace", lambda r: r[:-1])
    finds_in_trace("wrong way", lambda r: r[4].update(dir="SECC->EVCC"))
    finds_in_trace("the station reports", lambda r: r.append({"error": "crash"}))


def test_each_combination_goes_over_tls_in_both_profiles():
    for profile in ("strict", "field"):
        over = {(case.service, case.control) for case in FRAMED if case.tls == profile}
        eq(over, {(case.service, case.control) for case in COMBINATIONS})


def test_handshake_that_is_missing_refused_or_of_another_vehicle():
    opened = {"note": "tls 1.3, suite 0x1302, vehicle MV2V1"}
    message = {"dir": "EVCC->SECC"}
    eq(check_handshake("MV2V1", [{"note": "READY"}, opened, message]), "0x1302")
    for what, records in (
        ("none", [message]),
        ("handshakes in the trace", [opened, message, opened]),
        ("the trace says", [{"note": "tls refused: no common group"}]),
        ("names MV2V1, ", [opened, message]),
        ("before the handshake", [message, opened]),
    ):
        vehicle = "MV2V" if what.startswith("names") else "MV2V1"
        assert what in str(raises(AssertionError, check_handshake, vehicle, records)), what


def test_deciphered_stream_that_differs_from_the_trace():
    one, other = b"\x01\xfe\x80\x01\x00\x00\x00\x03abc", b"\x01\xfe\x80\x02\x00\x00\x00\x01z"
    records = [
        {"dir": "EVCC->SECC", "payload_type": "0x8001", "exi_hex": b"abc".hex()},
        {"note": "in between"},
        {"dir": "SECC->EVCC", "payload_type": "0x8002", "exi_hex": b"z".hex()},
    ]
    seen = [(True, 0x8001, b"abc"), (False, 0x8002, b"z")]
    for size in range(1, len(one) + 1):
        pieces = [(True, one[i : i + size]) for i in range(0, len(one), size)]
        eq(v2gtp([*pieces, (False, other)]), seen)
    compare(seen, records)
    assert "behind the last" in str(raises(AssertionError, v2gtp, [(True, one[:-1])]))
    assert "no V2GTP" in str(raises(AssertionError, v2gtp, [(True, b"\x16" + one)]))
    assert "1 messages read" in str(raises(AssertionError, compare, seen[:1], records))
    for wrong in ((True, 0x8002, b"z"), (False, 0x8004, b"z"), (False, 0x8002, b"y")):
        assert "message 2" in str(raises(AssertionError, compare, [seen[0], wrong], records))
