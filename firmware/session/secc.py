"""The session machine of the station: V2GTP bytes in, V2GTP bytes out (docs/design.md, what happens).

One object for the life of the process, one connection at a time. It owns the cutter, the facts and the timers; what to
do with a request is in `steps.STEPS`. Every way out of a session goes through `_off`, which opens the contactor.
"""

from codec import exi, v2gtp
from codec.slots import (
    MSG,
    MessageHeader,
    ResponseCode,
)
from firmware.buffers import buffer
from firmware.clock import sooner, ticks_add, ticks_diff
from firmware.session import facts as _f
from firmware.session import reply, steps
from firmware.session.facts import Facts, PeerError
from firmware.session.paused import Paused, same
from firmware.session.states import (
    AC_LOOP,
    CABLE_CHECK,
    DC_LOOP,
    ENDED,
    FAILED,
    IDLE,
    SAP,
    SETUP,
    WELDING,
)
from micropython import const

CLOSE = const(1)  # event: send what is left, then close TCP

_RETRY_MS = const(20)  # a handler that waits for the power stage is asked again
_OUT = const(4096)  # largest answer without Plug & Charge is below 1 kB
_TO_CAR = const(1)
_FROM_CAR = const(0)
_HEADER_SLOT = const(0)
_CONTACTOR_FAULTS = (1, 2)  # stuck open, welded (drivers/contactor.py)
_OVER = (IDLE, ENDED, FAILED)  # here and not where it is asked: a tuple of imported names is made anew each time
_LOOPS = (MSG.AC_ChargeLoopRes, MSG.DC_ChargeLoopRes)


