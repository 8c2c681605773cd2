"""The self-test as commands of a console: for a person, who sees every result as it comes, and for a program, which asks.

    selftest [close] [states=BCD] [steps=spi,cp] [nopp]   begin; results follow as they come
    selftest start ...              the same, in silence
    selftest results N              results from number N on, then "state running|asking|over N"
    selftest next | skip | stop     after a question: done, or not done; end it
    selftest help

A result is one line, code|level|text|values (app/selftest.py).
"""

from drivers.pilot import B, D
from firmware.app.selftest import OVER, RESULT, SelfTest, is_question, line
from firmware.app.selftest_codes import STEPS

HELP = (
    "selftest [start] [close] [states=BCD] [steps="
    + ",".join(STEPS[1:-1])
    + "] [nopp] | next | skip | stop | results N"
)


class Bench:
    """board: as app/selftest.py wants it. charger: the supervisor, or None at a station that was not started. resume(now):
    called after every test, for the supervisor to begin anew.

    While `active` the owner calls poll(now) at `due` in place of the supervisor's.
    """

    def __init__(self, board, charger, resume):
        self._board = board
        self._charger = charger
        self._resume = resume
        self._say = None
        self.test = None

    @property
    def active(self):
        return self.test is not None and self.test.active

    @property
    def due(self):
        return self.test.due if self.test is not None else None

    def poll(self, now):
        """An exception of a step comes out of here; contactor and pilot are at rest then."""
        self.test.poll(now)
        self._tell(now)

    def command(self, words, now, say):
        """words: behind `selftest`. say(text): one line to who asked; kept for the results if there is no `start`. Returns ""
        or why it cannot be done."""
        word = words[0] if words else ""
        test = self.test
        if word == "help":
            say(HELP)
        elif word == "results":
            if test is None:
                return "no test was started"
            at = int(words[1]) if len(words) == 2 and words[1].isdigit() else 0
            for result in test.results[at:]:
                say(line(result))
            state = "asking" if test.asking else "running" if test.active else "over"
            say("state %s %d" % (state, len(test.results)))
        elif word in ("next", "skip"):
            if test is None or not test.next(now, word == "skip"):
                return "nothing was asked"
        elif word == "stop":
            if not self.active:
                return "no test runs"
            test.stop(now)
            self._tell(now)
        else:
            return self._begin(words, now, say)
        return ""

    def _begin(self, words, now, say):
        close, states, steps = False, "BCD", STEPS
        charger = self._charger
        socket = charger is None or charger.cfg["ac_socket"]
        for word in words:
            if word == "close":
                close = True
            elif word == "nopp":
                socket = False
            elif word == "pp":
                socket = True
            elif word.startswith("states="):
                states = word[7:].upper()
            elif word.startswith("steps="):
                steps = word[6:].split(",")
                unknown = [step for step in steps if step not in STEPS]
                if unknown:
                    return "unknown step %s; there are %s" % (unknown[0], ", ".join(STEPS[1:-1]))
            elif word != "start":
                return HELP
        if self.active:
            return "a test runs already: selftest stop"
        if charger is not None and (charger.busy or B <= charger.pilot.state <= D):
            return "a car is plugged in or a session is on: unplug first"
        self._say = None if words and words[0] == "start" else say
        self.test = SelfTest(self._board, steps, close, states, socket)
        self.test.start(now)
        return ""

    def _tell(self, now):
        test = self.test
        event = test.event()
        while event:
            if event == RESULT and self._say is not None:
                code = test.results[test.told - 1][0]
                self._say(line(test.results[test.told - 1]))
                if is_question(code):
                    self._say("selftest next when it is done, selftest skip if it cannot be done")
            elif event == OVER:
                self._resume(now)
            event = test.event()
