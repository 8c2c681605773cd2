"""Powerline medium in process: what one modem sends, all others hear, after a delay and with the
faults asked for."""

from firmware.clock import ticks_add, ticks_diff

QUEUE = 64  # datagrams under way


class Line:
    """rand(n) -> n bytes decides about the faults; without it there are none.

    delay_ms; loss, duplicate, reorder: percent; cut: True = nothing passes. Counters: lost,
    overflow.
    """

    def __init__(self, rand=None, delay_ms=0):
        self.delay_ms = delay_ms
        self.loss = 0
        self.duplicate = 0
        self.reorder = 0
        self.cut = False
        self.lost = 0
        self.overflow = 0
        self.due = None
        self._rand = rand
        self._modems = []
        self._under_way = []  # (tick, modem, datagram)

    def join(self, modem):
        """Add a modem; what it needs is line_rx(data, now)."""
        self._modems.append(modem)

    def leave(self, modem):
        """Take a modem off the line; what is under way to it still arrives."""
        self._modems.remove(modem)

    def send(self, sender, data, now):
        """Take a datagram of `sender`; the others get it in poll()."""
        if self.cut:
            self.lost += 1
            return
        for modem in self._modems:
            if modem is sender:
                continue
            if self._happens(self.loss):
                self.lost += 1
                continue
            self._put(modem, data, now)
            if self._happens(self.duplicate):
                self._put(modem, data, now)

    def poll(self, now):
        """Deliver what is due, in the order of time."""
        if self.due is None or ticks_diff(now, self.due) < 0:
            return
        ready = []
        while self._under_way and ticks_diff(now, self._under_way[0][0]) >= 0:
            ready.append(self._under_way.pop(0))
        self.due = self._under_way[0][0] if self._under_way else None
        for _, modem, data in ready:
            if self.cut:
                self.lost += 1
            else:
                modem.line_rx(data, now)

    def _happens(self, percent):
        if not percent or self._rand is None:
            return False
        dice = self._rand(2)
        return (dice[0] << 8 | dice[1]) % 100 < percent

    def _put(self, modem, data, now):
        if len(self._under_way) >= QUEUE:
            self.overflow += 1
            return
        delay_ms = self.delay_ms
        if self._happens(self.reorder):
            delay_ms += 1 + self._rand(1)[0] % 20
        at = ticks_add(now, delay_ms)
        place = len(self._under_way)
        while place and ticks_diff(self._under_way[place - 1][0], at) > 0:
            place -= 1
        self._under_way.insert(place, (at, modem, data))
        self.due = self._under_way[0][0]
