"""What one session knows: the only thing that a handler reads besides the request.

The machine (`secc.py`) fills the station's part before each handler runs, the handlers fill the vehicle's part and
what they ask of the power stage. Units are in the names; power and current are positive from the station to the
vehicle and negative the other way ([V2G20-1034], R-LOOP-06).
"""

from micropython import const

# What a session may ask of the power stage. A handler only says so; `app/power.py` does it before the answer leaves
# (docs/design.md, what happens).
ASK_OFF = const(0)  # no power, contactors open
ASK_TEST = const(1)  # DC: insulation test before the charge (cable check)
ASK_PRECHARGE = const(2)  # DC: output follows the vehicle's pre-charge target
ASK_POWER = const(3)  # contactors closed, energy flows

TEST_RUNNING = const(0)
TEST_PASSED = const(1)
TEST_FAILED = const(2)

AC = const(0)
DC = const(1)

WAIT = const(-1)  # in place of an answer: not yet (dialects.py)
NO_ID = b"\x00" * 8


class PeerError(Exception):
    """The vehicle broke the protocol. code: response code of the dialect; note: why, for the trace."""

    def __init__(self, code, note):
        super().__init__(code, note)
        self.code = code
        self.note = note


class Facts:
    """Facts of the session at hand; `clear()` at its start, so nothing leaks from the one before (R-SESSION-11).

    draw_id(offered) -> a fresh session id, and join(offered) -> what a paused session of this car has kept, or None, are the
    machine's; the handler of the session set-up calls them.
    """

    def __init__(self, cfg, draw_id=None, join=None):
        self.cfg = cfg
        self.draw_id = draw_id
        self.join = join
        self.clear()

    def clear(self):
        # -- the protocol
        self.session_id = NO_ID
        self.unix_s = 0  # header time, Unix seconds (R-SESSION-02)
        self.secure = False  # TLS 1.3 below us
        self.vehicle = None  # name in the vehicle certificate, proved by TLS
        self.leaf = None  # SHA-256 of that certificate; a paused session is bound to both
        self.keep = None  # SessionStop(Pause) is confirmed: what the session needs to go on, its id first
        self.note = None  # a line for the trace, written after the answer
        self.family = AC  # what SupportedAppProtocol settled
        self.service = 0  # selected energy service id, 0 = none yet
        self.bpt = False
        self.dynamic = True
        self.in_state_ms = 0  # since the state was entered
        self.waited_ms = 0  # since this request was first seen
        # -- the vehicle
        self.ev_id = ""
        self.ev_max_charge_w = 0
        self.ev_max_discharge_w = 0
        self.ev_max_charge_ma = 0
        self.ev_max_discharge_ma = 0
        self.ev_max_mv = 0
        self.ev_min_mv = 0
        # What ChargeParameterDiscovery said: later requests may only narrow it (R-LOOP-03).
        self.ev_top_charge_w = 0
        self.ev_top_discharge_w = 0
        self.ev_top_charge_ma = 0
        self.ev_top_discharge_ma = 0
        self.ev_top_mv = 0
        self.ev_floor_mv = 0
        self.ev_present_mv = 0
        self.ev_present_w = 0
        self.ev_target_ma = 0
        self.ev_target_mv = 0
        self.ev_soc = -1  # percent, -1 = not told
        self.ev_min_energy_wh = 0  # above 0 the battery is below its own minimum: no discharge
        self.per_phase = False  # the vehicle speaks in L1/L2/L3 (R-CPD-04)
        # -- what is asked
        self.ask = ASK_OFF
        self.ask_mv = 0
        # -- the station
        self.present_mv = 0
        self.present_ma = 0
        self.present_w = 0
        self.setpoint_w = 0  # what the station's operator wants
        self.target_w = 0  # Dynamic: set-point inside both sides' limits
        self.contactor = False
        self.path_off = True
        self.test = TEST_RUNNING
        self.limit_power = False
        self.limit_current = False
        self.limit_voltage = False
        self.charged_wh = 0  # of the session, with what it was before a pause (R-METER-03)
        self.discharged_wh = 0
        self.base_charged_wh = 0  # before the pause
        self.base_discharged_wh = 0
        self.metered = False  # the power stage has begun to count for this session
        self.fault = 0
        self.cable_w = None  # what the proximity resistor of the plugged cable allows in AC; None = captive cable
        self.cut = False  # the pilot left C/D while energised: the power is off and stays off in this session
        # -- progress
        self.stop_wish = False
        self.stop_wish_ms = 0  # how long the vehicle has been told to stop
        self.loops = 0
        self.precharges = 0
        self.precharge_finished = False
        self.notify = False  # Terminate was put into an answer


def offered_max_charge_w(f):
    """Most power towards the vehicle that the station offers, in W; in AC no more than the cable carries."""
    if f.family == DC:
        return f.cfg["dc_max_charge_w"]
    return _carried_w(f, f.cfg["ac_max_charge_w"])


def offered_max_discharge_w(f):
    """The same the other way, as a magnitude."""
    if f.family == DC:
        return f.cfg["dc_max_discharge_w"]
    return _carried_w(f, f.cfg["ac_max_discharge_w"])


def _carried_w(f, w):
    return w if f.cable_w is None else min(w, f.cable_w)
