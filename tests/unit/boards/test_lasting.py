"""Module lasting (boards/common/lasting): buffers outside of the heap. The images of the tests have
256 bytes of it, which no buffer of the firmware fits into; on the RP2040 every session of tests/emu
runs in it."""

RUNTIMES = ("unix", "unix32")

import gc

import lasting

from firmware import buffers
from tests.lib.mtest import eq, raises


def test_buffers_by_name_until_there_is_no_room():
    before = lasting.left()
    eq(before, 256)
    a = lasting.take("a", 100)
    b = lasting.take("b", 50)
    eq((len(a), len(b), lasting.left()), (100, 50, 256 - 104 - 56))
    for i in range(100):
        a[i] = i
    for i in range(50):
        b[i] = 200
    eq(bytes(a), bytes(range(100)))
    eq(lasting.take("c", 97), None)
    again = lasting.take("a", 80)
    eq(bytes(again), bytes(range(80)))  # the same bytes, and nothing more is taken
    eq(lasting.left(), 96)
    eq(lasting.take("a", 105), None)  # that name has less
    eq(len(lasting.take("c", 96)), 96)
    eq(lasting.left(), 0)
    gc.collect()
    eq(bytes(a), bytes(range(100)))
    view = memoryview(a)
    view[3:6] = b"xyz"
    eq(bytes(a[:8]), b"\x00\x01\x02xyz\x06\x07")


def test_what_no_buffer_can_be_is_refused():
    for name, n in (("x", 0), ("x", -1), ("a name of many", 8)):
        raises(ValueError, lasting.take, name, n)
    raises(TypeError, lasting.take, 7, 8)


def test_without_room_the_heap_gives_it():
    gc.collect()
    free = gc.mem_free()
    kept = buffers.buffer("request", 8200)
    eq((len(kept), kept[8199]), (8200, 0))
    assert gc.mem_free() <= free - 8200
