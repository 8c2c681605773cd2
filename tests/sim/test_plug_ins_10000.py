"""Ten thousand plug-ins in one process, across the wrap of the tick: nothing is left behind, nothing is stuck."""

from tests.sim.plug_ins import KIND_NAMES, Mill

RUNTIMES = ("unix32",)  # the heap of a microcontroller's kind is what is watched
SLOW = True
HEAP_KB = 600  # as in test_plug_ins.py
TIMEOUT_S = 3600

SEED = 1
COUNT = 10000


def test_ten_thousand_plug_ins():
    mill = Mill(SEED)
    mill.run(COUNT)
    kinds = ", ".join(["%d %s" % (n, name) for n, name in zip(mill.kinds, KIND_NAMES)])
    print("NOTE %d plug-ins: %s; heap in use %+d bytes since the first %d" % (mill.count, kinds, mill.growth, 500))
