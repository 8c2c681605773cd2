"""Buffers that live as long as the station: outside of the collected heap where the image has a
place for them (boards/common/lasting), else in the heap. docs/memory.md says which buffers, and
what it is worth."""

try:
    from lasting import left, take
except ImportError:  # a stock image, CPython

    def take(name, n):
        return None

    def left():
        return 0


def buffer(name, n):
    """A bytearray of n bytes. Who asks for a name again gets the same bytes where they are outside
    of the heap: one station at a time. What is in them is of no use."""
    return take(name, n) or bytearray(n)
