"""A station in simulated time: the real session machine and power model, with a hand-driven car at the other end.

Time jumps to the next `due`; nothing here waits. Requests are slot lists, answers come back decoded.
"""

from board.sim_power import SimPower
from codec import exi, rational, v2gtp
from codec.slots import (
    MSG,
    AC_ChargeLoopReq,
    AC_ChargeParameterDiscoveryReq,
    AC_CPDReqEnergyTransferMode,
    AppProtocol,
    AuthorizationReq,
    BPT_AC_CPDReqEnergyTransferMode,
    BPT_DC_CPDReqEnergyTransferMode,
    BPT_Dynamic_AC_CLReqControlMode,
    BPT_Dynamic_DC_CLReqControlMode,
    BPT_Scheduled_AC_CLReqControlMode,
    BPT_Scheduled_DC_CLReqControlMode,
    DC_CableCheckRes,
    DC_ChargeLoopReq,
    DC_ChargeParameterDiscoveryReq,
    DC_CPDReqEnergyTransferMode,
    DC_PreChargeReq,
    DC_PreChargeRes,
    DC_WeldingDetectionReq,
    DisplayParameters,
    Dynamic_AC_CLReqControlMode,
    Dynamic_DC_CLReqControlMode,
    Dynamic_SEReqControlMode,
    EVPowerProfile,
    EVPowerProfileEntryList,
    MessageHeader,
    Parameter,
    ParameterSet,
    PowerDeliveryReq,
    PowerScheduleEntry,
    Scheduled_AC_CLReqControlMode,
    Scheduled_DC_CLReqControlMode,
    Scheduled_EVPPTControlMode,
    Scheduled_SEReqControlMode,
    ScheduleExchangeReq,
    SelectedService,
    ServiceDetailReq,
    ServiceDetailRes,
    ServiceDiscoveryReq,
    ServiceIDList,
    ServiceParameterList,
    ServiceSelectionReq,
    SessionSetupReq,
    SessionStopReq,
    supportedAppProtocolReq,
)
from firmware.app import config
from firmware.app.power import Power
from firmware.clock import ticks_add, ticks_diff
from firmware.session.secc import Secc
from firmware.session.states import IDLE
from tests.lib.poison import poisoned

START = ticks_add(0, -300)  # so that every test crosses the wrap of the tick (docs/design.md, the machine contract)
UNIX_S = 1800000000
_BUF = bytearray(4096)  # one for all worlds: a test makes many of them
R = rational.from_int


class NoTrace:
    def __init__(self):
        self.notes = []
        self.messages = []

    def message(self, now, direction, payload_type, buf, at, n, state):
        if len(self.messages) < 60:  # the first of them: enough for any test, and it fits a small heap
            self.messages.append((direction, payload_type, bytes(buf[at : at + n]), state))

    def note(self, now, text, value=None):
        self.notes.append(text if value is None else text + " " + str(value))


def counting_rand():
    count = [0]

    def rand(n):
        count[0] += 1
        return bytes([count[0] & 0xFF] * n)

    return rand


