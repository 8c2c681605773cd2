"""Every request type of the four schemas, valid and with all mandatory fields, for a session of tests/lib/world.py."""

from codec.slots import (
    MSG,
    CertificateInstallationReq,
    ListOfRootCertificateIDs,
    MeterInfo,
    MeteringConfirmationReq,
    SessionSetupReq,
    SignedCertificateChain,
    SignedMeteringData,
    VehicleCheckInReq,
    VehicleCheckOutReq,
    X509IssuerSerial,
)
from tests.lib.world import World


def requests(w):
    """Every request type of the four schemas, valid, in the session of `w`: {message id: value}."""
    out = {}

    def keep(msg, value, kind=None):
        out[msg] = value
        return msg, [value[0], 0]

    class Recorder(World):
        def __init__(self):
            self.now = w.now
            self.sid = w.sid

        request = staticmethod(keep)

    r = Recorder()
    r.sap([r.protocol()])
    session = r.new(SessionSetupReq.LEN)
    session[SessionSetupReq.EVCCID] = "X"
    keep(MSG.SessionSetupReq, session)
    r.plain(MSG.AuthorizationSetupReq)
    r.authorization()
    r.discovery()
    r.detail(6)
    r.select(6, 7)
    r.ac_parameters(True)
    r.dc_parameters(True)
    r.schedule(True)
    r.plain(MSG.DC_CableCheckReq)
    r.precharge()
    r.power_delivery(0)
    r.ac_loop(True, True)
    r.dc_loop(True, True)
    r.welding()
    r.stop()
    out.update(others(r))
    return out


def others(r):
    """Requests that are known and not served: they still get their response type (R-ERRORS-06)."""
    meter = [None] * MeterInfo.LEN
    meter[MeterInfo.MeterID] = "M"
    meter[MeterInfo.ChargedEnergyReadingWh] = 1
    data = [None] * SignedMeteringData.LEN
    data[SignedMeteringData.Id] = "id"
    data[SignedMeteringData.SessionID] = r.sid
    data[SignedMeteringData.MeterInfo] = meter
    data[SignedMeteringData.Dynamic_SMDTControlMode] = []
    metering = r.new(MeteringConfirmationReq.LEN)
    metering[MeteringConfirmationReq.SignedMeteringData] = data
    chain = [None] * SignedCertificateChain.LEN
    chain[SignedCertificateChain.Id] = "id"
    chain[SignedCertificateChain.Certificate] = b"\x30"
    issuer = [None] * X509IssuerSerial.LEN
    issuer[X509IssuerSerial.X509IssuerName] = "CN=x"
    issuer[X509IssuerSerial.X509SerialNumber] = 1
    roots = [None] * ListOfRootCertificateIDs.LEN
    roots[ListOfRootCertificateIDs.RootCertificateID] = [issuer]
    install = r.new(CertificateInstallationReq.LEN)
    install[CertificateInstallationReq.OEMProvisioningCertificateChain] = chain
    install[CertificateInstallationReq.ListOfRootCertificateIDs] = roots
    install[CertificateInstallationReq.MaximumContractCertificateChains] = 1
    check_in = r.new(VehicleCheckInReq.LEN)
    check_in[VehicleCheckInReq.EVCheckInStatus] = 0
    check_in[VehicleCheckInReq.ParkingMethod] = 0
    check_out = r.new(VehicleCheckOutReq.LEN)
    check_out[VehicleCheckOutReq.EVCheckOutStatus] = 0
    check_out[VehicleCheckOutReq.CheckOutTime] = 1
    return {
        MSG.MeteringConfirmationReq: metering,
        MSG.CertificateInstallationReq: install,
        MSG.VehicleCheckInReq: check_in,
        MSG.VehicleCheckOutReq: check_out,
    }
