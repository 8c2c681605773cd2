"""Simulated power stage of the unix board: the bench stage over a model of the contactor."""

from drivers.contactor import Contactor
from mcu.bench_stage import BenchStage
from micropython import const
from twin.contactor import ContactorModel

_CONTACTOR_MS = const(50)  # closing and opening time of a typical contactor
_OPEN_MS = const(200)  # not open by then: welded
_PAUSE_MS = const(100)  # between opening and closing again


class SimPower(BenchStage):
    """`model` is the contactor, with faults of its own."""

    def __init__(self, cfg):
        model = ContactorModel(_CONTACTOR_MS, _CONTACTOR_MS)
        # The session's own limit comes first: it has the better words for it.
        close_ms = cfg["contactor_timeout_ms"] + _CONTACTOR_MS
        BenchStage.__init__(self, cfg, Contactor(model.drive, model.feedback, close_ms, _OPEN_MS, _PAUSE_MS), model)
