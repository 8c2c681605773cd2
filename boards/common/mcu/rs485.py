"""The parts on a board's RS-485, as the configuration names them. Imported when one is configured,
and only what is configured: each costs heap."""

from drivers.modbus import Bus


def wanted(cfg):
    """Is there anything on the bus?"""
    return cfg["meter"] != "none" or cfg["monitor"] != "none"


def parts(cfg, hw, trace):
    """(bus, meter, monitor); a part that is not configured is None. hw: the board's hardware with
    rs485(baud, parity); ValueError says what does not fit."""
    open_line = getattr(hw, "rs485", None)
    if open_line is None:
        raise ValueError("meter, monitor: this board has no RS-485")
    if cfg["meter"] != "none" and cfg["monitor"] != "none" and cfg["meter_address"] == cfg["monitor_address"]:
        raise ValueError("meter_address and monitor_address are the same")
    line = open_line(cfg["bus_baud"], cfg["bus_parity"])
    bus = Bus(line.uart, line.direction, cfg["bus_baud"], cfg["bus_parity"])
    meter = monitor = None
    if cfg["meter"] != "none":
        if cfg["meter"] == "eastron":
            from drivers.eastron import Eastron as Kind
        else:
            from drivers.acrel import Acrel as Kind
        meter = Kind(cfg["meter_address"], cfg["meter_swapped"], trace)
        bus.add(meter)
    if cfg["monitor"] != "none":
        from drivers.bender import Bender

        monitor = Bender(cfg["monitor_address"], cfg["monitor_r1_kohm"], cfg["monitor_r2_kohm"], trace)
        bus.add(monitor)
    return bus, meter, monitor
