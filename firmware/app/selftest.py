"""Self-test of a board, guided: is everything wired and set up as a station needs it? A machine;
nothing in it waits.

What it needs of a board:

    mac             6 bytes of this host
    modem           drivers.qca7000.Qca7000; or anything with its start() .. event(), then SPI and INT are not tested
    spi_hz(hz)      set the clock of the modem's SPI, return the real one in Hz; None: the board's own clock
    exchanged(command, n)   send two bytes over SPI with MISO and MOSI exchanged, bit by bit by hand (machine.SoftSPI), and
                    return the n bytes that come back. First look whether MOSI is driven from outside while CS is low and SCK
                    runs (as an input it does not follow pull-up and pull-down): if not, do nothing and return b""
    pilot           drivers.pilot.Pilot
    proximity       drivers.proximity.Proximity
    power           the power stage of app/power.py: poll(now), off(now), and relay, a drivers.contactor.Contactor
    guarded         may be missing; True: the hardware itself keeps the contactor open unless the pilot is C or D
    health()        may be missing: [(name, value, unit, least, most)], supplies and temperatures

The owner keeps its supervisor still while `active`, polls this instead, and starts the supervisor
anew afterwards. Only "plug" goes on with something on the pilot. The contactor closes in state A
alone; on a guarded board in state C of the test plug, when the person said that it is no car, and
no other modem answers. Every end: contactor open, pilot X1, SPI clock as it was.
"""

from codec import mme
from drivers.pilot import UNKNOWN, X1, A, B, D
from firmware.app import selftest_modem, selftest_plug
from firmware.app.selftest_codes import CODES, DO, FAIL, STEPS, text
from firmware.clock import ticks_add, ticks_diff
from micropython import const

# Events.
RESULT = const(1)  # results[told] is new; an entry of level DO waits for next() or skip()
OVER = const(2)

ASK = const(-1)  # a step yields milliseconds, or this: an answer of the person

_FRAMES = const(16)
_TURN_MS = const(10)

_RUN = {
    "board": selftest_plug.board,
    "contactor": selftest_plug.contactor,
    "spi": selftest_modem.spi,
    "modem": selftest_modem.modem,
    "version": selftest_modem.version,
    "int": selftest_modem.interrupt,
    "role": selftest_modem.role,
    "cp": selftest_plug.cp,
    "pp": selftest_plug.pp,
    "plug": selftest_plug.plug,
    "close": selftest_plug.close,
}


