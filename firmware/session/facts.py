"""What one session knows: the only thing that a handler reads besides the request.

Facts are in hands, each with one writer (`make lint` proves it; what is to be written elsewhere is
asked for by a method here):

    f.car       said by the vehicle; the handlers of the dialect write it
    f.session   what vehicle and station have agreed on, and how far they are; the handlers write it
    f.wanted    what is asked of the power path; the handlers write it
    f.station   measured; app/power.py writes it
    f           the connection and its clock; the machine (secc.py) writes it

Units are in the names; power and current are positive from the station to the vehicle and negative
the other way ([V2G20-1034], R-LOOP-06). A connection begins with new facts, so nothing leaks from
the one before (R-SESSION-11).
"""

from array import array

from firmware.session.codes import AC, ASK_OFF, TEST_RUNNING, UNDECIDED
from micropython import const

NO_ID = b"\x00" * 8

# Where the lines begin in Limits.line_w.
CHARGE = const(0)
DISCHARGE = const(3)
LEAST_CHARGE = const(6)
LEAST_DISCHARGE = const(9)
_NO_LINES = (0,) * 12


class PeerError(Exception):
    """The vehicle broke the protocol. code: response code of the dialect; note: why, for the
    trace."""

    def __init__(self, code, note):
        super().__init__(code, note)
        self.code = code
        self.note = note


class Limits:
    """What a vehicle allows: charge_w, charge_ma, discharge_w, discharge_ma (magnitudes), max_mv,
    min_mv; and what it must have at least if anything flows: least_charge_w, least_charge_ma,
    least_discharge_w, least_discharge_ma.

    AC: line_w has power line by line, in W: [CHARGE + i] for L1, L2, L3, and so on for DISCHARGE,
    LEAST_CHARGE, LEAST_DISCHARGE. Without lines of its own (f.car.lines) each may have the sum.
    """

    def __init__(self):
        self.line_w = array("i", _NO_LINES)
        self.set(0, 0, 0, 0, 0, 0)

    def set(
        self,
        charge_w,
        charge_ma,
        max_mv,
        min_mv,
        discharge_w,
        discharge_ma,
        least_charge_w=0,
        least_discharge_w=0,
        least_charge_ma=0,
        least_discharge_ma=0,
    ):
        """What parameter discovery says. Discharge limits are magnitudes; some vehicles send them
        negative (D-02)."""
        self.charge_w = max(charge_w, 0)
        self.charge_ma = max(charge_ma, 0)
        self.max_mv = max(max_mv, 0)
        self.min_mv = max(min_mv, 0)
        self.discharge_w = abs(discharge_w)
        self.discharge_ma = abs(discharge_ma)
        self.least_charge_w = max(least_charge_w, 0)
        self.least_discharge_w = abs(least_discharge_w)
        self.least_charge_ma = max(least_charge_ma, 0)
        self.least_discharge_ma = abs(least_discharge_ma)

    def narrow(
        self,
        first,
        charge_w,
        charge_ma,
        max_mv,
        min_mv,
        discharge_w,
        discharge_ma,
        least_charge_w=None,
        least_discharge_w=None,
    ):
        """What a later request says: it may only narrow what parameter discovery said, which is
        `first` (R-LOOP-03); None = not told, the value before holds (R-LOOP-11, R-LOOP-12)."""
        if charge_w is not None:
            self.charge_w = min(max(charge_w, 0), first.charge_w)
        if charge_ma is not None:
            self.charge_ma = min(max(charge_ma, 0), first.charge_ma)
        if max_mv is not None:
            self.max_mv = min(max_mv, first.max_mv)
        if min_mv is not None:
            self.min_mv = max(min_mv, first.min_mv)
        if discharge_w is not None:
            self.discharge_w = min(abs(discharge_w), first.discharge_w)
        if discharge_ma is not None:
            self.discharge_ma = min(abs(discharge_ma), first.discharge_ma)
        if least_charge_w is not None:
            self.least_charge_w = max(least_charge_w, first.least_charge_w)
        if least_discharge_w is not None:
            self.least_discharge_w = max(abs(least_discharge_w), first.least_discharge_w)


class Hand:
    """Facts of one writer."""


