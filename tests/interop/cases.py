"""What is run, and what must be true afterwards. Everything is judged by the vehicle's own log."""

from host_tools.lab import LAB

# {service name: (service id, protocol of the vehicle)}
SERVICES = {
    "AC": (1, "ISO_15118_20_AC"),
    "AC_BPT": (5, "ISO_15118_20_AC"),
    "DC": (2, "ISO_15118_20_DC"),
    "DC_BPT": (6, "ISO_15118_20_DC"),
}
SETPOINT_W = 5000
DISCHARGE_W = -4000
LOOPS = 40  # with less than 34 the vehicle's battery is full before


class Case:
    """One session, or several in one station process. ev: what the vehicle supports; offers: what
    the station does. link: "os" = sockets of the operating system; "packet", "sim" = our own IPv6
    and TCP behind a modem (rig.py). tls: profile of TLS 1.3, "strict" or "field"; "" = plain TCP.
    """

    def __init__(
        self,
        name,
        service,
        control,
        ev=None,
        offers=None,
        stop_after=0,
        sessions=1,
        runtime="unix",
        link="os",
        tls="",
        stop_at=None,
    ):
        self.name = name
        self.link = link
        self.tls = tls
        self.service = service
        self.control = control
        self.ev = ev or [service]
        self.stop_after = stop_after
        self.stop_at = stop_at  # name of the request at which the station's operator says stop, before the loop
        self.sessions = sessions
        self.runtime = runtime
        # The station's configuration. In DC the vehicle's simulated values are absurd (20 kV at the
        # inlet): lenient there.
        self.config = {
            **LAB,
            "services": offers or [service],
            "control": [control] + [c for c in ("dynamic", "scheduled") if c != control],
            "setpoint_w": SETPOINT_W,
            "stop_after_loops": stop_after,
            "lenient_ev_values": service.startswith("DC"),
            "power_ramp_w_per_s": 200000,
            "cable_check_ms": 200,
            # It wants pre-charge to 20 kV, and in the loop no more than 400 V.
            "dc_max_voltage_mv": 390000,
            # Its Java codec pauses now and then for longer than the 0.5 s of the standard.
            "loop_sequence_timeout_ms": 30000,
        }

    @property
    def bpt_dynamic(self):
        return self.service.endswith("BPT") and self.control == "dynamic"

    @property
    def protocol(self):
        return SERVICES[self.service][1]


COMBINATIONS = [
    Case("%s %s" % (service, control), service, control) for service in SERVICES for control in ("dynamic", "scheduled")
]


def _framed(link, names=None, tls=""):
    """The combinations (those of `names`) behind a modem."""
    prefix = link + (" " + tls if tls else "")
    chosen = [c for c in COMBINATIONS if not names or c.name in names]
    return [Case("%s: %s" % (prefix, c.name), c.service, c.control, link=link, tls=tls) for c in chosen]


# The same behind a modem: the QCA7000 model at the end of a simulated SPI bus, and raw frames with
# the stand-in's modem. Over the latter nearly all go with TLS: the bytes below it are those of a
# plain session and more.
FRAMED = [
    *_framed("sim"),
    *_framed("packet", ("AC_BPT dynamic", "DC scheduled")),
    *_framed("packet", tls="field"),
    *_framed("packet", tls="strict"),
]
SCENARIOS = [
    Case("station stops (Terminate)", "DC_BPT", "dynamic", stop_after=5),
    Case("stop before the loop: AC", "AC_BPT", "dynamic", stop_at="ScheduleExchangeReq"),
    Case("stop before the loop: DC", "DC_BPT", "scheduled", stop_at="DC_CableCheckReq"),
    Case("fallback: no BPT on offer", "DC", "dynamic", ev=["DC_BPT", "DC"], offers=["DC"]),
    Case("two sessions in a row", "AC_BPT", "dynamic", sessions=2),
    Case("32-bit firmware, 200 kB heap", "DC_BPT", "dynamic", runtime="unix32"),
    Case("os field: DC_BPT dynamic", "DC_BPT", "dynamic", tls="field"),
    Case(
        "packet strict: 32-bit, two sessions",
        "DC_BPT",
        "dynamic",
        sessions=2,
        runtime="unix32",
        link="packet",
        tls="strict",
    ),
]


def _order(case):
    """Message names in the order of the session; a name stands once for any number of
    repetitions."""
    kind = "DC" if case.service.startswith("DC") else "AC"
    names = ["supportedAppProtocol", "SessionSetup", "AuthorizationSetup", "Authorization", "ServiceDiscovery"]
    names += ["ServiceDetail", "ServiceSelection", kind + "_ChargeParameterDiscovery", "ScheduleExchange"]
    if kind == "DC":
        names += ["DC_CableCheck", "DC_PreCharge"]
    names += ["PowerDelivery", kind + "_ChargeLoop", "PowerDelivery"]
    if kind == "DC":
        names += ["DC_WeldingDetection"]
    return [*names, "SessionStop"]


def _number(rational):
    return rational["Value"] * 10.0 ** rational["Exponent"]


def _mode(name, content):
    """(name, content) of the control mode block of a loop answer."""
    found = [(k, v) for k, v in content.items() if k.endswith("CLResControlMode")]
    if len(found) != 1:
        raise AssertionError("%s has %d control mode blocks" % (name, len(found)))
    return found[0]


