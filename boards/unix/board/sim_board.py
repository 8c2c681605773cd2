"""The unix board: a modem, simulated behind SPI or as a network interface, with simulated pilot and
power stage.

What firmware/main.py takes from a board: mac, modem, pilot, contactor, enable, stage, and for the loop that waits
sources, due, poll(), COMMANDS and their do_…(), ready, close(). For app/selftest.py spi_hz() and
exchanged() besides.
"""

from board.sim_contactor import SimContactor
from drivers.pilot import Pilot
from drivers.proximity import Proximity
from drivers.qca7000 import Qca7000
from firmware.clock import sooner, ticks_add, ticks_diff
from twin import cable as wire
from twin.modem import CABLE_PROFILE, EVSE, PEV, Modem
from twin.pib import Pib
from twin.pilot import PilotCircuit, PlugResistor
from twin.qca7000 import QcaSpi
from twin.wiring import ABSENT, GOOD, SWAPPED, Wires

_HOST_MAC = b"\x02MV2\x00\x01"  # locally administered
_MODEM_MAC = b"\x02MV2\x00\x02"
_HIGH_MV = 12000
_SPI_HZ = 8000000
_LIVE_MS = 10  # pace of the pilot in C and D: no guard looks at it too
# What can be wrong with a board, one at a time: command `plant NAME`.
FAULTS = ("none", "no-modem", "swapped", "pev", "cp-short", "diode", "pp-open", "welded", "int-open", "spi-slow")
_INPUTS = ("IN1", "IN2", "IN3", "IN4", "IN5", "IN6", "IN7", "IN8")
_LOADS = ("A", "B", "C", "D")  # in the order of twin.pilot
_IDLE_MS = 100  # the cable is looked at this often even if nothing comes in: a car may be gone


