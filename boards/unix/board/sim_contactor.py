"""The contactor of the unix board: the driver over a model."""

from drivers.contactor import Contactor
from firmware.clock import sooner
from micropython import const
from twin.contactor import ContactorModel

_CONTACTOR_MS = const(50)  # closing and opening time of a typical contactor
_OPEN_MS = const(200)  # not open by then: welded
_PAUSE_MS = const(100)  # between opening and closing again


class SimContactor(Contactor):
    """`model` is the contactor, with faults of its own; it moves with the polls of the driver."""

    def __init__(self, cfg):
        self.model = model = ContactorModel(_CONTACTOR_MS, _CONTACTOR_MS)
        # The session's own limit comes first: it has the better words for it.
        close_ms = cfg["contactor_timeout_ms"] + _CONTACTOR_MS
        Contactor.__init__(self, model.drive, model.feedback, close_ms, _OPEN_MS, _PAUSE_MS)

    def start(self, now):
        self.model.start(now)
        Contactor.start(self, now)

    def poll(self, now):
        self.model.poll(now)
        Contactor.poll(self, now)
        if self.model.due is not None:
            self.due = sooner(self.due, self.model.due)

    def open(self, now):
        Contactor.open(self, now)
        if self.model.due is not None:
            self.due = sooner(self.due, self.model.due)
