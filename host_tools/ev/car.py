"""A whole simulated car, from plug-in to unplug: pilot, modem, matching, IPv6, discovery, TCP and
session.

A machine (docs/design.md) that also runs on MicroPython. What is between it and a station is a
cable: `send(modem, data, now)` takes what its modem puts on the powerline, line_rx() brings what
others put there; `load` is what the pilot of the station feels, pilot() is what the car sees of it.
"""

from firmware.clock import sooner, ticks_add, ticks_diff
from firmware.net import tls_stage
from firmware.net.stack import ACCEPTED, ADDRESS, CLOSED, CONFLICT
from firmware.slac.evse import FAILED, LINK_LOST, LINK_UP
from host_tools.ev.evcc import Evcc
from host_tools.ev.slac import EvSlac
from host_tools.ev.stack import NO_STATION, STATION, CarStack
from host_tools.ev.states import CABLE_CHECK, LOOP, OVER, PRECHARGE, START, STOP
from micropython import const
from twin import cable as wire
from twin.modem import PEV, Modem

# Phases.
OUT = const(0)  # not plugged in
WAITING = const(1)  # for 5 % (or, without ISO 15118, for a nominal duty)
MATCHING = const(2)
ADDRESSING = const(3)
DISCOVERING = const(4)
CONNECTING = const(5)
SESSION = const(6)
CHARGING = const(7)  # by the pilot alone
OVER_ = const(8)  # the session is over, the plug still in
RESTING = const(9)  # the session is paused
ASLEEP = const(10)  # and the modem is off
TOGGLE = const(11)  # B-C-B wakes the station
REJOIN = const(12)  # for 5 %
_OFFLINE = (ASLEEP, TOGGLE, REJOIN)
PHASE_NAMES = (
    "unplugged", "plugged in", "matching", "address", "discovery", "connecting", "session", "charging", "over",
    "paused", "asleep", "waking the station", "waiting for 5 %",
)  # fmt: skip

_B_OHM = const(2740)
_C_OHM = const(882)
_SETUP_MS = const(20000)  # V2G_EVCC_CommunicationSetup_Timeout; a small station takes seconds for its handshake
_FRAME = const(1522)
_FRAMES = const(32)  # in one poll
_READ = const(512)
_HLC_LOW, _HLC_HIGH = const(30), const(70)  # permille that mean 5 %
_NOMINAL_LOW, _NOMINAL_HIGH = const(80), const(970)
_STEADY = const(1000)  # no PWM: nothing may be drawn
_TLS, _PLAIN = const(0x00), const(0x10)  # security byte of discovery
_DOZE_MS = const(2000)  # from the end of the session to the modem off
_RESUME_MS = const(6000)  # T_conn_resume
_HALF_MS = const(300)  # half of a toggle
_CLOSED_STATES = (CABLE_CHECK, PRECHARGE, START, LOOP, STOP)  # of the session: the pilot says C