def _flow(name, content):
    """Power set-point (AC) or present current (DC) of a loop answer, positive towards the
    vehicle."""
    if name.startswith("AC"):
        return _number(_mode(name, content)[1]["EVSETargetActivePower"])
    return _number(content["EVSEPresentCurrent"])


def check(case, messages):
    """AssertionError names what is wrong with one session; returns a short text of what was
    seen."""
    requests = [(n, c) for is_request, n, c in messages if is_request]
    answers = [(n, c) for is_request, n, c in messages if not is_request]
    order = []
    for name, _ in requests:
        if name[:-3] not in order[-1:]:
            order.append(name[:-3])
    assert order == _order(case), "order of requests: " + " ".join(order)
    for name, content in answers:
        code = content["ResponseCode"]
        assert code.startswith("OK"), "%s: %s" % (name, code)
    assert answers[-1][0] == "SessionStopRes", "last answer is " + answers[-1][0]
    assert [n[:-3] for n, _ in requests] == [n[:-3] for n, _ in answers], "a request without its answer"
    first = dict(reversed(requests))
    session = dict(answers)["SessionSetupRes"]["Header"]["SessionID"]
    assert int(session, 16), "session id 0"
    for name, content in [*requests, *answers]:
        if name not in ("supportedAppProtocolReq", "supportedAppProtocolRes", "SessionSetupReq"):
            assert content["Header"]["SessionID"] == session, name + " carries another session id"
    offer = dict(answers)["ServiceDiscoveryRes"]["EnergyTransferServiceList"]["Service"]
    ids = sorted(service["ServiceID"] for service in offer)
    assert ids == sorted(SERVICES[name][0] for name in case.config["services"]), "services on offer: %s" % ids
    selected = first["ServiceSelectionReq"]["SelectedEnergyTransferService"]
    assert selected["ServiceID"] == SERVICES[case.service][0], "selected service %d" % selected["ServiceID"]
    loops = [(n, c) for n, c in answers if n.endswith("ChargeLoopRes")]
    prefix = ("BPT_" if case.service.endswith("BPT") else "") + case.control.capitalize() + "_" + case.service[:2]
    for name, content in loops:
        assert _mode(name, content)[0] == prefix + "_CLResControlMode", _mode(name, content)[0]
    if case.stop_at:
        # This vehicle does not look into PowerDeliveryRes: it begins the loop, and reads of the end there.
        started = [c for n, c in answers if n == "PowerDeliveryRes"]
        for content in [started[0]] + [c for _, c in loops]:
            told = content.get("EVSEStatus", {}).get("EVSENotification")
            assert told == "Terminate", "not told to stop: %s" % content
        assert len(loops) == 1, "%d loops" % len(loops)
        flow = _flow(*loops[0]) if case.service.startswith("DC") or case.control == "dynamic" else 0
        assert flow == 0, "%g flows" % flow
        return "told in PowerDeliveryRes, 1 loop without power, orderly end"
    if case.stop_after:
        assert len(loops) == case.stop_after, "%d loops" % len(loops)
        assert loops[-1][1]["EVSEStatus"]["EVSENotification"] == "Terminate"
        assert not any("EVSEStatus" in content for _, content in loops[:-1]), "told to stop before its time"
        return "%d loops, Terminate obeyed" % len(loops)
    # The vehicle counts after it has sent: one loop more than configured.
    assert len(loops) == LOOPS + 1, "%d loops" % len(loops)
    text = "%d loops" % len(loops)
    if case.control == "dynamic":
        flow = [_flow(n, c) for n, c in loops]
        # In DC it is a measurement between the limits of both sides; in AC it is the set-point
        # itself, to the watt.
        exact = case.service.startswith("AC")
        assert max(flow) == SETPOINT_W if exact else max(flow) > 0, "towards the vehicle: %g" % max(flow)
        text += ", %+.0f" % max(flow)
        if case.bpt_dynamic:
            assert min(flow) == DISCHARGE_W if exact else min(flow) < 0, "from the vehicle: %g" % min(flow)
            turned = next(i for i, value in enumerate(flow) if value < 0)
            assert turned < len(loops) - 1, "the vehicle did not go on after the negative set-point"
            text += " to %+.0f" % min(flow)
        text += " W" if case.service.startswith("AC") else " A"
    return text


def _payload_type(name):
    """V2GTP payload type of a message, from the standard's table and not from our codec."""
    if name.startswith("supportedAppProtocol"):
        return "0x8001"
    return {"AC_": "0x8003", "DC_": "0x8004"}.get(name[:3], "0x8002")


def check_trace(messages, records):
    """AssertionError unless the station's trace and the vehicle's log tell the same session: every
    message of either direction, decoded by two codecs that share no line, equal in every field."""
    # That `lab` is on is said as an error at each start, and here it is meant (host_tools/lab.py).
    errors = [record["error"] for record in records if "error" in record and not record["error"].startswith("LAB:")]
    assert not errors, "the station reports: %s" % errors[0]
    seen = [record for record in records if "dir" in record]
    for (is_request, name, content), record in zip(messages, seen):
        assert (record["dir"] == "EVCC->SECC") == is_request, "trace: %s goes the wrong way" % name
        assert record["payload_type"] == _payload_type(name), "%s came as %s" % (name, record["payload_type"])
        assert record["json"] == {name: content}, "%s: the vehicle's codec reads %s, ours %s" % (
            name, content, record["json"]
        )  # fmt: skip
    assert len(seen) == len(messages), "%d messages in the trace, %d in the log" % (len(seen), len(messages))
