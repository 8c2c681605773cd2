"""The vehicle interface: addresses, headers of outgoing frames, answers that wait, and why frames
were dropped.

Frame: destination MAC 0, source MAC 6, type 12, IPv6 header 14 (length 18, next header 20, hop
limit 21, source 22, destination 38), payload 54.
"""

from firmware.net.block import copy
from firmware.net.checksum import checksum
from micropython import const

TCP = const(6)
UDP = const(17)
ICMP6 = const(58)

PAYLOAD = const(54)  # frame offset of what the IPv6 header carries
ALL_NODES = b"\xff\x02" + b"\0" * 13 + b"\1"
NOWHERE = b"\0" * 16  # the unspecified address

# Reasons in `drops`.
DOWN = const(0)  # no data link
SHORT = const(1)
TYPE = const(2)  # not IPv6
MAC = const(3)  # not for us, or our own frame come back
VERSION = const(4)
LENGTH = const(5)
SOURCE = const(6)
DESTINATION = const(7)
EXTENSION = const(8)  # fragment, routing header, or options that must be understood
CHECKSUM = const(9)
HOP_LIMIT = const(10)
ICMP = const(11)  # type that needs no answer, or malformed
PORT = const(12)
REPLIES = const(13)  # more to answer than tx() has taken
SEGMENT = const(14)  # TCP: outside the window, or makes no sense in this state
APART = const(15)  # TCP: a second gap
REFUSED = const(16)  # TCP: no connection free
DROP_NAMES = (
    "link down", "short", "not IPv6", "MAC", "version", "length", "source", "destination", "extension header",
    "checksum", "hop limit", "ICMPv6", "port", "replies full", "TCP segment", "TCP second gap", "TCP refused",
)  # fmt: skip

_REPLIES = const(4)
_REPLY_SIZE = const(160)  # bytes: an echo of 98 bytes of data
_MIN = const(60)


class Iface:
    """What the parts of the stack share. mac: 6 bytes. address: 16 bytes, filled by Address.

    `now` is the tick of the last call from above: tx() has no time of its own.
    """

    def __init__(self, mac):
        self.mac = bytes(mac)
        self.address = bytearray(16)
        self.usable = False  # address is proved unique; written by Address
        self.now = 0
        self.drops = [0] * len(DROP_NAMES)
        self._replies = [bytearray(_REPLY_SIZE) for _ in range(_REPLIES)]
        self._sizes = [0] * _REPLIES
        self._first = 0
        self._count = 0

    def reset(self):
        """Forget what waits."""
        self._count = 0

    def drop(self, reason):
        self.drops[reason] = self.drops[reason] + 1 & 0x3FFFFFFF

    def reply(self):
        """A buffer of 160 bytes for a frame, to be queued by commit(); None (counted) if all are in
        use."""
        if self._count == _REPLIES:
            self.drop(REPLIES)
            return None
        return self._replies[(self._first + self._count) % _REPLIES]

    def commit(self, n):
        """Queue the buffer that reply() gave, with n bytes in it."""
        self._sizes[(self._first + self._count) % _REPLIES] = n
        self._count += 1

    def tx(self, out):
        """Oldest reply into out; return its size, 0 if there is none."""
        if not self._count:
            return 0
        n = self._sizes[self._first]
        copy(out, 0, self._replies[self._first], 0, n)
        self._first = (self._first + 1) % _REPLIES
        self._count -= 1
        return n

    def head(self, out, dst, dst_at, kind, hop, n):
        """Headers of a frame with n bytes of protocol `kind` to the address dst[dst_at:dst_at+16];
        all but the destination MAC."""
        copy(out, 6, self.mac, 0, 6)
        out[12] = 0x86
        out[13] = 0xDD
        out[14] = 0x60
        out[15] = 0
        out[16] = 0
        out[17] = 0
        out[18] = n >> 8
        out[19] = n & 0xFF
        out[20] = kind
        out[21] = hop
        copy(out, 22, self.address, 0, 16)
        copy(out, 38, dst, dst_at, 16)


def multicast_mac(out):
    """Destination MAC of a frame whose destination address is a group (RFC 2464 section 7)."""
    out[0] = 0x33
    out[1] = 0x33
    copy(out, 2, out, 50, 4)


def solicited_node(out, at, address, address_at):
    """out[at:at+16] = solicited-node group of an address (RFC 4291 section 2.7.1)."""
    copy(out, at, ALL_NODES, 0, 16)
    out[at + 11] = 1
    out[at + 12] = 0xFF
    copy(out, at + 13, address, address_at + 13, 3)


def finish(out, at, n, kind, sum_at):
    """Checksum into out[sum_at] over the packet out[at:at+n], zeros up to 60 bytes; return the size
    of the frame."""
    out[sum_at] = 0
    out[sum_at + 1] = 0
    value = checksum(out, at, n, kind) ^ 0xFFFF
    if value == 0 and kind == UDP:
        value = 0xFFFF  # zero would say "no checksum" (RFC 8200 section 8.1)
    out[sum_at] = value >> 8
    out[sum_at + 1] = value & 0xFF
    end = at + n
    while end < _MIN:
        out[end] = 0
        end += 1
    return end


def text(address):
    """An address for people, not shortened."""
    return ":".join(["%x" % (address[i] << 8 | address[i + 1]) for i in range(0, 16, 2)])
