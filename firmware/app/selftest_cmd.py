"""The self-test as commands of a console: for a person, who sees every result as it comes, and for
a program, which asks.

    selftest [start] [close] ...    begin; without `start` the results follow as they come
    selftest results N              results from number N on, then "state running|asking|over N"
    selftest next|skip [N]          after a question: done, or not done. A program says how many results it has seen: an
                                    answer that it sends twice is not taken for that to the next question
    selftest stop                   end it
    selftest help

A result is one line, code|level|text|values (app/selftest.py).
"""

from drivers.pilot import B, D
from firmware.app.selftest import OVER, SelfTest, is_question, line
from firmware.app.selftest_codes import STEPS

HELP = (
    "selftest [start] [close] [states=BCD] [steps=spi,cp] [pp|nopp]   begin; with start in silence, for programs",
    "  close: the contactor closes for a moment, after a question. states: what the test plug can do",
    "  steps: " + ", ".join(STEPS[1:-1]),
    "selftest next | skip   after a question: it is done, or cannot be done",
    "selftest stop          end it",
    "selftest results N     results from number N on",
)


class SelfTestRefused(Exception):
    """It cannot be done now, or not like this; str() says why and what to do."""


class Bench:
    """board: as app/selftest.py wants it. charger: the supervisor. resume(now): called after every
    test, for the supervisor to begin anew. tell(text): one line for a person, at any time.

    While `active` the owner calls poll(now) at `due` in place of the supervisor's.
    """

    Refused = SelfTestRefused

    def __init__(self, board, charger, resume, tell):
        self._board = board
        self._charger = charger
        self._resume = resume
        self._say = tell
        self._aloud = False  # the test was begun by a person
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

    def command(self, words, now):
        """words: behind `selftest`. An iterator of lines, or None; SelfTestRefused."""
        word = words[0] if words else ""
        test = self.test
        if word == "help":
            return iter(HELP)
        if word == "results":
            if test is None:
                raise SelfTestRefused("no test was started")
            return self._results(int(words[1]) if len(words) == 2 and words[1].isdigit() else 0)
        if word in ("next", "skip"):
            if len(words) == 2 and test is not None and words[1] != str(len(test.results)):
                return None  # the same answer again: the question is another one by now
            if test is None or not (test.next(now, word == "skip") or len(words) == 2):
                raise SelfTestRefused("nothing was asked")
        elif word == "stop":
            if not self.active:
                raise SelfTestRefused("no test runs")
            test.stop(now)
            self._tell(now)
        else:
            self._begin(words, now)
        return None

    def _results(self, at):
        test = self.test
        n = len(test.results)
        state = "asking" if test.asking else "running" if test.active else "over"
        for i in range(at, n):
            yield line(test.results[i])
        yield "state %s %d" % (state, n)

    def _begin(self, words, now):
        close, states, steps, socket = False, "BCD", STEPS, self._charger.cfg["ac_socket"]
        for word in words:
            if word == "close":
                close = True
            elif word in ("pp", "nopp"):
                socket = word == "pp"
            elif word.startswith("states="):
                states = word[7:].upper()
            elif word.startswith("steps="):
                steps = word[6:].split(",")
                unknown = [step for step in steps if step not in STEPS]
                if unknown:
                    raise SelfTestRefused("unknown step %s; there are %s" % (unknown[0], ", ".join(STEPS[1:-1])))
            elif word != "start":
                raise SelfTestRefused("unknown word %s; `selftest help`" % word)
        if self.active:
            raise SelfTestRefused("a test runs already: selftest stop")
        if self._charger.busy or B <= self._charger.pilot.state <= D:
            raise SelfTestRefused("a car is plugged in or a session is on: unplug first")
        self._aloud = words[:1] != ["start"]
        self.test = SelfTest(self._board, steps, close, states, socket)
        self.test.start(now)

    def _tell(self, now):
        test = self.test
        event = test.event()
        while event:
            if event == OVER:
                self._resume(now)
            elif self._aloud:
                result = test.results[test.told - 1]
                self._say(line(result))
                if is_question(result[0]):
                    self._say("selftest next: it is done; selftest skip: it cannot be done")
            event = test.event()
