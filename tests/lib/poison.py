"""A cutter that spoils what it has handed out as soon as that is released: a value that was decoded as a view of the message and
is read after the answer then reads 0xA5, in every test that has a session."""

BYTE = 0xA5
_SPOILT = bytes([BYTE]) * 512


def poisoned(secc):
    """The session machine with its cutter made so. No second cutter: its buffer is large for the heap of a small image."""
    cutter = secc._cutter
    release, reset = cutter.release, cutter.reset

    def spoil(first, end):
        for at in range(first, end, len(_SPOILT)):
            n = min(len(_SPOILT), end - at)
            cutter.view[at : at + n] = _SPOILT[:n]

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