class SelfTest:
    """board: see above. steps: names out of selftest_codes.STEPS, in any order. close: the
    contactor may be closed, with nothing plugged in and after a question. states: those of the test
    plug, "B" to "BCD". socket: PP is used.

    results: [(code, values)], values ((name, value, unit), ...). failed: steps with a failure.
    active: it runs; asking: it waits for next() or skip().
    """

    def __init__(self, board, steps=STEPS, close=False, states="BCD", socket=True):
        self.board = board
        self.steps = steps
        self.may_close = close
        self.states = states
        self.socket = socket
        self.results = []
        self.failed = []
        self.active = False
        self.asking = False
        self.skipped = False  # the last question
        self.now = 0
        # For the steps.
        self.free = False  # nothing may be plugged in: a car on the pilot ends the test
        self.closing = UNKNOWN  # the contactor may be closed now, while the pilot shows this state
        self.mac = None  # of the modem, once it has answered
        self.strangers = 0  # answers of other modems
        self.stopped = False  # the modem's driver rests
        self.out = bytearray(mme.MIN_FRAME)
        self.want = 0  # type of the message that is waited for
        self.got = None
        self.loader = False  # the modem has asked for firmware
        self._script = None
        self._due = 0
        self.told = 0
        self._ended = False

    # -- the machine

    def start(self, now):
        self.now = now
        self.active = True
        self._ended = False
        self.off(now)
        self.board.pilot.start(now)
        self.board.proximity.start(now)
        self._script = self._all()
        self._due = now

    def off(self, now):
        """Enable line and contactor, then the power stage."""
        board = self.board
        if board.enable is not None:
            board.enable(0)
        if board.contactor.due is None:
            board.contactor.start(now)
        board.contactor.open(now)
        board.stage.off(now)

    @property
    def due(self):
        """Tick of the next poll; None when it does not run."""
        if not self.active:
            return None
        turn = ticks_add(self.now, _TURN_MS)
        return turn if self.asking or ticks_diff(turn, self._due) < 0 else self._due

    def poll(self, now):
        """An exception comes out of here when the test is over and contactor and pilot are at
        rest."""
        if not self.active:
            return
        self.now = now
        sound = False
        try:
            self._tend(now)
            if self.active and not self.asking and ticks_diff(now, self._due) >= 0:
                self._go_on(now)
            sound = True
        finally:
            if not sound:
                self.report("broken")
                self._end(now)

    def event(self):
        """RESULT for each of `results`, then OVER once; 0 = nothing new."""
        if self.told < len(self.results):
            self.told += 1
            return RESULT
        if self._ended:
            self._ended = False
            return OVER
        return 0

    # -- from the person

    def next(self, now, skip=False):
        """What was asked for is done; or it is not (skip). False if nothing was asked."""
        if not self.active or not self.asking:
            return False
        self.skipped = skip
        self.asking = False
        self._due = now
        return True

    def stop(self, now):
        """End it now."""
        if self.active:
            self._abort("stopped", now)

    # -- for the steps

    def report(self, code, *values):
        """One result; values: (name, value, unit)."""
        self.results.append((code, values))
        if CODES[code][1] == FAIL and CODES[code][0] not in self.failed:
            self.failed.append(CODES[code][0])

    def ask(self, code, *values):
        """yield from it: waits for the person; True = done, False = skipped."""
        self.report(code, *values)
        yield ASK
        return not self.skipped

    def bad(self, *steps):
        """True if one of the steps has failed."""
        return bool([step for step in steps if step in self.failed])

    def levels(self, duty):
        """yield from it: mV of both plateaus, means of 5 samples, with a duty in permille; the
        lower is None at X1."""
        pilot = self.board.pilot
        pilot.set_duty(duty, self.now)
        high = low = 0
        yield 60
        for _ in range(5):
            yield 20
            high += pilot.high_mv
            low += pilot.low_mv if pilot.low_mv is not None else 0
        return high // 5, None if pilot.low_mv is None else low // 5

    # -- inside

    def _all(self):
        high_mv, _ = yield from self.levels(X1)
        state = self.board.pilot.state
        if B <= state <= D:
            self.report("car", ("cp", high_mv, "mV"))
            return
        self.report("car-none" if state == A else "car-unsaid", ("cp", high_mv, "mV"))
        self.free = True
        for step in STEPS:
            if step in self.steps and step in _RUN:
                yield from _RUN[step](self)

    def _tend(self, now):
        """Everything that goes on by itself, and what ends the test at once."""
        board = self.board
        pilot = board.pilot
        pilot.poll(now)
        if self.closing and pilot.raw != self.closing:
            self.off(now)
            self._abort("car-came", now)
            return
        board.contactor.poll(now)
        board.stage.poll(now)
        board.proximity.poll(now)
        modem = board.modem
        modem.poll(now)
        for _ in range(_FRAMES):
            n = modem.recv()
            if not n:
                break
            kind = mme.check(modem.frame, n, board.mac)
            if kind == mme.HOST_ACTION_IND:
                self.loader = True
            elif kind == mme.VERSION_CNF and self.mac and not mme.same(modem.frame, mme.SOURCE, self.mac, 0, 6):
                self.strangers += 1
            elif kind == self.want:
                self.got = bytes(memoryview(modem.frame)[:n])
        if self.free and pilot.duty and B <= pilot.state <= D:
            self._abort("car-came", now)

    def _go_on(self, now):
        try:
            wait_ms = next(self._script)
        except StopIteration:
            self._end(now)
            return
        self.asking = wait_ms == ASK
        self._due = now if self.asking else ticks_add(now, wait_ms)

    def _abort(self, code, now):
        self.report(code)
        self._script.close()
        self._end(now)

    def _end(self, now):
        board = self.board
        self.active = self.asking = self.free = False
        self.closing = UNKNOWN
        self.off(now)
        board.pilot.set_duty(X1, now)
        while board.pilot.event():
            pass
        if self.stopped:
            self.stopped = False
            board.spi_hz(None)
            board.modem.start(now)
        counts = [0, 0, 0]
        for code, _ in self.results:
            level = CODES[code][1]
            if level in ("ok", "fail", "warn"):
                counts[("ok", "fail", "warn").index(level)] += 1
        good = not self.failed and counts[0] and self.results[-1][0] != "stopped"
        self.report(
            "end" if good else "end-fail", ("ok", counts[0], ""), ("fail", counts[1], ""), ("warn", counts[2], "")
        )
        self._ended = True


def line(result):
    """A result as code|level|text|values; values as name=number unit, comma between."""
    code, values = result
    told = ["%s=%s %s" % (name, value, unit) if unit else "%s=%s" % (name, value) for name, value, unit in values]
    return "%s|%s|%s|%s" % (code, CODES[code][1], text(code), ", ".join(told))


def is_question(code):
    return CODES[code][1] == DO
