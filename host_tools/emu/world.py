"""The world around the emulated board: modem behind SPI, pilot and proximity, contactor, powerline,
cars. The models are those of host_tools/twin and host_tools/ev; this file wires them to the pins
and to the time of the emulator.
"""

from firmware.clock import sooner, ticks_add, ticks_diff
from host_tools.emu.faults import Faults
from host_tools.emu.spi import Bus
from host_tools.emu.wire import State
from host_tools.ev import options
from host_tools.ev.car import Car
from twin import cable
from twin.contactor import ContactorModel
from twin.line import Line
from twin.modem import CABLE_PROFILE, EVSE, PEV, Modem
from twin.pilot import PilotCircuit, PlugResistor
from twin.qca7000 import QcaSpi

_MODEM_MAC = b"\x02MV2\x00\x02"
_START = -300  # ticks of the models wrap 300 ms behind power-on: nothing in them may mind
_NS_PER_MS = 1000000
_UNIX_S = 1767225600  # what time it is for the car: 2026-01-01


class Random:
    """Numbers from a seed: a run is repeated by it."""

    def __init__(self, seed):
        self._state = (seed * 2654435761 + 12345) & 0xFFFFFFFF or 1

    def __call__(self, n):
        out = bytearray(n)
        x = self._state
        for i in range(n):
            x ^= x << 13 & 0xFFFFFFFF
            x ^= x >> 17
            x ^= x << 5 & 0xFFFFFFFF
            out[i] = x >> 8 & 0xFF
        self._state = x
        return bytes(out)


