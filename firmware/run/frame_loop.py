"""The station behind a modem: frames between the modem's driver and the supervisor. It waits by
run_loop.py.

One turn: models or pins of the board, frames in, what is due, frames out, and only then printing.
"""

from firmware.clock import sooner, ticks_add, ticks_diff, ticks_ms
from firmware.net.iface import DROP_NAMES as _NET_DROPS
from firmware.run.operator import Refused
from firmware.run.poller import IN
from firmware.run.run_loop import RunLoop
from firmware.slac.evse import DROP_NAMES as _SLAC_DROPS
from micropython import const

_FRAME = const(1522)
_FRAMES = const(16)  # of either direction in one turn: the pilot is looked at between turns
_GARBAGE = const(40)  # frames, after which the pause of the line is used to collect it
_FAULT_PAUSE_MS = const(5000)  # after a fault of our own the pilot says F for this long, then all begins anew
_F = const(0)


class FrameLoop(RunLoop):
    """board: modem (start poll due recv frame send event), power stage, models (poll, due), sources
    (what to wait on). charger: app.charger.Charger. The others as RunLoop says."""

    COMMANDS = (
        ("counters", "counters  what was dropped or went wrong since boot"),
        ("wake", "wake  the car of a paused session"),
        ("clear", "clear  the cause of a latched fault is repaired"),
        ("selftest", "selftest [help]  guided test of the board"),
    )

    def __init__(self, board, charger, safe, power, trace, lines, stdin=None, stdout=None, desk=None):
        self.board = board
        self.charger = charger
        super().__init__(safe, power, trace, lines, stdin, stdout, desk)
        self._around = board
        self._person = stdin is not None and stdin.person
        self.operator.add(board)
        self._out = bytearray(_FRAME)
        self._n = 0  # frame in _out that the modem has not taken yet
        self._frames = 0
        self._bench = None  # the self-test, once asked for
        self._again = None  # when all begins anew after a fault of our own

    def open(self):
        now = ticks_ms()
        for source in self.board.sources:
            self._poller.add(source, IN)
        self.board.start(now)
        try:
            self.charger.start(now)
        except Exception as error:
            self._broken("start", error, now)
        self._begin(self.board.ready)

    @property
    def busy(self):
        return self.charger.busy

    def answered(self):
        if self._frames < _GARBAGE:
            return False
        self._frames = 0
        return True

    def occupied(self):
        """Why the device itself must not be touched now (flash, restart), in words; "" when it
        may."""
        if self.power.closed:
            return "the contactor is closed"
        return "a car is in a session" if self.charger.busy and not self.safe.session_over else ""

    def request_stop(self, now):
        self.safe.request_stop(now)
        self.charger.end_basic(now)

    def work(self, now):
        """Everything but waiting and printing; tests in simulated time call it."""
        if self._again is not None:
            self.safe.attempt("power", now, self.power.poll, now)  # does the contactor open? (R-POWER-07)
            if ticks_diff(self._again, now) > 0:
                return
            self._again = None
            try:
                self._anew(now)
            except Exception as error:
                self._broken("start", error, now)
                return
        try:  # written out: handing _move to a function would allocate at each turn
            if self._bench is not None and self._bench.active:
                self._bench.poll(now)
            else:
                self._move(now)
        except Exception as error:
            self._broken("frames", error, now)

    @property
    def due(self):
        """Tick of the next work(), or None; that of the board's models is not in it."""
        if self._again is not None:  # without the modem's: it rests
            return sooner(self._again, self.power.due)
        if self._bench is not None and self._bench.active:
            return sooner(self.board.modem.due, self._bench.due)
        return sooner(self.board.modem.due, self.charger.due)

    def close(self):
        """Power off, pilot off, everything closed."""
        now = ticks_ms()
        self.safe.off(now)
        self.safe.attempt("pilot", now, self.charger.pilot.set_duty, _F, now)
        self.charger.link.drop(now, "the station ends")
        if self._desk is not None:
            self.safe.attempt("desk", now, self._desk.finish, now)
        self.board.close()
        self.lines.drain()

    # -- inside

    def _move(self, now):
        modem, charger = self.board.modem, self.charger
        modem.poll(now)
        event = modem.event()
        while event:
            charger.modem(modem.up, now)
            event = modem.event()
        for _ in range(_FRAMES):
            n = modem.recv()
            if not n:
                break
            self._frames += 1
            charger.rx(modem.frame, n, now)
        charger.poll(now)
        for _ in range(_FRAMES):
            if not self._n:
                self._n = charger.tx(self._out)
                if not self._n:
                    break
            if modem.up and not modem.send(self._out, self._n):
                break  # no room: it waits, and the modem says when to look again
            self._n = 0
        modem.poll(now)

    def _anew(self, now):
        """After a fault of our own. What came in since then is not for the new beginning."""
        self.board.modem.poll(now)
        while self.board.modem.recv():
            pass
        self.charger.start(now)

    def _broken(self, what, error, now):
        """A fault of our own: contactor open, pilot F, trace, and a new beginning (docs/design.md,
        the run loop)."""
        self.safe.off(now)
        self._n = 0
        self._again = ticks_add(now, _FAULT_PAUSE_MS)
        try:  # not by attempt(): the error may be that there is no memory, and that needs some
            self.charger.pilot.set_duty(_F, now)
            self.charger.link.drop(now, "fault of the station")
        except Exception as another:
            self.safe.report("afterwards", another, now)
        self.safe.report(what, error, now)

    def do_counters(self, args, now):
        return " ".join(self.counters())

    def do_wake(self, args, now):
        if not self.charger.wake(now):
            raise Refused("wake: no session is paused")

    def do_clear(self, args, now):
        self.charger.clear(now)

    def status_words(self):
        from firmware.run import words  # for people: a station that programs talk to does without

        return words.status(self)

    def do_selftest(self, args, now):
        if self._bench is None:
            from firmware.app.selftest_cmd import Bench  # only in memory where it is used

            self._bench = Bench(self.board, self.charger, self._resume, self._tell)
        try:
            return self._bench.command(args, now)
        except self._bench.Refused as why:
            raise Refused(str(why))

    def _tell(self, text):
        if self._person:
            self.operator.tell(iter((text,)))
        else:
            self.trace.note(ticks_ms(), "selftest " + text)

    def _resume(self, now):
        """After a self-test: the supervisor begins anew, as after a fault of our own."""
        self._anew(now)
        self.charger.modem(self.board.modem.up, now)

    def counters(self):
        """name=value of everything that was dropped or gone wrong since boot; what is 0 is left
        out."""
        charger = self.charger
        found = self.board.counters()
        for part, names, drops in (("slac", _SLAC_DROPS, charger.slac.drops), ("net", _NET_DROPS, charger.net.drops)):
            found += [(part + "." + names[i], drops[i]) for i in range(len(names))]
        return [name.replace(" ", "_") + "=" + str(n) for name, n in found if n] or ["none"]

    def _status(self):
        charger = self.charger
        secc = self.safe.secc
        return (
            "charger=%d pilot=%d duty=%d pilot_gap_ms=%d modem=%d slac=%d linked=%d session=%d state=%d setpoint_w=%d decision=%d "
            "plug_ins=%d faults=%d lost_records=%d paused_s=%d"
            % (
                charger.state,
                charger.pilot.state,
                charger.pilot.duty,
                charger.pilot.longest_ms,
                charger.modem_up,
                charger.slac.state,
                charger.link.conn is not None,
                not secc.session_over,
                secc.state,
                self.power.lease.set_w,
                self.power.decide.state,
                charger.plug_ins,
                self.safe.faults,
                self.trace.dropped,
                self.safe.paused_ms(ticks_ms()) // 1000,
            )
        )
