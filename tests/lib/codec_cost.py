"""What a message costs: time and heap of decode and encode. Runs on CPython and MicroPython.

codec_cost.py ROOT: prints `name bytes decode_us encode_us decode_heap encode_heap` for one message
of each type that the recorded sessions of the corpus hold. Heap is counted in bytes while the
collector is off (-1 on CPython).
"""

import gc
import json
import sys
from binascii import unhexlify

if __name__ == "__main__":
    ROOT = sys.argv[1]
    if sys.implementation.name == "micropython":
        sys.path[:] = [".frozen", ROOT]
    else:
        sys.path[:0] = [ROOT, ROOT + "/host_tools/shim"]

from codec import exi

try:
    from time import ticks_diff, ticks_us
except ImportError:
    import time

    def ticks_us():
        return time.perf_counter_ns() // 1000

    def ticks_diff(a, b):
        return a - b


_IN = bytearray(4096)
_OUT = bytearray(4096)
_TIMES = 100
_ROUNDS = 5


def messages(folder):
    """(name, schema, bytes): the longest message of each name in the recorded sessions."""
    best = {}
    with open(folder + "/tests/golden/data/session.jsonl", encoding="utf-8") as file:
        for line in file:
            schema, fragment, text, obj = json.loads(line)
            name = next(iter(obj))
            if not fragment and len(text) > len(best.get(name, (0, ""))[1]):
                best[name] = (schema, text)
    return [(name, best[name][0], unhexlify(best[name][1])) for name in sorted(best)]


def heap(function):
    """Bytes that one call takes from the heap, its result included."""
    if not hasattr(gc, "mem_alloc"):
        return -1
    gc.collect()
    gc.disable()
    before = gc.mem_alloc()
    result = function()
    used = gc.mem_alloc() - before
    gc.enable()
    del result
    return used


def micros(function):
    """Microseconds of one call: the best of some rounds."""
    best = None
    for _ in range(_ROUNDS):
        gc.collect()
        begin = ticks_us()
        for _ in range(_TIMES):
            function()
        spent = ticks_diff(ticks_us(), begin) / _TIMES
        if best is None or spent < best:
            best = spent
    return best


def cost(schema, data):
    """(decode heap, encode heap, decode, encode): the heap in bytes, then the two functions to
    time."""
    msg, value = exi.decode(schema, data, 0, len(data))

    def decode():  # as the station does: in the buffer that the message was collected in
        _IN[0 : len(data)] = data
        return exi.decode_here(schema, _IN, 0, len(data))

    def encode():
        return exi.encode(msg, value, _OUT, 0)

    encode()
    return heap(decode), heap(encode), decode, encode


def main():
    for name, schema, data in messages(sys.argv[1]):
        heap_in, heap_out, decode, encode = cost(schema, data)
        print("%s %d %.1f %.1f %d %d" % (name, len(data), micros(decode), micros(encode), heap_in, heap_out))


if __name__ == "__main__":
    main()
