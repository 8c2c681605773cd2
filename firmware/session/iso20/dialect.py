"""ISO 15118-20 as a dialect of the session machine (`firmware/session/dialects.py` says what the
names mean)."""

from codec import exi, v2gtp
from codec.slots import (
    MSG,
    AppProtocol,
    MessageHeader,
    ResponseCode,
    SAP_responseCode,
)
from firmware.session.codes import AC, DC
from firmware.session.facts import PeerError
from firmware.session.iso20 import messages, steps
from firmware.session.iso20.states import (
    AC_LOOP,
    AC_START,
    AUTH,
    AUTH_SETUP,
    CABLE_CHECK,
    DC_LOOP,
    DISCOVERY,
    PARAMETERS,
    PRECHARGE,
    SCHEDULE,
    SELECT,
    SETUP,
    STOP,
    STOPPING,
    WELDING,
)
from firmware.session.paused import same
from micropython import const

FIRST = SETUP
STATES = (
    (SETUP, "SessionSetup"),
    (AUTH_SETUP, "AuthorizationSetup"),
    (AUTH, "Authorization"),
    (DISCOVERY, "ServiceDiscovery"),
    (SELECT, "ServiceSelection"),
    (PARAMETERS, "ChargeParameterDiscovery"),
    (SCHEDULE, "ScheduleExchange"),
    (CABLE_CHECK, "CableCheck"),
    (PRECHARGE, "PreCharge"),
    (AC_START, "AC_Start"),
    (AC_LOOP, "AC_ChargeLoop"),
    (DC_LOOP, "DC_ChargeLoop"),
    (WELDING, "WeldingDetection"),
    (STOP, "SessionStop"),
    (STOPPING, "Stopping"),
)
STEPS = steps.STEPS
PAYLOADS = (0x8001, 0x8002, 0x8003, 0x8004)  # SupportedAppProtocol, CommonMessages, AC, DC
FAILED = ResponseCode.FAILED
OUT_OF_ORDER = ResponseCode.FAILED_SequenceError

# The full strings; no substring match, and CommonMessages is not a selectable protocol (R-SAP-06).
_NS_AC = const("urn:iso:std:iso:15118:-20:AC")
_NS_DC = const("urn:iso:std:iso:15118:-20:DC")
_MAJOR = const(1)
_MINOR = const(0)
_HEADER_SLOT = const(0)  # of every request

blank = messages.blank
payload_of = exi.payload_type


def _current(entry):
    """AC or DC, the one that an AppProtocol entry stands for; None: another protocol."""
    if entry[AppProtocol.VersionNumberMajor] != _MAJOR:
        return None
    namespace = entry[AppProtocol.ProtocolNamespace]
    if namespace == _NS_AC:
        return AC
    return DC if namespace == _NS_DC else None


def supports(f, entry):
    """Only what the station really offers a service for (R-SAP-01, D-09)."""
    # -20 exists only over TLS 1.3; plain TCP is a lab switch (R-SAP-05, [V2G20-2356]).
    if not f.secure and not f.cfg["allow_plain"]:
        return False
    current = _current(entry)
    if current is None:
        return False
    if not f.cfg["sap_filter_by_service"]:
        return True
    prefix = "DC" if current == DC else "AC"
    return any(name.startswith(prefix) for name in f.cfg["services"])


def begin(f, entry):
    """The entry settles AC or DC; a minor version of its own is no obstacle (R-SAP-03)."""
    f.session.current = _current(entry)
    if entry[AppProtocol.VersionNumberMinor] != _MINOR:
        return SAP_responseCode.OK_SuccessfulNegotiationWithMinorDeviation
    return SAP_responseCode.OK_SuccessfulNegotiation


def decode(payload, buf, at, n):
    """The payload type names the schema."""
    if payload == v2gtp.SAP:
        # A known field deviation: CertificateInstallationReq framed as SAP (R-V2GTP-05).
        try:
            found = exi.decode(exi.CM, buf, at, n)  # a copy: it may have to be decoded once more
            if found[0] == MSG.CertificateInstallationReq:
                return found
        except exi.ExiError:
            pass
    return exi.decode_here(exi.schema_of(payload), buf, at, n)


def answers(msg):
    """The next id is that of the answer."""
    return msg + 1 if messages.find(msg) else None


def check(f, msg, req):
    """Each request but SessionSetupReq carries the id of the session (R-SESSION-03)."""
    if msg != MSG.SessionSetupReq and not same(req[_HEADER_SLOT][MessageHeader.SessionID], f.session.id):
        raise PeerError(ResponseCode.FAILED_UnknownSession, "unknown session id")


def name(payload, head):
    schema = exi.schema_of(payload)
    return messages.name(exi.root_of(schema, head)) if schema > exi.SAP else None
