"""The last records of the trace as text for a person: names of messages and states, times in seconds."""

from codec import exi
from codec.slots import (
    MSG,
)
from codec.tables.grammar import ROOTS
from firmware.app.plug_steps import STATE_NAMES as CHARGER
from firmware.session.states import STATE_NAMES as SESSION
from firmware.trace import ATTENUATION, CHANGE, ERROR, FROM_CAR, MESSAGE, PILOT, POWER, Cursor

# (message id of a request, its name); the answer has the next id.
_NAMES = (
    (MSG.supportedAppProtocolReq, "supportedAppProtocol"),
    (MSG.AuthorizationReq, "Authorization"),
    (MSG.AuthorizationSetupReq, "AuthorizationSetup"),
    (MSG.CertificateInstallationReq, "CertificateInstallation"),
    (MSG.MeteringConfirmationReq, "MeteringConfirmation"),
    (MSG.PowerDeliveryReq, "PowerDelivery"),
    (MSG.ScheduleExchangeReq, "ScheduleExchange"),
    (MSG.ServiceDetailReq, "ServiceDetail"),
    (MSG.ServiceDiscoveryReq, "ServiceDiscovery"),
    (MSG.ServiceSelectionReq, "ServiceSelection"),
    (MSG.SessionSetupReq, "SessionSetup"),
    (MSG.SessionStopReq, "SessionStop"),
    (MSG.VehicleCheckInReq, "VehicleCheckIn"),
    (MSG.VehicleCheckOutReq, "VehicleCheckOut"),
    (MSG.AC_ChargeLoopReq, "AC_ChargeLoop"),
    (MSG.AC_ChargeParameterDiscoveryReq, "AC_ChargeParameterDiscovery"),
    (MSG.DC_CableCheckReq, "DC_CableCheck"),
    (MSG.DC_ChargeLoopReq, "DC_ChargeLoop"),
    (MSG.DC_ChargeParameterDiscoveryReq, "DC_ChargeParameterDiscovery"),
    (MSG.DC_PreChargeReq, "DC_PreCharge"),
    (MSG.DC_WeldingDetectionReq, "DC_WeldingDetection"),
)


def last(trace, n):
    """Iterate over the lines of the last n records of a trace with `keep`; consumes nothing."""
    cursor = Cursor(trace)
    end = trace.last
    begin = end - n
    lines = []

    def skip(*_):
        return True

    def sink(kind, t_ms, direction, payload_type, state, buf, at, size):
        lines.append(text(kind, t_ms, direction, payload_type, state, bytes(buf[at : at + size])))
        return True

    while cursor.seq < end:
        trace.walk(cursor, skip if cursor.seq < begin else sink)
        if lines:
            yield lines.pop()


def text(kind, t_ms, direction, payload_type, state, content):
    """One record as a line."""
    head = "%6d.%03d " % (t_ms // 1000, t_ms % 1000)
    if kind == MESSAGE:
        where = SESSION[state] if state < len(SESSION) else "?"
        way = "-->" if direction == FROM_CAR else "<--"
        return head + "%s %s (%d bytes, %s)" % (way, name(payload_type, content), len(content), where)
    if kind == ATTENUATION:
        groups = content[7:]
        mean = sum(groups) // len(groups) if groups else 0
        return head + " .  attenuation %d dB, %d sounds" % (mean, content[6])
    words = str(content, "utf-8")
    if kind == CHANGE:
        old, new, reason = words.split(" ", 2)
        return head + " *  %s -> %s: %s" % (CHARGER[int(old)], CHARGER[int(new)], reason)
    if kind == PILOT:
        state, duty, high, low = words.split(" ")
        return head + " .  pilot %s, duty %s permille, %s / %s mV" % (state, duty, high, low)
    if kind == POWER:
        w = words.split(" ")
        return head + " ~  %s W of %s W, %s mV, %s mA, contactor %s" % (w[1], w[0], w[2], w[3], w[4])
    return head + (" !  " if kind == ERROR else " .  ") + words


def name(payload_type, content):
    """The name of a message by the event code of its root, as DC_ChargeLoopReq; its payload type if there is none."""
    schema = exi.schema_of(payload_type)
    if 0 <= schema < len(ROOTS) and len(content) > 2:
        roots = ROOTS[schema]
        bits = exi.width(len(roots) + 1)
        code = (content[1] << 8 | content[2]) >> (16 - bits)
        if code < len(roots):
            for msg, said in _NAMES:
                if msg == roots[code]:
                    return said + "Req"
                if msg + 1 == roots[code]:
                    return said + "Res"
    return "%04x" % payload_type