class World:
    """One station. `request(msg, value)` sends and returns (message id, value) of the answer, or None."""

    def __init__(self, **changes):
        self.cfg = config.merge(changes)
        self.hw = SimPower(self.cfg)
        self.power = Power(self.cfg, self.hw)
        self.trace = NoTrace()
        self.secc = poisoned(Secc(self.cfg, self.power, counting_rand(), lambda: UNIX_S, self.trace))
        self.now = START
        self.sid = bytes(8)
        self.car = (None, None)  # what TLS has proved: name in the vehicle certificate, SHA-256 of it
        self.buf = _BUF
        self.closed = False
        self.piece = 0

    def said(self, text):
        return [note for note in self.trace.notes if text in note]

    def connect(self):
        self.closed = False
        self.sid = bytes(8)
        self.secc.start(self.now, *self.car)

    def sleep(self, ms):
        """Let simulated time pass, firing everything that is due on the way."""
        end = ticks_add(self.now, ms)
        while True:
            due = self.secc.due
            if due is None or ticks_diff(due, end) > 0:
                break
            if ticks_diff(due, self.now) > 0:
                self.now = due
            else:
                self.now = ticks_add(self.now, 1)
            self.secc.poll(self.now)
            self._event()
        self.now = end
        self.secc.poll(self.now)
        self._event()

    def _event(self):
        if self.secc.event():
            self.closed = True

    def header(self):
        h = [None] * MessageHeader.LEN
        h[MessageHeader.SessionID] = self.sid
        h[MessageHeader.TimeStamp] = UNIX_S
        return h

    def new(self, n):
        r = [None] * n
        r[0] = self.header()
        return r

    def frame(self, msg, value, kind=None):
        n = exi.encode(msg, value, self.buf, 8)
        v2gtp.write_header(self.buf, 0, kind or exi.payload_type(msg), n)
        return bytes(self.buf[: 8 + n])

    def feed(self, data):
        """Bytes from the car, in pieces of `self.piece` bytes if that is set."""
        step = self.piece or len(data)
        for at in range(0, len(data), step):
            part = data[at : at + step]
            self.secc.rx(part, len(part), self.now)
        self._event()

    def answer(self, wait_ms=3000):
        """The next answer, waiting in simulated time; None if there is none."""
        end = ticks_add(self.now, wait_ms)
        while True:
            n = self.secc.tx(self.buf)
            if n:
                kind = self.buf[2] << 8 | self.buf[3]
                return exi.decode(exi.schema_of(kind), self.buf, 8, n - 8)
            if self.closed or ticks_diff(end, self.now) <= 0 or self.secc.state == IDLE:
                return None
            self.sleep(10)

    def request(self, msg, value, kind=None):
        self.feed(self.frame(msg, value, kind))
        return self.answer()

    # -- the requests of a well-behaved car

    def protocol(self, namespace="urn:iso:std:iso:15118:-20:DC", priority=1, major=1, minor=0, schema=7):
        p = [None] * AppProtocol.LEN
        p[AppProtocol.ProtocolNamespace] = namespace
        p[AppProtocol.VersionNumberMajor] = major
        p[AppProtocol.VersionNumberMinor] = minor
        p[AppProtocol.SchemaID] = schema
        p[AppProtocol.Priority] = priority
        return p

    def sap(self, entries):
        r = [None] * supportedAppProtocolReq.LEN
        r[supportedAppProtocolReq.AppProtocol] = entries
        return self.request(MSG.supportedAppProtocolReq, r)

    def setup(self, sid=None):
        r = self.new(SessionSetupReq.LEN)
        if sid is not None:
            r[0][MessageHeader.SessionID] = sid
        r[SessionSetupReq.EVCCID] = "WMIV1234567890ABCDEX"
        res = self.request(MSG.SessionSetupReq, r)
        self.sid = bytes(res[1][0][MessageHeader.SessionID])
        return res

    def plain(self, msg):
        return self.request(msg, self.new(1))

    def authorization(self, service=0):
        r = self.new(AuthorizationReq.LEN)
        r[AuthorizationReq.SelectedAuthorizationService] = service
        r[AuthorizationReq.EIM_AReqAuthorizationMode] = []
        return self.request(MSG.AuthorizationReq, r)

    def discovery(self, ids=None):
        r = self.new(ServiceDiscoveryReq.LEN)
        if ids:
            inner = [None] * ServiceIDList.LEN
            inner[ServiceIDList.ServiceID] = ids
            r[ServiceDiscoveryReq.SupportedServiceIDs] = inner
        return self.request(MSG.ServiceDiscoveryReq, r)

    def detail(self, service):
        r = self.new(ServiceDetailReq.LEN)
        r[ServiceDetailReq.ServiceID] = service
        return self.request(MSG.ServiceDetailReq, r)

    def select(self, service, set_id):
        r = self.new(ServiceSelectionReq.LEN)
        s = [None] * SelectedService.LEN
        s[SelectedService.ServiceID] = service
        s[SelectedService.ParameterSetID] = set_id
        r[ServiceSelectionReq.SelectedEnergyTransferService] = s
        return self.request(MSG.ServiceSelectionReq, r)

    def ac_parameters(self, bpt, charge_w=11000, discharge_w=11000, per_phase=False):
        r = self.new(AC_ChargeParameterDiscoveryReq.LEN)
        b = [None] * (BPT_AC_CPDReqEnergyTransferMode.LEN if bpt else AC_CPDReqEnergyTransferMode.LEN)
        b[AC_CPDReqEnergyTransferMode.EVMaximumChargePower] = R(charge_w // 3 if per_phase else charge_w)
        if per_phase:
            b[AC_CPDReqEnergyTransferMode.EVMaximumChargePower_L2] = R(charge_w // 3)
            b[AC_CPDReqEnergyTransferMode.EVMaximumChargePower_L3] = R(charge_w // 3)
        b[AC_CPDReqEnergyTransferMode.EVMinimumChargePower] = R(0)
        if bpt:
            b[BPT_AC_CPDReqEnergyTransferMode.EVMaximumDischargePower] = R(discharge_w)
            b[BPT_AC_CPDReqEnergyTransferMode.EVMinimumDischargePower] = R(0)
            r[AC_ChargeParameterDiscoveryReq.BPT_AC_CPDReqEnergyTransferMode] = b
        else:
            r[AC_ChargeParameterDiscoveryReq.AC_CPDReqEnergyTransferMode] = b
        return self.request(MSG.AC_ChargeParameterDiscoveryReq, r)

    def dc_parameters(self, bpt, max_v=450, min_v=300, charge_w=50000, discharge_w=20000):
        r = self.new(DC_ChargeParameterDiscoveryReq.LEN)
        b = [None] * (BPT_DC_CPDReqEnergyTransferMode.LEN if bpt else DC_CPDReqEnergyTransferMode.LEN)
        b[DC_CPDReqEnergyTransferMode.EVMaximumChargePower] = R(charge_w)
        b[DC_CPDReqEnergyTransferMode.EVMinimumChargePower] = R(0)
        b[DC_CPDReqEnergyTransferMode.EVMaximumChargeCurrent] = R(200)
        b[DC_CPDReqEnergyTransferMode.EVMinimumChargeCurrent] = R(0)
        b[DC_CPDReqEnergyTransferMode.EVMaximumVoltage] = R(max_v)
        b[DC_CPDReqEnergyTransferMode.EVMinimumVoltage] = R(min_v)
        if bpt:
            b[BPT_DC_CPDReqEnergyTransferMode.EVMaximumDischargePower] = R(discharge_w)
            b[BPT_DC_CPDReqEnergyTransferMode.EVMinimumDischargePower] = R(0)
            b[BPT_DC_CPDReqEnergyTransferMode.EVMaximumDischargeCurrent] = R(100)
            b[BPT_DC_CPDReqEnergyTransferMode.EVMinimumDischargeCurrent] = R(0)
            r[DC_ChargeParameterDiscoveryReq.BPT_DC_CPDReqEnergyTransferMode] = b
        else:
            r[DC_ChargeParameterDiscoveryReq.DC_CPDReqEnergyTransferMode] = b
        return self.request(MSG.DC_ChargeParameterDiscoveryReq, r)

    def schedule(self, dynamic, min_energy_wh=-20000):
        r = self.new(ScheduleExchangeReq.LEN)
        r[ScheduleExchangeReq.MaximumSupportingPoints] = 12
        if dynamic:
            b = [None] * Dynamic_SEReqControlMode.LEN
            b[Dynamic_SEReqControlMode.DepartureTime] = 7200
            b[Dynamic_SEReqControlMode.EVTargetEnergyRequest] = R(10000)
            b[Dynamic_SEReqControlMode.EVMaximumEnergyRequest] = R(20000)
            b[Dynamic_SEReqControlMode.EVMinimumEnergyRequest] = R(min_energy_wh)
            r[ScheduleExchangeReq.Dynamic_SEReqControlMode] = b
        else:
            r[ScheduleExchangeReq.Scheduled_SEReqControlMode] = [None] * Scheduled_SEReqControlMode.LEN
        return self.request(MSG.ScheduleExchangeReq, r)

    def precharge(self, volts=400, processing=1):
        r = self.new(DC_PreChargeReq.LEN)
        r[DC_PreChargeReq.EVProcessing] = processing
        r[DC_PreChargeReq.EVPresentVoltage] = R(0)
        r[DC_PreChargeReq.EVTargetVoltage] = R(volts)
        return self.request(MSG.DC_PreChargeReq, r)

    def power_delivery(self, progress, processing=0, tuple_id=None, watts=11040):
        r = self.new(PowerDeliveryReq.LEN)
        r[PowerDeliveryReq.EVProcessing] = processing
        r[PowerDeliveryReq.ChargeProgress] = progress
        if tuple_id is not None:
            p = [None] * EVPowerProfile.LEN
            p[EVPowerProfile.TimeAnchor] = UNIX_S
            m = [None] * Scheduled_EVPPTControlMode.LEN
            m[Scheduled_EVPPTControlMode.SelectedScheduleTupleID] = tuple_id
            p[EVPowerProfile.Scheduled_EVPPTControlMode] = m
            e = [None] * PowerScheduleEntry.LEN
            e[PowerScheduleEntry.Duration] = 3600
            e[PowerScheduleEntry.Power] = R(watts)
            entries = [None] * EVPowerProfileEntryList.LEN
            entries[EVPowerProfileEntryList.EVPowerProfileEntry] = [e]
            p[EVPowerProfile.EVPowerProfileEntries] = entries
            r[PowerDeliveryReq.EVPowerProfile] = p
        return self.request(MSG.PowerDeliveryReq, r)

    def ac_loop(self, bpt, dynamic, present_w=0, soc=None, meter=False, min_energy_wh=-20000):
        r = self.new(AC_ChargeLoopReq.LEN)
        self._display(r, AC_ChargeLoopReq.DisplayParameters, soc)
        r[AC_ChargeLoopReq.MeterInfoRequested] = meter
        if dynamic:
            b = [None] * (BPT_Dynamic_AC_CLReqControlMode.LEN if bpt else Dynamic_AC_CLReqControlMode.LEN)
            b[Dynamic_AC_CLReqControlMode.EVTargetEnergyRequest] = R(10000)
            b[Dynamic_AC_CLReqControlMode.EVMaximumEnergyRequest] = R(20000)
            b[Dynamic_AC_CLReqControlMode.EVMinimumEnergyRequest] = R(min_energy_wh)
            b[Dynamic_AC_CLReqControlMode.EVMaximumChargePower] = R(11000)
            b[Dynamic_AC_CLReqControlMode.EVMinimumChargePower] = R(0)
            b[Dynamic_AC_CLReqControlMode.EVPresentActivePower] = R(present_w)
            b[Dynamic_AC_CLReqControlMode.EVPresentReactivePower] = R(0)
            if bpt:
                b[BPT_Dynamic_AC_CLReqControlMode.EVMaximumDischargePower] = R(11000)
                b[BPT_Dynamic_AC_CLReqControlMode.EVMinimumDischargePower] = R(0)
                r[AC_ChargeLoopReq.BPT_Dynamic_AC_CLReqControlMode] = b
            else:
                r[AC_ChargeLoopReq.Dynamic_AC_CLReqControlMode] = b
        else:
            b = [None] * (BPT_Scheduled_AC_CLReqControlMode.LEN if bpt else Scheduled_AC_CLReqControlMode.LEN)
            b[Scheduled_AC_CLReqControlMode.EVPresentActivePower] = R(present_w)
            if bpt:
                r[AC_ChargeLoopReq.BPT_Scheduled_AC_CLReqControlMode] = b
            else:
                r[AC_ChargeLoopReq.Scheduled_AC_CLReqControlMode] = b
        return self.request(MSG.AC_ChargeLoopReq, r)

    def dc_loop(self, bpt, dynamic, volts=400, soc=None, meter=False, target_a=20, target_v=400, min_energy_wh=-20000):
        r = self.new(DC_ChargeLoopReq.LEN)
        self._display(r, DC_ChargeLoopReq.DisplayParameters, soc)
        r[DC_ChargeLoopReq.MeterInfoRequested] = meter
        r[DC_ChargeLoopReq.EVPresentVoltage] = R(volts)
        if dynamic:
            b = [None] * (BPT_Dynamic_DC_CLReqControlMode.LEN if bpt else Dynamic_DC_CLReqControlMode.LEN)
            b[Dynamic_DC_CLReqControlMode.EVTargetEnergyRequest] = R(10000)
            b[Dynamic_DC_CLReqControlMode.EVMaximumEnergyRequest] = R(20000)
            b[Dynamic_DC_CLReqControlMode.EVMinimumEnergyRequest] = R(min_energy_wh)
            b[Dynamic_DC_CLReqControlMode.EVMaximumChargePower] = R(50000)
            b[Dynamic_DC_CLReqControlMode.EVMinimumChargePower] = R(0)
            b[Dynamic_DC_CLReqControlMode.EVMaximumChargeCurrent] = R(200)
            b[Dynamic_DC_CLReqControlMode.EVMaximumVoltage] = R(450)
            b[Dynamic_DC_CLReqControlMode.EVMinimumVoltage] = R(300)
            if bpt:
                b[BPT_Dynamic_DC_CLReqControlMode.EVMaximumDischargePower] = R(20000)
                b[BPT_Dynamic_DC_CLReqControlMode.EVMinimumDischargePower] = R(0)
                b[BPT_Dynamic_DC_CLReqControlMode.EVMaximumDischargeCurrent] = R(100)
                r[DC_ChargeLoopReq.BPT_Dynamic_DC_CLReqControlMode] = b
            else:
                r[DC_ChargeLoopReq.Dynamic_DC_CLReqControlMode] = b
        else:
            b = [None] * (BPT_Scheduled_DC_CLReqControlMode.LEN if bpt else Scheduled_DC_CLReqControlMode.LEN)
            b[Scheduled_DC_CLReqControlMode.EVTargetCurrent] = R(target_a)
            b[Scheduled_DC_CLReqControlMode.EVTargetVoltage] = R(target_v)
            if bpt:
                r[DC_ChargeLoopReq.BPT_Scheduled_DC_CLReqControlMode] = b
            else:
                r[DC_ChargeLoopReq.Scheduled_DC_CLReqControlMode] = b
        return self.request(MSG.DC_ChargeLoopReq, r)

    def _display(self, r, at, soc):
        if soc is not None:
            d = [None] * DisplayParameters.LEN
            d[DisplayParameters.PresentSOC] = soc
            r[at] = d

    def welding(self):
        r = self.new(DC_WeldingDetectionReq.LEN)
        r[DC_WeldingDetectionReq.EVProcessing] = 0
        return self.request(MSG.DC_WeldingDetectionReq, r)

    def stop(self, kind=1):
        r = self.new(SessionStopReq.LEN)
        r[SessionStopReq.ChargingSession] = kind
        return self.request(MSG.SessionStopReq, r)

    # -- whole stretches

    def to_authorized(self, dc):
        self.connect()
        self.sap([self.protocol("urn:iso:std:iso:15118:-20:" + ("DC" if dc else "AC"))])
        self.setup()
        self.plain(MSG.AuthorizationSetupReq)
        return self.authorization()

    def set_id(self, service, dynamic):
        """Parameter set with the wanted control mode, as a car finds it in ServiceDetailRes."""
        res = self.detail(service)[1]
        for s in res[ServiceDetailRes.ServiceParameterList][ServiceParameterList.ParameterSet]:
            for p in s[ParameterSet.Parameter]:
                if p[Parameter.Name] == "ControlMode" and p[Parameter.intValue] == (2 if dynamic else 1):
                    return s[ParameterSet.ParameterSetID]
        raise ValueError("control mode not offered")

    def to_schedule(self, service, dynamic):
        """Up to and with ScheduleExchange; returns its answer."""
        dc = service in (2, 6)
        bpt = service >= 5
        self.to_authorized(dc)
        self.discovery()
        self.select(service, self.set_id(service, dynamic))
        if dc:
            self.dc_parameters(bpt)
        else:
            self.ac_parameters(bpt)
        return self.schedule(dynamic)

    def to_start(self, service, dynamic):
        """Up to the point where PowerDelivery(Start) is due."""
        self.to_schedule(service, dynamic)
        self.on_to_start(service)

    def on_to_start(self, service):
        """From ScheduleExchange to the same point."""
        if service in (2, 6):
            for _ in range(100):
                if self.plain(MSG.DC_CableCheckReq)[1][DC_CableCheckRes.EVSEProcessing] == 0:
                    break
                self.sleep(50)
            for _ in range(100):
                volts = rational.to_int(self.precharge()[1][DC_PreChargeRes.EVSEPresentVoltage])
                if abs(volts - 400) < 10:
                    break
                self.sleep(50)

    def to_loop(self, service, dynamic):
        """Up to and with PowerDelivery(Start); returns its answer."""
        self.to_start(service, dynamic)
        return self.power_delivery(0, 0, None if dynamic else 1)

    def loop(self, service, dynamic, **more):
        if service in (2, 6):
            return self.dc_loop(service >= 5, dynamic, **more)
        return self.ac_loop(service >= 5, dynamic, **more)