class Secc:
    """cfg: dict of app/config; power: app/power.Power; rand(n) -> bytes from the hardware generator; wall() -> Unix
    seconds; trace: firmware/trace.Trace."""

    def __init__(self, cfg, power, rand, wall, trace):
        self.cfg = cfg
        self.power = power
        self.state = IDLE
        self.facts = Facts(cfg)
        self.paused = Paused(
            cfg["pause_max_s"] * 1000, trace
        )  # it goes with this object: a fault of ours keeps nothing
        self._rand = rand
        self._wall = wall
        self._trace = trace
        self._cutter = v2gtp.Cutter(make=lambda n: buffer("request", n))
        self._out = buffer("answer", _OUT)
        self._last_id = b""
        self._idle(0)

    def _idle(self, now):
        self._now = now
        self._entered = now
        self._out_n = 0
        self._event = 0
        self._deadline = None  # of the timer that runs; what it means follows from the state
        self._retry = None
        self._req = None  # request under way: message id, value, first seen
        self._msg = 0
        self._req_at = now
        self._wish_at = None

    # -- the machine contract

    def start(self, now, vehicle=None, leaf=None):
        """A TCP connection was accepted. vehicle: the name in the vehicle certificate that TLS 1.3 has checked (the EVCCID,
        [V2G20-2598]); None without TLS. leaf: SHA-256 of that certificate; without it nothing is paused or joined."""
        self.facts.clear()
        self.facts.vehicle = vehicle
        self.facts.leaf = leaf if vehicle is not None else None
        self.facts.secure = vehicle is not None
        self._cutter.reset()
        self._idle(now)
        self._go(SAP, now)
        # R-SDP-08, R-TIMERS-04: the set-up timer covers everything up to the SessionSetup answer.
        self._deadline = ticks_add(now, self.cfg["setup_timeout_ms"])

    def rx(self, buf, n, now):
        """n bytes from the car. More than the buffer holds while an answer is due ends the session (R-V2GTP-07)."""
        at = 0
        self._now = now
        while at < n and self.state != IDLE and not self._event:
            taken = self._cutter.feed(buf, at, n - at)
            at += taken
            self._work(now)
            if not taken and at < n:
                self._end(now, "flooded by the car")

    def poll(self, now):
        """Fire what is due."""
        self._now = now
        f = self.facts
        self.power.measure(f, now)
        self.paused.poll(now)
        if self.state == IDLE:
            return
        if f.fault and f.ask != _f.ASK_OFF:
            self._off(now)  # the power goes first, the word comes with the next answer (R-STATUS-07)
            self._trace.note(now, "station fault", f.fault)
        if f.cut and f.ask != _f.ASK_OFF:
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
        return n

    @property
    def due(self):
        """Tick of the next poll, or None."""
        due = sooner(self.power.due, self.paused.due)
        if self.state == IDLE:
            return due
        due = sooner(due, sooner(self._deadline, self._retry))
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
            if self.state not in (ENDED, FAILED):
                self._trace.note(now, "connection lost")
            self._off(now)
            self._go(IDLE, now)
            self._idle(now)

    # -- the station's side

    def request_stop(self, now):
        """The station wants to end: Terminate in every loop answer from now on (R-STATUS-02)."""
        if self.state not in (IDLE, ENDED, FAILED):
            self.facts.stop_wish = True

    def fault(self, now):
        """An error of our own: power off, FAILED to the request under way, session over (R-ERRORS-09). For safe.py."""
        self._off(now)
        self.paused.forget(now, "fault of the station")
        if self._req is not None:
            self._answer(reply.blank(self.facts, reply.RESPONSE_OF[self._msg], ResponseCode.FAILED), now)
        self._retry = None
        self._go(FAILED, now)

    @property
    def established(self):
        """True from the answer to SessionSetup to the end of the session."""
        return SETUP < self.state < ENDED

    @property
    def session_over(self):
        """True while no session is open."""
        return self.state in _OVER

    # -- inside

    def _go(self, state, now):
        """The one writer of `state`."""
        if state != self.state:
            self._entered = now
        self.state = state

    def _off(self, now):
        self.facts.ask = _f.ASK_OFF
        self.power.apply(self.facts, now)

    def _end(self, now, why):
        """End without an answer: power off, connection closed."""
        self._trace.note(now, why)
        self._off(now)
        self._spoil(now)
        self._req = None
        self._retry = None
        self._deadline = None
        self._event = CLOSE
        self._go(FAILED, now)

    def _spoil(self, now):
        """What goes wrong behind SessionSetup leaves nothing to join (R-SESSION-08). Before it a stranger could be at fault."""
        if self.state > SETUP:
            self.paused.forget(now, "the session has failed")

    def _timeout(self, now):
        self._deadline = None
        if self.state in (ENDED, FAILED):
            self._off(now)
            self._event = CLOSE
        elif self.state in (SAP, SETUP):
            self._end(now, "no session within the set-up time")
        else:
            self._end(now, "sequence timeout")  # R-TIMERS-01, R-TIMERS-02

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
        try:
            msg, value = self._decode(kind, c.buf, c.at, c.n)
        except exi.ExiError as e:
            self._end(now, "not decodable: " + str(e))  # R-ERRORS-07
            return
        if msg not in reply.RESPONSE_OF:
            self._end(now, "not a request")
            return
        if self.state not in (SAP, SETUP, ENDED, FAILED):
            self._deadline = None  # the timer stops on a complete request and our own time is not counted (R-TIMERS-05)
        self._req = value
        self._msg = msg
        self._req_at = now
        self._step(now)

    def _decode(self, kind, buf, at, n):
        if kind == v2gtp.SAP and self.state != SAP:
            # A known field deviation: CertificateInstallationReq framed as SAP (R-V2GTP-05).
            try:
                found = exi.decode(exi.CM, buf, at, n)  # a copy: it may have to be decoded once more
                if found[0] == MSG.CertificateInstallationReq:
                    return found
            except exi.ExiError:
                pass
        return exi.decode_here(exi.schema_of(kind), buf, at, n)

    def _step(self, now):
        """Run the handler of the request under way; None from it means: not yet, ask again."""
        f = self.facts
        msg = self._msg
        self._retry = None
        f.unix_s = self._wall()
        f.in_state_ms = ticks_diff(now, self._entered)
        f.waited_ms = ticks_diff(now, self._req_at)
        if f.stop_wish:
            if self._wish_at is None:
                self._wish_at = now
            f.stop_wish_ms = ticks_diff(now, self._wish_at)
        self.power.measure(f, now)
        try:
            row = self._row(msg, now)
            result = row[2](f, self._req)
        except PeerError as e:
            self._refuse(e.args[0], e.args[1], now)
            return
        if msg == MSG.SessionSetupReq and f.secure and f.ev_id != f.vehicle:
            self._trace.note(now, "the EVCCID is not the name in the vehicle certificate")
        self.power.apply(f, now)  # before the answer: off is off when the car reads of it (R-ERRORS-03)
        if result is None:
            self._retry = ticks_add(now, _RETRY_MS)
            return
        self._answer(result[0], now)
        self._go(result[1], now)
        self._arm(reply.RESPONSE_OF[msg], now)

    def _row(self, msg, now):
        """The row of the steps table, after the checks that every request has in common."""
        f = self.facts
        if msg not in (MSG.supportedAppProtocolReq, MSG.SessionSetupReq):
            header = self._req[_HEADER_SLOT]
            if not same(header[MessageHeader.SessionID], f.session_id):
                raise PeerError(ResponseCode.FAILED_UnknownSession, "unknown session id")  # R-SESSION-03
        row = steps.find(self.state, msg)
        if row is None:
            raise PeerError(ResponseCode.FAILED_SequenceError, "request out of order")
        if f.fault and msg != MSG.SessionStopReq and self.state >= CABLE_CHECK:
            contactor = f.fault in _CONTACTOR_FAULTS
            code = ResponseCode.FAILED_ContactorError if contactor else ResponseCode.FAILED
            raise PeerError(code, "contactor fault" if contactor else "station fault")
        if f.cut and CABLE_CHECK <= self.state < WELDING and msg not in (MSG.PowerDeliveryReq, MSG.SessionStopReq):
            # R-DC-SAFETY-07: the phase is over. A stop that follows is an orderly one (R-POWER-10).
            raise PeerError(ResponseCode.FAILED, "pilot left state C")
        if msg == MSG.SessionSetupReq:
            offered = self._req[_HEADER_SLOT][MessageHeader.SessionID]
            f.new_id = self._fresh_id(offered)
            f.old = self.paused.take(offered, f, now)
        return row

    def _fresh_id(self, offered):
        """Eight random bytes: not zero, not the offered ones, not the last ones (R-SESSION-01, R-SESSION-04)."""
        while True:
            new = self._rand(8)
            if new != b"\x00" * 8 and new != bytes(offered) and new != self._last_id:
                self._last_id = new
                return new

    def _refuse(self, code, note, now):
        """Power off, then the answer of the right type with the code and every mandatory field (R-ERRORS-01..03)."""
        res_msg = reply.RESPONSE_OF[self._msg]
        self._trace.note(now, "refused: " + note)
        self._off(now)
        self._spoil(now)
        self._answer(reply.blank(self.facts, res_msg, code), now)
        if self.state != ENDED:
            if self.state != FAILED:
                self._deadline = ticks_add(now, self.cfg["tcp_hold_ms"])
            self._go(FAILED, now)

    def _answer(self, value, now):
        res_msg = reply.RESPONSE_OF[self._msg]
        kind = exi.payload_type(res_msg)
        out = self._out
        n = exi.encode(res_msg, value, out, v2gtp.HEADER)
        self._cutter.release()  # of the request: views of it, which the answer may have had, end here
        v2gtp.write_header(out, 0, kind, n)
        self._out_n = v2gtp.HEADER + n
        self._req = None
        self._trace.message(now, _TO_CAR, kind, out, v2gtp.HEADER, n, self.state)

    def _arm(self, res_msg, now):
        """Start the timer that follows this answer."""
        cfg = self.cfg
        state = self.state
        if state == ENDED:
            # The car closes first; without a session there is nothing to wait for (R-STOP-03, R-SAP-04).
            if res_msg == MSG.SessionStopRes:
                self._deadline = ticks_add(now, cfg["tcp_hold_ms"])
                if self.facts.pausing:
                    self.paused.keep(self.facts, now)
                else:
                    self._trace.note(
                        now, "session ended by the car" if not self.facts.notify else "session ended by the station"
                    )
            else:
                self._deadline = None
                self._event = CLOSE
        elif state == SETUP:
            pass  # the set-up timer goes on
        elif state in (AC_LOOP, DC_LOOP) and res_msg in _LOOPS:
            self._deadline = ticks_add(now, cfg["loop_sequence_timeout_ms"])
        else:
            self._deadline = ticks_add(now, cfg["sequence_timeout_ms"])
