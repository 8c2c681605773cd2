"""A station in simulated time: the real session machine and power model, with a hand-driven car at the other end.

Time jumps to the next `due`; nothing here waits. Requests are slot lists, answers come back decoded.
"""

from board.sim_power import SimPower
from codec import exi, rational, v2gtp
from firmware.app import config
from firmware.app.power import Power
from firmware.clock import ticks_add, ticks_diff
from firmware.session.secc import Secc
from micropython import const

# slots: begin (make gen)
_AC_CPDReqEnergyTransferMode__EVMaximumChargePower = const(0)
_AC_CPDReqEnergyTransferMode__EVMaximumChargePower_L2 = const(1)
_AC_CPDReqEnergyTransferMode__EVMaximumChargePower_L3 = const(2)
_AC_CPDReqEnergyTransferMode__EVMinimumChargePower = const(3)
_AC_ChargeLoopReq__BPT_Dynamic_AC_CLReqControlMode = const(3)
_AC_ChargeLoopReq__BPT_Scheduled_AC_CLReqControlMode = const(4)
_AC_ChargeLoopReq__DisplayParameters = const(1)
_AC_ChargeLoopReq__Dynamic_AC_CLReqControlMode = const(6)
_AC_ChargeLoopReq__MeterInfoRequested = const(2)
_AC_ChargeLoopReq__Scheduled_AC_CLReqControlMode = const(7)
_AC_ChargeParameterDiscoveryReq__AC_CPDReqEnergyTransferMode = const(1)
_AC_ChargeParameterDiscoveryReq__BPT_AC_CPDReqEnergyTransferMode = const(2)
_AppProtocol__Priority = const(4)
_AppProtocol__ProtocolNamespace = const(0)
_AppProtocol__SchemaID = const(3)
_AppProtocol__VersionNumberMajor = const(1)
_AppProtocol__VersionNumberMinor = const(2)
_AuthorizationReq__EIM_AReqAuthorizationMode = const(2)
_AuthorizationReq__SelectedAuthorizationService = const(1)
_BPT_AC_CPDReqEnergyTransferMode__EVMaximumDischargePower = const(6)
_BPT_AC_CPDReqEnergyTransferMode__EVMinimumDischargePower = const(9)
_BPT_DC_CPDReqEnergyTransferMode__EVMaximumDischargeCurrent = const(9)
_BPT_DC_CPDReqEnergyTransferMode__EVMaximumDischargePower = const(7)
_BPT_DC_CPDReqEnergyTransferMode__EVMinimumDischargeCurrent = const(10)
_BPT_DC_CPDReqEnergyTransferMode__EVMinimumDischargePower = const(8)
_BPT_Dynamic_AC_CLReqControlMode__EVMaximumDischargePower = const(16)
_BPT_Dynamic_AC_CLReqControlMode__EVMinimumDischargePower = const(19)
_BPT_Dynamic_DC_CLReqControlMode__EVMaximumDischargeCurrent = const(11)
_BPT_Dynamic_DC_CLReqControlMode__EVMaximumDischargePower = const(9)
_BPT_Dynamic_DC_CLReqControlMode__EVMinimumDischargePower = const(10)
_DC_CPDReqEnergyTransferMode__EVMaximumChargeCurrent = const(2)
_DC_CPDReqEnergyTransferMode__EVMaximumChargePower = const(0)
_DC_CPDReqEnergyTransferMode__EVMaximumVoltage = const(4)
_DC_CPDReqEnergyTransferMode__EVMinimumChargeCurrent = const(3)
_DC_CPDReqEnergyTransferMode__EVMinimumChargePower = const(1)
_DC_CPDReqEnergyTransferMode__EVMinimumVoltage = const(5)
_DC_CableCheckRes__EVSEProcessing = const(2)
_DC_ChargeLoopReq__BPT_Dynamic_DC_CLReqControlMode = const(4)
_DC_ChargeLoopReq__BPT_Scheduled_DC_CLReqControlMode = const(5)
_DC_ChargeLoopReq__DisplayParameters = const(1)
_DC_ChargeLoopReq__Dynamic_DC_CLReqControlMode = const(7)
_DC_ChargeLoopReq__EVPresentVoltage = const(3)
_DC_ChargeLoopReq__MeterInfoRequested = const(2)
_DC_ChargeLoopReq__Scheduled_DC_CLReqControlMode = const(8)
_DC_ChargeParameterDiscoveryReq__BPT_DC_CPDReqEnergyTransferMode = const(1)
_DC_ChargeParameterDiscoveryReq__DC_CPDReqEnergyTransferMode = const(2)
_DC_PreChargeReq__EVPresentVoltage = const(2)
_DC_PreChargeReq__EVProcessing = const(1)
_DC_PreChargeReq__EVTargetVoltage = const(3)
_DC_PreChargeRes__EVSEPresentVoltage = const(2)
_DC_WeldingDetectionReq__EVProcessing = const(1)
_DisplayParameters__PresentSOC = const(0)
_Dynamic_AC_CLReqControlMode__EVMaximumChargePower = const(4)
_Dynamic_AC_CLReqControlMode__EVMaximumEnergyRequest = const(2)
_Dynamic_AC_CLReqControlMode__EVMinimumChargePower = const(7)
_Dynamic_AC_CLReqControlMode__EVMinimumEnergyRequest = const(3)
_Dynamic_AC_CLReqControlMode__EVPresentActivePower = const(10)
_Dynamic_AC_CLReqControlMode__EVPresentReactivePower = const(13)
_Dynamic_AC_CLReqControlMode__EVTargetEnergyRequest = const(1)
_Dynamic_DC_CLReqControlMode__EVMaximumChargeCurrent = const(6)
_Dynamic_DC_CLReqControlMode__EVMaximumChargePower = const(4)
_Dynamic_DC_CLReqControlMode__EVMaximumEnergyRequest = const(2)
_Dynamic_DC_CLReqControlMode__EVMaximumVoltage = const(7)
_Dynamic_DC_CLReqControlMode__EVMinimumChargePower = const(5)
_Dynamic_DC_CLReqControlMode__EVMinimumEnergyRequest = const(3)
_Dynamic_DC_CLReqControlMode__EVMinimumVoltage = const(8)
_Dynamic_DC_CLReqControlMode__EVTargetEnergyRequest = const(1)
_Dynamic_SEReqControlMode__DepartureTime = const(0)
_Dynamic_SEReqControlMode__EVMaximumEnergyRequest = const(4)
_Dynamic_SEReqControlMode__EVMinimumEnergyRequest = const(5)
_Dynamic_SEReqControlMode__EVTargetEnergyRequest = const(3)
_EVPowerProfileEntryList__EVPowerProfileEntry = const(0)
_EVPowerProfile__EVPowerProfileEntries = const(3)
_EVPowerProfile__Scheduled_EVPPTControlMode = const(2)
_EVPowerProfile__TimeAnchor = const(0)
_LEN_AC_CPDReqEnergyTransferMode = const(6)
_LEN_AC_ChargeLoopReq = const(8)
_LEN_AC_ChargeParameterDiscoveryReq = const(3)
_LEN_AppProtocol = const(5)
_LEN_AuthorizationReq = const(4)
_LEN_BPT_AC_CPDReqEnergyTransferMode = const(12)
_LEN_BPT_DC_CPDReqEnergyTransferMode = const(11)
_LEN_BPT_Dynamic_AC_CLReqControlMode = const(24)
_LEN_BPT_Dynamic_DC_CLReqControlMode = const(14)
_LEN_BPT_Scheduled_AC_CLReqControlMode = const(21)
_LEN_BPT_Scheduled_DC_CLReqControlMode = const(13)
_LEN_DC_CPDReqEnergyTransferMode = const(7)
_LEN_DC_ChargeLoopReq = const(9)
_LEN_DC_ChargeParameterDiscoveryReq = const(3)
_LEN_DC_PreChargeReq = const(4)
_LEN_DC_WeldingDetectionReq = const(2)
_LEN_DisplayParameters = const(10)
_LEN_Dynamic_AC_CLReqControlMode = const(16)
_LEN_Dynamic_DC_CLReqControlMode = const(9)
_LEN_Dynamic_SEReqControlMode = const(8)
_LEN_EVPowerProfile = const(4)
_LEN_EVPowerProfileEntryList = const(1)
_LEN_MessageHeader = const(3)
_LEN_PowerDeliveryReq = const(5)
_LEN_PowerScheduleEntry = const(4)
_LEN_ScheduleExchangeReq = const(4)
_LEN_Scheduled_AC_CLReqControlMode = const(15)
_LEN_Scheduled_DC_CLReqControlMode = const(10)
_LEN_Scheduled_EVPPTControlMode = const(2)
_LEN_Scheduled_SEReqControlMode = const(5)
_LEN_SelectedService = const(2)
_LEN_ServiceDetailReq = const(2)
_LEN_ServiceDiscoveryReq = const(2)
_LEN_ServiceIDList = const(1)
_LEN_ServiceSelectionReq = const(3)
_LEN_SessionSetupReq = const(2)
_LEN_SessionStopReq = const(4)
_LEN_supportedAppProtocolReq = const(1)
_MSG_AC_ChargeLoopReq = const(59)
_MSG_AC_ChargeParameterDiscoveryReq = const(61)
_MSG_AuthorizationReq = const(3)
_MSG_AuthorizationSetupReq = const(5)
_MSG_DC_CableCheckReq = const(81)
_MSG_DC_ChargeLoopReq = const(83)
_MSG_DC_ChargeParameterDiscoveryReq = const(85)
_MSG_DC_PreChargeReq = const(87)
_MSG_DC_WeldingDetectionReq = const(89)
_MSG_PowerDeliveryReq = const(24)
_MSG_ScheduleExchangeReq = const(30)
_MSG_ServiceDetailReq = const(32)
_MSG_ServiceDiscoveryReq = const(34)
_MSG_ServiceSelectionReq = const(36)
_MSG_SessionSetupReq = const(38)
_MSG_SessionStopReq = const(40)
_MSG_supportedAppProtocolReq = const(1)
_MessageHeader__SessionID = const(0)
_MessageHeader__TimeStamp = const(1)
_ParameterSet__Parameter = const(1)
_ParameterSet__ParameterSetID = const(0)
_Parameter__Name = const(0)
_Parameter__intValue = const(4)
_PowerDeliveryReq__ChargeProgress = const(2)
_PowerDeliveryReq__EVPowerProfile = const(3)
_PowerDeliveryReq__EVProcessing = const(1)
_PowerScheduleEntry__Duration = const(0)
_PowerScheduleEntry__Power = const(1)
_ScheduleExchangeReq__Dynamic_SEReqControlMode = const(2)
_ScheduleExchangeReq__MaximumSupportingPoints = const(1)
_ScheduleExchangeReq__Scheduled_SEReqControlMode = const(3)
_Scheduled_AC_CLReqControlMode__EVPresentActivePower = const(9)
_Scheduled_DC_CLReqControlMode__EVTargetCurrent = const(3)
_Scheduled_DC_CLReqControlMode__EVTargetVoltage = const(4)
_Scheduled_EVPPTControlMode__SelectedScheduleTupleID = const(0)
_SelectedService__ParameterSetID = const(1)
_SelectedService__ServiceID = const(0)
_ServiceDetailReq__ServiceID = const(1)
_ServiceDetailRes__ServiceParameterList = const(3)
_ServiceDiscoveryReq__SupportedServiceIDs = const(1)
_ServiceIDList__ServiceID = const(0)
_ServiceParameterList__ParameterSet = const(0)
_ServiceSelectionReq__SelectedEnergyTransferService = const(1)
_SessionSetupReq__EVCCID = const(1)
_SessionStopReq__ChargingSession = const(1)
_supportedAppProtocolReq__AppProtocol = const(0)
# slots: end