class Facts:
    """Facts of the session at hand.

    draw_id(offered) -> a fresh session id, and join(offered) -> what a paused session of this car
    has kept, or None, are the machine's; the handler of the session set-up calls them. steer() does
    what `wanted` asks, for a handler whose answer tells what came of it (R-LOOP-05).
    """

    def __init__(self, cfg, draw_id=None, join=None, steer=None):
        self.cfg = cfg
        self.draw_id = draw_id
        self.join = join
        self.steer = steer
        # -- the connection
        self.unix_s = 0  # header time, Unix seconds (R-SESSION-02)
        self.secure = False  # TLS 1.3 below us
        self.vehicle_name = None  # name in the vehicle certificate, proved by TLS
        self.vehicle_cert_sha256 = None  # of that certificate; a paused session is bound to both
        self.in_state_ms = 0  # since the state was entered
        self.waited_ms = 0  # since this request was first seen
        self.stop_asked = False  # by the station
        self.stop_wish_ms = 0  # how long the vehicle has been told to stop
        # -- said by the vehicle
        c = self.car = Hand()
        c.id = ""  # EVCCID
        c.first = Limits()  # from ChargeParameterDiscovery
        c.limits = Limits()  # that hold now
        c.present_mv = 0
        c.present_w = 0
        c.target_ma = 0  # Scheduled: what it wants
        c.target_mv = 0
        c.soc = -1  # percent, -1 = not told
        c.min_soc = 0  # percent, the vehicle's own floor; 0 = not told
        c.min_energy_wh = 0  # above 0 the battery is below its own minimum: no discharge
        c.min_v2x_wh = 0  # above 0 it is below the window that the vehicle gives for discharging
        c.lines = 0  # AC: it speaks of these lines: bits 1, 2, 4 for L1, L2, L3; 0 = of the sum only (R-CPD-04)
        # -- agreed on
        s = self.session = Hand()
        s.id = NO_ID
        s.current = AC  # or DC: what SupportedAppProtocol settled
        s.service = 0  # selected energy service id, 0 = none yet
        s.bpt = False
        s.dynamic = True
        s.base_charged_wh = 0  # before the pause (R-METER-03)
        s.base_discharged_wh = 0
        s.plan_charge_w = 0  # most of the schedule that was offered, each way (R-POWER-08)
        s.plan_discharge_w = 0
        s.asked_ms = -1  # since when this attempt to be authorised waits, as in_state_ms; -1 = none does
        s.precharges = 0
        s.precharge_finished = False
        s.loops = 0
        s.enough = False  # the configured number of loops is done
        s.told_to_stop = False  # Terminate was put into an answer
        s.note = None  # a line for the trace, written after the answer
        s.keep = None  # SessionStop(Pause) is confirmed: what the session needs to go on, its id first
        # -- asked of the power path
        w = self.wanted = Hand()
        w.ask = ASK_OFF
        w.decision = False  # who this is waits for a decision; never of a car that has gone
        w.mv = 0
        w.target_w = 0  # set-point inside the bounds (ceiling.py)
        w.line_w = [0, 0, 0]  # AC: the same for each line that counts (ceiling.share)
        # -- measured
        m = self.station = Hand()
        m.mv = 0
        m.ma = 0
        m.w = 0
        m.setpoint_w = 0  # what the station's operator wants now (app/lease.py)
        m.authorized = UNDECIDED  # app/decide.py
        m.person = True  # a person is waited for, not a program (R-AUTH-17)
        m.contactor = False
        m.path_off = True
        m.insulation = TEST_RUNNING
        m.limit_power = False  # which limit bounds the output
        m.limit_current = False
        m.limit_voltage = False
        m.charged_wh = 0  # of the session, with what it was before a pause (R-METER-03)
        m.discharged_wh = 0
        m.metered = False  # the power stage has begun to count for this session
        m.fault = 0  # number of a fault that takes the power away (stage/faults.py), 0 = none
        m.contactor_fault = False  # its answer is that of the contactor
        m.must_end = False  # the station ends in order, by its own state
        m.meter_ok = True
        m.can_charge_w = None  # what the power stage can do now (derating); None = all it was built for
        m.can_discharge_w = None
        m.export = False  # discharging is allowed by the station's side (app/lease.py)
        m.line_w = None  # AC: measured line by line: [L1, L2, L3]; None = the sum only
        m.cable_w = None  # what the proximity resistor of the plugged cable allows in AC; None = captive cable
        m.pilot_cut = False  # the pilot left C/D while energised: the power is off and stays off in this session

    @property
    def stop_wish(self):
        """The station wants to end the session."""
        return self.stop_asked or self.session.enough or self.station.must_end

    def ask_off(self):
        """Off is asked by everybody."""
        self.wanted.ask = ASK_OFF
        self.wanted.decision = False

    def left(self):
        """(note, keep) that the handler has left for the machine; they are gone afterwards."""
        s = self.session
        left = s.note, s.keep
        s.note = s.keep = None
        return left
