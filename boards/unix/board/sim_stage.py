"""What is wired to the unix board behind its contactor, by configuration: a modelled power board at a
serial line, or modelled parts on CAN and RS-485, with the copper between them and a battery.

Only what is configured is imported. `stage_port` puts a serial port of this machine (or a pseudo
terminal) in the place of the modelled power board.
"""

from firmware.clock import ticks_add
from micropython import const

_STEP_MS = const(5)
_CRYSTAL_HZ = const(8000000)


class _Line:
    """An rs485 line: the transceiver switches by itself."""

    direction = None

    def __init__(self, uart):
        self.uart = uart


class Wired:
    """The lines that mcu/stages.py asks the hardware for. contact: the model of the contactor.

    line: the copper; board, module, meter, monitor: the models, None where there is none. load_w:
    what an AC car draws on each line, None: its ceiling.
    """

    def __init__(self, cfg, contact):
        self._cfg = cfg
        self._contact = contact
        self.line = self.board = self.module = self.meter = self.monitor = None
        self.load_w = None
        self.stage = None
        self.sources = []  # what a poll() waits on
        self._can = self._chip = self._port = None
        self._begun = False
        self._now = 0

    def _copper(self):
        if self.line is None:
            from twin.dc_line import DcLine

            self.line = DcLine(lambda: self._contact.closed)
        return self.line

    def uart(self, name, baud, parity="none"):
        if self._cfg["stage_port"]:
            from board.tty import Tty

            port = Tty(self._cfg["stage_port"], baud)
            self.sources.append(port.file)
            return port
        from twin.power_board import PowerBoard

        self.board = PowerBoard(self._copper(), own_contact=False)
        return self.board

    def rs485(self, baud, parity):
        from twin.rtu import Port

        cfg = self._cfg
        self._port = Port(baud, parity)
        if cfg["meter"] == "acrel":
            from twin.acrel import AcrelModel

            self._copper()
            self.meter = self._port.add(AcrelModel(cfg["meter_address"], baud, parity))
        elif cfg["meter"] == "eastron":
            from twin.eastron import EastronModel

            self.meter = self._port.add(EastronModel(cfg["meter_address"], baud, parity))
        if cfg["monitor"] == "bender":
            from twin.bender import BenderModel

            self.monitor = self._port.add(BenderModel(cfg["monitor_address"], baud, parity))
        return _Line(self._port)

    def can_spi(self):
        from twin import infypower
        from twin.can_bus import CanBus
        from twin.mcp2515 import Mcp2515

        self._can = CanBus()
        self._chip = Mcp2515(self._can, _CRYSTAL_HZ)
        kind = infypower.Beg if self._cfg["converter"] == "beg" else infypower.Reg
        self.module = kind(self._copper(), self._cfg["can_module"] & 0x3F, self._cfg["can_bit_rate"] * 1000)
        return self._chip, self._chip.cs, self._chip.int_pin

    @property
    def moves(self):
        """Is anything modelled here?"""
        return self.board is not None or self.module is not None or self._port is not None

    @property
    def due(self):
        return ticks_add(self._now, _STEP_MS) if self.moves and self._begun else None

    def poll(self, now):
        """Move the models to `now`, before the stage is polled."""
        self._now = now
        if not self._begun:
            self._begun = True
            if self._can is not None:
                self._can.start(now)
                self._chip.start(now)
                self.module.plug(self._can, now)
        line, meter, monitor = self.line, self.meter, self.monitor
        if self.board is not None:
            self.board.poll(now)
        if line is not None and meter is not None:
            meter.v = line.mv_out / 1000
            meter.a = line.ma / 1000
        elif meter is not None:
            meter.load(self._drawn())
        if monitor is not None and line is not None:
            monitor.u_n = line.mv_out / 1000
            monitor.r_ohm = float(line.insulation_ohm)
        if self._port is not None:
            self._port.poll(now)
        if self._can is not None:
            self.module.poll(now)
            self._can.poll(now)
            self._chip.poll(now)

    def _drawn(self):
        """W on each line: an AC car takes, or gives, what it may."""
        if not self._contact.closed:
            return (0, 0, 0)
        if self.load_w is not None:
            return self.load_w
        return [ma * 230 // 1000 for ma in self.stage.ceiling_ma]
