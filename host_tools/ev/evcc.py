"""The vehicle side of a session: answers in, requests out, on the machine contract (start rx poll
tx due event).

The order is two tables: state -> request (next_request.NEXT), and state -> what to do with its
answer (below). An answer handler returns the next state; the same state again means: repeat at the
pace. No I/O, clock or randomness of its own, so it runs against the station machine in simulated
time as well as over sockets.
"""

from codec import exi, exi_json, v2gtp
from codec.rational import to_int, to_milli
from codec.slots import (
    MSG,
    AC_ChargeLoopRes,
    AC_ChargeParameterDiscoveryRes,
    AC_CPDResEnergyTransferMode,
    Authorization,
    AuthorizationRes,
    AuthorizationSetupRes,
    BPT_AC_CPDResEnergyTransferMode,
    BPT_DC_CPDResEnergyTransferMode,
    DC_CableCheckRes,
    DC_ChargeLoopRes,
    DC_ChargeParameterDiscoveryRes,
    DC_PreChargeRes,
    DC_WeldingDetectionRes,
    Dynamic_AC_CLResControlMode,
    EvseNotification,
    EVSEStatus,
    MessageHeader,
    Parameter,
    ParameterSet,
    PowerDeliveryRes,
    Processing,
    ResponseCode,
    SAP_responseCode,
    Scheduled_SEResControlMode,
    ScheduleExchangeRes,
    ScheduleTuple,
    Service,
    ServiceDetailRes,
    ServiceDiscoveryRes,
    ServiceList,
    ServiceParameterList,
    supportedAppProtocolRes,
)
from firmware.clock import ticks_add, ticks_diff
from host_tools.ev import answers, next_request, requests
from host_tools.ev.battery import Battery
from host_tools.ev.states import (
    AUTH,
    AUTH_SETUP,
    CABLE_CHECK,
    DETAIL,
    DISCOVERY,
    END,
    LOOP,
    OVER,
    PARAMETERS,
    PRECHARGE,
    SAP,
    SCHEDULE,
    SELECT,
    SETUP,
    START,
    STATE_NAMES,
    STOP,
    WELDING,
)
from micropython import const

CLOSE = const(1)  # event: close TCP

_SERVICES = {"AC": requests.AC, "DC": requests.DC, "AC_BPT": requests.AC_BPT, "DC_BPT": requests.DC_BPT}
_DETAIL_MS = const(5000)
_ONGOING_MS = const(60000)
_PRECHARGE_WINDOW_MV = const(20000)
_WELDINGS = const(3)
_SILENCE_MS = const(10000)  # fault silence: the station must have ended it by then
_FAULT_LOOP = const(4)  # a fault of the loop comes with this request


def _terminate(status):
    """The station wants to end; other wishes of an EVSEStatus need no stop."""
    return status is not None and status[EVSEStatus.EVSENotification] == EvseNotification.Terminate


class Refused(Exception):
    """The session cannot go on; why: the reason."""

    def __init__(self, why):
        super().__init__(why)
        self.why = why


