"""The supervisor: one plug, one car, from plug-in to unplug (IEC 61851-1, ISO 15118-3).

It owns the order of things: pilot, matching, network, session, or charging by the pilot alone. Parts are machines of
their own; frames go down to them and facts come up. What energises the car is `power`, and `power.permit` is asked anew
with every sample of the pilot: no part can close the contactor, or keep it closed, without it.

    rx(frame) ── 0x88E1 ── slac        pilot ── state ──┐
              └─ 0x86DD ── net ── link ── session       └── permit ── power
"""

from drivers.pilot import FIVE_PERCENT, X1, A, B, C, D, E
from drivers.pilot import STATE_NAMES as LETTERS
from firmware.app.basic import Basic
from firmware.clock import sooner, ticks_add, ticks_diff
from firmware.net.stack import ACCEPTED, CLOSED
from firmware.slac import evse as _slac
from micropython import const

UNPLUGGED = const(0)
MATCHING = const(1)  # 5 %, the car is expected to start matching
PULSE = const(2)  # pilot F for T_step_EF, then a moment of X1
LINKED = const(3)  # data link up: discovery, sessions
STEP = const(4)  # X1 for T_step_X1, then nominal duty
BASIC = const(5)  # charging by the pilot alone
WAITING = const(6)  # nothing more is tried; a car that starts matching by itself is still welcome
FAULT = const(7)  # power off until the cause is gone and the plug is out
PAUSED = const(8)  # the car has paused its session and sleeps; its network is kept

STATE_NAMES = ("Unplugged", "Matching", "Pulse", "Linked", "Step", "Basic", "Waiting", "Fault", "Paused")

_F = const(0)  # duty in permille: steady -12 V

_AFTER_EF_MS = const(750)  # X1 between the pulse and the duty that follows: some cars want 500..1000 ms
_KEY_WAIT_MS = const(10000)  # the modem restarts with its new key; without it matching cannot begin
_ETHERTYPE = const(12)


