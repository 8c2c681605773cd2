"""The encoder against values that do not fit: every one is an ExiError with a path, nothing is
written behind the end."""

from codec import exi, exi_json
from codec.slots import (
    MSG,
    AuthorizationReq,
    CertificateInstallationReq,
    ChargingSession,
    DC_WeldingDetectionRes,
    ListOfRootCertificateIDs,
    MessageHeader,
    PnC_AReqAuthorizationMode,
    ServiceDiscoveryReq,
    ServiceDiscoveryRes,
    ServiceIDList,
    SessionSetupReq,
    SessionStopReq,
    SignedCertificateChain,
    X509IssuerSerial,
)
from tests.lib.mtest import eq, raises

ExiError = exi.ExiError
_OUT = bytearray(600)


def header():
    h = [None] * MessageHeader.LEN
    h[MessageHeader.SessionID] = b"12345678"
    h[MessageHeader.TimeStamp] = 1
    return h


def message(n):
    r = [None] * n
    r[0] = header()
    return r


def stop():
    r = message(SessionStopReq.LEN)
    r[SessionStopReq.ChargingSession] = ChargingSession.Terminate
    return r


def fails(msg, value, code, path=None):
    error = raises(ExiError, exi.encode, msg, value, _OUT, 0)
    eq(error.code, code)
    if path is not None:
        eq(exi_json.path_of(msg, error.path), path)


def test_good_one():
    n = exi.encode(MSG.SessionStopReq, stop(), _OUT, 7)
    assert exi.decode(exi.CM, _OUT, 7, n) == (MSG.SessionStopReq, stop())


def test_missing_elements():
    r = stop()
    r[SessionStopReq.ChargingSession] = None
    fails(MSG.SessionStopReq, r, ExiError.MISSING, "SessionStopReq/ChargingSession")
    r = stop()
    r[0] = None
    fails(MSG.SessionStopReq, r, ExiError.MISSING, "SessionStopReq/Header")
    r = stop()
    r[0][MessageHeader.TimeStamp] = None
    fails(MSG.SessionStopReq, r, ExiError.MISSING, "SessionStopReq/Header/TimeStamp")


def test_wrong_shapes():
    for bad in (None, 1, "x", [], stop()[:-1], stop() + [None], {}):
        fails(MSG.SessionStopReq, bad, ExiError.MISSING)
    for bad in (None, 5, [1], "x"):
        r = stop()
        r[0] = bad
        fails(MSG.SessionStopReq, r, ExiError.MISSING)


def test_values_out_of_range():
    for slot, values in (
        (MessageHeader.TimeStamp, (-1, 1 << 64)),
        (MessageHeader.SessionID, (b"", b"1234567", b"123456789")),
    ):
        for value in values:
            r = stop()
            r[0][slot] = value
            fails(MSG.SessionStopReq, r, ExiError.RANGE)
    for value in (-1, 3):
        r = stop()
        r[SessionStopReq.ChargingSession] = value
        fails(MSG.SessionStopReq, r, ExiError.RANGE)
    r = message(SessionSetupReq.LEN)
    r[SessionSetupReq.EVCCID] = "x" * 256
    fails(MSG.SessionSetupReq, r, ExiError.RANGE, "SessionSetupReq/EVCCID")
    for value in (0x800000, -0x800001):
        r = message(DC_WeldingDetectionRes.LEN)
        r[DC_WeldingDetectionRes.ResponseCode] = 0
        r[DC_WeldingDetectionRes.EVSEPresentVoltage] = value
        fails(MSG.DC_WeldingDetectionRes, r, ExiError.RANGE)


def test_wrong_types():
    for slot, value in (
        (MessageHeader.TimeStamp, "1"),
        (MessageHeader.TimeStamp, True),
        (MessageHeader.SessionID, "12345678"),
        (MessageHeader.SessionID, 5),
    ):
        r = stop()
        r[0][slot] = value
        raises((ExiError, TypeError), exi.encode, MSG.SessionStopReq, r, _OUT, 0)
    r = message(ServiceDiscoveryRes.LEN)
    r[ServiceDiscoveryRes.ResponseCode] = 0
    r[ServiceDiscoveryRes.ServiceRenegotiationSupported] = 1  # not a boolean
    fails(MSG.ServiceDiscoveryRes, r, ExiError.MISSING, "ServiceDiscoveryRes/ServiceRenegotiationSupported")


