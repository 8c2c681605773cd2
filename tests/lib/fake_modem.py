"""The modem on a host's own wire, as far as matching needs it, and the line between two of them.

Shares no layout with codec/mme.py: a wrong offset there shows.
"""

import hashlib

from firmware.clock import ticks_add, ticks_diff

MODEM_MAC = b"\x00\x01\x87\x0a\x0b\x0c"


def derive(nmk):
    """Network id of a key."""
    h = bytes(nmk)
    for _ in range(5):
        h = hashlib.sha256(h).digest()
    return h[:6] + bytes([h[6] >> 4])


def pad(frame):
    return frame + bytes(60 - len(frame)) if len(frame) < 60 else frame


def profile(pev_mac, values, host, src=MODEM_MAC):
    """CM_ATTEN_PROFILE.IND; values: 58 numbers, or one for all groups."""
    groups = bytes([values] * 58) if isinstance(values, int) else bytes(values)
    return host + src + b"\x88\xe1\x01\x86\x60\x00\x00" + pev_mac + bytes([len(groups), 0]) + groups


class FakeModem:
    """frame(data, now) takes a frame of the host and returns True if it was for the modem; out(now)
    gives what it has to say.

    results: SET_KEY results one by one, None = no answer, at the end 1 for ever. applies: False =
    positive, but not taken over. link: the answer to LINK_STATUS, None = silent. restart_ms: deaf
    that long after it took a key.
    """

    def __init__(self, host, mac=MODEM_MAC, results=(), restart_ms=1500):
        self.host = host
        self.mac = mac
        self.results = list(results)
        self.applies = True
        self.link = None
        self.restart_ms = restart_ms
        self.nmk = b"\x11" * 16
        self.nid = derive(self.nmk)
        self.away_until = None
        self.set_keys = []  # (tick, NMK)
        self.asked = []  # ticks of LINK_STATUS
        self._out = []

    def away(self, now):
        return self.away_until is not None and ticks_diff(now, self.away_until) < 0

    def frame(self, data, now):
        if data[:6] not in (b"\x00\xb0\x52\x00\x00\x01", self.mac):
            return False
        kind = data[14:17]
        if kind == b"\x01\x08\x60":
            self.set_keys.append((now, data[41:57]))
        elif kind == b"\x00\xb8\xa0":
            self.asked.append(now)
        if self.away(now):
            return True
        head = self.host + self.mac + b"\x88\xe1"
        if kind == b"\x01\x08\x60":
            result = self.results.pop(0) if self.results else 1
            assert data[19] == 1 and data[40] == 1 and len(data) == 60
            if result is not None:
                self._out.append(pad(head + b"\x01\x09\x60\x00\x00" + bytes([result]) + bytes(13)))
            if result == 1 and data[33:40] == derive(data[41:57]) and self.applies:
                self.nmk = data[41:57]
                self.nid = data[33:40]
                self.away_until = ticks_add(now, self.restart_ms)
        elif kind == b"\x01\x0c\x60":
            good = data[21:28] == self.nid
            body = bytes([0 if good else 1, 1]) + bytes(8) + self.nid + b"\x01\x04\x00\x00\x00"
            self._out.append(pad(head + b"\x01\x0d\x60\x00\x00" + body + (self.nmk if good else bytes(16))))
        elif kind == b"\x00\xb8\xa0":
            assert data[17:20] == b"\x00\xb0\x52"
            if self.link is not None:
                self._out.append(pad(head + b"\x00\xb9\xa0\x00\xb0\x52\x00" + bytes([self.link])))
        return True

    def out(self):
        frames = self._out
        self._out = []
        return frames


def counting_rand():
    """rand(n) with other bytes at each call."""
    count = [0]

    def rand(n):
        count[0] += 1
        return bytes([(count[0] * 7 + i) & 0xFF for i in range(n)])

    return rand


class World:
    """One station machine, its modem, and simulated time. sent: (tick, frame) of what went out to
    the line."""

    def __init__(self, machine, modem, now):
        self.machine = machine
        self.modem = modem
        self.now = now
        self.sent = []
        self.events = []
        self.peers = []  # functions peer(frame, now) that hear the line
        self._out = bytearray(1518)

    def flush(self):
        """Carry frames until nobody has one, then take the events."""
        busy = True
        while busy:
            n = self.machine.tx(self._out)
            busy = n > 0
            if n:
                data = bytes(self._out[:n])
                if not self.modem.frame(data, self.now):
                    self.sent.append((self.now, data))
                    for peer in self.peers:
                        peer(data, self.now)
            for data in self.modem.out():
                self.machine.rx(data, len(data), self.now)
                busy = True
        while True:
            code = self.machine.event()
            if not code:
                break
            self.events.append(code)

    def rx(self, data):
        """A frame from the line; returns the frames that went out because of it."""
        before = len(self.sent)
        self.machine.rx(data, len(data), self.now)
        self.flush()
        return [frame for _, frame in self.sent[before:]]

    def sleep(self, ms):
        """Time passes, everything that is due is fired at its tick; returns the frames that went
        out."""
        before = len(self.sent)
        end = ticks_add(self.now, ms)
        self.flush()
        while True:
            due = self.machine.due
            if due is None or ticks_diff(due, end) > 0:
                break
            if ticks_diff(due, self.now) > 0:
                self.now = due
            self.machine.poll(self.now)
            self.flush()
        self.now = end
        return [frame for _, frame in self.sent[before:]]

    def wait(self, kind, ms=2000):
        """The next frame of that type (low byte) to the line, 5 ms steps; None after ms."""
        for _ in range(0, ms, 5):
            for frame in self.sleep(5):
                if frame[15] == kind:
                    return frame
        return None
