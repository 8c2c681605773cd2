"""Random walks over the whole station (tests/sim/walk.py), and that they see what they are for.
R-LOOP-15, R-LOOP-18, R-POWER-11, R-POWER-14, R-DC-SAFETY-07, R-DC-SAFETY-14, R-METER-03.

A few from a seed; 100,000 actions in `make soak SOAK=walks`.
"""

import gc
import sys

from firmware.app.power import Power
from firmware.session import ceiling
from firmware.stage.bench import BenchStage
from tests.lib.amount import amount, each
from tests.lib.mtest import raises, skip
from tests.sim import walk

SLOW = True
HEAP_KB = 1200  # as the fault table
BARE_HEAP_KB = 600
TIMEOUT_S = 900
_ACTIONS = 200


def test_random_walks():
    seen = []

    def one(seed):
        gc.collect()
        seen.append(walk.walk(seed, _ACTIONS).done)

    each(amount(4, soak=500, bare=1, unix32=3), one)
    print("NOTE %d walks, %d actions" % (len(seen), sum(seen)))


def _broken(owner, name, value, seeds=8):
    """The first breach of walks over a station in which something is wrong."""
    if sys.implementation.name != "cpython":
        skip("what is broken here is frozen, or takes minutes")
    good = getattr(owner, name)
    setattr(owner, name, value(good))
    try:
        for seed in range(1, seeds):
            gc.collect()
            walk.walk(seed, _ACTIONS)
    finally:
        setattr(owner, name, good)


def test_a_station_without_off_is_seen():
    def late(good):
        def permit(power, yes, now, sampled_at=None):
            good(power, True, now, now)  # the pilot may say what it wants

        return permit

    raises(walk.Breach, _broken, Power, "permit", late)


def test_a_station_without_the_operator_is_seen():
    raises(walk.Breach, _broken, ceiling, "charge_w", lambda good: lambda f, most_w: 9000)


def test_a_stage_that_delivers_more_is_seen():
    def generous(good):
        def dc(stage, mv, ma, w, now):
            good(stage, mv, 2 * ma, 2 * w, now)

        return dc

    raises(walk.Breach, _broken, BenchStage, "dc", generous)