def services(n):
    r = message(ServiceDiscoveryReq.LEN)
    inner = [None] * ServiceIDList.LEN
    inner[ServiceIDList.ServiceID] = list(range(n))
    r[ServiceDiscoveryReq.SupportedServiceIDs] = inner
    return r


def test_lists_at_and_above_max_occurs():
    for n in (1, 15, 16):  # 16 is the maximum: the code behind the last one is one bit shorter
        size = exi.encode(MSG.ServiceDiscoveryReq, services(n), _OUT, 0)
        eq(exi.decode(exi.CM, _OUT, 0, size)[1], services(n))
    fails(MSG.ServiceDiscoveryReq, services(17), ExiError.RANGE)
    fails(MSG.ServiceDiscoveryReq, services(0), ExiError.MISSING)


def test_both_ways_of_a_choice():
    r = message(AuthorizationReq.LEN)
    r[AuthorizationReq.SelectedAuthorizationService] = 0
    r[AuthorizationReq.EIM_AReqAuthorizationMode] = []
    pnc = [None] * PnC_AReqAuthorizationMode.LEN
    r[AuthorizationReq.PnC_AReqAuthorizationMode] = pnc
    fails(MSG.AuthorizationReq, r, ExiError.SURPLUS, "AuthorizationReq/PnC_AReqAuthorizationMode")


def test_buffer_too_small():
    """At every size below the need: ExiError, and not a byte behind the buffer's end (a bytearray
    would raise)."""
    need = exi.encode(MSG.ServiceDiscoveryReq, services(16), _OUT, 0)
    want = bytes(_OUT[:need])
    for size in range(need):
        out = bytearray(size)
        eq(raises(ExiError, exi.encode, MSG.ServiceDiscoveryReq, services(16), out, 0).code, ExiError.SPACE)
    out = bytearray(need)
    eq(exi.encode(MSG.ServiceDiscoveryReq, services(16), out, 0), need)
    eq(bytes(out), want)
    out = bytearray(b"\xaa" * (need + 4))
    exi.encode(MSG.ServiceDiscoveryReq, services(16), out, 2)
    eq(bytes(out), b"\xaa\xaa" + want + b"\xaa\xaa")


def test_unknown_ids():
    for msg in (0, 9999, -1):
        raises((ValueError, IndexError), exi.encode, msg, [], _OUT, 0)
    raises(ValueError, exi.encode_fragment, exi.AC, MSG.SessionStopReq, stop(), _OUT, 0)
    raises(ValueError, exi.encode_as, exi.AC, MSG.SessionStopReq, stop(), _OUT, 0)


def serial(number):
    issuer = [None] * X509IssuerSerial.LEN
    issuer[X509IssuerSerial.X509IssuerName] = "CN=x"
    issuer[X509IssuerSerial.X509SerialNumber] = number
    roots = [None] * ListOfRootCertificateIDs.LEN
    roots[ListOfRootCertificateIDs.RootCertificateID] = [issuer]
    chain = [None] * SignedCertificateChain.LEN
    chain[SignedCertificateChain.Id] = "a"
    chain[SignedCertificateChain.Certificate] = b"0"
    r = message(CertificateInstallationReq.LEN)
    r[CertificateInstallationReq.OEMProvisioningCertificateChain] = chain
    r[CertificateInstallationReq.ListOfRootCertificateIDs] = roots
    r[CertificateInstallationReq.MaximumContractCertificateChains] = 1
    return r


def test_integers_of_any_length():
    """xs:integer around each border of 7, 8, 56 and 64 bits, and up to 3,000 octets, both signs."""
    out = bytearray(4000)
    for bits in (0, 6, 7, 8, 13, 14, 15, 55, 56, 57, 63, 64, 65, 112, 160, 24000):
        for number in ((1 << bits) - 1, 1 << bits, -(1 << bits), -(1 << bits) - 1):
            n = exi.encode(MSG.CertificateInstallationReq, serial(number), out, 0)
            eq(exi.decode(exi.CM, out, 0, n)[1], serial(number))
