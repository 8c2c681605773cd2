"""Plug-ins one after the other in one process, across the wrap of the tick: nothing is left behind,
nothing is stuck. A thousand from a seed; ten thousand in `make soak SOAK=plug-ins`."""

from tests.lib.amount import SEED, amount
from tests.sim.plug_ins import EVERY, KIND_NAMES, Mill

RUNTIMES = ("unix32",)  # the heap of a microcontroller's kind is what is watched
SLOW = True
HEAP_KB = 1000  # two plants and what watches them
TIMEOUT_S = 600


def test_plug_ins_leave_nothing_behind():
    mill = Mill(SEED)
    mill.run(amount(1000, soak=10000))
    kinds = ", ".join(["%d %s" % (n, name) for n, name in zip(mill.kinds, KIND_NAMES)])
    print("NOTE %d plug-ins: %s; heap in use %+d bytes since the first %d" % (mill.count, kinds, mill.growth, EVERY))