class Charger:
    """cfg: dict of app/config. pilot: drivers.pilot.Pilot. proximity: drivers.proximity.Proximity, used if the station has a
    socket (ac_socket). slac: slac.evse.Slac. net: net.stack.Stack. link:
    app.v2g_link.V2gLink over the connections of net. power: app.power.Power. trace: firmware/trace.Trace."""

    def __init__(self, cfg, pilot, proximity, slac, net, link, power, trace):
        self.cfg = cfg
        self.pilot = pilot
        self.proximity = proximity if cfg["ac_socket"] else None
        self.slac = slac
        self.net = net
        self.link = link
        self.power = power
        self.basic = Basic(_amps_x10(cfg))
        self.state = UNPLUGGED
        self.fault = ""  # why the state is FAULT
        self.modem_up = False
        self.plug_ins = 0  # since boot
        self._trace = trace
        self._fallback = cfg["basic_fallback"] and not [s for s in cfg["services"] if s.startswith("DC")]
        self._deadline = None
        self._pulses = 0
        self._begun = False  # the car has started matching on this plug-in: leave 5 % by X1, not by F (R-LINK-04)
        self._keyed = False
        self._next = MATCHING  # where a pulse or a step leads
        self._told = -1  # state of the pilot at the last poll, and the duty in the last record of it
        self._told_duty = -1
        self._counting = False
        self._modem_fault = False
        self._half = False  # of a toggle B-C-B that wakes a paused station
        self._slept = False  # there was a pause on this plug-in
        self._asked = 0  # discovery answers when it began

    # -- the machine contract

    def start(self, now):
        """Boot, or a new beginning after a fault of our own: the car sees a station that is not ready."""
        self.power.permit(False, now)
        self.power.off(now)
        self.pilot.start(now)
        if self.proximity is not None:
            self.proximity.start(now)
            self.power.cable_a = 0
        self.pilot.set_duty(X1, now)
        self.link.drop(now, "the station begins anew")
        self.link.safe.forget(now, "the station begins anew")
        self.net.stop(now)
        self.slac.plugged(False, now)
        self.slac.start(now)
        self.state = UNPLUGGED
        self.fault = ""
        self._deadline = None
        self._told = -1
        self._counting = False

    def rx(self, buf, n, now):
        """One Ethernet frame from the modem."""
        if n > _ETHERTYPE + 1:
            kind = buf[_ETHERTYPE] << 8 | buf[_ETHERTYPE + 1]
            if kind == 0x88E1:
                self.slac.rx(buf, n, now)
                self._slac_events(now)
            elif kind == 0x86DD and self.state != UNPLUGGED:
                self.slac.peer_frame(now)
                self.net.rx(buf, n, now)
                self._net_events(now)
                self.link.pump(now)
                if self.state == PAUSED and self.net.sdp.answered != self._asked:
                    self._wake("woken by discovery", now)

    def poll(self, now):
        """Pilot first: what it forbids is off before anything else is looked at."""
        if self.proximity is not None:
            self._cable(now)
        self.pilot.poll(now)
        self._pilot(now)
        self.slac.poll(now)
        self._slac_events(now)
        self.net.poll(now)
        self._net_events(now)
        self.link.safe.poll(now)
        self.link.pump(now)
        if self.state == LINKED:
            self._pausing(now)
        if self.state == BASIC:
            self.basic.poll(now)
            self._drive_basic(now)
        if self.power.fault and self.state != FAULT:
            self._to_fault("power stage fault %d" % self.power.fault, now)
        if self._deadline is not None and ticks_diff(self._deadline, now) <= 0:
            self._deadline = None
            self._expired(now)

    def tx(self, out):
        """Next frame for the modem into out; 0 = nothing."""
        return self.slac.tx(out) or self.net.tx(out)

    @property
    def due(self):
        due = sooner(self._deadline, self.pilot.due)
        if self.proximity is not None:
            due = sooner(due, self.proximity.due)
        due = sooner(due, self.slac.due)
        due = sooner(due, self.net.due)
        due = sooner(due, self.link.due)
        if self.state == BASIC:
            due = sooner(due, self.basic.due)
        return due

    @property
    def busy(self):
        """True while a car may be energised: power samples are worth recording."""
        return self.link.conn is not None or self.state == BASIC

    # -- from the board

    def modem(self, up, now):
        """The modem came up, or is gone (rebooted, SPI dead): without it there is no data link (R-LINK-24)."""
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
        if self.state == FAULT and not self.power.fault:
            self.pilot.set_duty(X1, now)  # from here on the pilot shows whether the plug is out

    def wake(self, now):
        """The operator wakes the car of a paused session. False: there is none."""
        paused = self.state == PAUSED
        if paused:
            self._wake("woken by the operator", now)
        return paused

    # -- inside

    def _go(self, state, reason, now):
        """The one writer of `state`; timers of the old state end here."""
        self._trace.change(now, self.state, state, reason)
        self.state = state
        self._deadline = None

    def _cable(self, now):
        """A cable that cannot be told, or none, carries nothing; another rating under power is a pulled plug."""
        self.proximity.poll(now)
        if self.proximity.event():
            self.power.cable_a = max(0, self.proximity.rating_a or 0)
            self._trace.note(now, "cable rated A", self.power.cable_a)
            if self.state == BASIC:
                self.basic.set_amps_x10(self.power.cable_a * 10, now)

    def _pilot(self, now):
        pilot = self.pilot
        state = pilot.state
        charging = (self.state == LINKED or self.state == BASIC) and self.power.cable_a != 0
        self.power.permit(charging and C <= state <= D and pilot.diode_ok and pilot.diode_seen, now)
        if pilot.event() or self._told < 0 or pilot.duty != self._told_duty:
            self._told_duty = pilot.duty
            self._trace.pilot(now, LETTERS[state], pilot.duty, pilot.high_mv, pilot.low_mv)
        changed = state != self._told
        self._told = state
        self._toggles(now)
        if self.state == FAULT:
            if state == A and pilot.duty and not self.power.fault:
                self._unplugged("unplugged", now)
            return
        if not pilot.diode_ok:
            self._to_fault("no diode on the pilot: short circuit, or no car", now)
        elif state >= E and pilot.duty:
            self._to_fault("pilot in state " + LETTERS[state], now)
        elif changed and state == A and self.state != UNPLUGGED:
            self._unplugged("unplugged", now)
        elif changed and state in (B, C, D) and self.state == UNPLUGGED:
            self._plugged(now)
        elif changed and self.state == BASIC:
            self.basic.pilot(state, now)
            self._drive_basic(now)
        elif changed and self.state == PAUSED:
            if state == B and self._half:
                self._wake("woken by the pilot", now)
            self._half = C <= state <= D

    def _toggles(self, now):
        """The car proves by B-C-B that it is the one on this plug; no contactor closes meanwhile (R-LINK-18)."""
        if self._counting and not self.pilot.counting:
            self._counting = False
            self.slac.toggles(self.pilot.toggles, now)
        elif self.slac.wants_toggles and not self._counting:
            self._counting = True
            self.pilot.count_toggles(now)

    def _plugged(self, now):
        self.plug_ins += 1
        self._pulses = 0
        self._begun = self._slept = False
        self.link.clear()
        self.link.enabled = True
        self._match("plugged in", now)

    def _unplugged(self, reason, now):
        self._leave(reason, now)
        self.slac.plugged(False, now)
        self.fault = ""
        self._go(UNPLUGGED, reason, now)
        self.pilot.set_duty(X1, now)

    def _leave(self, reason, now):
        """Session, network and power end, in this order of words and the other way round in deeds."""
        self.power.permit(False, now)
        self.link.drop(now, reason)
        self.link.safe.forget(now, reason)
        self.net.stop(now)
        self.power.off(now)

    def _match(self, reason, now):
        """5 % and wait for the car; the modem has its key first: some cars start at once with the PWM."""
        self._go(MATCHING, reason, now)
        self.slac.plugged(True, now)
        self._keyed = False
        self._listen(now)
        if self._modem_fault:
            self._give_up("modem fault", now)
        elif not self._keyed:
            self._deadline = ticks_add(now, _KEY_WAIT_MS)

    def _listen(self, now):
        if self.slac.ready and not self._keyed:
            self._keyed = True
            self.pilot.set_duty(FIVE_PERCENT, now)
            self._deadline = ticks_add(now, self.cfg["slac_init_ms"])  # R-LINK-02

    def _slac_events(self, now):
        while True:
            event = self.slac.event()
            if not event:
                return
            state = self.state
            if event == _slac.KEY_READY:
                self._modem_fault = False
                if state == MATCHING:
                    self._keyed = False  # another key than before, if the modem has restarted: the wait begins anew
                    self._listen(now)
                elif state == WAITING:
                    self._match("modem has its key", now)
            elif event == _slac.STARTED:
                self._begun = True
                if state == WAITING:
                    self._go(MATCHING, "the car starts by itself", now)
                if self.state == MATCHING:
                    self._deadline = None  # from here the timers of the matching itself count
            elif event == _slac.LINK_UP:
                if state == MATCHING:
                    self._linked(now)
            elif event == _slac.LINK_LOST:
                if state in (LINKED, MATCHING, PAUSED):
                    self._leave("data link lost", now)
                    self._begun = False
                    self._match("data link lost", now)
            elif event == _slac.FAILED:
                if state == MATCHING:
                    self._give_up("matching failed", now)
            elif event == _slac.MODEM_FAULT:
                self._modem_fault = True
                if state == MATCHING:
                    self._give_up("modem fault", now)

    def _linked(self, now):
        self._go(LINKED, "data link up", now)
        self.pilot.set_duty(FIVE_PERCENT, now)
        self.link.clear()
        self.net.start(now)
        self._deadline = ticks_add(now, self.cfg["link_setup_ms"])  # R-SDP-08

    def _net_events(self, now):
        net = self.net
        event = net.event()
        while event:
            if event == ACCEPTED:
                if self.state == PAUSED:
                    self._wake("woken by a connection", now)
                self.slac.resume(now)  # a car that comes back before it slept
                self.link.accept(net.conns[net.which], now)
            elif event == CLOSED:
                self.link.closed(net.conns[net.which], now)
            event = net.event()
        if self.state == LINKED and self._deadline is not None and self.link.session_seen:
            self._deadline = None

    def _pausing(self, now):
        """From the confirmed pause on the car may take its modem down, while TCP is still held: nothing is lost by that. When the
        connection is gone the pilot says so too (R-LINK-23, R-LINK-25)."""
        if self.slac.state == _slac.LINKED and self.link.safe.pause_begun():
            self.slac.pause(now)
        if self.slac.state == _slac.PAUSED and self.link.conn is None:
            self._slept = True
            self._half = False
            self._asked = self.net.sdp.answered
            self._go(PAUSED, "session paused", now)
            self.pilot.set_duty(X1, now)

    def _wake(self, reason, now):
        """The same network, and the time of a new one to set up a session. Whether the old session can still be joined is the
        session's business."""
        self._go(LINKED, reason, now)
        self.pilot.set_duty(FIVE_PERCENT, now)
        self.slac.resume(now)
        self.link.clear()
        self._deadline = ticks_add(now, self.cfg["link_setup_ms"])

    def _expired(self, now):
        state = self.state
        if state == MATCHING:
            if not self._keyed:
                self._give_up("modem has no key", now)
            elif self._pulses < self.cfg["ef_retries"]:
                self._pulses += 1
                self._pulse(MATCHING, "no matching request", now)
            else:
                self._give_up("no matching request", now)
        elif state == PULSE:
            if self.pilot.duty == _F:
                self.pilot.set_duty(X1, now)
                self._deadline = ticks_add(now, _AFTER_EF_MS)
            else:
                self._onward(now)
        elif state == STEP:
            self._onward(now)
        elif state == LINKED:
            self._leave("no session", now)
            self.slac.leave(now)
            self._give_up("no session within the set-up time", now)

    def _onward(self, now):
        if self._next == MATCHING:
            self._match("try again", now)
        else:
            self._basic(now)

    def _give_up(self, reason, now):
        """No session with this car: charge it by the pilot alone, or wait. A car that has had one and does not wake up waits."""
        self._next = BASIC
        if not self._fallback or self._slept:
            self._go(WAITING, reason, now)
        elif self.pilot.duty != FIVE_PERCENT:
            self._basic(now)  # 5 % was never on: nothing to leave
        elif not self._begun:
            self._pulse(BASIC, reason, now)
        else:
            self.slac.plugged(False, now)
            self._go(STEP, reason, now)
            self.pilot.set_duty(X1, now)
            self._deadline = ticks_add(now, self.cfg["step_x1_ms"])

    def _pulse(self, onward, reason, now):
        self._next = onward
        self.slac.plugged(False, now)
        self._go(PULSE, reason, now)
        self.pilot.set_duty(_F, now)
        self._deadline = ticks_add(now, self.cfg["step_ef_ms"])

    def _basic(self, now):
        self.slac.plugged(False, now)
        self._go(BASIC, "charging by the pilot alone", now)
        self.basic.start(now)
        if self.power.cable_a is not None:
            self.basic.set_amps_x10(self.power.cable_a * 10, now)
        self.basic.pilot(self.pilot.state, now)
        self._drive_basic(now)

    def _drive_basic(self, now):
        basic = self.basic
        if basic.duty != self.pilot.duty:
            self.pilot.set_duty(basic.duty, now)
        self.power.basic(basic.close, now)

    def _to_fault(self, why, now):
        """Power off; F tells the car, except where the pilot itself is what is wrong: then X1, so that an unplug shows."""
        self.fault = why
        self.power.permit(False, now)
        self.power.off(now)
        self.link.enabled = False
        self.link.safe.forget(now, why)
        self.link.safe.fault(now)
        self.link.pump(now)
        self._go(FAULT, why, now)
        self.pilot.set_duty(_F if self.power.fault else X1, now)


def _amps_x10(cfg):
    """Nominal current of the pilot in 0.1 A from the limits of AC."""
    return cfg["ac_max_charge_w"] * 10 // (cfg["ac_nominal_voltage_v"] * cfg["ac_phases"])
