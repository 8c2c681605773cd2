"""The encoder against values that do not fit: every one is an ExiError with a path, nothing is written behind the end."""

from codec import exi, exi_json
from micropython import const
from tests.lib.mtest import eq, raises

# slots: begin (make gen)
_AuthorizationReq__EIM_AReqAuthorizationMode = const(2)
_AuthorizationReq__PnC_AReqAuthorizationMode = const(3)
_AuthorizationReq__SelectedAuthorizationService = const(1)
_CertificateInstallationReq__ListOfRootCertificateIDs = const(2)
_CertificateInstallationReq__MaximumContractCertificateChains = const(3)
_CertificateInstallationReq__OEMProvisioningCertificateChain = const(1)
_DC_WeldingDetectionRes__EVSEPresentVoltage = const(2)
_DC_WeldingDetectionRes__ResponseCode = const(1)
_LEN_AuthorizationReq = const(4)
_LEN_CertificateInstallationReq = const(5)
_LEN_DC_WeldingDetectionRes = const(3)
_LEN_ListOfRootCertificateIDs = const(1)
_LEN_MessageHeader = const(3)
_LEN_PnC_AReqAuthorizationMode = const(3)
_LEN_ServiceDiscoveryReq = const(2)
_LEN_ServiceDiscoveryRes = const(5)
_LEN_ServiceIDList = const(1)
_LEN_SessionSetupReq = const(2)
_LEN_SessionStopReq = const(4)
_LEN_SignedCertificateChain = const(3)
_LEN_X509IssuerSerial = const(2)
_ListOfRootCertificateIDs__RootCertificateID = const(0)
_MSG_AuthorizationReq = const(3)
_MSG_CertificateInstallationReq = const(10)
_MSG_DC_WeldingDetectionRes = const(90)
_MSG_ServiceDiscoveryReq = const(34)
_MSG_ServiceDiscoveryRes = const(35)
_MSG_SessionSetupReq = const(38)
_MSG_SessionStopReq = const(40)
_MessageHeader__SessionID = const(0)
_MessageHeader__TimeStamp = const(1)
_ServiceDiscoveryReq__SupportedServiceIDs = const(1)
_ServiceDiscoveryRes__ResponseCode = const(1)
_ServiceDiscoveryRes__ServiceRenegotiationSupported = const(2)
_ServiceIDList__ServiceID = const(0)
_SessionSetupReq__EVCCID = const(1)
_SessionStopReq__ChargingSession = const(1)
_SignedCertificateChain__Certificate = const(1)
_SignedCertificateChain__Id = const(0)
_X509IssuerSerial__X509IssuerName = const(0)
_X509IssuerSerial__X509SerialNumber = const(1)
_chargingSession__Terminate = const(1)
# slots: end

ExiError = exi.ExiError
_OUT = bytearray(600)


def header():
    h = [None] * _LEN_MessageHeader
    h[_MessageHeader__SessionID] = b"12345678"
    h[_MessageHeader__TimeStamp] = 1
    return h


def message(n):
    r = [None] * n
    r[0] = header()
    return r


def stop():
    r = message(_LEN_SessionStopReq)
    r[_SessionStopReq__ChargingSession] = _chargingSession__Terminate
    return r


def fails(msg, value, code, path=None):
    error = raises(ExiError, exi.encode, msg, value, _OUT, 0)
    eq(error.code, code)
    if path is not None:
        eq(exi_json.path_of(msg, error.path), path)


def test_good_one():
    n = exi.encode(_MSG_SessionStopReq, stop(), _OUT, 7)
    assert exi.decode(exi.CM, _OUT, 7, n) == (_MSG_SessionStopReq, stop())


def test_missing_elements():
    r = stop()
    r[_SessionStopReq__ChargingSession] = None
    fails(_MSG_SessionStopReq, r, ExiError.MISSING, "SessionStopReq/ChargingSession")
    r = stop()
    r[0] = None
    fails(_MSG_SessionStopReq, r, ExiError.MISSING, "SessionStopReq/Header")
    r = stop()
    r[0][_MessageHeader__TimeStamp] = None
    fails(_MSG_SessionStopReq, r, ExiError.MISSING, "SessionStopReq/Header/TimeStamp")


def test_wrong_shapes():
    for bad in (None, 1, "x", [], stop()[:-1], stop() + [None], {}):
        fails(_MSG_SessionStopReq, bad, ExiError.MISSING)
    for bad in (None, 5, [1], "x"):
        r = stop()
        r[0] = bad
        fails(_MSG_SessionStopReq, r, ExiError.MISSING)


def test_values_out_of_range():
    for slot, values in (
        (_MessageHeader__TimeStamp, (-1, 1 << 64)),
        (_MessageHeader__SessionID, (b"", b"1234567", b"123456789")),
    ):
        for value in values:
            r = stop()
            r[0][slot] = value
            fails(_MSG_SessionStopReq, r, ExiError.RANGE)
    for value in (-1, 3):
        r = stop()
        r[_SessionStopReq__ChargingSession] = value
        fails(_MSG_SessionStopReq, r, ExiError.RANGE)
    r = message(_LEN_SessionSetupReq)
    r[_SessionSetupReq__EVCCID] = "x" * 256
    fails(_MSG_SessionSetupReq, r, ExiError.RANGE, "SessionSetupReq/EVCCID")
    for value in (0x800000, -0x800001):
        r = message(_LEN_DC_WeldingDetectionRes)
        r[_DC_WeldingDetectionRes__ResponseCode] = 0
        r[_DC_WeldingDetectionRes__EVSEPresentVoltage] = value
        fails(_MSG_DC_WeldingDetectionRes, r, ExiError.RANGE)