class Car:
    """cfg: options.DEFAULTS with changes. mac: 6 bytes of its host; its modem has the next one.
    rand(n), wall(): as in Evcc. trace: message() of the session, note(now, text, value). tls: a
    net.tls_stage.TlsStage with a client's engine, for a car that speaks nothing but TLS. `load`:
    (ohm, flags, pp_ohm) of twin.cable; `done` once it is unplugged after all; `ok`, `why`: how it
    ended."""

    def __init__(self, cfg, mac, cable, rand, wall, trace, tls=None):
        self.cfg = cfg
        self.tls = tls
        self.modem = Modem(mac[:5] + bytes((mac[5] + 1 & 0xFF,)), PEV, cable, rand)
        faults = [cfg["slac_fault"]] if cfg["slac_fault"] else []
        self.slac = EvSlac({"faults": faults, "sounds": cfg["sounds"]}, mac, rand, trace)
        self.net = CarStack(mac, rand, trace, security=_PLAIN if tls is None else _TLS)
        self.evcc = Evcc(cfg, wall, trace)
        self.phase = OUT
        self.load = (wire.OPEN, 0, cfg["pp_ohm"])
        self.duty = -1  # permille as seen; -1 = nothing yet
        self.ok = False
        self.why = ""
        self.done = False
        self._trace = trace
        self._buf = bytearray(_FRAME)
        self._in = bytearray(_READ)
        self._out = bytearray(4104)
        self._at = self._n = 0
        self._now = 0
        self._due = None
        self._stop = False
        self._steady = False  # the station has taken 5 % away
        self._wake_at = 0

    # -- the cable

    def line_rx(self, data, now):
        if self.phase not in _OFFLINE:
            self.modem.line_rx(data, now)

    def pilot(self, duty_permille, now):
        """What the car sees on the pilot."""
        self.duty = duty_permille
        if not self._digital():
            self._steady = True

    # -- the machine contract

    def start(self, now):
        """Plug in."""
        self.ok = self.done = False
        self.why = ""
        self.modem.start(now)
        self._go(WAITING, now, self.cfg["patience_ms"])

    @property
    def due(self):
        if self.phase in _OFFLINE:
            return self._due
        if self.modem.waiting:
            return self._now  # a modem hands over at once what it has, and forgets it when it restarts
        due = sooner(self._due, self.modem.due)
        due = sooner(sooner(due, self.slac.due), self.net.due)
        if self.tls:
            due = sooner(due, self.tls.due)
        return sooner(due, self.evcc.due) if self.phase == SESSION else due

    def poll(self, now):
        self._now = now
        if self.phase in _OFFLINE:
            self._sleep(now)
            self._load()
            if self.phase in _OFFLINE:
                return
        self._receive(now)  # before the modem may restart
        self.modem.poll(now)
        self._receive(now)
        self.slac.poll(now)
        self._slac_events(now)
        self.net.poll(now)
        self._net_events(now)
        if self.phase == CONNECTING and self.tls and self.tls.phase == tls_stage.SHAKING:
            self._secure(now)
        if self.phase == SESSION:
            self._session(now)
        elif self.phase in (WAITING, CHARGING):
            self._by_pilot(now)
        if self._due is not None and ticks_diff(now, self._due) >= 0:
            self._due = None
            self._expired(now)
        self._transmit(now)
        self._load()

    def request_stop(self):
        """The driver wants to end."""
        if self.phase == SESSION:
            self.evcc.request_stop()
        elif self.phase not in (OUT, OVER_):
            self._stop = True

    def unplug(self, now, why="unplugged"):
        """Pull the plug, whatever goes on."""
        if self.phase == SESSION:
            self.evcc.lost(now)
        self.net.stop(now)
        self.why = self.why or why
        self._go(OUT, now)
        self._load()
        self.done = True

    def _digital(self):
        """The pilot has 5 %."""
        return _HLC_LOW <= self.duty <= _HLC_HIGH

    # -- inside

    def _receive(self, now):
        for _ in range(_FRAMES):
            frame = self.modem.host_next()
            if frame is None:
                break
            self._frame(frame, now)

    def _transmit(self, now):
        for machine in (self.slac, self.net):
            for _ in range(_FRAMES):
                n = machine.tx(self._buf)
                if not n:
                    break
                if n < 60:
                    self._buf[n:60] = bytes(60 - n)
                    n = 60
                self.modem.host_rx(self._buf, n, now)

    def _go(self, phase, now, wait_ms=None):
        self.phase = phase
        self._due = None if wait_ms is None else ticks_add(now, wait_ms)
        self._trace.note(now, "car: " + PHASE_NAMES[phase])

    def _end(self, ok, why, now):
        self.ok = ok
        self.why = why
        self._go(OVER_, now, self.cfg["unplug_after_ms"])

    def _load(self):
        ohm = _B_OHM
        if (
            (self.phase == SESSION and self.evcc.state in _CLOSED_STATES)
            or (self.phase == CHARGING and self._due is not None)
            or self.slac.toggling
            or self.phase == TOGGLE
        ):
            ohm = _C_OHM
        flags = wire.PLUGGED
        if self.cfg["diode_shorted"]:
            flags |= wire.SHORTED_DIODE
        if self.phase == OUT or not self.cfg["plugged"]:
            ohm, flags = wire.OPEN, 0
        if self.load[0] != ohm or self.load[1] != flags:
            self.load = (ohm, flags, self.cfg["pp_ohm"])

    def _frame(self, frame, now):
        n = len(frame)
        if frame[12] == 0x88 and frame[13] == 0xE1:
            self.slac.rx(frame, n, now)
        else:
            self.net.rx(frame, n, now)

    def _by_pilot(self, now):
        """A car without a session follows the duty (IEC 61851-1)."""
        nominal = _NOMINAL_LOW <= self.duty <= _NOMINAL_HIGH
        if self.phase == WAITING:
            if self._stop:
                self._end(False, "stopped before it began", now)
            elif self._digital() and self.cfg["iso15118"]:
                self.slac.start(now)
                self._go(MATCHING, now)
            elif nominal:
                self._go(CHARGING, now, self.cfg["duration_ms"] or 3000)
        elif self.duty == _STEADY:  # it takes no current, and goes on when the station offers some again
            self._go(WAITING, now, self.cfg["patience_ms"])
        elif not nominal:
            self._end(False, "the station took the duty away", now)

    def _slac_events(self, now):
        event = self.slac.event()
        while event:
            if event == LINK_UP and self.phase == MATCHING:
                self.net.start(now)
                self._go(ADDRESSING, now, 5000)
            elif event == FAILED and self.phase == MATCHING:
                if self.cfg["basic"] and self.cfg["service"].startswith("AC"):
                    self._go(WAITING, now, self.cfg["patience_ms"])
                    self.cfg = dict(self.cfg, iso15118=False)
                else:
                    self._end(False, "matching failed", now)
            elif event == LINK_LOST and self.phase in (ADDRESSING, DISCOVERING, CONNECTING, SESSION):
                self._lose("data link lost", now)
            event = self.slac.event()

    def _net_events(self, now):
        net = self.net
        event = net.event()
        while event:
            if event == ADDRESS and self.phase == ADDRESSING:
                net.discover(now)
                self._go(DISCOVERING, now)
            elif event == CONFLICT:
                self._lose("address conflict", now)
            elif event == STATION:
                if net.security != (_PLAIN if self.tls is None else _TLS):
                    self._lose("the station has no TLS" if self.tls else "the station wants TLS", now)
                else:
                    net.connect()
                    self._go(CONNECTING, now, 5000)
            elif event == NO_STATION:
                self._lose("no station answers discovery", now)
            elif event == ACCEPTED and net.which == 0:
                if self.tls:
                    self._due = ticks_add(now, _SETUP_MS)
                    self.tls.open(net.conns[0], now)
                else:
                    self._begin(now)
            elif event == CLOSED and net.which:
                pass  # of a second connection, as a laboratory may add
            elif event == CLOSED and self.phase == SESSION:
                self._read(now)
                self.evcc.lost(now)
            elif event == CLOSED and self.phase == CONNECTING:
                self._lose("connection refused", now)
            event = net.event()

    def _secure(self, now):
        """The handshake goes on while the phase is CONNECTING."""
        self.tls.pump(now)
        if self.tls.phase == tls_stage.OPEN:
            self._due = None
            self._begin(now)
        elif self.tls.phase == tls_stage.FAILED:
            self._lose("no TLS with this station", now)

    def _begin(self, now):
        self.evcc.start(now, self.evcc.paused)
        self._at = self._n = 0
        self._go(SESSION, now)
        if self._stop:
            self.evcc.request_stop()

    def _lose(self, why, now):
        if self.phase == SESSION:
            self.evcc.lost(now)
        self.net.stop(now)
        self._end(False, why, now)

    def _read(self, now):
        conn = self.tls or self.net.conns[0]
        while conn.readable():
            n = conn.read(self._in)
            self.evcc.rx(self._in, n, now)

    def _session(self, now):
        conn, evcc = self.tls or self.net.conns[0], self.evcc
        self._read(now)
        if conn.at_end:
            evcc.lost(now)
        evcc.poll(now)
        while True:
            if self._at == self._n:
                self._at, self._n = 0, evcc.tx(self._out)
                if not self._n:
                    break
            took = conn.write(self._out, self._at, self._n - self._at)
            self._at += took
            if not took:
                break
        if evcc.state == OVER:
            conn.close()
            if evcc.paused:
                self.slac.sleep()
                self._steady = False
                self._wake_at = ticks_add(now, self.cfg["pause_ms"])
                self._go(RESTING, now, _DOZE_MS)
            else:
                self._end(evcc.ok, evcc.why, now)

    def _sleep(self, now):
        """The modem is off; the pilot is looked at."""
        over = ticks_diff(now, self._due) >= 0
        woken = self._digital() and self._steady  # by the station
        if self.phase == ASLEEP and (over or self._stop) and not woken:
            self._go(TOGGLE, now, _HALF_MS)
        elif self.phase == TOGGLE and over:
            self._go(REJOIN, now, _RESUME_MS)
        elif self.phase != TOGGLE and woken:
            self.modem.start(now)
            self.slac.wake(now)
            self._go(MATCHING, now)
        elif self.phase == REJOIN and over:
            self._end(False, "the station does not wake up", now)

    def _expired(self, now):
        if self.phase == OVER_:
            self.unplug(now)
        elif self.phase == RESTING:
            self.net.stop(now)
            self._go(ASLEEP, now, max(0, ticks_diff(self._wake_at, now)))
        elif self.phase == CHARGING:
            self._end(True, "charged by the pilot alone", now)
        else:
            self._lose("stuck in " + PHASE_NAMES[self.phase], now)
