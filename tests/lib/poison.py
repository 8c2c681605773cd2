"""A cutter that spoils what it has handed out as soon as that is released: a value that was decoded as a view of the message and
is read after the answer then reads 0xA5, in every test that has a session."""

from codec import v2gtp

BYTE = 0xA5


class Cutter(v2gtp.Cutter):
    def _spoil(self, first, end):
        for i in range(first, end):
            self.buf[i] = BYTE

    def release(self):
        first, end = self._first, self._first + self._taken
        super().release()
        self._spoil(first, end)

    def reset(self):
        super().reset()
        self._spoil(0, len(self.buf))


def poisoned(secc):
    """The session machine with such a cutter."""
    types = secc._cutter.types
    secc._cutter = Cutter(types=types)
    return secc
