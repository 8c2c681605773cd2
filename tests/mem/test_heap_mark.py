"""Module heap_mark (boards/common/heap_mark): the least free heap behind a collection. On the image
of the RP2040 tests/emu has it."""

RUNTIMES = ("unix", "unix32")

import gc

import heap_mark

from tests.lib.mtest import eq

SIZE = 20000
ROUND = 200  # the object around the bytes, and whole blocks


def test_what_lives_lowers_the_mark_and_garbage_does_not():
    gc.collect()
    heap_mark.reset()
    eq(heap_mark.read(), (-1, -1, 0, 0))
    gc.collect()
    before = heap_mark.read()
    kept = bytearray(SIZE)
    eq(heap_mark.read()[0], before[0])  # nobody has collected yet
    gc.collect()
    low, largest, count, _us = heap_mark.read()
    assert SIZE <= before[0] - low <= SIZE + ROUND, (before, low)
    eq((count, len(kept)), (2, SIZE))
    assert 0 < largest <= low
    del kept
    for _ in range(20):
        bytearray(SIZE)  # garbage at once
    gc.collect()
    again = heap_mark.read()
    assert low - SIZE - ROUND <= again[0] <= low and again[2] >= 3, (low, again)  # one may still lie on the C stack


def test_it_counts_as_the_collector_does():
    gc.collect()
    free, largest = heap_mark.now()
    assert 0 <= free - gc.mem_free() <= ROUND, (free, gc.mem_free())  # the tuple itself
    holes = [bytearray(64) for _ in range(200)]
    for i in range(0, 200, 2):
        holes[i] = None
    gc.collect()
    with_holes, _ = heap_mark.now()
    assert abs(with_holes - gc.mem_free()) <= ROUND
    assert largest < free


def test_a_collection_for_want_of_memory_counts_too():
    gc.collect()
    heap_mark.reset()
    try:
        bytearray(1 << 24)
    except MemoryError:
        pass
    else:
        raise AssertionError("so much memory")
    eq(heap_mark.read()[2], 1)
