"""A vehicle that drives the station into a phase of tests/lib/legal_order.py and sends any request there: bytes in, bytes out.

What it knows of the station besides its answers is the name of the state, and whether anything is energised.
"""

from codec import rational
from codec.slots import (
    MSG,
    Authorization,
    AuthorizationRes,
    DC_CableCheckRes,
    DC_PreChargeRes,
    DC_WeldingDetectionReq,
    Processing,
    ResponseCode,
    ScheduleExchangeRes,
)
from firmware.session.dialects import state_name
from tests.lib import every_request, legal_order, words
from tests.lib.world import World

# How the station names the phases; it needs no state of its own for each.
NAMES = {
    legal_order.HANDSHAKE: "SupportedAppProtocol",
    legal_order.SETUP: "SessionSetup",
    legal_order.AUTH_SETUP: "AuthorizationSetup",
    legal_order.AUTH: "Authorization",
    legal_order.DISCOVERY: "ServiceDiscovery",
    legal_order.SELECTION: "ServiceSelection",
    legal_order.AC_PARAMETERS: "ChargeParameterDiscovery",
    legal_order.AC_SCHEDULE: "ScheduleExchange",
    legal_order.AC_START: "AC_Start",
    legal_order.AC_LOOP: "AC_ChargeLoop",
    legal_order.AC_END: "SessionStop",
    legal_order.AC_NO_POWER: "SessionStop",
    legal_order.DC_PARAMETERS: "ChargeParameterDiscovery",
    legal_order.DC_SCHEDULE: "ScheduleExchange",
    legal_order.CABLE_CHECK: "CableCheck",
    legal_order.PRECHARGE: "PreCharge",
    legal_order.PRECHARGED: "PreCharge",
    legal_order.DC_LOOP: "DC_ChargeLoop",
    legal_order.WELDING: "WeldingDetection",
    legal_order.DC_NO_POWER: "SessionStop",
    legal_order.ENDED: "Ended",
    legal_order.FAILED: "Failed",
}
_CAR = ("WMIV1234567890ABCDEX", bytes(range(32)))
_BATTERY_V = 400
_POLLS = 200
_WORLD = World()  # one station for all sessions (R-SESSION-11), made while a small heap is still in one piece
_WORLD.car = _CAR
_POLLED = (
    (MSG.AuthorizationRes, AuthorizationRes.EVSEProcessing),
    (MSG.ScheduleExchangeRes, ScheduleExchangeRes.EVSEProcessing),
    (MSG.DC_CableCheckRes, DC_CableCheckRes.EVSEProcessing),
)


