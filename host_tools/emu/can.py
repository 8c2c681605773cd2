"""The CAN side of an emulated board: the chip on the second SPI, its bus, one DC module on it, and the
copper to the station's contact."""

from firmware.clock import sooner
from host_tools.emu.wire import FLOATING
from twin import infypower
from twin.can_bus import CanBus
from twin.dc_line import DcLine
from twin.mcp2515 import Mcp2515

MODULES = {"beg": infypower.Beg, "reg": infypower.Reg}


class CanSide:
    """closed: callable, the station's contact; now: tick. Parts: line, bus, chip, module."""

    def __init__(self, closed, now, kind="beg", kbit=125, crystal_mhz=8):
        self.line = DcLine(closed)
        self.bus = CanBus()
        self.chip = Mcp2515(self.bus, crystal_mhz * 1000000)
        self.module = MODULES[kind](self.line, 0, kbit * 1000)
        self.bytes = 0
        self._selected = False
        self.bus.start(now)
        self.chip.start(now)
        self.module.plug(self.bus, now)

    @property
    def int_level(self):
        return self.chip.int_pin()

    @property
    def due(self):
        return sooner(sooner(self.bus.due, self.chip.due), self.module.due)

    def poll(self, now):
        self.bus.poll(now)
        self.chip.poll(now)
        self.module.poll(now)
        self.bus.poll(now)

    def select(self, level, now):
        self.chip.poll(now)
        self.chip.cs(level)
        self._selected = not level

    def exchange(self, mosi):
        """One byte; what the board reads."""
        if not self._selected:
            return FLOATING
        answer = bytearray(1)
        self.chip.write_readinto(bytes((mosi,)), answer)
        self.bytes += 1
        return answer[0]
