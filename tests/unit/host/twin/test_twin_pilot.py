"""twin.pilot, and drivers/pilot.py at the circuit: R-LINK-25, R-DC-SAFETY-07, R-POWER-11."""

from drivers.pilot import CHANGED, DIODE, UNKNOWN, A, B, C, D, E, Pilot
from firmware.clock import ticks_add, ticks_diff
from tests.lib.mtest import eq
from twin import pilot as twin
from twin.pilot import PilotCircuit, PlugResistor

T0 = ticks_add(0, -300)


def near(value, wanted, error):
    assert abs(value - wanted) <= error, (value, wanted)


def dice(seed):
    """rand(n) that is the same on every runtime."""
    state = [seed]

    def rand(n):
        out = bytearray(n)
        for i in range(n):
            state[0] = (state[0] * 1103 + 12345) % 1048573
            out[i] = state[0] >> 4 & 255
        return out

    return rand


def measured(**faults):
    """high_mv and low_mv of a circuit at 5 %, B unless `load` says otherwise."""
    circuit = PilotCircuit()
    circuit.load = faults.pop("load", B)
    circuit.set_duty(50)
    for name in faults:
        setattr(circuit, name, faults[name])
    circuit.sample()
    return circuit.high_mv, circuit.low_mv


class Line:
    def __init__(self, duty=50, rand=None):
        self.circuit = PilotCircuit(rand)
        self.pilot = Pilot(self.circuit)
        self.pilot.start(T0)
        self.pilot.set_duty(duty, T0)
        self.ms = 0

    def run(self, ms):
        self.ms += ms
        until = ticks_add(T0, self.ms)
        codes = []
        while ticks_diff(self.pilot.due, until) <= 0:
            self.pilot.poll(self.pilot.due)
            codes.append(self.pilot.event())
        return [code for code in codes if code]

    def state(self, load):
        self.circuit.load = load
        self.run(60)
        return self.pilot.state


def test_numbers_of_the_loads_are_those_of_the_states():
    eq((twin.A, twin.B, twin.C, twin.D), (A, B, C, D))


def test_plateaus_of_a_good_car():
    # By hand: (12 - 0.7) V * R / (R + 1000 ohm) + 0.7 V.
    for load, mv, nominal in ((A, 12000, 12000), (B, 8979, 9000), (C, 5993, 6000), (D, 2928, 3000)):
        high_mv, low_mv = measured(load=load)
        near(high_mv, mv, 3)
        near(high_mv, nominal, 100)
        eq(low_mv, -12000)


def test_steady_levels():
    circuit = PilotCircuit()
    circuit.load = B
    circuit.sample()
    near(circuit.high_mv, 8979, 3)
    eq(circuit.low_mv, None)
    circuit.set_duty(0)
    circuit.sample()
    eq((circuit.high_mv, circuit.low_mv), (-12000, -12000))