def test_wrong_types():
    for slot, value in (
        (_MessageHeader__TimeStamp, "1"),
        (_MessageHeader__TimeStamp, True),
        (_MessageHeader__SessionID, "12345678"),
        (_MessageHeader__SessionID, 5),
    ):
        r = stop()
        r[0][slot] = value
        raises((ExiError, TypeError), exi.encode, _MSG_SessionStopReq, r, _OUT, 0)
    r = message(_LEN_ServiceDiscoveryRes)
    r[_ServiceDiscoveryRes__ResponseCode] = 0
    r[_ServiceDiscoveryRes__ServiceRenegotiationSupported] = 1  # not a boolean
    fails(_MSG_ServiceDiscoveryRes, r, ExiError.MISSING, "ServiceDiscoveryRes/ServiceRenegotiationSupported")


def services(n):
    r = message(_LEN_ServiceDiscoveryReq)
    inner = [None] * _LEN_ServiceIDList
    inner[_ServiceIDList__ServiceID] = list(range(n))
    r[_ServiceDiscoveryReq__SupportedServiceIDs] = inner
    return r


def test_lists_at_and_above_max_occurs():
    for n in (1, 15, 16):  # 16 is the maximum: the code behind the last one is one bit shorter
        size = exi.encode(_MSG_ServiceDiscoveryReq, services(n), _OUT, 0)
        eq(exi.decode(exi.CM, _OUT, 0, size)[1], services(n))
    fails(_MSG_ServiceDiscoveryReq, services(17), ExiError.RANGE)
    fails(_MSG_ServiceDiscoveryReq, services(0), ExiError.MISSING)


def test_both_ways_of_a_choice():
    r = message(_LEN_AuthorizationReq)
    r[_AuthorizationReq__SelectedAuthorizationService] = 0
    r[_AuthorizationReq__EIM_AReqAuthorizationMode] = []
    pnc = [None] * _LEN_PnC_AReqAuthorizationMode
    r[_AuthorizationReq__PnC_AReqAuthorizationMode] = pnc
    fails(_MSG_AuthorizationReq, r, ExiError.SURPLUS, "AuthorizationReq/PnC_AReqAuthorizationMode")


def test_buffer_too_small():
    """At every size below the need: ExiError, and not a byte behind the buffer's end (a bytearray would raise)."""
    need = exi.encode(_MSG_ServiceDiscoveryReq, services(16), _OUT, 0)
    want = bytes(_OUT[:need])
    for size in range(need):
        out = bytearray(size)
        eq(raises(ExiError, exi.encode, _MSG_ServiceDiscoveryReq, services(16), out, 0).code, ExiError.SPACE)
    out = bytearray(need)
    eq(exi.encode(_MSG_ServiceDiscoveryReq, services(16), out, 0), need)
    eq(bytes(out), want)
    out = bytearray(b"\xaa" * (need + 4))
    exi.encode(_MSG_ServiceDiscoveryReq, services(16), out, 2)
    eq(bytes(out), b"\xaa\xaa" + want + b"\xaa\xaa")


def test_unknown_ids():
    for msg in (0, 9999, -1):
        raises((ValueError, IndexError), exi.encode, msg, [], _OUT, 0)
    raises(ValueError, exi.encode_fragment, exi.AC, _MSG_SessionStopReq, stop(), _OUT, 0)
    raises(ValueError, exi.encode_as, exi.AC, _MSG_SessionStopReq, stop(), _OUT, 0)


def serial(number):
    issuer = [None] * _LEN_X509IssuerSerial
    issuer[_X509IssuerSerial__X509IssuerName] = "CN=x"
    issuer[_X509IssuerSerial__X509SerialNumber] = number
    roots = [None] * _LEN_ListOfRootCertificateIDs
    roots[_ListOfRootCertificateIDs__RootCertificateID] = [issuer]
    chain = [None] * _LEN_SignedCertificateChain
    chain[_SignedCertificateChain__Id] = "a"
    chain[_SignedCertificateChain__Certificate] = b"0"
    r = message(_LEN_CertificateInstallationReq)
    r[_CertificateInstallationReq__OEMProvisioningCertificateChain] = chain
    r[_CertificateInstallationReq__ListOfRootCertificateIDs] = roots
    r[_CertificateInstallationReq__MaximumContractCertificateChains] = 1
    return r


def test_integers_of_any_length():
    """xs:integer around each border of 7, 8, 56 and 64 bits, and up to 3,000 octets, both signs."""
    out = bytearray(4000)
    for bits in (0, 6, 7, 8, 13, 14, 15, 55, 56, 57, 63, 64, 65, 112, 160, 24000):
        for number in ((1 << bits) - 1, 1 << bits, -(1 << bits), -(1 << bits) - 1):
            n = exi.encode(_MSG_CertificateInstallationReq, serial(number), out, 0)
            eq(exi.decode(exi.CM, out, 0, n)[1], serial(number))
