"""A station in simulated time at which somebody does what the self-test asks for, for the tests of
app/selftest.py."""

import firmware.net.tcp  # noqa: F401 - the lowest first: an import inside of an import takes C stack
from drivers.pilot import X1
from firmware.app.selftest import line
from firmware.app.selftest_codes import CODES, FAIL
from firmware.clock import ticks_add, ticks_diff
from tests.lib.mtest import eq
from tests.lib.plant import Plant


class Bench:
    """A station at which somebody does what the test asks for."""

    def __init__(self, fault="none", pp_ohm=1500, **changes):
        self.plant = Plant(ac_socket=True, **changes)
        self.board = self.plant.board
        self.plant.sleep(300)
        self.board.do_cp(["A"], self.plant.now)
        assert self.board.do_plant([fault], self.plant.now) is not False
        self.pp_ohm = pp_ohm
        self.asked = []
        self.skip = []  # questions that are answered with skip

    def do(self, words):
        """A command of the station; the reasons why not."""
        before = len(self.plant.trace.errors)
        self.plant.loop.operator.command("selftest " + words, self.plant.now)
        return self.plant.trace.errors[before:]

    @property
    def test(self):
        return self.plant.loop._bench.test

    def hand(self, values):
        """The person turns the test plug."""
        for name, value, _ in values:
            if name == "plug":
                self.board.do_cp([value], self.plant.now)
                self.board.do_pp(["0" if value == "A" else str(self.pp_ohm)], self.plant.now)

    def run(self, words="close", limit_ms=120000):
        eq(self.do("start " + words), [])
        end = ticks_add(self.plant.now, limit_ms)
        while self.test.active:
            assert ticks_diff(end, self.plant.now) > 0, "it does not end: %s" % [line(r) for r in self.test.results]
            if self.test.asking:
                code, values = self.test.results[-1]
                self.asked.append(code)
                if code in self.skip:
                    self.do("skip")
                else:
                    self.hand(values)
                    self.do("next")
                self.plant._wake()
            self.plant.step()
        return self

    @property
    def codes(self):
        return [code for code, _ in self.test.results]

    def first(self):
        bad = [code for code in self.codes if CODES[code][1] == FAIL]
        return bad[0] if bad else None

    def at_rest(self):
        """Contactor open by coil, pilot at X1, SPI at its clock, modem served again."""
        board = self.board
        eq((board.contact.coil, board.contactor.driven, self.board.circuit.duty), (0, False, X1))
        assert not self.test.active and self.codes[-1] in ("end", "end-fail")


def values(test, code, nth=0):
    found = [v for c, v in test.results if c == code]
    return {name: value for name, value, _ in found[nth]}


def first_of(change, steps="close", **bench):
    b = Bench(**bench)
    change(b)
    b.run(steps)
    b.at_rest()
    return b.first()
