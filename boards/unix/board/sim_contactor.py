"""The contactor of the unix board: the driver over a model. What hangs behind it moves with it."""

from drivers.contactor import Contactor
from firmware.clock import sooner
from mcu import stages
from micropython import const
from twin.contactor import ContactorModel

_CONTACTOR_MS = const(50)  # closing and opening time of a typical contactor
_OPEN_MS = const(200)  # not open by then: welded
_PAUSE_MS = const(100)  # between opening and closing again


class SimContactor(Contactor):
    """`model` is the contactor, with faults of its own; it moves with the polls of the driver, and
    `wired` too, what is behind it (sim_stage.py)."""

    def __init__(self, cfg):
        self.model = model = ContactorModel(_CONTACTOR_MS, _CONTACTOR_MS)
        self.wired = None
        if cfg["stage"] != "bench":  # which has no hardware
            from board.sim_stage import Wired

            self.wired = Wired(cfg, model)
        # The session's own limit comes first: it has the better words for it.
        close_ms = cfg["contactor_timeout_ms"] + _CONTACTOR_MS
        Contactor.__init__(self, model.drive, model.feedback, close_ms, _OPEN_MS, _PAUSE_MS)

    def make(self, cfg, trace):
        """The power stage of the configuration. ValueError says what does not fit."""
        stage = stages.make(cfg, self.wired, self, trace)
        if self.wired:
            self.wired.stage = stage
        return stage

    def start(self, now):
        self.model.start(now)
        if self.wired:
            self.wired.poll(now)
        Contactor.start(self, now)

    def poll(self, now):
        self.model.poll(now)
        if self.wired:
            self.wired.poll(now)
        Contactor.poll(self, now)
        self.due = sooner(self.due, self.model.due)
        if self.wired:
            self.due = sooner(self.due, self.wired.due)

    def open(self, now):
        Contactor.open(self, now)
        if self.model.due is not None:
            self.due = sooner(self.due, self.model.due)
