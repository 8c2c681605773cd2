"""A controller board as firmware/main.py takes it, over the hardware that boards/<board>/board
gives.

The hardware has: spi, cs, irq (drivers.qca7000), front (drivers.pilot), plug (drivers.proximity),
drive, feedback and tripped (drivers.contactor), mac, source (what becomes readable at an interrupt of the
modem), name, and start(), alive() each turn of the firmware, notes() -> list of texts on what the
hardware did by itself, counters(), stop(). For app/selftest.py: spi_hz(hz), exchanged(command, n),
guarded, as there. With an ENABLE line it has enable(on). A board with a power stage of its own has
stage(cfg, contactor), which makes it; without that mcu/stages.py does, by the configuration. boards/contract.py has every name.
"""

from drivers.contactor import Contactor
from drivers.pilot import Pilot
from drivers.proximity import Proximity
from drivers.qca7000 import Qca7000
from mcu import stages
from micropython import const

_OPEN_MS = const(200)  # not open by then: welded
_PAUSE_MS = const(500)  # between opening and closing again
_SPARE_MS = const(50)
_LIVE_MS = const(10)  # pace of the pilot in C and D where no guard sees every period of it (R-POWER-15)


class Board:
    """cfg: dict of app/config. trace: is told what the hardware did by itself."""

    COMMANDS = ()
    due = None

    def __init__(self, cfg, trace, hw):
        self.hw = hw
        self.guarded = hw.guarded
        self.mac = hw.mac
        self.circuit = hw.front
        self.plug = hw.plug
        self.pilot = Pilot(hw.front, live_ms=None if hw.guarded else _LIVE_MS)
        self.proximity = Proximity(hw.plug)
        # The session's own limit comes first: it has the better words for it.
        close_ms = cfg["contactor_timeout_ms"] + _SPARE_MS
        self.contactor = contactor = Contactor(hw.drive, hw.feedback, close_ms, _OPEN_MS, _PAUSE_MS, hw.tripped)
        own = getattr(hw, "stage", None)
        self.stage = own(cfg, contactor) if own else stages.make(cfg, hw, contactor, trace)
        self.enable = getattr(hw, "enable", None)
        self.input = getattr(hw, "input", None)
        self.modem = Qca7000(hw.bus.spi, hw.bus.cs, hw.irq, trace)
        self.sources = [hw.source]
        self.ready = "link=board name=%s" % hw.name
        self._trace = trace
        self._plain = cfg["tls"] == "none" and cfg["allow_plain"]  # with TLS, its stage says it

    def start(self, now):
        self.hw.start()
        self.modem.start(now)
        if self._plain:
            self._trace.error(now, "allow_plain: a car may charge without TLS and without a certificate")

    def poll(self, now):
        """Once a turn, before anything else."""
        self.hw.alive()
        for text in self.hw.notes():
            self._trace.error(now, text)

    def spi_hz(self, hz=None):
        """Clock of the modem's SPI in Hz, None: the board's own."""
        return self.hw.bus.set_hz(hz)

    def exchanged(self, command, n):
        """What answers a command with MISO and MOSI exchanged: n bytes, or none."""
        return self.hw.bus.exchanged(command, n)

    def counters(self):
        """[(name, value)] of modem, hardware and the buses of the power stage."""
        more = getattr(self.stage, "counters", None)
        return self.modem.counters() + self.hw.counters() + (more() if more else [])

    def close(self):
        self.hw.stop()
