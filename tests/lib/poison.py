"""A cutter that spoils what it has handed out as soon as that is released: a value that was decoded
as a view of the message and is read after the answer then reads 0xA5, in every test that has a
session."""

BYTE = 0xA5


def poisoned(secc):
    """The session machine with its cutter made so. No second cutter: its buffer is large for the
    heap of a small image."""
    cutter = secc._cutter
    release, reset = cutter.release, cutter.reset

    def spoil(first, end):  # octet by octet: tests/mem runs it with a locked heap
        while first < end:
            cutter.buf[first] = BYTE
            first += 1

    def release_and_spoil():
        first, end = cutter._first, cutter._first + cutter._taken
        release()
        spoil(first, end)

    def reset_and_spoil():
        reset()
        spoil(0, len(cutter.buf))

    cutter.release = release_and_spoil
    cutter.reset = reset_and_spoil
    return secc
