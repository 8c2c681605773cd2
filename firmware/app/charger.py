"""The supervisor: one plug, one car, from plug-in to unplug (IEC 61851-1, ISO 15118-3).

It owns the order of things: pilot, matching, network, session, or charging by the pilot alone.
Parts are machines of their own; frames go down to them and events come up. What an event does is
the table plug_steps.ROWS; here are the parts, the calls that make events, and what the rows do and
ask. `power` energises the car, and every sample of the pilot renews or withdraws its permission: no
part can close the contactor, or keep it closed, without that.

    rx(frame) ── 0x88E1 ── slac        pilot ── state ──┐
              └─ 0x86DD ── net ── link ── session       └── permit ── power
"""

from drivers.pilot import CHANGED, COUNTED, DIODE, FIVE_PERCENT, X1, A
from drivers.pilot import STATE_NAMES as LETTERS
from firmware.app import plug_steps as plug
from firmware.app import session_link as links
from firmware.app.basic import Basic
from firmware.clock import sooner, ticks_add, ticks_diff
from firmware.net import stack as network
from firmware.session.codes import GRANTED
from firmware.stage.faults import LOCK
from micropython import const

_ETHERTYPE = const(12)
_DEAD_MA = const(1000)  # a plug may be pulled below 1 A
_HELD = (plug.LINKED, plug.BASIC, plug.PAUSING, plug.PAUSED, plug.TOGGLING)  # the plug stays locked


