"""A witness of a simulated installation: what was on the pilot, when the power contact moved, and
what must never be.

The contact is that of the model, not what anybody believes of it.
"""

from drivers.pilot import C, D
from firmware.app import plug_steps as sup
from firmware.clock import ticks_diff

OPEN_MS = 100  # C to B, unplugged, no diode: the contact is open after that (R-POWER-11, R-DC-SAFETY-07)


class Watch:
    """Put into plant.watch by itself. duties: (tick, permille); contact: (tick, closed); states:
    (tick, of the supervisor); keys: (tick, key of the station's modem); breaches: texts of what was
    seen and may not be."""

    def __init__(self, plant):
        self.duties = []
        self.contact = []
        self.states = []
        self.keys = []
        self.breaches = []
        self._left_c = None  # tick at which the car's load left C and D
        plant.watch.append(self)

    def __call__(self, plant):
        now = plant.now
        board = plant.board
        circuit = board.circuit
        model = board.contact
        self._kept(self.duties, now, circuit.duty)
        self._kept(self.contact, now, model.closed)
        self._kept(self.states, now, plant.charger.state)
        self._kept(self.keys, now, board.hpgp.nmk)
        ready = circuit.load in (C, D) and not circuit.diode_shorted and circuit.short_ohm is None
        if ready:
            self._left_c = None
        elif self._left_c is None:
            self._left_c = now
        elif model.closed and not model.welded and ticks_diff(now, self._left_c) > OPEN_MS:
            self._breach("closed %d ms after the car left C" % ticks_diff(now, self._left_c))
        if model.coil and plant.charger.state not in (sup.LINKED, sup.BASIC):
            self._breach("coil on in " + sup.STATE_NAMES[plant.charger.state])
        if board.stage.w and not (model.coil and model.closed):
            self._breach("power with the contactor open")

    def _kept(self, kept, now, value):
        if not kept or kept[-1][1] != value:
            kept.append((now, value))

    def _breach(self, text):
        if len(self.breaches) < 10 and text not in self.breaches:
            self.breaches.append(text)

    def clear(self):
        for kept in (self.duties, self.contact, self.states, self.keys):
            del kept[:-1]

    def spans(self, value, kept=None):
        """Milliseconds that each stretch of a duty lasted, the running one not counted."""
        kept = self.duties if kept is None else kept
        return [ticks_diff(kept[i + 1][0], kept[i][0]) for i in range(len(kept) - 1) if kept[i][1] == value]

    def sequence(self):
        return [duty for _, duty in self.duties]

    def check(self):
        assert not self.breaches, self.breaches
