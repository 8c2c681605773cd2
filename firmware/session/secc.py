"""The session machine of the station: V2GTP bytes in, V2GTP bytes out.

docs/design.md, what happens, has the picture.

One object for the life of the process, one connection at a time. It owns the cutter, the facts and
the timers. What to do with a request is in the steps of the dialect that SupportedAppProtocol has
chosen (`dialects.py`); nothing here knows a message. Every way out of a session goes through
`_off`, which opens the contactor.
"""

from codec import exi, v2gtp
from firmware.buffers import buffer
from firmware.clock import sooner, ticks_add, ticks_diff
from firmware.session import dialects, sap
from firmware.session.codes import ASK_OFF, WAIT
from firmware.session.facts import NO_ID, Facts, PeerError
from firmware.session.paused import Paused
from firmware.session.states import ENDED, FAILED, IDLE, SAP
from micropython import const

CLOSE = const(1)  # event: send what is left, then close TCP

_RETRY_MS = const(20)  # a handler that waits for the power stage is asked again
_UNTAKEN_MS = const(1000)  # an answer that nobody has taken by then is cut off with the car's time (R-TIMERS-02)
_FAULT_MS = const(2000)  # behind a fault of the station the car may still ask, and reads why (R-STATUS-04, -07)
_OUT = const(4096)  # largest answer without Plug & Charge is below 1 kB
_TO_CAR = const(1)
_FROM_CAR = const(0)
# Here and not where it is asked: a tuple of imported names is made anew each time.
_OVER = (IDLE, ENDED, FAILED)
_LATCHED = (ENDED, FAILED)