class Charger:
    """cfg: dict of app/config. pilot: drivers.pilot.Pilot. proximity: drivers.proximity.Proximity,
    used if the station has a socket (ac_socket). slac: slac.evse.Slac. net: net.stack.Stack. link:
    app.session_link.SessionLink over the connections of net. power: app.power.Power. trace:
    firmware/trace.Trace. inputs: app.inputs.Inputs, lock: app.socket_lock.SocketLock; None: there
    are none.

    state       of plug_steps; `fault`: why it is FAULT or REPLUG, else ""
    plug_ins    since boot
    Of this plug-in:
    stopped     charging by the pilot alone was ended by `stop`
    pulses      of F that were to wake the car (R-LINK-03)
    never_begun no car has asked for matching: 5 % is left through F, not through X1 (R-LINK-04, R-LINK-28)
    no_fallback the car is not charged by the pilot alone: DC or nothing on offer, switched off, or it has paused a session
    """

    def __init__(self, cfg, pilot, proximity, slac, net, link, power, trace, inputs=None, lock=None):
        self.cfg = cfg
        self.pilot = pilot
        self.proximity = proximity if cfg["ac_socket"] else None
        self.slac = slac
        self.net = net
        self.link = link
        self.power = power
        self.inputs = inputs
        self.lock = lock
        self._bits = 0  # what they say, as the power path knows it
        self._misread = False  # the cable has changed under power: nothing more on this plug-in
        self.basic = Basic(_amps_x10(cfg))
        self.state = plug.UNPLUGGED
        self.fault = ""
        self.modem_up = False
        self.plug_ins = 0
        self.stopped = False
        self.pulses = 0
        self.never_begun = True
        self.no_fallback = True
        self._trace = trace
        self._deadline = None  # of the state
        self._shown_duty = -1  # in the last record of the pilot

    # -- the machine contract

    def start(self, now):
        """Boot, or a new beginning after a fault of our own: the car sees a station that is not
        ready."""
        self.power.permit(False, now)
        self.power.off(now)
        self.pilot.start(now)
        if self.proximity is not None:
            self.proximity.start(now)
            self.power.cable_a = 0
        self._misread = False
        if self.inputs is not None:
            self.inputs.start(now)
            self._tell(now)
        if self.lock is not None:
            self.lock.start(now)
        self.pilot.set_duty(X1, now)
        self.link.drop(now, "the station begins anew")
        self.link.forget(now, "the station begins anew")
        self.net.stop(now)
        self.slac.plugged(False, now)
        self.slac.start(now)
        self.power.decide.clear(now)  # the plug was not looked at meanwhile
        self.state = plug.UNPLUGGED
        self.fault = ""
        self._deadline = None
        self._shown_duty = -1

    def rx(self, buf, n, now):
        """One Ethernet frame from the modem."""
        if n > _ETHERTYPE + 1:
            kind = buf[_ETHERTYPE] << 8 | buf[_ETHERTYPE + 1]
            if kind == 0x88E1:
                self.slac.rx(buf, n, now)
                self._slac_events(now)
            elif kind == 0x86DD:
                self._look(now)
                if self.state == plug.UNPLUGGED:
                    return
                self.slac.peer_frame(now)
                self.net.rx(buf, n, now)
                self._net_events(now)
                self.link.pump(now)
                self._link_events(now)

    def poll(self, now):
        """Pilot first: what it forbids is off before anything else is looked at."""
        self._look(now)
        if self.state == plug.BASIC:
            self._offer_basic(now)
        self.slac.poll(now)
        self._slac_events(now)
        self.net.poll(now)
        self._net_events(now)
        self.link.poll(now)
        self._link_events(now)
        if self.power.fault and self.state != plug.FAULT:
            self._happens(plug.STAGE_FAULT, now)
        elif self.state == plug.FAULT and not self.power.fault:
            self._happens(plug.WHOLE, now)
        if self._deadline is not None and ticks_diff(self._deadline, now) <= 0:
            self._deadline = None
            self._happens(plug.TIME, now)

    def tx(self, out):
        """Next frame for the modem into out; 0 = nothing."""
        return self.slac.tx(out) or self.net.tx(out)

    @property
    def due(self):
        due = sooner(self._deadline, self.pilot.due)
        if self.proximity is not None:
            due = sooner(due, self.proximity.due)
        if self.inputs is not None:
            due = sooner(due, self.inputs.due)
        due = sooner(due, self.slac.due)
        due = sooner(due, self.net.due)
        due = sooner(due, self.link.due)
        if self.state == plug.BASIC:
            due = sooner(due, self.basic.due)
        return due

    @property
    def busy(self):
        """True while a car may be energised: power samples are worth recording."""
        return self.link.conn is not None or self.state == plug.BASIC

    # -- from the board

    def modem(self, up, now):
        """The modem came up, or is gone (rebooted, SPI dead): without it there is no data link
        (R-LINK-24)."""
        if up == self.modem_up:
            return
        self.modem_up = up
        if up:
            self.slac.modem_up(now)
        else:
            self.slac.modem_down(now)
        self._slac_events(now)

    def clear(self, now):
        """The operator says that the cause of a fault is repaired."""
        self.power.clear(now)
        self._happens(plug.CLEAR, now)

    def wake(self, now):
        """The operator wakes the car of a paused session. False: there is none."""
        paused = self.state == plug.PAUSED or self.state == plug.TOGGLING
        self._happens(plug.WAKE, now)
        return paused

    # -- events

    def _happens(self, event, now):
        """Do what the row of plug_steps says, and go on while a new state asks at once (NOW)."""
        at = self.state
        reason = None
        while True:
            row = plug.row_of(at, event, self)
            if row is None:
                if event != plug.NOW:
                    self._trace.error(now, "%s in %s: no row" % (plug.EVENT_NAMES[event], plug.STATE_NAMES[at]))
                return
            _, _, _, do, state, why = row
            if event == plug.STAGE_FAULT:
                why = "%s %d" % (why, self.power.fault)
            reason = reason or why
            if do is not None:
                getattr(self, do)(reason, now)
            if state == plug.STAY:
                return
            if state != plug.GIVING_UP:
                self._go(state, reason, now)
                reason = None
            at = state
            event = plug.NOW

    def _go(self, state, reason, now):
        """The one writer of `state`; its pilot and its timer begin here."""
        self._trace.change(now, self.state, state, reason)
        self.state = state
        duty, ms, _ = plug.STATES[state]
        if duty is not None:
            self.pilot.set_duty(duty, now)
        if isinstance(ms, str):
            ms = self.cfg[ms]
        self._deadline = None if ms is None else ticks_add(now, ms)

    def _look(self, now):
        """What protective inputs, pilot and cable say, and what follows from it. Also before a request is worked: it
        may have waited behind a long step, and energises nothing on a sample of before that."""
        if self.inputs is not None and self.inputs.poll(now):
            self._tell(now)
        if self.proximity is not None:
            self._cable(now)
        if self.lock is not None:
            self._hold(now)
        self.pilot.poll(now)
        self._permit(now)
        self._pilot_events(now)

    def _permit(self, now):
        """May the car be energised? Asked with every poll, whatever session and network do."""
        pilot = self.pilot
        may = plug.STATES[self.state][2] and self.power.cable_a != 0 and (self.lock is None or self.lock.ready)
        self.power.permit(may and pilot.ready and pilot.diode_ok and pilot.diode_seen, now, pilot.sampled_at)

    def _pilot_events(self, now):
        """The car proves by toggles B-C-B that it is the one on this plug; no contactor closes
        meanwhile (R-LINK-18)."""
        pilot = self.pilot
        event = pilot.event()
        if event or pilot.duty != self._shown_duty:
            self._shown_duty = pilot.duty
            self._trace.pilot(now, LETTERS[pilot.state], pilot.duty, pilot.high_mv, pilot.low_mv)
        while event:
            if event == DIODE:
                self._happens(plug.NO_DIODE, now)
            elif event == CHANGED:
                self._happens(plug.PILOT + pilot.state, now)
            elif event == COUNTED:
                self.slac.toggles(pilot.toggles, now)
            event = pilot.event()
        if self.slac.wants_toggles and not pilot.counting:
            pilot.count_toggles(now)

    def _slac_events(self, now):
        event = self.slac.event()
        while event:
            self._happens(event, now)
            event = self.slac.event()

    def _net_events(self, now):
        net = self.net
        event = net.event()
        while event:
            if event == network.ACCEPTED:
                self._happens(plug.ACCEPTED, now)
                self.link.accept(net.conns[net.which], now)
            elif event == network.CLOSED:
                self.link.closed(net.conns[net.which], now)
            elif event == network.DISCOVERED:
                self._happens(plug.DISCOVERED, now)
            event = net.event()

    def _link_events(self, now):
        event = self.link.event()
        while event:
            if event == links.SESSION:
                self._happens(plug.SESSION, now)
            elif event == links.PAUSE:
                self._happens(plug.PAUSE, now)
            elif event == links.RELEASED:
                self._happens(plug.RELEASED, now)
            event = self.link.event()

    def _cable(self, now):
        """A cable that cannot be told, or none, carries nothing; another rating under power is a
        pulled plug."""
        self.proximity.poll(now)
        if self.proximity.event():
            rating_a = max(0, self.proximity.rating_a or 0)
            if rating_a and self.power.cable_a and self.power.closed:
                self._misread = True
                self._trace.note(now, "the rating of the cable has changed under power, A", rating_a)
            self.power.cable_a = 0 if self._misread else rating_a
            self._trace.note(now, "cable rated A", self.power.cable_a)

    def _hold(self, now):
        """The plug is held while it may carry power, and until the current is gone and the session
        over; a contact that stays closed holds it for ever."""
        power = self.power
        hold = bool(power.cable_a) and self.state in _HELD
        self.lock.poll(power.hw, hold, not power.closed and abs(power.hw.ma) < _DEAD_MA, now)
        if self.lock.bits != self._bits & LOCK:
            self._tell(now)

    def _tell(self, now):
        """The faults of inputs and lock, to the power path."""
        bits = self.lock.bits if self.lock is not None else 0
        inputs = self.inputs
        if inputs is not None:
            bits |= inputs.bits
            if inputs.export is not None:
                self.power.lease.input(now, inputs.export)
        self._bits = bits
        self.power.set_inputs(bits, now)

    def _offer_basic(self, now):
        """By the pilot alone the car may draw what the cable carries and the set-point and the power
        stage allow, and nothing before somebody has decided, behind `stop`, or with a fault that
        ends in order (R-AUTH-16, R-POWER-16)."""
        basic, power = self.basic, self.power
        may = power.decide.state == GRANTED and not self.stopped and not power.must_end
        amps_x10 = self._line_x10(now) if may else 0
        if power.cable_a is not None:
            amps_x10 = min(amps_x10, power.cable_a * 10)
        basic.set_amps_x10(amps_x10, now)
        basic.pilot(self.pilot.state, now)
        if basic.duty != self.pilot.duty:
            self.pilot.set_duty(basic.duty, now)
        self.power.basic(basic.close, now)

    def _line_x10(self, now):
        """Set-point and power stage as current of each line, 0.1 A. All lines get the same from the
        pilot, so that of the line with least counts."""
        lease, phases = self.power.lease, self.cfg["ac_phases"]
        w = max(0, min(lease.w(now), self.power.hw.can_charge_w)) // phases
        if lease.per_line:
            for i in range(phases):
                w = max(0, min(w, lease.l_w[i]))
        return w * 10 // self.cfg["ac_nominal_voltage_v"]

    def end_basic(self, now):
        """The operator ends charging by the pilot alone, until the plug is out. The session is told
        elsewhere (R-POWER-16)."""
        self.stopped = True

    # -- what the rows ask (column `if`)

    @property
    def key_ready(self):
        """The modem has its key."""
        return self.slac.ready

    @property
    def modem_fault(self):
        """The modem has not taken a key in as many tries as are allowed."""
        return self.slac.modem_fault

    @property
    def pulse_left(self):
        """May the car be woken by F once more? C_sequ_retry (R-LINK-03)."""
        return self.pulses < self.cfg["ef_retries"]

    @property
    def never_five(self):
        """5 % is not on the pilot: there is nothing to leave."""
        return self.pilot.duty != FIVE_PERCENT

    @property
    def stage_whole(self):
        """The power stage has no fault."""
        return not self.power.fault

    @property
    def plug_out(self):
        """The pilot is in state A."""
        return self.pilot.state == A

    # -- what the rows do (column `do`): do(why, now)

    def plug_in(self, why, now):
        """A car: nothing of the last one counts."""
        self.plug_ins += 1
        self.stopped = False
        self.power.decide.plug_in(now)
        self.pulses = 0
        self.never_begun = True
        services = self.cfg["services"]  # () where none can be offered: what is behind the contact may be DC
        self.no_fallback = (
            not self.cfg["basic_fallback"] or not services or bool([s for s in services if s.startswith("DC")])
        )
        self.link.clear()
        self.link.enabled = True
        self.slac.plugged(True, now)

    def match(self, why, now):
        """Requests to match are answered from now on."""
        self.slac.plugged(True, now)

    def matching_begins(self, why, now):
        """A car has asked: remembered until the next plug-in."""
        self.never_begun = False

    def unmatch(self, why, now):
        """No request to match is answered any more."""
        self.slac.plugged(False, now)

    def pulse(self, why, now):
        """Count the pulse; no request to match is answered during it."""
        self.pulses += 1
        self.slac.plugged(False, now)

    def link_begins(self, why, now):
        """Car and station are in one network: IPv6 begins."""
        self.link.clear()
        self.net.start(now)

    def stop_timer(self, why, now):
        """No end by time any more."""
        self._deadline = None

    def end(self, why, now):
        """Power is off first; then session and network end."""
        self.power.permit(False, now)
        self.link.drop(now, why)
        self.link.forget(now, why)
        self.net.stop(now)
        self.power.off(now)

    def leave(self, why, now):
        """As end(), and the network of the modems is left: a new key."""
        self.end(why, now)
        self.slac.leave(now)

    def unplug(self, why, now):
        """As end(); requests to match get no answer, a key that the car had is replaced."""
        self.end(why, now)
        self.slac.plugged(False, now)
        self.power.decide.clear(now)
        self.fault = ""
        self._misread = False
        if self.proximity is not None:
            self.power.cable_a = max(0, self.proximity.rating_a or 0)

    def pause(self, why, now):
        """The car may vanish from the line; nothing is lost by that, and the key stays
        (R-LINK-23)."""
        self.slac.pause(now)

    def sleep(self, why, now):
        """A car that has had a session and does not wake up is not charged by the pilot alone."""
        self.no_fallback = True

    def resume(self, why, now):
        """The same network, and the time of a new one to set up a session. Whether the old session
        can still be joined is the session's business."""
        self.slac.resume(now)
        self.link.clear()

    def charge(self, why, now):
        """By the pilot alone."""
        self.slac.plugged(False, now)
        self.basic.start(now)
        self._offer_basic(now)

    def stop(self, why, now):
        """A fault: power is off first; then the session is told, and no new one is taken."""
        self.fault = why
        self.power.permit(False, now)
        self.power.off(now)
        self.link.fault(now, why)


def _amps_x10(cfg):
    """Nominal current of the pilot in 0.1 A from the limits of AC."""
    return cfg["ac_max_charge_w"] * 10 // (cfg["ac_nominal_voltage_v"] * cfg["ac_phases"])
