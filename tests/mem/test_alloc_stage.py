"""A power stage takes no memory once it runs: the serial stage, frame by frame."""

RUNTIMES = ("unix32",)

from firmware.clock import ticks_add
from firmware.stage import serial_frame as wire
from firmware.stage.ac import AcStage
from firmware.stage.parts import PartsStage
from firmware.stage.serial import SerialStage
from tests.lib.heap import locked
from tests.lib.notes import Notes

T0 = ticks_add(0, -300)
HELLO = wire.HELLO  # a name of the module: looked up once


class Uart:
    """Answers every command from frames made before: hello, status, energy, a fault, noise."""

    def __init__(self):
        self.n = self.at = 0
        self.taken = 0
        self.out = bytearray(120)
        self.hello = wire.frame(wire.HELLO_RES, 60)
        self.hello[4] = 1
        self.hello[6] = 1
        self.status = wire.frame(wire.STATUS, 30)
        for i in range(4, 30):
            self.status[i] = 17 * i & 0xFF
        self.energy = wire.frame(wire.ENERGY, 8)
        self.fault = wire.frame(wire.FAULT, 4)
        self.lines = wire.frame(wire.LINES, 40)

    def any(self):
        return self.n - self.at

    def readinto(self, buf, n):
        n = min(n, self.n - self.at, 7)
        for i in range(n):
            buf[i] = self.out[self.at + i]
        self.at += n
        return n

    def write(self, buf):
        self.taken += 1
        self.n = self.at = 0
        if buf[2] == HELLO:
            self.put(self.hello, buf[3])
            return
        if self.taken % 9 == 0:
            self.put(self.fault, 0)
            self.out[self.n - 1] ^= 1  # broken: it is skipped
        self.put(self.status, buf[3])
        self.put(self.energy, buf[3])
        if self.taken % 5 == 0:
            self.n = self.at = 0
            self.put(self.lines, buf[3])

    def put(self, frame, seq):
        frame[3] = seq
        wire.seal(frame)
        n = self.n
        for byte in frame:
            self.out[n] = byte
            n += 1
        self.n = n


def test_the_serial_stage_r_loop():
    uart = Uart()
    stage = SerialStage({}, uart, Notes())
    stage.start(T0)
    now = T0
    for _ in range(20):
        now = ticks_add(now, 20)
        stage.poll(now)
    assert stage.caps.kind

    def run():
        now = ticks_add(T0, 500)
        for i in range(2000):
            step = i // 100 % 6
            if step == 0:
                stage.test(500000, 100, now)
            elif step == 1:
                stage.precharge(400000 + i, 2000, now)
            elif step == 2:
                stage.close(now)
            elif step == 3:
                stage.dc(420000, -i, 50000 - i, now)
            elif step == 4:
                stage.ac(-i, i, 0, 7, now)
            else:
                stage.stop(now)
                stage.off(now)
                stage.clear(now)
            stage.beat(now)
            stage.lock(i & 1, now)
            stage.poll(now)
            for source in range(6):
                stage.age_ms(source, now)
            now = ticks_add(now, 20)

    locked(run)
    assert uart.taken > 500 and stage._cut.errors > 10


class Part:
    """Converter, meter and monitor in one: it answers from numbers that move."""

    min_mv = 200000
    max_mv = 1000000
    max_charge_ma = max_discharge_ma = 73300
    max_charge_w = max_discharge_w = 22000
    limit_ms = 500
    ready = ok = on = live = True
    testing = swapped = charging_only = False
    due = test_result = None
    why = ""
    phases = 3

    def __init__(self):
        self.mv = self.ma = self.w = self.faults = self.alarm = self.var = 0
        self.ohm = 900000
        self.can_charge_w = self.can_discharge_w = 22000
        self.charged_wh = self.discharged_wh = 0
        self.l_mv = [230000, 230000, 230000]
        self.l_ma = [0, 0, 0]
        self.l_w = [0, 0, 0]

    def start(self, now):
        pass

    poll = off = start

    def clear(self, now):
        return True

    def want(self, on, now):
        pass

    def self_test(self, now):
        pass

    def counters(self):
        return []

    words = counters

    def set(self, mv, ma, now):
        self.mv = mv
        self.ma = ma
        return True

    def age_ms(self, now):
        return 40

    mv_age_ms = energy_age_ms = age_ms


def test_the_stage_of_parts():
    part = Part()
    cfg = {"meter_place": "car", "monitor_place": "station", "monitor_settle_ms": 20, "export": "free", "meter_id": "M"}
    stage = PartsStage(cfg, part, part, part, None, Notes())
    stage.start(T0)

    def run():
        now = T0
        for i in range(3000):
            part.faults = 1 if i % 700 > 690 else 0
            step = i // 100 % 6
            if step == 0:
                stage.off(now)
                stage.test(500000, 100, now)
            elif step == 1:
                stage.precharge(400000 + i, 2000, now)
            elif step == 2:
                stage.close(now)
            elif step == 3:
                stage.dc(420000, -i, 22000, now)
            elif step == 4:
                stage.stop(now)
            stage.beat(now)
            stage.poll(now)
            for source in range(6):
                stage.age_ms(source, now)
            part.charged_wh += i & 1
            now = ticks_add(now, 20)

    locked(run)
    assert stage.charged_wh >= 1499


def test_the_stage_of_ac():
    part = Part()
    stage = AcStage({"ac_phases": 3, "export": "free", "meter_id": "M"}, part, None)
    stage.start(T0)

    def run():
        now = T0
        for i in range(2000):
            part.l_ma[i % 3] = i - 1000
            stage.close(now)
            stage.ac(i, -i, 0, 7, now)
            stage.poll(now)
            for source in range(6):
                stage.age_ms(source, now)
            if i % 100 > 90:
                stage.off(now)
            now = ticks_add(now, 50)

    locked(run)