class Secc:
    """cfg: dict of app/config; power: app/power.Power; rand(n) -> bytes from the hardware
    generator; wall() -> Unix seconds; trace: firmware/trace.Trace."""

    def __init__(self, cfg, power, rand, wall, trace):
        self.cfg = cfg
        self.power = power
        self.state = IDLE
        self.facts = Facts(cfg, self._draw_id, self._join, self._steer)
        self.paused = Paused(
            cfg["pause_max_s"] * 1000, trace
        )  # it goes with this object: a fault of ours keeps nothing
        self._rand = rand
        self._wall = wall
        self._trace = trace
        self._cutter = v2gtp.Cutter(make=lambda n: buffer("request", n))
        self._out = buffer("answer", _OUT)
        self._last_id = b""
        self._speak(dialects.DIALECTS[0])
        self._idle(0)

    def _idle(self, now):
        self._now = now
        self._entered = now
        self._out_n = 0
        self._event = 0
        self._deadline = None  # of the timer that runs; what it means follows from the state
        self._timer_ms = 0  # of the answer at hand; it begins when the answer has left
        self._left = None  # tick of the turn in which that was
        self._surplus = False  # the car sends zero bytes behind its requests
        self._retry = None
        self._req = None  # request under way: message id, value, first seen
        self._msg = 0
        self._again = None  # what goes on with it in place of its handler
        self._req_at = now
        self._wish_at = None

    # -- the machine contract

    def start(self, now, vehicle=None, leaf=None):
        """A TCP connection was accepted. vehicle: the name in the vehicle certificate that TLS 1.3
        has checked (the EVCCID, [V2G20-2598]); None without TLS. leaf: SHA-256 of that certificate;
        without it nothing is paused or joined."""
        self.facts = f = Facts(self.cfg, self._draw_id, self._join, self._steer)
        f.vehicle_name = vehicle
        f.vehicle_cert_sha256 = leaf if vehicle is not None else None
        f.secure = vehicle is not None
        self._off(now)  # whatever the session before has left: new facts ask for nothing
        self._cutter.reset()
        self._speak(dialects.DIALECTS[0])  # refuses what comes before SupportedAppProtocol
        self._idle(now)
        self._go(SAP, now)
        # R-SDP-08, R-TIMERS-04: the set-up timer covers everything up to the SessionSetup answer.
        self._deadline = ticks_add(now, self.cfg["setup_timeout_ms"])

    def rx(self, buf, n, now):
        """n bytes from the car. More than the buffer holds while an answer is due ends the session
        (R-V2GTP-07)."""
        at = 0
        self._now = now
        self._begin_timer(now)
        while at < n and self.state != IDLE and not self._event:
            taken = self._cutter.feed(buf, at, n - at)
            at += taken
            self._work(now)
            if not taken and at < n:
                self._end(now, "flooded by the car")

    def poll(self, now):
        """Fire what is due, whatever has come from the car (R-TIMERS-06)."""
        self._now = now
        self._begin_timer(now)
        f = self.facts
        self.power.measure(f, now)
        self.paused.poll(now)
        if self.state == IDLE:
            return
        if f.station.fault and f.wanted.ask != ASK_OFF:
            self._off(now)  # the power goes first, the word comes with the next answer (R-STATUS-07)
            self._trace.note(now, "station fault", f.station.fault)
        if f.station.pilot_cut and f.wanted.ask != ASK_OFF:
            self._off(now)  # it is off already; what is asked must say so too
            self._trace.note(now, "pilot left state C: power off")
        if self._req is not None and self._retry is not None and ticks_diff(now, self._retry) >= 0:
            self._step(now)
        if self._deadline is not None and ticks_diff(now, self._deadline) >= 0:
            self._timeout(now)
        self._work(now)

    def tx(self, out):
        """The next whole V2GTP message into out; 0 = nothing to send. out holds at least 4 kB."""
        n = self._out_n
        if n:
            out[0:n] = memoryview(self._out)[0:n]
            self._out_n = 0
            if self._timer_ms:
                self._left = self._now
        return n

    @property
    def due(self):
        """Tick of the next poll, or None."""
        due = sooner(self.power.due, self.paused.due)
        if self.state == IDLE:
            return due
        due = sooner(due, sooner(self._deadline, self._retry))
        if self._left is not None:
            due = sooner(due, ticks_add(self._left, 1))
        if not self._out_n and self._req is None and self._cutter.waiting() >= v2gtp.HEADER:
            due = self._now  # an early request waits; its turn is now that the answer is out
        return due

    def event(self):
        """CLOSE once when the connection must go; else 0."""
        e = self._event
        self._event = 0
        return e

    def lost(self, now):
        """The car closed TCP, or the connection broke: that is a stop (R-STOP-10)."""
        if self.state != IDLE:
            if self.state not in _LATCHED:
                self._trace.note(now, "connection lost")
            self._off(now)
            self._go(IDLE, now)
            self._idle(now)

    # -- the station's side

    def request_stop(self, now):
        """The station wants to end: Terminate in every loop answer from now on (R-STATUS-02)."""
        if self.state not in _OVER:
            self.facts.stop_asked = True

    def fault(self, now):
        """An error of our own: power off, FAILED to the request under way, session over
        (R-ERRORS-09). For safe.py."""
        self._off(now)
        self.paused.forget(now, "fault of the station")
        if self._req is not None:
            self._answer(self._blank(self.dialect.FAILED), now)
        self._retry = None
        self._stop_timer()
        self._deadline = ticks_add(now, self.cfg["tcp_hold_ms"])
        self._go(FAILED, now)

    def out_of_service(self, now):
        """The hardware of the station has a fault: power off. The guards refuse what the car asks
        next with the code of the fault; without a request the connection ends in 2 s (R-STATUS-04,
        R-STATUS-07)."""
        self._off(now)
        self.paused.forget(now, "fault of the station")
        if self.state not in _OVER and not self._event:
            self._stop_timer()
            self._deadline = ticks_add(now, _FAULT_MS)

    @property
    def established(self):
        """True from the answer to SessionSetup to the end of the session."""
        state = self.state
        return state not in _OVER and state != SAP and state != self.dialect.FIRST

    @property
    def session_over(self):
        """True while no session is open."""
        return self.state in _OVER

    # -- inside

    def _speak(self, dialect):
        """The one writer of `dialect`."""
        self.dialect = dialect
        self._cutter.types = dialect.PAYLOADS

    def _go(self, state, now):
        """The one writer of `state`."""
        if state != self.state:
            self._entered = now
        self.state = state

    def _begin_timer(self, now):
        """The answer has left in an earlier turn: the car's time begins. Not in the turn itself,
        whose tick is from before decoding and encoding (R-TIMERS-05, R-TIMERS-10)."""
        if self._left is not None and now != self._left:
            self._deadline = ticks_add(now, self._timer_ms)
            self._stop_timer(False)

    def _stop_timer(self, running=True):
        """No answer is waited for any more; running: nor for the car."""
        self._left = None
        self._timer_ms = 0
        if running:
            self._deadline = None

    def _off(self, now):
        self.facts.ask_off()
        self.power.apply(self.facts, now)

    def _end(self, now, why):
        """End without an answer: power off, connection closed."""
        self._trace.note(now, why)
        self._off(now)
        self._spoil(now)
        self._req = None
        self._retry = None
        self._stop_timer()
        self._event = CLOSE
        self._go(FAILED, now)

    def _spoil(self, now):
        """A failure in a session leaves nothing to join (R-SESSION-08). Before there is one a
        stranger could be at fault."""
        if self.facts.session.id is not NO_ID:
            self.paused.forget(now, "the session has failed")

    def _timeout(self, now):
        self._stop_timer()
        if self.state in _LATCHED:
            self._off(now)
            self._event = CLOSE
        elif self.facts.station.fault and self.established:
            self._end(now, "closed by the fault")
        elif self.established:
            self._end(now, "sequence timeout")  # R-TIMERS-01, R-TIMERS-02
        else:
            self._end(now, "no session within the set-up time")

    def _work(self, now):
        """Take requests while none is under way and no answer waits: half-duplex (R-V2GTP-07)."""
        while self._req is None and not self._out_n and self.state != IDLE and not self._event:
            kind = self._cutter.next()
            if kind == v2gtp.MORE:
                return
            if kind < 0:
                self._end(now, "stream is not V2GTP")  # R-V2GTP-02
                return
            self._message(kind, now)

    def _message(self, kind, now):
        c = self._cutter
        self._trace.message(now, _FROM_CAR, kind, c.buf, c.at, c.n, self.state)
        try:  # not by functions of their own: decoding is the deepest that the C stack goes on a board
            if kind == v2gtp.SAP and self.state == SAP:
                msg, value = exi.decode_here(exi.SAP, c.buf, c.at, c.n)
            else:
                msg, value = self.dialect.decode(kind, c.buf, c.at, c.n)
        except exi.ExiError as e:
            self._end(now, "not decodable: " + str(e))  # R-ERRORS-07
            return
        if exi.surplus[0] and not self._surplus:
            self._surplus = True  # a car that does it does it always: once is enough
            self._trace.note(now, "zero bytes behind a request", exi.surplus[0])  # R-ERRORS-11
        if msg != sap.REQUEST and self.dialect.answers(msg) is None:
            self._end(now, "not a request")
            return
        if self.established:
            self._stop_timer()  # on a complete request: our own time is not counted (R-TIMERS-05)
        self._req = value
        self._msg = msg
        self._req_at = now
        self._again = None
        self._step(now)

    def _step(self, now):
        """Ask the handler of the request under way, or what it has left to go on with."""
        f = self.facts
        self._now = now
        self._retry = None
        f.unix_s = self._wall()
        f.in_state_ms = ticks_diff(now, self._entered)
        f.waited_ms = ticks_diff(now, self._req_at)
        if f.stop_wish:
            if self._wish_at is None:
                self._wish_at = now
            f.stop_wish_ms = ticks_diff(now, self._wish_at)
        self.power.measure(f, now)
        if self.state == SAP and self._msg == sap.REQUEST:
            self._negotiate(now)
            return
        try:
            _, _, handler, guards, leads_to, timer = self._row()
            for guard in guards:
                guard(f)
            answer, then = (self._again or handler)(f, self._req)
        except PeerError as e:
            self._refuse(e.code, e.note, now)
            return
        if answer == WAIT:
            self.power.apply(f, now)
            self._again = then
            self._retry = ticks_add(now, _RETRY_MS)
            return
        if then not in leads_to:
            # A fault of ours: nothing is asked of the power path, the answer is FAILED
            # (run/safe.py).
            raise AssertionError("%s leads to %s" % (dialects.state_name(self.state), dialects.state_name(then)))
        self.power.apply(f, now)  # before the answer: off is off when the car reads of it (R-ERRORS-03)
        self._answer(answer, now)
        self._go(then, now)
        self._timer_ms = self.cfg[timer]
        self._deadline = ticks_add(now, self._timer_ms + _UNTAKEN_MS)
        note, keep = f.left()
        if note:
            self._trace.note(now, note)
        if keep:
            self.paused.keep(f, keep, self.dialect, now)

    def _row(self):
        """The row of the request under way, after what every request must have; PeerError if there
        is none."""
        msg = self._msg
        if msg != sap.REQUEST:
            self.dialect.check(self.facts, msg, self._req)
        for row in self.dialect.STEPS:
            if row[1] == msg and self.state in row[0]:
                return row
        raise PeerError(self.dialect.OUT_OF_ORDER, "request out of order")

    def _negotiate(self, now):
        """SupportedAppProtocol: the set-up timer goes on; without a common protocol there is
        nothing to wait for (R-SAP-04)."""
        answer, dialect = sap.choose(self.facts, self._req)
        self._answer(answer, now)
        if dialect is None:
            self._deadline = None
            self._event = CLOSE
            self._go(ENDED, now)
        else:
            self._speak(dialect)
            self._go(dialect.FIRST, now)

    def _steer(self):
        self.power.apply(self.facts, self._now)

    def _join(self, offered):
        return self.paused.take(offered, self.facts, self.dialect, self._now)

    def _draw_id(self, offered):
        """Eight random bytes: not zero, not the offered ones, not the last ones (R-SESSION-01,
        R-SESSION-04)."""
        while True:
            new = self._rand(8)
            if new != NO_ID and new != bytes(offered) and new != self._last_id:
                self._last_id = new
                return new

    def _refuse(self, code, note, now):
        """Power off, then the answer of the right type with the code and every mandatory field
        (R-ERRORS-01..03)."""
        self._trace.note(now, "refused: " + note)
        self._off(now)
        self._spoil(now)
        self._answer(self._blank(code), now)
        if self.state != ENDED:
            if self.state != FAILED:
                self._stop_timer()
                self._deadline = ticks_add(now, self.cfg["tcp_hold_ms"])
            self._go(FAILED, now)

    def _blank(self, code):
        if self._msg == sap.REQUEST:
            return sap.refused()
        return self.dialect.blank(self.facts, self._msg, code)

    def _answer(self, value, now):
        if self._msg == sap.REQUEST:
            msg, kind = sap.ANSWER, v2gtp.SAP
        else:
            msg = self.dialect.answers(self._msg)
            kind = self.dialect.payload_of(msg)
        out = self._out
        n = exi.encode(msg, value, out, v2gtp.HEADER)
        self._cutter.release()  # of the request: views of it, which the answer may have had, end here
        v2gtp.write_header(out, 0, kind, n)
        self._out_n = v2gtp.HEADER + n
        self._req = None
        self._trace.message(now, _TO_CAR, kind, out, v2gtp.HEADER, n, self.state)
