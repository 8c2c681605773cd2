"""Which power stage a board has, by `stage` of the configuration. One place, so that only what is
configured is imported: it costs heap."""


def make(cfg, hw, contactor, trace):
    """The power stage. hw: the hardware of the board (boards/contract.py), None on a desk without
    any. contactor: what says where the power contact is."""
    kind = cfg["stage"]
    if kind == "bench":
        from firmware.stage.bench import BenchStage

        return BenchStage(cfg, contactor)
    raise ValueError("no power stage " + kind)