class World:
    """seed: of everything random. faults: dict of faults.Faults. observer: what is told
    (host_tools/emu/observer.py). can: host_tools.emu.can.CanSide, set before the board starts;
    None = no CAN chip. rs485: host_tools.emu.rs485.Rs485 at UART1; stage: twin.power_board.PowerBoard at
    UART0, the console is that of USB then. Both may be None."""

    can = rs485 = stage = None

    def __init__(self, seed=1, faults=None, observer=None):
        self.rand = Random(seed)
        self.faults = Faults(**(faults or {}))
        self.observer = observer
        self.state = State()
        self.line = Line(self.rand, delay_ms=1)
        self.modem = Modem(_MODEM_MAC, PEV if self.faults.pev_pib else EVSE, self.line, self.rand)
        self.modem.profile = CABLE_PROFILE
        self.chip = QcaSpi(self.modem, self.rand)
        self.bus = Bus(self.chip, self.faults, Random(seed + 1), observer)
        self.circuit = PilotCircuit(self.rand)
        self.plug_resistor = PlugResistor()
        self.contactor = ContactorModel()
        self.car = None
        self.ns = 0.0
        self.duty = -1
        self.coil = 0
        self.enabled = 0  # the ENABLE line of the power stage
        self.reset_low = False
        self.uart_out = bytearray()  # everything that the board has said; whoever reads it takes it away
        self.usb_out = bytearray()  # the same of its console on USB
        self.resets = []
        self._woken = False
        self._car_due = None
        self._int = 0
        self.line.join(self.modem)
        now = self._tick()
        self.contactor.start(now)
        self.chip.start(now)
        self.work()

    def _tick(self):
        return ticks_add(0, _START + int(self.ns) // _NS_PER_MS)

    # -- people

    def plug(self, tls=None, trace=None, **ev):
        """Plug a car in: options of ev/options.py. tls: its net.tls_stage.TlsStage. trace: see
        ev/car.py. Returns the Car."""
        cfg = dict(options.DEFAULTS)
        cfg.update(ev)
        mac = b"\x02EV\x00\x00\x02"
        self.car = Car(
            cfg,
            mac,
            self.line,
            self.rand,
            lambda: _UNIX_S + int(self.ns // 1e9),
            trace or self.observer or Silent(),
            tls,
        )
        self.line.join(self.car.modem)
        self.car.start(self._tick())
        self._woken = True
        return self.car

    def unplug(self):
        """Pull the plug now, whatever goes on."""
        if self.car is not None and not self.car.done:
            self.car.unplug(self._tick())
        self._woken = True

    def type(self, data, usb=False):
        """Bytes to the board's UART, at its baud rate, or to its USB console."""
        if usb:
            self.state.usb += data
        else:
            self.state.uart += data

    # -- the emulator

    def power_on(self):
        """The board loses what it drove; the modem has its own supply and goes on."""
        self._released()

    def handle(self, records):
        """Take the records of one message."""
        bus, observer = self.bus, self.observer
        for letter, ns, value in records:
            self.ns = ns
            if observer:
                observer.now_ns = ns
            if letter == 0x62:  # b
                bus.write(value, ns)
            elif letter == 0x71:  # q
                self.state.miso = bus.exchange(int(value), ns)
            elif letter == 0x63:  # c
                bus.select(int(value), ns)
            elif letter == 0x75:  # u
                if self.stage is not None:
                    self.stage.rx(value, self._tick())
                else:
                    self.uart_out += value
                if observer:
                    observer.text(ns, value)
            elif letter == 0x55:  # U
                self.usb_out += value
            elif letter == 0x67:  # g
                self._drive(1 if value == 1 else 0, ns)
            elif letter == 0x65:  # e
                self.enabled = 1 if value == 1 else 0
            elif letter == 0x76 and self.rs485:  # v
                self.rs485.hears(value, self._tick())
            elif letter == 0x77 and self.rs485:  # w
                self.rs485.speed = int(value)
            elif letter == 0x44 and self.rs485:  # D
                self.rs485.driving = value == 1
            elif letter == 0x51 and self.can:  # Q
                self.state.can_miso = self.can.exchange(int(value))
            elif letter == 0x43 and self.can:  # C
                self.can.select(int(value), self._tick())
            elif letter == 0x64:  # d
                self._set_duty(int(value), ns)
            elif letter == 0x66:  # f
                bus.clock_hz = value
            elif letter == 0x72:  # r
                self._reset_modem(value == 0)
            elif letter == 0x78:  # x
                self.resets.append((ns, value.decode()))
                if observer:
                    observer.reset(ns, value.decode())
                self._released()

    def work(self):
        """Move the models to the time of the last record, and say what the board's pins see."""
        now = self._tick()
        chip, circuit, contactor = self.chip, self.circuit, self.contactor
        self.line.poll(now)
        if self.reset_low and not self.modem.booting:
            chip.reboot(now)
        chip.poll(now)
        contactor.poll(now)
        self._poll_car(now)
        self.line.poll(now)
        chip.poll(now)
        state, faults = self.state, self.faults
        level = 1 if self.bus.int_level and not faults.no_modem else 0
        if level and not self._int and self.observer:
            self.observer.interrupt(self.ns)
        self._int = state.int_level = level
        state.int_connected = not (faults.int_open or faults.no_modem)
        state.swapped = faults.swapped
        circuit.diode_shorted = faults.diode_shorted or self._flag(cable.SHORTED_DIODE)
        circuit.short_ohm = 0 if faults.pilot_shorted or self._flag(cable.SHORTED_PILOT) else None
        state.high_mv, state.low_mv = circuit.plateaus()
        ohm = None if faults.pp_open else self.plug_resistor.ohm
        state.pp_mv = 3300 if ohm is None else 3300 * ohm // (1000 + ohm)
        contactor.welded = faults.welded
        contactor.stuck_open = faults.stuck_open
        # The mirror contact is closed to ground while the main contacts are open; a wire that is
        # off reads as closed.
        state.mirror = 1 if contactor.closed or faults.mirror_open else 0
        state.ahead = self.bus.ahead()
        due = sooner(sooner(chip.due, contactor.due), sooner(self.line.due, self._car_due))
        if self.can is not None:
            self.can.poll(now)
            state.can_int = self.can.int_level
            due = sooner(due, self.can.due)
        if self.rs485 is not None:
            state.uart1 += self.rs485.poll(now)
            due = sooner(due, self.rs485.due)
        if self.stage is not None:
            self.stage.poll(now)
            state.uart += self.stage.tx()
            due = sooner(due, self.stage.due)
        ms = 1000 if due is None else min(1000, max(1, ticks_diff(due, now)))
        state.due_ns = (int(self.ns) // _NS_PER_MS + ms) * float(_NS_PER_MS)

    def _flag(self, flag):
        return bool(self.car is not None and self.car.load[1] & flag)

    def _poll_car(self, now):
        car = self.car
        if car is None:
            return
        due = self._car_due
        if not (self._woken or car.modem.waiting or (due is not None and ticks_diff(due, now) <= 0)):
            return
        self._woken = False
        car.poll(now)
        self._apply_load()
        self._car_due = car.due
        if car.done:
            self._car_due = None
            self.line.leave(car.modem)
            self.car = None

    def _apply_load(self):
        ohm, flags, pp_ohm = self.car.load
        plugged = flags & cable.PLUGGED
        ohms = ohm if plugged and ohm != cable.OPEN else None
        if ohms != self.circuit.ohms and self.observer:
            self.observer.load(self.ns, ohms)
        self.circuit.ohms = ohms
        self.plug_resistor.ohm = pp_ohm if plugged else None
        if plugged and self.duty >= 0 and self.car.duty != self.duty:
            self.car.pilot(self.duty, self._tick())
            self._woken = True

    def _set_duty(self, permille, ns):
        self.duty = self.circuit.duty = permille
        if self.observer:
            self.observer.duty(ns, permille)
        if self.car is not None and self.car.load[1] & cable.PLUGGED and self.circuit.short_ohm is None:
            self.car.pilot(permille, self._tick())
            self._woken = True

    def _drive(self, on, ns):
        if on != self.coil:
            self.coil = on
            self.contactor.poll(self._tick())
            self.contactor.drive(on)
            if self.observer:
                self.observer.coil(ns, on)

    def _reset_modem(self, low):
        if low != self.reset_low:
            self.reset_low = low
            self.chip.reboot(self._tick())

    def _released(self):
        """Nothing is driven by the board any more."""
        self._drive(0, self.ns)
        self.enabled = 0
        self._reset_modem(False)
        if self.bus.selected:
            self.bus.select(1, self.ns)
        self.state.uart = self.state.usb = b""


class Silent:
    """Trace of a car that nobody listens to."""

    def message(self, *args):
        pass

    note = error = message
