"""Some plug-ins of every kind on every runtime; many in a row are in test_plug_ins_many.py."""

from tests.lib.amount import SEED, amount
from tests.sim.plug_ins import KIND_NAMES, Mill

SLOW = True
BARE = True
HEAP_KB = 1200  # as in test_plug_in.py, two plants
BARE_HEAP_KB = 600  # the same, frozen


def test_plug_ins_of_every_kind():
    mill = Mill(SEED)
    mill.run(amount(100, soak=100, bare=40))
    assert all(mill.kinds), dict(zip(KIND_NAMES, mill.kinds))