class Walk:
    """service: 1 AC, 2 DC, 5 AC_BPT, 6 DC_BPT. joined: the session is one that was paused. slow: the station says Ongoing in
    Authorization and ScheduleExchange first."""

    def __init__(self, service, dynamic, joined=False, slow=False):
        self.service = service
        self.dynamic = dynamic
        self.joined = joined
        self.bpt = service >= 5
        self.current = "dc" if service in (2, 6) else "ac"
        self._set_id = 1
        self._foreign_set_id = 2
        self._paused_id = None
        self.phase = None
        self.w = _WORLD
        for name in ("eim_delay_ms", "schedule_delay_ms"):
            self.w.cfg[name] = 300 if slow else 0

    # -- what is seen of the station

    def state(self):
        return state_name(self.w.secc.state)

    def dead(self):
        """Nothing flows, and the contactor is told to be open."""
        hw = self.w.hw
        return not hw.relay.wanted and hw.ma == 0 and hw.w == 0

    # -- going

    def to(self, phase, first_poll=False):
        """A new connection, driven to `phase`; first_poll: on to one answer that says Ongoing there."""
        self._leave()
        if self.joined:
            self._go(self.current + " parameters", False)
            assert self.code(self.send("SessionStopReq:Pause")) == ResponseCode.OK
            self._paused_id = self.w.sid
            self._leave()
        self._go(phase, self.joined)
        if first_poll:
            answer = self.send(self._poll_of(phase))
            assert not self.finished(answer), phase
        return self

    def _leave(self):
        w = self.w
        w.secc.lost(w.now)
        w.sleep(200)  # the contactor opens
        w.trace.messages.clear()
        w.trace.notes.clear()

    def _go(self, phase, joined):
        self.w.connect()
        self.phase = legal_order.HANDSHAKE
        for before, request in legal_order.route(phase, joined, self.current):
            assert self.phase == before
            for _ in range(_POLLS):
                answer = self.send(request)
                assert answer is not None, (before, request)
                if self.finished(answer):
                    break
                self.w.sleep(20)
            row = legal_order.rule(before, request, self.current)
            self.phase = row[3]
            assert self.state() == NAMES[self.phase], (before, request, self.state(), self.code(answer))
            if self.phase == legal_order.SELECTION:
                self._set_id = self.w.set_id(self.service, self.dynamic)
                other = {1: 5, 5: 1, 2: 6, 6: 2}[self.service]
                self._foreign_set_id = self.w.set_id(other, self.dynamic)

    def _poll_of(self, phase):
        return {
            legal_order.AUTH: "AuthorizationReq",
            legal_order.AC_SCHEDULE: "ScheduleExchangeReq",
            legal_order.DC_SCHEDULE: "ScheduleExchangeReq",
            legal_order.CABLE_CHECK: "DC_CableCheckReq",
        }[phase]

    # -- answers: (message id, value), or None

    def kind(self):
        """V2GTP payload type of the last answer."""
        return self.w.buf[2] << 8 | self.w.buf[3]

    def code(self, answer):
        return answer[1][0] if answer[0] == MSG.supportedAppProtocolRes else answer[1][1]

    def finished(self, answer):
        """False: the same request is to be sent again."""
        for msg, at in _POLLED:
            if answer[0] == msg:
                return answer[1][at] == Processing.Finished
        if answer[0] == MSG.DC_PreChargeRes and self.code(answer) == ResponseCode.OK:
            return abs(rational.to_int(answer[1][DC_PreChargeRes.EVSEPresentVoltage]) - _BATTERY_V) < 10
        return True

    # -- requests

    def send(self, request, kind=None):
        """A request of legal_order.REQUESTS; kind: another payload type than its own. Returns its answer."""
        name, _, what = request.partition(":")
        w = self.w
        if name == "PowerDeliveryReq":
            progress = words.value("ChargeProgress", "Start" if what == "poll" else what)
            offered = None if self.dynamic or what != "Start" else 1
            return w.power_delivery(progress, Processing.Ongoing if what == "poll" else Processing.Finished, offered)
        if name == "SessionStopReq":
            return w.stop(words.value("ChargingSession", what or "Terminate"))
        if name == "SessionSetupReq":
            return w.setup(self._paused_id if what and self.phase == legal_order.SETUP else None)
        if name == "supportedAppProtocolReq":
            return w.sap([w.protocol("urn:iso:std:iso:15118:-20:" + self.current.upper())])
        if name == "AuthorizationReq":
            return w.authorization(Authorization.PnC if what else Authorization.EIM)
        if name == "ServiceDiscoveryReq":
            return w.discovery()
        if name == "ServiceDetailReq":
            return w.detail(99 if what else self.service)
        if name == "ServiceSelectionReq":
            return w.select(self.service, self._foreign_set_id if what else self._set_id)
        bpt = self.bpt != (what == "other kind")
        dynamic = self.dynamic != (what == "other mode")
        if name == "AC_ChargeParameterDiscoveryReq":
            return w.ac_parameters(bpt)
        if name == "DC_ChargeParameterDiscoveryReq":
            return w.dc_parameters(bpt)
        if name == "ScheduleExchangeReq" and kind is None:
            return w.schedule(dynamic)
        if name == "DC_PreChargeReq":
            return w.precharge(_BATTERY_V, Processing.Finished if what else Processing.Ongoing)
        if name == "AC_ChargeLoopReq":
            return w.ac_loop(bpt, dynamic)
        if name == "DC_ChargeLoopReq":
            return w.dc_loop(bpt, dynamic)
        if name == "DC_WeldingDetectionReq":
            r = w.new(DC_WeldingDetectionReq.LEN)
            r[DC_WeldingDetectionReq.EVProcessing] = Processing.Finished if what else Processing.Ongoing
            return w.request(MSG.DC_WeldingDetectionReq, r)
        if name in ("AuthorizationSetupReq", "DC_CableCheckReq"):
            return w.plain(words.message(name))
        msg = words.message(name)
        return w.request(msg, every_request.requests(w)[msg], kind)
