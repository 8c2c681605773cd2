"""The arena of module tls13: an init() that failed takes nothing with it, whenever its remains are
collected."""

RUNTIMES = ("unix", "unix32")
HEAP_KB = 420
BARE_HEAP_KB = 420

import gc

import tls13

from tests.lib.mtest import eq, raises
from tests.lib.tls_pair import ARENA, Pair, station, vehicle


def test_an_init_that_failed_takes_nothing_with_it():
    """No room in the heap, nonsense for a size, too little for mbedTLS; then one that works, and
    its handshakes."""
    raises(MemoryError, tls13.init, 1 << 28)
    raises(TypeError, tls13.init, "much")
    raises(OSError, tls13.init, 100)
    eq(tls13.memory()[2], 0)
    tls13.init(ARENA)
    for _ in range(50):
        gc.collect()
        bytes(100)
    eq(tls13.memory()[2], ARENA)
    pair = Pair(station(), vehicle())
    eq((pair.s.state, pair.c.state), (tls13.OPEN, tls13.OPEN))
