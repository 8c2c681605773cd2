"""Sessions of the image with a pilot that glitches, and with a car that takes its time (R-POWER-15,
R-TIMERS-10). Plain TCP: TLS is measured elsewhere."""

RUNTIMES = ("cpython",)
TIMEOUT_S = 900
SLOW = True

from host_tools.emu import files
from host_tools.emu.board import EmulatedBoard
from host_tools.ev import states
from host_tools.lab import LAB
from tests.lib.emulator import need_image
from tests.lib.mtest import eq

IMAGE = need_image()
CONFIG = {"services": ["DC_BPT"], "tls": "none", "allow_plain": True, "export": "free", "setpoint_w": 12000}
READY = "Ctrl-C stops it."
B_OHM = 2740


def powered():
    return EmulatedBoard(IMAGE, files.station(dict(CONFIG, **LAB)))


def test_a_glitch_of_the_pilot_ends_a_session_at_most_r_power_15():
    """Guard and firmware agree: the station is never out of service, and the next car charges."""
    for ms in (5, 15, 25, 40, 60, 120):
        with powered() as b:
            world = b.world
            b.until(READY, 10000)
            b.run_ms(1500)
            car = world.plug(service="DC_BPT", capacity_wh=400, loops=100)
            b.until(lambda car=car: (car.evcc.state == states.LOOP and car.evcc.loops > 4) or car.done, 60000)
            assert not car.done and world.coil
            load, world._apply_load = world._apply_load, lambda: None
            ohms, world.circuit.ohms = world.circuit.ohms, B_OHM
            begin = b.ms
            b.until(lambda begin=begin, ms=ms: b.ms >= begin + ms, ms + 1)
            world.circuit.ohms, world._apply_load = ohms, load
            b.run_ms(150)
            eq((ms, world.coil), (ms, 1 if ms <= 15 else 0))
            world.unplug()
            b.until(lambda car=car: car.done, 60000)
            b.run_ms(2500)
            again = world.plug(service="DC_BPT", capacity_wh=400, loops=3)
            b.until(lambda again=again: again.done, 90000)
            b.type("@2 status\r")
            b.run_ms(300)
            assert again.ok, (ms, again.why, b.console[-1500:])


def test_a_car_that_pauses_450_ms_charges_for_200_loops_r_timers_10():
    with powered() as b:
        b.until(READY, 10000)
        b.run_ms(1500)
        car = b.world.plug(service="DC_BPT", capacity_wh=4000, loops=200, loop_pace_ms=450)
        b.until(lambda: car.done, 300000)
        b.type("@2 trace 12\r")
        b.run_ms(500)
        assert car.ok and car.evcc.loops >= 200, (car.why, car.evcc.loops, b.console[-2500:])
