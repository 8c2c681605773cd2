"""The trace of tests: it keeps what it is told, in bounded lists, so that a long run fits a small
heap."""

_MOST = 400


class Notes:
    """In place of firmware/trace.Trace. notes: notes and states of the session, with their values
    behind them. errors. measured: (MAC, sounds, groups). pilots: (tick, state, duty permille, high
    mV, low mV). changes: (tick, from, to, reason). messages: (direction, payload type, bytes,
    state), the first `messages` of them."""

    def __init__(self, messages=0):
        self.notes = []
        self.errors = []
        self.measured = []
        self.pilots = []
        self.changes = []
        self.messages = []
        self.dropped = 0
        self._most_messages = messages

    def clear(self):
        for kept in (self.notes, self.errors, self.measured, self.pilots, self.changes, self.messages):
            kept.clear()

    def said(self, text):
        """Notes that contain it."""
        return [note for note in self.notes if text in note]

    def message(self, now, direction, payload_type, buf, at, n, state):
        if len(self.messages) < self._most_messages:
            self.messages.append((direction, payload_type, bytes(buf[at : at + n]), state))

    start = 0  # the tick that times are counted from

    def note(self, now, text, value=None):
        _add(self.notes, text if value is None else "%s %s" % (text, value))

    def error(self, now, text, value=None):
        _add(self.errors, text if value is None else "%s %s" % (text, value))

    def status(self, now, text):
        _add(self.notes, text)

    power = status

    def attenuation(self, now, mac, sounds, groups):
        _add(self.measured, (bytes(mac), sounds, bytes(groups)))

    def pilot(self, now, state, duty_permille, high_mv, low_mv):
        _add(self.pilots, (now, state, duty_permille, high_mv, low_mv))

    def change(self, now, old, new, reason):
        _add(self.changes, (now, old, new, reason))


def _add(kept, what):
    if len(kept) < _MOST:
        kept.append(what)


class Printed(Notes):
    """What is told is printed to `file` as well."""

    def __init__(self, file):
        Notes.__init__(self)
        self._file = file

    def note(self, now, text, value=None):
        print(text if value is None else "%s %s" % (text, value), file=self._file, flush=True)

    error = note
