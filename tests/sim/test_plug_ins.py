"""Some plug-ins of every kind on every runtime; ten thousand of them are in test_plug_ins_10000.py."""

from tests.sim.plug_ins import KIND_NAMES, Mill

HEAP_KB = 1200  # two stations and a car in one process


def test_plug_ins_of_every_kind():
    mill = Mill(7)
    mill.run(100)
    assert all(mill.kinds), dict(zip(KIND_NAMES, mill.kinds))
