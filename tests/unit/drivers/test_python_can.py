"""Infypower modules played by python-can: its messages, its virtual bus, its encoding of identifier
and length, against the driver on the unix port. The tables of the modules are written here from the
published frames, apart from those of the driver and of the models in host_tools/twin.

Time is the station's own and simulated, so nothing depends on how fast the machine is.
"""

RUNTIMES = ("cpython",)

import struct
import subprocess
from pathlib import Path

import can
from can.interfaces.socketcan.socketcan import build_can_frame, dissect_can_frame

from host_tools.root import ROOT
from host_tools.station.process import environment, firmware_command
from tests.lib.mtest import eq

_STEP_MS = 5
_EXTENDED = 0x80000000
_OFF, _ON = 0xA1, 0xA0


class Wire:
    """A virtual bus of python-can: one end for the station, one for the module."""

    def __init__(self):
        channel = "microv2g %d" % id(self)
        self.bus = can.Bus(channel, interface="virtual")
        self.module_bus = can.Bus(channel, interface="virtual")
        self.sent = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.bus.shutdown()
        self.module_bus.shutdown()

    def hand_over(self, octets):
        """A frame of the driver, to the module."""
        ident, dlc, _, data = dissect_can_frame(octets)
        assert ident & _EXTENDED, hex(ident)
        message = can.Message(
            arbitration_id=ident & 0x1FFFFFFF, is_extended_id=True, dlc=dlc, data=data, check=True
        )  # refuses an identifier, a length or data that no frame can have
        # And back: identifier, length and data as python-can encodes them. Bytes 5 to 7 are flags
        # of Linux.
        back = build_can_frame(message)
        eq((back[:5], back[8:]), (octets[:5], octets[8:]))
        self.sent.append(message)
        self.bus.send(message)

    def answers(self):
        """What the module has said."""
        while (message := self.bus.recv(0)) is not None:
            yield build_can_frame(message).hex()


