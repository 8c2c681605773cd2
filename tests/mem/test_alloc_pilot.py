"""Pilot, proximity, contactor and charging without messages take no memory once they run."""

RUNTIMES = ("unix32",)

from drivers.contactor import Contactor
from drivers.pilot import B, C, Pilot
from drivers.pilot_adc import FreeFrontEnd, PeakFrontEnd, Scale, SyncFrontEnd
from drivers.proximity import Proximity
from firmware.app.basic import Basic
from firmware.clock import ticks_add
from tests.lib.heap import locked
from twin.contactor import ContactorModel
from twin.pilot import PilotCircuit, PlugResistor

T0 = ticks_add(0, -300)


class Pwm:
    def __init__(self):
        self.value = 0

    def duty_u16(self, value):
        self.value = value


class Adc:
    """Every other read on the wrong plateau, so that the second tries run too."""

    def __init__(self):
        self.n = 0

    def read_u16(self):
        self.n += 1
        return 8192 if self.n & 1 else 49152


def nothing(_):
    pass


def test_a_minute_of_pilot_with_every_event():
    circuit = PilotCircuit()
    pilot = Pilot(circuit)
    pilot.start(T0)
    pilot.set_duty(50, T0)

    def run():
        now = T0
        for i in range(3000):
            if i % 15 == 0:
                circuit.load = B if circuit.load == C else C
            circuit.diode_shorted = i % 100 > 50
            circuit.cable_cut = i % 500 > 450
            if i % 200 == 0:
                pilot.count_toggles(now)
            if i % 700 == 0:
                pilot.set_duty(0 if pilot.duty else 50, now)
            pilot.poll(now)
            while pilot.event():
                pass
            now = ticks_add(now, 20)

    locked(run)
    assert circuit.samples == 3000


def test_samples_of_every_front_end():
    scale = Scale(0, -16000, 65536, 16000)
    fronts = (
        SyncFrontEnd(Pwm(), Adc(), scale, nothing),
        PeakFrontEnd(Pwm(), Adc(), Adc(), scale, scale, nothing, nothing),
        FreeFrontEnd(Pwm(), Adc(), scale),
    )

    def run():
        for front in fronts:
            for duty in range(0, 1001, 50):
                front.set_duty(duty)
                front.sample()

    locked(run)


def test_proximity():
    plug = PlugResistor(220)
    proximity = Proximity(plug)
    proximity.start(T0)

    def run():
        now = T0
        for i in range(400):
            plug.ohm = (220, 1500, None, 0)[i // 10 % 4]
            proximity.poll(now)
            proximity.event()
            now = ticks_add(now, 50)

    locked(run)


def test_contactor_and_basic():
    model = ContactorModel()
    model.start(T0)
    contactor = Contactor(model.drive, model.feedback)
    contactor.start(T0)
    basic = Basic(160)
    basic.start(T0)

    def run():
        now = T0
        for i in range(5000):
            basic.pilot(C if i % 500 > 100 else B, now)
            basic.set_amps_x10(i % 400, now)
            basic.poll(now)
            if basic.close:
                contactor.close(now)
            else:
                contactor.open(now)
            model.poll(now)
            model.welded = i > 4000
            contactor.poll(now)
            contactor.event()
            now = ticks_add(now, 10)

    locked(run)
    assert model.closings > 1 and contactor.fault
