"""Every request type of the four schemas, valid and with all mandatory fields, for the session of a
tests/lib/driver.py Driver."""

from codec.slots import (
    MSG,
    CertificateInstallationReq,
    ListOfRootCertificateIDs,
    MeterInfo,
    MeteringConfirmationReq,
    SignedCertificateChain,
    SignedMeteringData,
    VehicleCheckInReq,
    VehicleCheckOutReq,
    X509IssuerSerial,
)
from host_tools.ev import requests
from tests.lib.driver import AC_BPT, DC_BPT, DYNAMIC, FINISHED, ONGOING, START


def every(driver):
    """{message id: value}."""
    car = driver.says()
    return dict(
        [
            requests.protocol([driver.protocol()]),
            requests.session_setup(car),
            requests.authorization_setup(car),
            requests.authorization(car),
            requests.service_discovery(car),
            requests.service_detail(car, DC_BPT),
            requests.service_selection(car, DC_BPT, 7),
            requests.parameters(driver.says(AC_BPT), AC_BPT),
            requests.parameters(car, DC_BPT),
            requests.schedule_exchange(car, DYNAMIC),
            requests.cable_check(car),
            requests.precharge(car, ONGOING),
            requests.power_delivery(car, START),
            requests.loop(driver.says(AC_BPT), AC_BPT, DYNAMIC),
            requests.loop(car, DC_BPT, DYNAMIC),
            requests.welding_detection(car, FINISHED),
            requests.session_stop(car),
            metering_confirmation(driver),
            certificate_installation(driver),
            check_in(driver),
            check_out(driver),
        ]
    )


# Known to the codec and not served: they still get their response type (R-ERRORS-06).


def metering_confirmation(driver):
    meter = [None] * MeterInfo.LEN
    meter[MeterInfo.MeterID] = "M"
    meter[MeterInfo.ChargedEnergyReadingWh] = 1
    data = [None] * SignedMeteringData.LEN
    data[SignedMeteringData.Id] = "id"
    data[SignedMeteringData.SessionID] = driver.sid
    data[SignedMeteringData.MeterInfo] = meter
    data[SignedMeteringData.Dynamic_SMDTControlMode] = []
    r = driver.new(MeteringConfirmationReq.LEN)
    r[MeteringConfirmationReq.SignedMeteringData] = data
    return MSG.MeteringConfirmationReq, r


def certificate_installation(driver):
    chain = [None] * SignedCertificateChain.LEN
    chain[SignedCertificateChain.Id] = "id"
    chain[SignedCertificateChain.Certificate] = b"\x30"
    issuer = [None] * X509IssuerSerial.LEN
    issuer[X509IssuerSerial.X509IssuerName] = "CN=x"
    issuer[X509IssuerSerial.X509SerialNumber] = 1
    roots = [None] * ListOfRootCertificateIDs.LEN
    roots[ListOfRootCertificateIDs.RootCertificateID] = [issuer]
    r = driver.new(CertificateInstallationReq.LEN)
    r[CertificateInstallationReq.OEMProvisioningCertificateChain] = chain
    r[CertificateInstallationReq.ListOfRootCertificateIDs] = roots
    r[CertificateInstallationReq.MaximumContractCertificateChains] = 1
    return MSG.CertificateInstallationReq, r


def check_in(driver):
    r = driver.new(VehicleCheckInReq.LEN)
    r[VehicleCheckInReq.EVCheckInStatus] = 0
    r[VehicleCheckInReq.ParkingMethod] = 0
    return MSG.VehicleCheckInReq, r


def check_out(driver):
    r = driver.new(VehicleCheckOutReq.LEN)
    r[VehicleCheckOutReq.EVCheckOutStatus] = 0
    r[VehicleCheckOutReq.CheckOutTime] = 1
    return MSG.VehicleCheckOutReq, r