def test_faults_of_the_circuit():
    eq(measured(cable_cut=True), (12000, -12000))
    high_mv, low_mv = measured(diode_shorted=True)
    near(high_mv, 8791, 3)  # 12 V * 2740 / 3740
    near(low_mv, -8791, 3)
    high_mv, low_mv = measured(diode_shorted=True, load=D)
    near(high_mv, 2368, 5)
    near(low_mv, -2368, 5)
    eq(measured(short_ohm=0), (0, 0))
    high_mv, low_mv = measured(short_ohm=1000, load=A)
    eq((high_mv, low_mv), (6000, -6000))
    # With a car beside it: a source of 6 V and 500 ohm, then the loop.
    high_mv, low_mv = measured(short_ohm=1000)
    near(high_mv, 6000 - (6000 - 700) * 500 // 3240, 3)
    near(low_mv, -6000, 3)
    near(measured(series_ohm=300, load=C)[0], 12000 - 11300 * 1000 // 2181, 4)
    eq(measured(offset_mv=-400, load=A), (11600, -12400))


def test_waveform_at_5_percent():
    circuit = PilotCircuit()
    circuit.load = C
    circuit.set_duty(50)
    circuit.sample()
    for us, mv in ((0, circuit.high_mv), (49, circuit.high_mv), (50, -12000), (999, -12000), (1049, circuit.high_mv)):
        eq((us, circuit.level_mv(us)), (us, mv))


def test_load_and_ohms():
    circuit = PilotCircuit()
    eq((circuit.load, circuit.sampling), (A, "sync"))
    eq(PilotCircuit(sampling="peak").sampling, "peak")
    for load in (A, B, C, D):
        circuit.load = load
        eq(circuit.load, load)
    circuit.ohms = 1500
    eq(circuit.load, None)


def test_what_the_car_sees():
    circuit = PilotCircuit()
    circuit.set_duty(50)
    eq(circuit.car_duty, -1)
    circuit.load = B
    eq(circuit.car_duty, 50)
    circuit.short_ohm = 0
    eq(circuit.car_duty, -1)
    circuit.short_ohm = None
    circuit.cable_cut = True
    eq(circuit.car_duty, -1)


# -- the pilot at the circuit


def test_all_states_at_5_percent_10_percent_and_x1():
    for duty in (50, 100, 533, 960, 1000):
        line = Line(duty)
        for load in (A, B, C, D, C, B, A, C, A, D, B, D, A):
            eq((duty, line.state(load)), (duty, load))
        assert line.pilot.diode_ok


def test_diode_at_5_percent():
    for load in (B, C, D):
        line = Line()
        line.state(load)
        assert line.pilot.diode_seen
        line.circuit.diode_shorted = True
        assert DIODE in line.run(60)
        assert not line.pilot.diode_ok
        line.circuit.diode_shorted = False
        eq(line.run(1000).count(DIODE), 0)
        assert not line.pilot.diode_ok
        line.state(A)
        assert line.pilot.diode_ok


def test_diode_with_resistance_in_the_line():
    for series_ohm in (100, 300, 600):
        line = Line()
        line.circuit.series_ohm = series_ohm
        line.circuit.diode_shorted = True
        line.state(B)
        assert not line.pilot.diode_ok, series_ohm


def test_cut_cable_is_a_within_40_ms_r_power_11():
    line = Line()
    eq(line.state(C), C)
    line.circuit.cable_cut = True
    eq(line.run(40), [CHANGED])
    eq(line.pilot.state, A)


def test_short_to_earth_is_e_within_40_ms():
    for load in (A, B, C, D):
        line = Line()
        line.state(load)
        line.circuit.short_ohm = 0
        eq(line.run(40), [CHANGED])
        eq(line.pilot.state, E)
        assert line.pilot.diode_ok


def test_leak_to_earth_is_seen_by_the_negative_plateau():
    line = Line()
    line.state(A)
    line.circuit.short_ohm = 1000  # looks like a car in C
    line.run(60)
    eq((line.pilot.state, line.pilot.diode_ok), (C, False))


def test_offset_of_the_station_within_0_8_v():
    for offset_mv in (-800, -400, 400, 800):
        line = Line()
        line.circuit.offset_mv = offset_mv
        for load in (A, B, C, D, C, B, A):
            eq((offset_mv, line.state(load)), (offset_mv, load))
        assert line.pilot.diode_ok


def test_noise_of_0_9_v_moves_no_state():
    for load in (A, B, C, D):
        line = Line(rand=dice(load))
        line.state(load)
        line.circuit.noise_mv = 900
        seen = line.run(20000)
        eq((load, line.pilot.state, seen), (load, load, []))
        assert line.circuit.samples > 1000


def test_noise_is_as_large_as_told():
    circuit = PilotCircuit(dice(3))
    circuit.noise_mv = 500
    low, high = 12000, 12000
    for _ in range(2000):
        circuit.sample()
        low, high = min(low, circuit.high_mv), max(high, circuit.high_mv)
    assert 11500 <= low < 11520 and 12480 < high <= 12500, (low, high)


def test_own_f_then_5_percent_r_link_25():
    line = Line()
    eq(line.state(B), B)
    line.pilot.set_duty(0, ticks_add(T0, line.ms))
    eq(line.run(4000), [])
    assert line.pilot.blind
    line.pilot.set_duty(50, ticks_add(T0, line.ms))
    eq(line.run(60), [])
    eq((line.pilot.state, line.pilot.blind), (B, False))


def test_nothing_known_before_the_first_samples():
    eq(Line().pilot.state, UNKNOWN)


def test_plug_resistor():
    for ohm, mv in ((0, 0), (100, 300), (1000, 1650), (1500, 1980)):
        raw = PlugResistor(ohm).read_u16()
        near(raw * 3300 >> 16, mv, 1)
    eq(PlugResistor(None).read_u16(), 65535)
