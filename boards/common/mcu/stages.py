"""Which power stage a board has, by `stage` of the configuration. One place, so that only what is
configured is imported: it costs heap."""


def make(cfg, hw, contactor, trace):
    """The power stage. hw: the hardware of the board (boards/contract.py), None on a desk without
    any. contactor: what says where the power contact is. ValueError says what does not fit."""
    kind = cfg["stage"]
    if kind == "bench":
        from firmware.stage.bench import BenchStage

        return BenchStage(cfg, contactor)
    if kind == "serial":
        from firmware.stage.serial import SerialStage

        return SerialStage(cfg, _line(hw, "uart")("stage", cfg["stage_baud"]), trace)
    return _parts(cfg, hw, trace)


def _line(hw, name):
    found = getattr(hw, name, None)
    if found is None:
        raise ValueError("stage: this board has no line for it (%s)" % name)
    return found


def _parts(cfg, hw, trace):
    bus = meter = monitor = None
    if cfg["meter"] != "none" or cfg["monitor"] != "none":
        from mcu import rs485

        bus, meter, monitor = rs485.parts(cfg, hw, trace)
    if cfg["meter"] == "eastron":  # a meter of AC: the converter is in the car
        from firmware.stage.ac import AcStage

        return AcStage(cfg, meter, bus)
    from firmware.stage.parts import PartsStage
    from mcu import can

    spi, cs, int_pin = _line(hw, "can_spi")()
    return PartsStage(cfg, can.converter(cfg, spi, cs, int_pin, trace), meter, monitor, bus, trace)