class Station(Wire):
    """The driver in a MicroPython of its own, on such a bus."""

    def __init__(self, kind, crystal_mhz=8, kbit=125, runtime="unix"):
        Wire.__init__(self)
        script = ROOT / "tests" / "lib" / "can_station.py"
        binary = firmware_command(runtime)[0]
        self.process = subprocess.Popen(
            [binary, str(script), str(ROOT), kind, str(crystal_mhz), str(kbit)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment(runtime), cwd=Path(binary).parent,
        )  # fmt: skip

    def __exit__(self, *error):
        Wire.__exit__(self, *error)
        self.process.stdin.close()
        self.process.wait(10)
        self.process.stdout.close()

    def ask(self, *words):
        self.process.stdin.write(" ".join(str(word) for word in words) + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline()

    def run(self, module, ms, *order):
        """So much simulated time with `module` on the bus."""
        for _ in range(0, ms, _STEP_MS):
            module.poll()
            left, right = self.ask(_STEP_MS, *order, *self.answers()).split("|")
            order = ()
            names = ("ready", "on", "live", "faults", "mv", "ma", "age_ms", "can_w", "refused")
            self.now = dict(zip(names, (int(word) for word in left.split())))
            for word in right.split():
                self.hand_over(bytes.fromhex(word))
        return self.now


class Module:
    def __init__(self, station):
        self.bus = station.module_bus
        self.silent = False
        self.wrong = []
        self.mv = self.ma = 0
        self.on = False

    def poll(self):
        while (message := self.bus.recv(0)) is not None:
            ident = message.arbitration_id
            if message.dlc != 8 or not message.is_extended_id or ident & 0xFF != 0xF0 or ident >> 8 & 0xFF != 0:
                self.wrong.append(str(message))
                continue
            if not self.silent:
                self.hear(ident, bytes(message.data))

    def say(self, ident, data):
        self.bus.send(can.Message(arbitration_id=ident, data=data, is_extended_id=True, check=True))


class Beg(Module):
    """Both directions. A battery of 400 V is at its terminals, unless a station tells what is."""

    inverter = False
    set_mv = set_ma = 0
    modes = ()

    def hear(self, ident, data):
        what, zero, value = struct.unpack(">HHI", data)
        if zero or ident not in (0x02A300F0, 0x02A400F0):
            self.wrong.append(hex(ident))
        if ident >> 16 & 0x3F == 0x24:
            self.told(what, value)
            return self.say(0x02A4F000, data)
        self.measure()
        if what == 0x1001:
            value = self.mv
        elif what == 0x1002:
            value = self.ma
        elif what == 0x1110:
            value = 0 if self.on else 1 << 8
        elif what == 0x1111:
            value = int(self.inverter)
        else:
            self.wrong.append("object %x" % what)
        return self.say(0x02A3F000, struct.pack(">HHI", what, 0, value))

    def measure(self):
        flows = self.on and (self.set_mv < 400000 if self.inverter else self.set_mv > 400000)
        self.mv, self.ma = 400000, self.set_ma if flows else 0

    def told(self, what, value):
        if what == 0x1001 and 200000 <= value <= 1000000:
            self.set_mv = value
        elif what == 0x1002 and value <= 73300:
            self.set_ma = value
        elif what == 0x1110 and value in (_OFF, _ON):
            if value == _ON and not self.on and (self.set_ma or not self.set_mv):
                self.wrong.append("on before 0 A and a voltage were set")
            self.on = value == _ON
        elif what == 0x2110 and value in (0xA0, 0xA1):
            self.modes += (value,)
            if self.ma or self.set_ma:
                self.wrong.append("mode changed under current")
            self.inverter = value == 0xA1
        else:
            self.wrong.append("%x = %d" % (what, value))


class Reg(Module):
    """Charging only; begins with the published example frames."""

    answers = {
        0x03: (0x0283F000, "43FA000040600000"),
        0x0A: (0x028AF000, "01F400C803E803E8"),
        0x0C: (0x028CF000, "0FA001F400000000"),
    }
    sets = ()

    def hear(self, ident, data):
        command = ident >> 16 & 0x3F
        if ident & ~0x3F0000 != 0x028000F0:
            self.wrong.append(hex(ident))
        if command in self.answers:
            answer, text = self.answers[command]
            if any(data):
                self.wrong.append("a question with data")
            self.say(answer, bytes.fromhex(text))
        elif command == 0x04:
            self.say(0x0284F000, bytes((0, 0, 0, 0, 0, 0, 0 if self.on else 1, 0)))
        elif command == 0x1A and not any(data[1:]) and data[0] < 2:
            self.on = data[0] == 0
        elif command == 0x1C:
            self.sets += (struct.unpack(">II", data),)
        else:
            self.wrong.append("%x %s" % (command, data.hex()))


def test_bit_timing_by_python_can():
    for crystal in (8, 16):
        for kbit in (125, 250, 500):
            with Station("reg", crystal, kbit) as s:
                s.run(Reg(s), 50)
                cnf1, cnf2, cnf3, hz = (int(word) for word in s.ask("chip").split())
                timing = can.BitTiming(
                    f_clock=hz // 2,
                    brp=(cnf1 & 0x3F) + 1,
                    tseg1=(cnf2 & 7) + 1 + (cnf2 >> 3 & 7) + 1,
                    tseg2=(cnf3 & 7) + 1,
                    sjw=(cnf1 >> 6) + 1,
                    strict=True,
                )
                eq((timing.bitrate, timing.sample_point), (kbit * 1000, 75.0))


def beg(runtime):
    with Station("beg", runtime=runtime) as s:
        m = Beg(s)
        state = s.run(m, 1500)
        eq((state["ready"], state["mv"], state["faults"]), (1, 400000, 0))
        s.run(m, 50, "off")
        state = s.run(m, 1500, "set", 450000, 20000)
        eq((state["on"], state["ma"], m.set_mv, m.set_ma), (1, 20000, 450000, 20000))
        state = s.run(m, 1500, "set", 300000, -15000)
        eq((state["ma"], m.set_mv, m.inverter, m.modes), (-15000, 300000, True, (0xA1,)))
        state = s.run(m, 1500, "set", 450000, 73300)
        eq((state["ma"], m.modes), (73300, (0xA1, 0xA0)))
        m.silent = True
        state = s.run(m, 800)
        eq((state["faults"], state["live"]), (1, 1))
        m.silent = False
        state = s.run(m, 1500)
        eq((state["ready"], m.on), (1, False))
        s.run(m, 50, "off")
        s.run(m, 1500, "set", 450000, 20000)
        eq(m.on, True)
        s.run(m, 100, "off")
        eq(m.on, False)
        eq((m.wrong, state["refused"]), ([], 0))
        eq({message.dlc for message in s.sent}, {8})


def test_beg1k075g_played_by_python_can_64():
    beg("unix")


def test_beg1k075g_played_by_python_can_32():
    beg("unix32")


def test_reg_with_the_published_frames():
    with Station("reg") as s:
        m = Reg(s)
        state = s.run(m, 1500)
        eq((state["ready"], state["mv"], state["ma"], state["can_w"]), (1, 500000, 3500, 10000))
        s.run(m, 50, "off")
        s.run(m, 1500, "set", 450000, 20000)
        eq((m.on, m.sets[-1], m.wrong), (True, (450000, 20000), []))
        first = next(i for i, pair in enumerate(m.sets) if pair[1])
        eq({pair[1] for pair in m.sets[:first]}, {0})
        state = s.run(m, 800, "off")
        eq((state["ready"], m.on, m.wrong), (1, False, []))


def test_frames_for_others_and_refusals_by_python_can():
    with Station("beg") as s:
        m = Beg(s)
        s.run(m, 1500)
        for ident in (0x02A3F001, 0x02A3F100, 0x02A33F00, 0x0203F000):
            m.say(ident, struct.pack(">HHI", 0x1001, 0, 123456))
        m.bus.send(can.Message(arbitration_id=0x2A3, is_extended_id=False, data=bytes(8)))
        eq(s.run(m, 30)["mv"], 400000)
        for error in (2, 3):
            m.say(0x02A4F000 | error << 26, struct.pack(">HHI", 0x1002, 0, 0))
        state = s.run(m, 100)
        eq((state["refused"], state["faults"]), (2, 0))


class Terminals(Beg):
    """What is at its terminals comes from the copper and the battery of the station's model."""

    def measure(self):
        pass


def test_a_whole_session_of_the_station_with_the_module_played_by_python_can():
    script = ROOT / "tests" / "lib" / "can_session.py"
    binary = firmware_command("unix")[0]
    process = subprocess.Popen(
        [binary, "-X", "heapsize=4M", str(script), str(ROOT)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment("unix"), cwd=Path(binary).parent,
    )  # fmt: skip
    with Wire() as wire:
        module, found = Terminals(wire), {}
        while (line := process.stdout.readline().strip()) and line != "end":
            if line.startswith("= "):
                found[line.split()[1]] = int(line.split()[2])
                continue
            assert line.startswith("F "), line
            left, right = line[2:].split("|")
            module.mv, module.ma = (abs(int(word)) for word in left.split())
            for word in right.split():
                wire.hand_over(bytes.fromhex(word))
            module.poll()
            state = "%d %d %d %d" % (module.on, module.inverter, module.set_mv, module.set_ma)
            process.stdin.write("%s | %s\n" % (state, " ".join(wire.answers())))
            process.stdin.flush()
        process.stdin.close()
        process.stdout.close()
        eq((process.wait(10), line, module.wrong), (0, "end", []))
    assert 4700 < found.pop("charge_w") <= 5000 and -5000 <= found.pop("discharge_w") < -4700
    eq(found, {"loop": 0, "stop": 0, "closed": 0, "ready": 1, "faults": 0, "errors": 0})
    eq((module.modes, module.on), ((0xA1,), False))
