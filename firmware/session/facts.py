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

from firmware.session.codes import AC, ASK_OFF, DC, TEST_RUNNING

NO_ID = b"\x00" * 8


class PeerError(Exception):
    """The vehicle broke the protocol. code: response code of the dialect; note: why, for the
    trace."""

    def __init__(self, code, note):
        super().__init__(code, note)
        self.code = code
        self.note = note


class Limits:
    """What a vehicle allows: charge_w, charge_ma, discharge_w, discharge_ma (magnitudes), max_mv,
    min_mv."""

    def __init__(self):
        self.set(0, 0, 0, 0, 0, 0)

    def set(self, charge_w, charge_ma, max_mv, min_mv, discharge_w, discharge_ma):
        """What parameter discovery says. Discharge limits are magnitudes; some vehicles send them
        negative (D-02)."""
        self.charge_w = max(charge_w, 0)
        self.charge_ma = max(charge_ma, 0)
        self.max_mv = max(max_mv, 0)
        self.min_mv = max(min_mv, 0)
        self.discharge_w = abs(discharge_w)
        self.discharge_ma = abs(discharge_ma)

    def narrow(self, first, charge_w, charge_ma, max_mv, min_mv, discharge_w, discharge_ma):
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


class Hand:
    """Facts of one writer."""


class Facts:
    """Facts of the session at hand.

    draw_id(offered) -> a fresh session id, and join(offered) -> what a paused session of this car
    has kept, or None, are the machine's; the handler of the session set-up calls them.
    """

    def __init__(self, cfg, draw_id=None, join=None):
        self.cfg = cfg
        self.draw_id = draw_id
        self.join = join
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
        c.min_energy_wh = 0  # above 0 the battery is below its own minimum: no discharge
        c.per_phase = False  # it speaks in L1/L2/L3 (R-CPD-04)
        # -- agreed on
        s = self.session = Hand()
        s.id = NO_ID
        s.current = AC  # or DC: what SupportedAppProtocol settled
        s.service = 0  # selected energy service id, 0 = none yet
        s.bpt = False
        s.dynamic = True
        s.base_charged_wh = 0  # before the pause (R-METER-03)
        s.base_discharged_wh = 0
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
        w.mv = 0
        w.target_w = 0  # Dynamic: set-point inside both sides' limits
        # -- measured
        m = self.station = Hand()
        m.mv = 0
        m.ma = 0
        m.w = 0
        m.setpoint_w = 0  # what the station's operator wants now (app/lease.py)
        m.export = False  # power may flow out of the car
        m.contactor = False
        m.path_off = True
        m.insulation = TEST_RUNNING
        m.limit_power = False  # which limit bounds the output
        m.limit_current = False
        m.limit_voltage = False
        m.charged_wh = 0  # of the session, with what it was before a pause (R-METER-03)
        m.discharged_wh = 0
        m.metered = False  # the power stage has begun to count for this session
        m.fault = 0
        m.cable_w = None  # what the proximity resistor of the plugged cable allows in AC; None = captive cable
        m.pilot_cut = False  # the pilot left C/D while energised: the power is off and stays off in this session

    @property
    def stop_wish(self):
        """The station wants to end the session."""
        return self.stop_asked or self.session.enough

    def ask_off(self):
        """Off is asked by everybody."""
        self.wanted.ask = ASK_OFF

    def left(self):
        """(note, keep) that the handler has left for the machine; they are gone afterwards."""
        s = self.session
        left = s.note, s.keep
        s.note = s.keep = None
        return left


def offered_max_charge_w(f):
    """Most power towards the vehicle that the station offers, in W; in AC no more than the cable
    carries."""
    if f.session.current == DC:
        return f.cfg["dc_max_charge_w"]
    return _carried_w(f, f.cfg["ac_max_charge_w"])


def offered_max_discharge_w(f):
    """The same the other way, as a magnitude."""
    if f.session.current == DC:
        return f.cfg["dc_max_discharge_w"]
    return _carried_w(f, f.cfg["ac_max_discharge_w"])


def _carried_w(f, w):
    return w if f.station.cable_w is None else min(w, f.station.cable_w)
