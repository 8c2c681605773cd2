"""What a turn of the pump costs: SPI, driver, demultiplexer, network or matching, pilot, timers.
Runs on the MicroPython images: frame_cost.py ROOT prints `name us heap` per row.

The chip answers from a table, so the time is the station's alone. Heap is counted over all turns
while the collector is off.
"""

import gc
import sys

if __name__ == "__main__":
    ROOT = sys.argv[1]
    sys.path[:] = [".frozen", ROOT]

from time import ticks_diff, ticks_us

from firmware.app import plug_steps as sup
from tests.lib.fake_modem import profile
from tests.lib.plant import Plant
from tests.lib.slac_car import Car as SlacCar
from tests.mem.test_alloc_path import Player, frames_of, in_session


def timed(player, turns):
    """(µs of a turn, bytes of heap of all)."""
    gc.collect()
    gc.disable()
    before = gc.mem_alloc()
    begin = ticks_us()
    player()
    spent = ticks_diff(ticks_us(), begin)
    used = gc.mem_alloc() - before
    gc.enable()
    return spent / turns, used


def idle():
    plant = Plant(services=["DC_BPT"])
    plant.sleep(3000)
    player = Player(plant)
    player.turns = 1000
    player.idle()
    return timed(player.idle, 1000)


def data(size):
    """Requests of `size` bytes and the acknowledgments to them."""
    plant, car, _ = in_session()
    player = Player(plant)
    frames = []
    for _ in range(3):
        car.net.conns[0].write(bytes(size), 0, size)
        frames += frames_of(car, player.now)
    player.load(frames)
    return timed(player.play, len(frames))


def sounds():
    plant = Plant(services=["DC_BPT"])
    plant.plug(iso15118=False)
    plant.until(lambda plant: plant.charger.state == sup.CALLING and plant.charger.slac.ready, 20000)
    plant.sleep(100)
    car = SlacCar()
    player = Player(plant)
    for frame in (car.parm(), car.start()):
        player.load([frame])
        player.play()
    station = bytes(plant.charger.slac.mac)
    frames = [profile(car.mac, 20 + i, station, plant.board.hpgp.mac) for i in range(10)]
    player.load(frames)
    return timed(player.play, len(frames))


def main():
    for name, measure in (
        ("turn without a frame", idle),
        ("TCP segment of 60 B, acknowledged", lambda: data(60)),
        ("TCP segment of 1400 B, acknowledged", lambda: data(1400)),
        ("CM_ATTEN_PROFILE of one sound", sounds),
    ):
        costs = [measure() for _ in range(5)]  # the shortest is the one that nothing else disturbed
        print("%s|%.1f|%d" % (name, min([cost[0] for cost in costs]), max([cost[1] for cost in costs])))


if __name__ == "__main__":
    main()
