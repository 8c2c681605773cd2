"""Which MAC an address has (RFC 4861), four of them: a link has one car, and the rest are strangers
on the powerline."""

from firmware.clock import sooner, ticks_add, ticks_diff
from firmware.net.block import copy, equal
from firmware.net.iface import ICMP6, NOWHERE, PAYLOAD, finish, multicast_mac, solicited_node
from micropython import const

_SIZE = const(4)
_FREE = const(0)
_WAITING = const(1)  # asked for
_KNOWN = const(2)

_TRIES = const(3)  # MAX_MULTICAST_SOLICIT
_RETRY_MS = const(1000)  # RetransTimer
_SOLICITATION = const(135)


class Neighbours:
    """The cache. The entry used longest ago makes room for a new one.

    An entry is also learned from every frame that we answer: its sender is there, whatever the
    cache said before.
    """

    def __init__(self, iface):
        self.macs = bytearray(6 * _SIZE)  # entry i at 6 * i
        self.addresses = bytearray(16 * _SIZE)
        self._iface = iface
        self._states = [_FREE] * _SIZE
        self._used = [0] * _SIZE  # value of _clock at the last use
        self._tries = [0] * _SIZE
        self._dues = [None] * _SIZE
        self._clock = 0

    def reset(self):
        for i in range(_SIZE):
            self._states[i] = _FREE
            self._dues[i] = None

    @property
    def due(self):
        found = None
        for i in range(_SIZE):
            if self._states[i] == _WAITING:
                found = sooner(found, self._dues[i])
        return found

    def find(self, address, at):
        """Entry of address[at:at+16] whose MAC is known, or -1."""
        i = self._index(address, at)
        if i < 0 or self._states[i] != _KNOWN:
            return -1
        self._touch(i)
        return i

    def learn(self, address, at, mac, mac_at):
        """The address has this MAC: a validated frame said so."""
        i = self._index(address, at)
        if i < 0:
            i = self._new(address, at)
        copy(self.macs, 6 * i, mac, mac_at, 6)
        self._states[i] = _KNOWN
        self._touch(i)

    def heard(self, address, at, mac, mac_at, override):
        """An advertisement. An address that nobody asked for stays unknown (RFC 4861 section
        7.2.5)."""
        i = self._index(address, at)
        if i >= 0 and (override or self._states[i] == _WAITING):
            self.learn(address, at, mac, mac_at)

    def resolve(self, address, at):
        """Ask for the MAC, unless that is under way."""
        if self._index(address, at) < 0:
            i = self._new(address, at)
            self._states[i] = _WAITING
            self._tries[i] = 0
            self._dues[i] = self._iface.now
            self._touch(i)

    def poll(self, now):
        """Entry that nobody answers for, free again, its address still to be read; -1 if there is
        none."""
        for i in range(_SIZE):
            if self._states[i] == _WAITING and self._tries[i] == _TRIES and ticks_diff(now, self._dues[i]) >= 0:
                self._states[i] = _FREE
                return i
        return -1

    def tx(self, out):
        iface = self._iface
        for i in range(_SIZE):
            if self._states[i] == _WAITING and self._tries[i] < _TRIES and ticks_diff(iface.now, self._dues[i]) >= 0:
                self._tries[i] += 1
                self._dues[i] = ticks_add(iface.now, _RETRY_MS)
                return self._write(out, 16 * i)
        return 0

    def _write(self, out, at):
        iface = self._iface
        iface.head(out, NOWHERE, 0, ICMP6, 255, 32)
        solicited_node(out, 38, self.addresses, at)
        multicast_mac(out)
        copy(out, PAYLOAD, NOWHERE, 0, 8)
        out[PAYLOAD] = _SOLICITATION
        copy(out, 62, self.addresses, at, 16)
        out[78] = 1  # option: source link-layer address
        out[79] = 1
        copy(out, 80, iface.mac, 0, 6)
        return finish(out, PAYLOAD, 32, ICMP6, 56)

    def _index(self, address, at):
        for i in range(_SIZE):
            if self._states[i] != _FREE and equal(self.addresses, 16 * i, address, at, 16):
                return i
        return -1

    def _new(self, address, at):
        oldest = 0
        for i in range(_SIZE):
            if self._states[i] == _FREE:
                oldest = i
                break
            if self._used[i] < self._used[oldest]:
                oldest = i
        copy(self.addresses, 16 * oldest, address, at, 16)
        return oldest

    def _touch(self, i):
        self._clock = self._clock + 1 & 0x3FFFFFFF
        self._used[i] = self._clock
