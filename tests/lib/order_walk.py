"""A vehicle that drives the station into a phase of tests/lib/legal_order.py and sends any request
there: bytes in, bytes out.

What it knows of the station besides its answers is the name of the state, and whether anything is
energised.
"""

from codec import rational
from codec.slots import MSG, Authorization, ResponseCode
from firmware.session.codes import GRANTED, UNDECIDED
from host_tools.ev.requests import is_bpt, is_dc
from tests.lib import every_request, legal_order, words
from tests.lib.driver import AC, AC_BPT, DC, DC_BPT, FINISHED, ONGOING
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
    legal_order.AC_UNWANTED: "Stopping",
    legal_order.DC_PARAMETERS: "ChargeParameterDiscovery",
    legal_order.DC_SCHEDULE: "ScheduleExchange",
    legal_order.CABLE_CHECK: "CableCheck",
    legal_order.PRECHARGE: "PreCharge",
    legal_order.PRECHARGED: "PreCharge",
    legal_order.DC_LOOP: "DC_ChargeLoop",
    legal_order.WELDING: "WeldingDetection",
    legal_order.DC_NO_POWER: "SessionStop",
    legal_order.DC_UNWANTED: "Stopping",
    legal_order.ENDED: "Ended",
    legal_order.FAILED: "Failed",
}
_CAR = ("WMIV1234567890ABCDEX", bytes(range(32)))
_BATTERY_V = 400
_POLLS = 200
_WORLD = World()  # one station for all sessions (R-SESSION-11), made while a small heap is still in one piece
_WORLD.car = _CAR
OTHER_KIND = {AC: AC_BPT, AC_BPT: AC, DC: DC_BPT, DC_BPT: DC}
# Requests that no driver sends by itself.
_BUILT = ("CertificateInstallationReq", "MeteringConfirmationReq", "VehicleCheckInReq", "VehicleCheckOutReq")


class Walk:
    """service: 1 AC, 2 DC, 5 AC_BPT, 6 DC_BPT. joined: the session is one that was paused. slow:
    the station says Ongoing in Authorization and ScheduleExchange first."""

    def __init__(self, service, dynamic, joined=False, slow=False):
        self.service = service
        self.dynamic = dynamic
        self.joined = joined
        self.current = "dc" if is_dc(service) else "ac"
        self._set_id = self._foreign_set_id = None  # the sets are the same in each session (R-SERVICES-04)
        self._paused_id = None
        self.phase = None
        self.w = _WORLD
        self.slow = slow
        self.w.cfg["schedule_delay_ms"] = 300 if slow else 0

    # -- going

    def to(self, phase, first_poll=False):
        """A new connection, driven to `phase`; first_poll: on to one answer that says Ongoing
        there."""
        self._leave()
        if self.joined:
            self._go(self.current + " parameters", False)
            assert self.send("SessionStopReq:Pause").code == ResponseCode.OK
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
        w.trace.clear()
        w.power.decide.state = UNDECIDED if self.slow else GRANTED

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
                self.w.power.decide.authorize(self.w.now, None, "the operator")
                self.w.sleep(20)
            row = legal_order.rule(before, request, self.current)
            self.phase = row[3]
            assert self.w.state == NAMES[self.phase], (before, request, self.w.state, answer.code)
            if self.phase == legal_order.SELECTION and self._set_id is None:
                self._set_id = self.w.set_id(self.service, self.dynamic)
                self._foreign_set_id = self.w.set_id(OTHER_KIND[self.service], self.dynamic)

    def _poll_of(self, phase):
        return {
            legal_order.AUTH: "AuthorizationReq",
            legal_order.AC_SCHEDULE: "ScheduleExchangeReq",
            legal_order.DC_SCHEDULE: "ScheduleExchangeReq",
            legal_order.CABLE_CHECK: "DC_CableCheckReq",
        }[phase]

    # -- answers

    def finished(self, answer):
        """False: the same request is to be sent again."""
        if answer.msg in (MSG.AuthorizationRes, MSG.ScheduleExchangeRes, MSG.DC_CableCheckRes):
            return answer.EVSEProcessing == FINISHED
        if answer.msg == MSG.DC_PreChargeRes and answer.code == ResponseCode.OK:
            return abs(rational.to_int(answer.EVSEPresentVoltage) - _BATTERY_V) < 10
        return True

    # -- requests

    def send(self, request, kind=None):
        """A request of legal_order.REQUESTS; kind: another payload type than its own. Returns its
        answer."""
        name, _, what = request.partition(":")
        w = self.w
        service = self.service
        if what == "other kind":
            service = OTHER_KIND[service]
        if not is_dc(service) and name.startswith("DC_"):
            service = DC_BPT if is_bpt(service) else DC
        if is_dc(service) and name.startswith("AC_"):
            service = AC_BPT if is_bpt(service) else AC
        dynamic = self.dynamic != (what == "other mode")
        processing = FINISHED if what == "Finished" else ONGOING
        if kind is not None or name in _BUILT:
            msg = words.message(name)
            return w.request((msg, every_request.every(w)[msg]), kind)
        if name == "PowerDeliveryReq":
            progress = words.value("ChargeProgress", "Start" if what in ("poll", "unwanted") else what)
            offered = None if self.dynamic or what not in ("Start", "unwanted") else 1
            if what == "unwanted":
                w.secc.request_stop(w.now)
            return w.power_delivery(progress, ONGOING if what == "poll" else FINISHED, offered)
        if name == "SessionStopReq":
            return w.stop(words.value("ChargingSession", what or "Terminate"))
        if name == "SessionSetupReq":
            return w.setup(self._paused_id if what and self.phase == legal_order.SETUP else None)
        if name == "supportedAppProtocolReq":
            return w.sap(self.service)
        if name == "AuthorizationSetupReq":
            return w.authorization_setup()
        if name == "AuthorizationReq":
            return w.authorization(Authorization.PnC if what else Authorization.EIM)
        if name == "ServiceDiscoveryReq":
            return w.discovery()
        if name == "ServiceDetailReq":
            return w.detail(99 if what else self.service)
        if name == "ServiceSelectionReq":
            return w.select(self.service, (self._foreign_set_id if what else self._set_id) or 1)
        if name.endswith("_ChargeParameterDiscoveryReq"):
            return w.parameters(service)
        if name == "ScheduleExchangeReq":
            return w.schedule(dynamic)
        if name == "DC_CableCheckReq":
            return w.cable_check()
        if name == "DC_PreChargeReq":
            return w.precharge(_BATTERY_V * 1000, processing)
        if name.endswith("_ChargeLoopReq"):
            return w.loop(service, dynamic)
        if name == "DC_WeldingDetectionReq":
            return w.welding(processing)
        raise ValueError(request)