START = ticks_add(0, -300)  # so that every test crosses the wrap of the tick (design.md 5)
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
        self.secc = Secc(self.cfg, self.power, counting_rand(), lambda: UNIX_S, self.trace)
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
        h = [None] * _LEN_MessageHeader
        h[_MessageHeader__SessionID] = self.sid
        h[_MessageHeader__TimeStamp] = UNIX_S
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
            if self.closed or ticks_diff(end, self.now) <= 0 or self.secc.state == 17:
                return None
            self.sleep(10)

    def request(self, msg, value, kind=None):
        self.feed(self.frame(msg, value, kind))
        return self.answer()

    # -- the requests of a well-behaved car

    def protocol(self, namespace="urn:iso:std:iso:15118:-20:DC", priority=1, major=1, minor=0, schema=7):
        p = [None] * _LEN_AppProtocol
        p[_AppProtocol__ProtocolNamespace] = namespace
        p[_AppProtocol__VersionNumberMajor] = major
        p[_AppProtocol__VersionNumberMinor] = minor
        p[_AppProtocol__SchemaID] = schema
        p[_AppProtocol__Priority] = priority
        return p

    def sap(self, entries):
        r = [None] * _LEN_supportedAppProtocolReq
        r[_supportedAppProtocolReq__AppProtocol] = entries
        return self.request(_MSG_supportedAppProtocolReq, r)

    def setup(self, sid=None):
        r = self.new(_LEN_SessionSetupReq)
        if sid is not None:
            r[0][_MessageHeader__SessionID] = sid
        r[_SessionSetupReq__EVCCID] = "WMIV1234567890ABCDEX"
        res = self.request(_MSG_SessionSetupReq, r)
        self.sid = bytes(res[1][0][_MessageHeader__SessionID])
        return res

    def plain(self, msg):
        return self.request(msg, self.new(1))

    def authorization(self, service=0):
        r = self.new(_LEN_AuthorizationReq)
        r[_AuthorizationReq__SelectedAuthorizationService] = service
        r[_AuthorizationReq__EIM_AReqAuthorizationMode] = []
        return self.request(_MSG_AuthorizationReq, r)

    def discovery(self, ids=None):
        r = self.new(_LEN_ServiceDiscoveryReq)
        if ids:
            inner = [None] * _LEN_ServiceIDList
            inner[_ServiceIDList__ServiceID] = ids
            r[_ServiceDiscoveryReq__SupportedServiceIDs] = inner
        return self.request(_MSG_ServiceDiscoveryReq, r)

    def detail(self, service):
        r = self.new(_LEN_ServiceDetailReq)
        r[_ServiceDetailReq__ServiceID] = service
        return self.request(_MSG_ServiceDetailReq, r)

    def select(self, service, set_id):
        r = self.new(_LEN_ServiceSelectionReq)
        s = [None] * _LEN_SelectedService
        s[_SelectedService__ServiceID] = service
        s[_SelectedService__ParameterSetID] = set_id
        r[_ServiceSelectionReq__SelectedEnergyTransferService] = s
        return self.request(_MSG_ServiceSelectionReq, r)

    def ac_parameters(self, bpt, charge_w=11000, discharge_w=11000, per_phase=False):
        r = self.new(_LEN_AC_ChargeParameterDiscoveryReq)
        b = [None] * (_LEN_BPT_AC_CPDReqEnergyTransferMode if bpt else _LEN_AC_CPDReqEnergyTransferMode)
        b[_AC_CPDReqEnergyTransferMode__EVMaximumChargePower] = R(charge_w // 3 if per_phase else charge_w)
        if per_phase:
            b[_AC_CPDReqEnergyTransferMode__EVMaximumChargePower_L2] = R(charge_w // 3)
            b[_AC_CPDReqEnergyTransferMode__EVMaximumChargePower_L3] = R(charge_w // 3)
        b[_AC_CPDReqEnergyTransferMode__EVMinimumChargePower] = R(0)
        if bpt:
            b[_BPT_AC_CPDReqEnergyTransferMode__EVMaximumDischargePower] = R(discharge_w)
            b[_BPT_AC_CPDReqEnergyTransferMode__EVMinimumDischargePower] = R(0)
            r[_AC_ChargeParameterDiscoveryReq__BPT_AC_CPDReqEnergyTransferMode] = b
        else:
            r[_AC_ChargeParameterDiscoveryReq__AC_CPDReqEnergyTransferMode] = b
        return self.request(_MSG_AC_ChargeParameterDiscoveryReq, r)

    def dc_parameters(self, bpt, max_v=450, min_v=300, charge_w=50000, discharge_w=20000):
        r = self.new(_LEN_DC_ChargeParameterDiscoveryReq)
        b = [None] * (_LEN_BPT_DC_CPDReqEnergyTransferMode if bpt else _LEN_DC_CPDReqEnergyTransferMode)
        b[_DC_CPDReqEnergyTransferMode__EVMaximumChargePower] = R(charge_w)
        b[_DC_CPDReqEnergyTransferMode__EVMinimumChargePower] = R(0)
        b[_DC_CPDReqEnergyTransferMode__EVMaximumChargeCurrent] = R(200)
        b[_DC_CPDReqEnergyTransferMode__EVMinimumChargeCurrent] = R(0)
        b[_DC_CPDReqEnergyTransferMode__EVMaximumVoltage] = R(max_v)
        b[_DC_CPDReqEnergyTransferMode__EVMinimumVoltage] = R(min_v)
        if bpt:
            b[_BPT_DC_CPDReqEnergyTransferMode__EVMaximumDischargePower] = R(discharge_w)
            b[_BPT_DC_CPDReqEnergyTransferMode__EVMinimumDischargePower] = R(0)
            b[_BPT_DC_CPDReqEnergyTransferMode__EVMaximumDischargeCurrent] = R(100)
            b[_BPT_DC_CPDReqEnergyTransferMode__EVMinimumDischargeCurrent] = R(0)
            r[_DC_ChargeParameterDiscoveryReq__BPT_DC_CPDReqEnergyTransferMode] = b
        else:
            r[_DC_ChargeParameterDiscoveryReq__DC_CPDReqEnergyTransferMode] = b
        return self.request(_MSG_DC_ChargeParameterDiscoveryReq, r)

    def schedule(self, dynamic, min_energy_wh=-20000):
        r = self.new(_LEN_ScheduleExchangeReq)
        r[_ScheduleExchangeReq__MaximumSupportingPoints] = 12
        if dynamic:
            b = [None] * _LEN_Dynamic_SEReqControlMode
            b[_Dynamic_SEReqControlMode__DepartureTime] = 7200
            b[_Dynamic_SEReqControlMode__EVTargetEnergyRequest] = R(10000)
            b[_Dynamic_SEReqControlMode__EVMaximumEnergyRequest] = R(20000)
            b[_Dynamic_SEReqControlMode__EVMinimumEnergyRequest] = R(min_energy_wh)
            r[_ScheduleExchangeReq__Dynamic_SEReqControlMode] = b
        else:
            r[_ScheduleExchangeReq__Scheduled_SEReqControlMode] = [None] * _LEN_Scheduled_SEReqControlMode
        return self.request(_MSG_ScheduleExchangeReq, r)

    def precharge(self, volts=400, processing=1):
        r = self.new(_LEN_DC_PreChargeReq)
        r[_DC_PreChargeReq__EVProcessing] = processing
        r[_DC_PreChargeReq__EVPresentVoltage] = R(0)
        r[_DC_PreChargeReq__EVTargetVoltage] = R(volts)
        return self.request(_MSG_DC_PreChargeReq, r)

    def power_delivery(self, progress, processing=0, tuple_id=None, watts=11040):
        r = self.new(_LEN_PowerDeliveryReq)
        r[_PowerDeliveryReq__EVProcessing] = processing
        r[_PowerDeliveryReq__ChargeProgress] = progress
        if tuple_id is not None:
            p = [None] * _LEN_EVPowerProfile
            p[_EVPowerProfile__TimeAnchor] = UNIX_S
            m = [None] * _LEN_Scheduled_EVPPTControlMode
            m[_Scheduled_EVPPTControlMode__SelectedScheduleTupleID] = tuple_id
            p[_EVPowerProfile__Scheduled_EVPPTControlMode] = m
            e = [None] * _LEN_PowerScheduleEntry
            e[_PowerScheduleEntry__Duration] = 3600
            e[_PowerScheduleEntry__Power] = R(watts)
            entries = [None] * _LEN_EVPowerProfileEntryList
            entries[_EVPowerProfileEntryList__EVPowerProfileEntry] = [e]
            p[_EVPowerProfile__EVPowerProfileEntries] = entries
            r[_PowerDeliveryReq__EVPowerProfile] = p
        return self.request(_MSG_PowerDeliveryReq, r)

    def ac_loop(self, bpt, dynamic, present_w=0, soc=None, meter=False, min_energy_wh=-20000):
        r = self.new(_LEN_AC_ChargeLoopReq)
        self._display(r, _AC_ChargeLoopReq__DisplayParameters, soc)
        r[_AC_ChargeLoopReq__MeterInfoRequested] = meter
        if dynamic:
            b = [None] * (_LEN_BPT_Dynamic_AC_CLReqControlMode if bpt else _LEN_Dynamic_AC_CLReqControlMode)
            b[_Dynamic_AC_CLReqControlMode__EVTargetEnergyRequest] = R(10000)
            b[_Dynamic_AC_CLReqControlMode__EVMaximumEnergyRequest] = R(20000)
            b[_Dynamic_AC_CLReqControlMode__EVMinimumEnergyRequest] = R(min_energy_wh)
            b[_Dynamic_AC_CLReqControlMode__EVMaximumChargePower] = R(11000)
            b[_Dynamic_AC_CLReqControlMode__EVMinimumChargePower] = R(0)
            b[_Dynamic_AC_CLReqControlMode__EVPresentActivePower] = R(present_w)
            b[_Dynamic_AC_CLReqControlMode__EVPresentReactivePower] = R(0)
            if bpt:
                b[_BPT_Dynamic_AC_CLReqControlMode__EVMaximumDischargePower] = R(11000)
                b[_BPT_Dynamic_AC_CLReqControlMode__EVMinimumDischargePower] = R(0)
                r[_AC_ChargeLoopReq__BPT_Dynamic_AC_CLReqControlMode] = b
            else:
                r[_AC_ChargeLoopReq__Dynamic_AC_CLReqControlMode] = b
        else:
            b = [None] * (_LEN_BPT_Scheduled_AC_CLReqControlMode if bpt else _LEN_Scheduled_AC_CLReqControlMode)
            b[_Scheduled_AC_CLReqControlMode__EVPresentActivePower] = R(present_w)
            if bpt:
                r[_AC_ChargeLoopReq__BPT_Scheduled_AC_CLReqControlMode] = b
            else:
                r[_AC_ChargeLoopReq__Scheduled_AC_CLReqControlMode] = b
        return self.request(_MSG_AC_ChargeLoopReq, r)

    def dc_loop(self, bpt, dynamic, volts=400, soc=None, meter=False, target_a=20, target_v=400, min_energy_wh=-20000):
        r = self.new(_LEN_DC_ChargeLoopReq)
        self._display(r, _DC_ChargeLoopReq__DisplayParameters, soc)
        r[_DC_ChargeLoopReq__MeterInfoRequested] = meter
        r[_DC_ChargeLoopReq__EVPresentVoltage] = R(volts)
        if dynamic:
            b = [None] * (_LEN_BPT_Dynamic_DC_CLReqControlMode if bpt else _LEN_Dynamic_DC_CLReqControlMode)
            b[_Dynamic_DC_CLReqControlMode__EVTargetEnergyRequest] = R(10000)
            b[_Dynamic_DC_CLReqControlMode__EVMaximumEnergyRequest] = R(20000)
            b[_Dynamic_DC_CLReqControlMode__EVMinimumEnergyRequest] = R(min_energy_wh)
            b[_Dynamic_DC_CLReqControlMode__EVMaximumChargePower] = R(50000)
            b[_Dynamic_DC_CLReqControlMode__EVMinimumChargePower] = R(0)
            b[_Dynamic_DC_CLReqControlMode__EVMaximumChargeCurrent] = R(200)
            b[_Dynamic_DC_CLReqControlMode__EVMaximumVoltage] = R(450)
            b[_Dynamic_DC_CLReqControlMode__EVMinimumVoltage] = R(300)
            if bpt:
                b[_BPT_Dynamic_DC_CLReqControlMode__EVMaximumDischargePower] = R(20000)
                b[_BPT_Dynamic_DC_CLReqControlMode__EVMinimumDischargePower] = R(0)
                b[_BPT_Dynamic_DC_CLReqControlMode__EVMaximumDischargeCurrent] = R(100)
                r[_DC_ChargeLoopReq__BPT_Dynamic_DC_CLReqControlMode] = b
            else:
                r[_DC_ChargeLoopReq__Dynamic_DC_CLReqControlMode] = b
        else:
            b = [None] * (_LEN_BPT_Scheduled_DC_CLReqControlMode if bpt else _LEN_Scheduled_DC_CLReqControlMode)
            b[_Scheduled_DC_CLReqControlMode__EVTargetCurrent] = R(target_a)
            b[_Scheduled_DC_CLReqControlMode__EVTargetVoltage] = R(target_v)
            if bpt:
                r[_DC_ChargeLoopReq__BPT_Scheduled_DC_CLReqControlMode] = b
            else:
                r[_DC_ChargeLoopReq__Scheduled_DC_CLReqControlMode] = b
        return self.request(_MSG_DC_ChargeLoopReq, r)

    def _display(self, r, at, soc):
        if soc is not None:
            d = [None] * _LEN_DisplayParameters
            d[_DisplayParameters__PresentSOC] = soc
            r[at] = d

    def welding(self):
        r = self.new(_LEN_DC_WeldingDetectionReq)
        r[_DC_WeldingDetectionReq__EVProcessing] = 0
        return self.request(_MSG_DC_WeldingDetectionReq, r)

    def stop(self, kind=1):
        r = self.new(_LEN_SessionStopReq)
        r[_SessionStopReq__ChargingSession] = kind
        return self.request(_MSG_SessionStopReq, r)

    # -- whole stretches

    def to_authorized(self, dc):
        self.connect()
        self.sap([self.protocol("urn:iso:std:iso:15118:-20:" + ("DC" if dc else "AC"))])
        self.setup()
        self.plain(_MSG_AuthorizationSetupReq)
        return self.authorization()

    def set_id(self, service, dynamic):
        """Parameter set with the wanted control mode, as a car finds it in ServiceDetailRes."""
        res = self.detail(service)[1]
        for s in res[_ServiceDetailRes__ServiceParameterList][_ServiceParameterList__ParameterSet]:
            for p in s[_ParameterSet__Parameter]:
                if p[_Parameter__Name] == "ControlMode" and p[_Parameter__intValue] == (2 if dynamic else 1):
                    return s[_ParameterSet__ParameterSetID]
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
                if self.plain(_MSG_DC_CableCheckReq)[1][_DC_CableCheckRes__EVSEProcessing] == 0:
                    break
                self.sleep(50)
            for _ in range(100):
                volts = rational.to_int(self.precharge()[1][_DC_PreChargeRes__EVSEPresentVoltage])
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
