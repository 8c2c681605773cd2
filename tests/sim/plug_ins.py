"""Plug-ins without end at two stations in one process, good ones and all others, from a seed.

A failure names seed and number: with SEED=N in the environment the same tests come to the same
place.
"""

import gc

from firmware.app import plug_steps as sup
from firmware.clock import ticks_add, ticks_diff
from host_tools.ev.options import SLAC_FAULTS
from tests.lib import amount
from tests.lib.plant import Plant, Random
from tests.sim.watch import Watch

BEGIN = ticks_add(0, -30000)  # a few plug-ins before the wrap of the tick
EVERY = 250
SLACK = 512  # bytes of heap that may be more than at the mark. An object of 16 bytes lost in each 24th plug-in shows in a thousand of
# them, one in each 300th in ten thousand

_BOOT_MS = 200  # of the modems: a fifth of what they take, and most of the time of a plug-in

# What a plug-in is. The last three end by the unplug at a moment of the dice.
GOOD, BAD_MATCH, BASIC, TORN, REBOOT = range(5)
KIND_NAMES = ("good", "bad match", "by the pilot alone", "unplugged", "modem restarts")
_OF_TEN = (GOOD, GOOD, BAD_MATCH, BASIC, TORN, TORN, TORN, TORN, TORN, REBOOT)


class Mill:
    """kinds: how many of each there were."""

    def __init__(self, seed):
        self.seed = seed
        self.count = 0
        self.kinds = [0] * len(KIND_NAMES)
        self._rand = Random(seed)
        dc = Plant(seed=seed, begin=BEGIN, services=["DC_BPT", "DC"], setpoint_w=4000, cable_check_ms=200)
        ac = Plant(
            seed=seed + 1, begin=BEGIN, services=["AC_BPT", "AC"], setpoint_w=-2000, slac_init_ms=1000, ef_retries=0
        )  # fmt: skip
        for plant in (dc, ac):
            plant.board.hpgp.boot_ms = _BOOT_MS
            plant.board.hpgp.confirm_ms = 10
        self._plants = (dc, ac)
        self._watches = (Watch(dc), Watch(ac))
        self.growth = 0  # of the heap since the first balance, bytes
        self._mark = None

    def dice(self, n):
        two = self._rand(2)
        return (two[0] << 8 | two[1]) % n

    def run(self, n):
        """n more plug-ins; AssertionError at what is wrong."""
        for _ in range(n):
            try:
                self._one()
                if self.count % EVERY == 0:
                    self._balance()
                    amount.progress(self.count, n, " plug-ins, heap %+d bytes" % self.growth)
            except Exception:
                amount.failed(self.seed)
                print("NOTE at plug-in %d" % self.count)
                raise

    def _one(self):
        self.count += 1
        which = self.dice(2)
        plant, watch = self._plants[which], self._watches[which]
        kind = _OF_TEN[self.dice(10)]
        if kind == BASIC and not which and self.dice(4):
            kind = GOOD  # at DC such a car only stands about
        self.kinds[kind] += 1
        car = self._plug(plant, kind, "AC" if which else "DC")
        ms = 20 + self.dice(3500)
        if kind == REBOOT:
            plant.after(self.dice(ms), lambda plant: plant.board.chip.reboot(plant.now))
        if kind == GOOD:
            plant.until(lambda plant: car.done, 60000)
            assert car.ok, (car.why, plant.trace.notes[-8:])
        else:
            end = ticks_add(plant.now, ms)
            plant.until(lambda plant: car.done or ticks_diff(plant.now, end) >= 0, 60000)
            if not car.done:
                car.unplug(plant.now)
        plant.sleep(150)
        if plant.charger.state in (
            sup.PULSE_F,
            sup.LEAVE_F,
        ):  # the station itself is at -12 V: it sees the plug afterwards
            plant.until(lambda plant: plant.board.circuit.duty, 5000)
            plant.sleep(150)
        self._rest(plant, watch)
        plant.remove(car)
        if self.dice(4):
            plant.sleep(self.dice(600))  # else the next one comes at once

    def _plug(self, plant, kind, service):
        options = {"service": service + ("_BPT" if self.dice(2) else ""), "loops": 1 + self.dice(2)}
        options["control"] = "dynamic" if self.dice(3) else "scheduled"
        options["unplug_after_ms"] = 20 + self.dice(200)
        options["loop_pace_ms"] = 100
        if kind == BAD_MATCH:
            options["basic"] = False
            fault = self.dice(len(SLAC_FAULTS) + 2)
            if fault < len(SLAC_FAULTS):
                options["slac_fault"] = SLAC_FAULTS[fault]
            else:
                options["sounds"] = self.dice(10)
        elif kind == BASIC:
            options["iso15118"] = False
            options["duration_ms"] = 200 + self.dice(1000)
        car = plant.plug(1 + self.count % 100, **options)
        car.modem.boot_ms = _BOOT_MS
        return car

    def _rest(self, plant, watch):
        """The plug is out since 0.15 s."""
        watch.check()
        watch.clear()
        contact = plant.board.contact
        assert plant.charger.state == sup.UNPLUGGED, plant.trace.changes[-3:]
        assert (contact.coil, contact.closed, plant.board.stage.w, plant.power.fault) == (0, False, 0, 0)
        assert plant.board.circuit.duty == 1000 and plant.charger.link.conn is None
        assert plant.safe.faults == 0, plant.trace.errors
        plant.trace.clear()
        plant.car_trace.clear()

    def _balance(self):
        for plant in self._plants:
            charger = plant.charger
            for drops in (charger.slac.drops, charger.net.drops, plant.board.modem.drops):
                assert all([0 <= count < 1 << 30 for count in drops]), drops
            assert plant.board.chip.violations == 0
        seen = sum([plant.charger.plug_ins for plant in self._plants])
        assert self.count * 9 // 10 <= seen <= self.count, (seen, self.count)
        if not hasattr(gc, "mem_alloc"):
            return
        gc.collect()
        gc.collect()
        used = gc.mem_alloc()
        if self._mark is None:
            self._mark = used
        self.growth = used - self._mark
        assert self.growth <= SLACK, (used, self._mark)
