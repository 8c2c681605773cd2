"""Making room in a trace that keeps the newest records allocates nothing: it happens between a
request and its answer."""

from firmware.trace import MESSAGE, Trace
from tests.lib.heap import locked

RUNTIMES = ("unix32",)


def test_room_for_a_message_takes_no_memory():
    trace = Trace(700, 0, keep=True)
    place = trace._place

    def many():
        for i in range(200):
            assert place(MESSAGE, i, 40 + (i & 63)) >= 0

    locked(many)
    assert trace.last == 200 and trace.first > 180 and trace.dropped == 0


def test_too_long_a_record_takes_no_memory_either():
    trace = Trace(100, 0, keep=True)
    place = trace._place

    def one():
        assert place(MESSAGE, 1, 200) < 0

    locked(one)
    assert trace.dropped == 1