class Evcc:
    """cfg: options.DEFAULTS with changes; wall() -> Unix seconds; trace: as firmware/trace.Trace.
    `ok` and `why` tell how it ended; energy is in `battery`."""

    def __init__(self, cfg, wall, trace):
        self.cfg = cfg
        self.wall = wall
        self._trace = trace
        self.numbers = requests.Car()
        self._cutter = v2gtp.Cutter()
        self._out = bytearray(4096)
        self.battery = Battery(cfg["capacity_wh"], cfg["soc"], cfg["max_charge_w"], cfg["max_discharge_w"])
        self.state = OVER
        self._asked = ""  # name of the request under way
        self._reset()

    def _reset(self):
        """A new session."""
        self.session_id = bytes(8)
        self.dc = self.cfg["service"].startswith("DC")
        self.dynamic = self.loop_dynamic = self.cfg["control"] == "dynamic"
        self.namespaces = ["urn:iso:std:iso:15118:-20:" + ("DC" if self.dc else "AC")]
        self.service = 0
        self.bpt = False
        self.set_id = 0
        self.tuple_id = 1
        self.offered_w = self.cfg["max_charge_w"]  # what the station can do, each way
        self.offered_out_w = 0
        self.loops = 0
        self.meter_wanted = False
        self.pauses = 0
        self._connected()

    def _connected(self):
        """A new session, or a paused one that goes on."""
        self.pausing = self.joined = False
        self.precharged = False
        self.inlet_mv = 0
        self.present_w = 0
        self.wish_ma = 0
        self.weldings = 0
        self.told_to_stop = False  # by the station
        self._stop_wish = False
        self.ok = False
        self.why = ""
        self._event = 0
        self._out_n = 0
        self._deadline = None  # the answer must be here
        self._next = None  # the next request goes out
        self._sent_at = 0
        self.response_ms = 0  # of the last answer, and the longest of all
        self.worst_ms = 0

    @property
    def paused(self):
        """The station has confirmed a pause."""
        return self.ok and self.pausing

    @property
    def welding_done(self):
        return self.weldings >= _WELDINGS - 1

    @property
    def charge_w(self):
        """Most power in W that the car takes now."""
        return self.battery.charge_w

    @property
    def discharge_w(self):
        """Most power in W that the car gives now; positive. Nothing at or below its own floor."""
        above = self.battery.soc_centi > self.cfg["min_soc"] * 100
        return self.battery.discharge_w if self.bpt and above else 0

    def request_stop(self):
        """The driver wants to end: the session is closed in an orderly way after the next
        answer."""
        self._stop_wish = True

    # -- the machine contract

    def start(self, now, again=False):
        """TCP is open. again: for the session that was paused."""
        if again:
            self._connected()
        else:
            self._reset()
        self._cutter.reset()
        self.state = SAP
        self._entered = self._loop_began = self._integrated = now
        self._next = now

    def rx(self, buf, n, now):
        at = 0
        while self.state != OVER:
            taken = self._cutter.feed(buf, at, n - at)
            at += taken
            kind = self._cutter.next()
            if kind < 0:
                self._finish("the station's stream is not V2GTP")
            elif kind != v2gtp.MORE:
                self._answer(kind, now)
            elif not taken:
                return

    def poll(self, now):
        if self.state == OVER:
            return
        if self._deadline is not None and ticks_diff(now, self._deadline) >= 0:
            self._finish("no answer to %s in time" % STATE_NAMES[self.state])
        elif self._next is not None and ticks_diff(now, self._next) >= 0:
            self._request(now)

    def tx(self, out):
        n = self._out_n
        if n:
            out[0:n] = memoryview(self._out)[0:n]
            self._out_n = 0
        return n

    @property
    def due(self):
        if self.state == OVER:
            return None
        return self._next if self._next is not None else self._deadline

    def event(self):
        e = self._event
        self._event = 0
        return e

    def lost(self, now):
        """The station closed TCP."""
        if self.state != OVER:
            self._finish("connection lost in " + STATE_NAMES[self.state])

    # -- inside

    def _finish(self, why, ok=False):
        self.why = why
        self.ok = ok
        self.state = OVER
        self._deadline = self._next = None
        self._event = CLOSE

    def _request(self, now):
        self._next = None
        fault = self.cfg["fault"]
        in_loop = self.state == LOOP and self.loops >= _FAULT_LOOP
        if fault == "silence" and in_loop:
            self._deadline = ticks_add(now, _SILENCE_MS)
            return  # the station must notice
        self.loop_dynamic = self.dynamic != (fault == "wrong_mode" and in_loop)
        build = next_request.NEXT[self.state]
        if fault == "out_of_order" and self.state == DISCOVERY:
            build = next_request.authorization_setup
        msg, value = build(self)
        self._asked = exi_json.name_of(msg)
        if fault == "wrong_session" and in_loop:
            value[0][MessageHeader.SessionID] = bytes(8)
        n = exi.encode(msg, value, self._out, v2gtp.HEADER)
        kind = exi.payload_type(msg)
        v2gtp.write_header(self._out, 0, kind, n)
        self._out_n = v2gtp.HEADER + n
        self._trace.message(now, 0, kind, self._out, v2gtp.HEADER, n, self.state)
        self._sent_at = now
        limit_ms = self.cfg["loop_timeout_ms" if self.state == LOOP else "message_timeout_ms"]
        if self.state == DETAIL:
            limit_ms = max(limit_ms, _DETAIL_MS)
        self._deadline = ticks_add(now, limit_ms)

    def _answer(self, kind, now):
        c = self._cutter
        self._trace.message(now, 1, kind, c.buf, c.at, c.n, self.state)
        if self._deadline is None:
            self._finish("an answer without a request")
            return
        self._deadline = None
        self.response_ms = ticks_diff(now, self._sent_at)
        self.worst_ms = max(self.worst_ms, self.response_ms)
        try:
            msg, value = exi.decode(exi.schema_of(kind), c.buf, c.at, c.n)
            name = exi_json.name_of(msg)
            if name != self._asked[:-3] + "Res":
                raise Refused("%s is no answer to %s" % (name, self._asked))
            if msg != MSG.supportedAppProtocolRes:
                self._check(name, value)
            state = _ANSWERED[self.state](self, value, now)
        except (Refused, exi.ExiError) as error:
            self._finish(error.why if isinstance(error, Refused) else "answer not decodable: %s" % error)
            return
        if state == OVER:
            return
        if self._stop_wish and SETUP < state < LOOP:
            state = END  # nothing flows yet: SessionStop is enough
        pace = self.cfg["loop_pace_ms"] if state == LOOP and self.state == LOOP else 0
        if state == self.state and state != LOOP:
            pace = self.cfg["ongoing_pace_ms"]
            if ticks_diff(now, self._entered) >= _ONGOING_MS:
                self._finish("%s went on for more than 60 s" % STATE_NAMES[state])
                return
        if state != self.state:
            self._entered = now
        self.state = state
        self._next = ticks_add(now, pace)

    def _check(self, name, value):
        code = value[1]
        if code >= ResponseCode.FAILED:
            raise Refused("%s: %s" % (name, exi_json.enum_name("responseCode", code)))
        session_id = bytes(value[0][MessageHeader.SessionID])
        if self.state != SETUP and session_id != self.session_id:
            raise Refused("%s has another session id" % name)

    # -- answers: (value, now) -> next state

    def on_protocol(self, v, now):
        if v[supportedAppProtocolRes.ResponseCode] == SAP_responseCode.Failed_NoNegotiation:
            raise Refused("the station supports none of our protocols")
        return SETUP

    def on_setup(self, v, now):
        session_id = bytes(v[0][MessageHeader.SessionID])
        self.joined = v[1] == ResponseCode.OK_OldSessionJoined
        if self.joined != (session_id == self.session_id):
            raise Refused("SessionSetupRes: response code and session id do not fit")
        self.session_id = session_id
        return PARAMETERS if self.joined else AUTH_SETUP

    def on_authorization_setup(self, v, now):
        if Authorization.EIM not in v[AuthorizationSetupRes.AuthorizationServices]:
            raise Refused("the station offers no EIM")
        return AUTH

    def on_authorization(self, v, now):
        if v[1] > ResponseCode.OK_PowerToleranceConfirmed:
            raise Refused("not authorised: " + exi_json.enum_name("responseCode", v[1]))
        return DISCOVERY if v[AuthorizationRes.EVSEProcessing] == Processing.Finished else AUTH

    def on_discovery(self, v, now):
        offered = v[ServiceDiscoveryRes.EnergyTransferServiceList][ServiceList.Service]
        ids = [s[Service.ServiceID] for s in offered]
        wanted = _SERVICES[self.cfg["service"]]
        plain = requests.DC if self.dc else requests.AC
        if wanted in ids:
            self.service = wanted
        elif plain in ids:
            self.service = plain  # no BPT on offer: charge only
        else:
            raise Refused("no service of ours on offer")
        self.bpt = requests.is_bpt(self.service)
        return DETAIL

    def on_detail(self, v, now):
        sets = v[ServiceDetailRes.ServiceParameterList][ServiceParameterList.ParameterSet]
        for s in sets:
            for p in s[ParameterSet.Parameter]:
                if p[Parameter.Name] == "ControlMode" and p[Parameter.intValue] == (2 if self.dynamic else 1):
                    self.set_id = s[ParameterSet.ParameterSetID]
                    return SELECT
        raise Refused("control mode not on offer")

    def on_selection(self, v, now):
        return PARAMETERS

    def on_parameters(self, v, now):
        if self.dc:
            b = v[DC_ChargeParameterDiscoveryRes.BPT_DC_CPDResEnergyTransferMode if self.bpt
                  else DC_ChargeParameterDiscoveryRes.DC_CPDResEnergyTransferMode]  # fmt: skip
        else:
            b = v[AC_ChargeParameterDiscoveryRes.BPT_AC_CPDResEnergyTransferMode if self.bpt
                  else AC_ChargeParameterDiscoveryRes.AC_CPDResEnergyTransferMode]  # fmt: skip
        if b is None:
            raise Refused("parameters of the wrong kind")
        self.offered_w = to_int(b[AC_CPDResEnergyTransferMode.EVSEMaximumChargePower])  # first field of all four
        self.planned_w = self.offered_w  # the schedule has another one, if there is one
        if self.bpt:  # some stations write it as a negative number
            self.offered_out_w = abs(to_int(b[BPT_DC_CPDResEnergyTransferMode.EVSEMaximumDischargePower if self.dc
                                              else BPT_AC_CPDResEnergyTransferMode.EVSEMaximumDischargePower]))  # fmt: skip
        return SCHEDULE

    def on_schedule(self, v, now):
        scheduled = v[ScheduleExchangeRes.Scheduled_SEResControlMode]
        if (scheduled is None) != self.dynamic:
            raise Refused("schedule of the other control mode")
        if v[ScheduleExchangeRes.EVSEProcessing] != Processing.Finished:
            return SCHEDULE
        if scheduled:
            first = scheduled[Scheduled_SEResControlMode.ScheduleTuple][0]
            self.tuple_id = first[ScheduleTuple.ScheduleTupleID]
            self.planned_w = answers.planned_w(v)
        return CABLE_CHECK if self.dc else START

    def on_cable_check(self, v, now):
        return PRECHARGE if v[DC_CableCheckRes.EVSEProcessing] == Processing.Finished else CABLE_CHECK

    def on_precharge(self, v, now):
        if self.precharged:
            return START
        self.inlet_mv = to_milli(v[DC_PreChargeRes.EVSEPresentVoltage])
        self.precharged = abs(self.inlet_mv - self.battery.mv) <= _PRECHARGE_WINDOW_MV
        return PRECHARGE

    def on_start(self, v, now):
        if _terminate(v[PowerDeliveryRes.EVSEStatus]):
            self.told_to_stop = True
            return STOP
        self._loop_began = self._integrated = now
        return LOOP

    def on_loop(self, v, now):
        self.loops += 1
        self._energy(v, now)
        if _terminate(v[DC_ChargeLoopRes.EVSEStatus if self.dc else AC_ChargeLoopRes.EVSEStatus]):
            self.told_to_stop = True
        cfg = self.cfg
        done = (cfg["loops"] and self.loops >= cfg["loops"]) or (
            cfg["duration_ms"] and ticks_diff(now, self._loop_began) >= cfg["duration_ms"]
        )
        full = self.battery.soc >= cfg["target_soc"] and self.present_w > 0
        if self.told_to_stop or self._stop_wish or done or full:
            return STOP
        self.pausing = not self.pauses and 0 < cfg["pause_loops"] <= self.loops
        return STOP if self.pausing else LOOP

    def _energy(self, v, now):
        """What flowed since the last answer goes into the battery; then the new power is taken
        over."""
        self.battery.run(self.present_w, ticks_diff(now, self._integrated))
        self._integrated = now
        cfg = self.cfg
        if not self.dynamic:
            most_w, most_out_w = answers.scheduled_ceiling_w(v, self.dc, self.bpt)
            w = min(cfg["scheduled_w"], self.offered_w, most_w, self.charge_w)
            if self.bpt and cfg["loops"] and self.loops * 2 > cfg["loops"]:
                w = -min(cfg["scheduled_w"], self.offered_out_w, most_out_w, self.discharge_w)
        elif not self.dc:
            b = v[AC_ChargeLoopRes.BPT_Dynamic_AC_CLResControlMode if self.bpt
                  else AC_ChargeLoopRes.Dynamic_AC_CLResControlMode]  # fmt: skip
            if b is None:
                raise Refused("loop answer of the wrong kind")
            w = to_int(b[Dynamic_AC_CLResControlMode.EVSETargetActivePower])
        if self.dc:
            self.inlet_mv = to_milli(v[DC_ChargeLoopRes.EVSEPresentVoltage])
            if not self.dynamic:
                self.wish_ma = w * 1000 // (self.battery.mv // 1000)
            ma = to_milli(v[DC_ChargeLoopRes.EVSEPresentCurrent])
            self.present_w = ma * (self.battery.mv // 1000) // 1000  # measured: it flows, whatever the car wished
        else:
            self.present_w = max(-self.discharge_w, min(w, self.charge_w))

    def on_stop(self, v, now):
        self.battery.run(self.present_w, ticks_diff(now, self._integrated))
        self.present_w = 0
        return WELDING if self.dc and self.precharged else END

    def on_welding(self, v, now):
        self.inlet_mv = to_milli(v[DC_WeldingDetectionRes.EVSEPresentVoltage])
        if self.welding_done:
            return END
        self.weldings += 1
        return WELDING

    def on_end(self, v, now):
        why = "done"
        if self.pausing:
            self.pauses += 1
            why = "paused"
        elif self.told_to_stop:
            why = "told to stop by the station"
        elif self._stop_wish:
            why = "stopped by the driver"
        self._finish(why, True)
        return OVER


_ANSWERED = {
    SAP: Evcc.on_protocol,
    SETUP: Evcc.on_setup,
    AUTH_SETUP: Evcc.on_authorization_setup,
    AUTH: Evcc.on_authorization,
    DISCOVERY: Evcc.on_discovery,
    DETAIL: Evcc.on_detail,
    SELECT: Evcc.on_selection,
    PARAMETERS: Evcc.on_parameters,
    SCHEDULE: Evcc.on_schedule,
    CABLE_CHECK: Evcc.on_cable_check,
    PRECHARGE: Evcc.on_precharge,
    START: Evcc.on_start,
    LOOP: Evcc.on_loop,
    STOP: Evcc.on_stop,
    WELDING: Evcc.on_welding,
    END: Evcc.on_end,
}