class SimBoard:
    """cfg: dict of app/config. cable: board.cable.Cable or its like in one process: the modem is
    the chip model on it. port: board.packet.PacketPort, the modem is a network interface; then only
    pilot and power are simulated."""

    COMMANDS = (
        ("cp", "cp A|B|C|D|E|diode|auto  what is on the pilot; auto: the cable"),
        ("pp", "pp OHM  resistor of the plug"),
        ("input", "input IN1..IN8 good|wrong  a protective input"),
        ("plant", "plant NAME  something is broken, none: repaired"),
    )

    def __init__(self, cfg, rand, trace, cable=None, port=None):
        self.circuit = PilotCircuit(rand)
        self.pilot = Pilot(self.circuit, live_ms=_LIVE_MS)
        self.plug = PlugResistor()
        self.proximity = Proximity(self.plug)
        self.contactor = SimContactor(cfg)
        self.contact = self.contactor.model
        self.stage = self.contactor.make(cfg, trace)
        self.enable = getattr(self.stage, "enable", None)
        self.wrong = []  # protective inputs that say so
        self.chip = None
        self.fault = "none"
        self._cable = cable
        self._manual = cable is None
        self._seen = None
        self._look = None
        if port is None:
            self.mac = _HOST_MAC
            self.hpgp = Modem(_MODEM_MAC, EVSE, cable, rand)
            self.hpgp.profile = CABLE_PROFILE
            self.chip = QcaSpi(self.hpgp, rand)
            self.wires = Wires(self.chip, rand)
            self.modem = Qca7000(self.wires, self.wires.cs, self.chip.irq, trace)
            cable.line_rx = self.hpgp.line_rx
            self.sources = [cable.sock] + self._lines()
            self.ready = "link=sim udp=%d" % cable.port
        else:
            self.mac = port.mac
            self.modem = port
            self.sources = [port.sock] + self._lines()
            self.ready = "link=packet iface=%s" % port.name

    def _lines(self):
        """What else a poll() waits on: serial ports of the power stage."""
        wired = self.contactor.wired
        return wired.sources if wired else []

    def start(self, now):
        if self.chip is not None:
            self.chip.start(now)
        self.modem.start(now)

    @property
    def due(self):
        return sooner(self.chip.due, self._look) if self.chip is not None else None

    def poll(self, now):
        """Move the models to `now`."""
        if self._cable is None:
            return
        self._cable.poll(now)
        load = self._cable.load
        if not self._manual and load != self._seen:
            self._seen = load
            self._apply(load)
        self.chip.poll(now)
        self._cable.tell(self.circuit.duty, _HIGH_MV)
        if self._look is None or ticks_diff(self._look, now) <= 0:
            self._look = ticks_add(now, _IDLE_MS)

    def spi_hz(self, hz=None):
        """Set the clock of the modem's SPI, None: the usual one. Returns the clock in Hz."""
        self.wires.hz = hz or _SPI_HZ
        self.wires.connect()
        return self.wires.hz

    def exchanged(self, command, n):
        """What answers a command with MISO and MOSI exchanged: n bytes, or none (see
        app/selftest.py)."""
        return self.wires.exchanged(command, n)

    def plant(self, fault):
        """Break something, one of FAULTS; "none" repairs it all."""
        self.fault = fault
        self.contact.welded = fault == "welded"
        self.plug.cut = fault == "pp-open"
        if self.chip is not None:
            self.wires.clean_hz = 6000000 if fault == "spi-slow" else 16000000
            self.wires.fault = {"no-modem": ABSENT, "swapped": SWAPPED}.get(fault, GOOD)
            self.wires.int_open = fault == "int-open"
            self.hpgp.role = PEV if fault == "pev" else EVSE
            self.hpgp.pib = Pib(fault == "pev")
        self._spoil()

    def _spoil(self):
        """The planted fault of the pilot, which outlasts what is plugged in."""
        if self.fault == "cp-short":
            self.circuit.short_ohm = 0
        elif self.fault == "diode":
            self.circuit.diode_shorted = True

    # -- commands of the laboratory (firmware/run/operator.py): False when the words are wrong

    def do_plant(self, args, now):
        if len(args) != 1 or args[0] not in FAULTS:
            return False
        self.plant("none")
        self.circuit.short_ohm = None
        self.circuit.diode_shorted = False
        self.plant(args[0])

    def input(self, name, good):
        """IN1 to IN8."""
        if name not in _INPUTS:
            return None
        return lambda: 1 - good if name in self.wrong else good

    def do_input(self, args, now):
        if len(args) != 2 or args[0] not in _INPUTS or args[1] not in ("good", "wrong"):
            return False
        self.wrong = [name for name in self.wrong if name != args[0]]
        if args[1] == "wrong":
            self.wrong.append(args[0])

    def do_pp(self, args, now):
        if len(args) != 1 or not args[0].isdigit():
            return False
        self.plug.ohm = int(args[0]) or None

    def do_cp(self, args, now):
        circuit, what = self.circuit, args[0] if len(args) == 1 else ""
        if what == "auto":
            self._manual = False
            self._apply(self._seen)
            return None
        if what not in ("E", "diode") and what not in _LOADS:
            return False
        self._manual = True
        circuit.short_ohm = 0 if what == "E" else None
        circuit.diode_shorted = what == "diode"
        if what in _LOADS:
            circuit.load = _LOADS.index(what) + 1
        self._spoil()

    def counters(self):
        """[(name, value)] of the modem's side."""
        return self.modem.counters()

    def close(self):
        for part in (self._cable, self.modem):
            if part is not None and hasattr(part, "close"):
                part.close()

    def _apply(self, load):
        circuit = self.circuit
        ohm, flags, pp_ohm = load or (wire.OPEN, 0, 0)
        self.plug.ohm = pp_ohm if flags & wire.PLUGGED else None
        circuit.ohms = None if ohm == wire.OPEN or not flags & wire.PLUGGED else ohm
        circuit.diode_shorted = bool(flags & wire.SHORTED_DIODE)
        circuit.short_ohm = 0 if flags & wire.SHORTED_PILOT else None
        self._spoil()
