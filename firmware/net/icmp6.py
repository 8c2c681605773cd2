"""ICMPv6 that a node on one link needs: neighbour discovery (RFC 4861), echo (RFC 4443), listener
queries (RFC 3810).

No error messages are sent: the two nodes of a link learn nothing from them, and strangers could be
amplified.
"""

from firmware.net.block import copy, equal
from firmware.net.checksum import checksum
from firmware.net.iface import (
    ALL_NODES,
    CHECKSUM,
    HOP_LIMIT,
    ICMP,
    ICMP6,
    LENGTH,
    NOWHERE,
    PAYLOAD,
    SOURCE,
    finish,
    multicast_mac,
)
from micropython import const

_ECHO = const(128)
_ECHO_REPLY = const(129)
_QUERY = const(130)
_SOLICITATION = const(135)
_ADVERTISEMENT = const(136)

_SOLICITED = const(0x40)
_OVERRIDE = const(0x20)
_SOURCE_MAC = const(1)  # option types
_TARGET_MAC = const(2)
_ECHO_MAX = const(160 - 54)  # ICMPv6 bytes that fit a reply buffer


class Icmp6:
    """No state of its own: answers go into the replies of the interface."""

    def __init__(self, iface, address, neighbours):
        self._iface = iface
        self._address = address
        self._neighbours = neighbours

    def rx(self, buf, at, n, now):
        """The ICMPv6 packet buf[at:at+n] of a frame whose addresses are checked."""
        iface = self._iface
        if n < 8:
            iface.drop(LENGTH)
            return
        if checksum(buf, at, n, ICMP6) != 0xFFFF:
            iface.drop(CHECKSUM)
            return
        kind = buf[at]
        if kind in (_SOLICITATION, _ADVERTISEMENT):
            if buf[21] != 255:  # a router let it through: it is not from this link
                iface.drop(HOP_LIMIT)
            elif n < 24 or buf[at + 1] or not _options_fit(buf, at + 24, at + n):
                iface.drop(ICMP)
            elif kind == _SOLICITATION:
                self._solicitation(buf, at, n, now)
            else:
                self._advertisement(buf, at, n, now)
        elif kind == _ECHO and iface.usable and n <= _ECHO_MAX:
            self._echo(buf, at, n)
        elif kind == _QUERY and buf[21] == 1 and buf[22] and n >= 24:
            self._address.queried()
        else:
            iface.drop(ICMP)

    def _solicitation(self, buf, at, n, now):
        iface = self._iface
        option = _option(buf, at + 24, at + n, _SOURCE_MAC)
        probe = buf[22] == 0  # from no address: somebody proves his own
        if probe and (option or buf[38] != 0xFF or buf[49] != 1):  # section 7.1.1
            iface.drop(SOURCE)
            return
        if not equal(buf, at + 8, iface.address, 0, 16):
            iface.drop(ICMP)
            return
        if not iface.usable:
            if probe:
                self._address.conflict(now)
            return
        if not probe:
            # A probe of reachability need not carry the option; the frame itself came from there.
            self._neighbours.learn(buf, 22, buf, option or 6)
        out = iface.reply()
        if out is None:
            return
        if probe:
            iface.head(out, ALL_NODES, 0, ICMP6, 255, 32)
            multicast_mac(out)
        else:
            iface.head(out, buf, 22, ICMP6, 255, 32)
            copy(out, 0, buf, option or 6, 6)
        copy(out, PAYLOAD, NOWHERE, 0, 8)
        out[PAYLOAD] = _ADVERTISEMENT
        out[58] = _OVERRIDE if probe else _SOLICITED | _OVERRIDE
        copy(out, 62, iface.address, 0, 16)
        out[78] = _TARGET_MAC
        out[79] = 1
        copy(out, 80, iface.mac, 0, 6)
        iface.commit(finish(out, PAYLOAD, 32, ICMP6, 56))

    def _advertisement(self, buf, at, n, now):
        flags = buf[at + 4]
        option = _option(buf, at + 24, at + n, _TARGET_MAC)
        if buf[22] == 0 or (flags & _SOLICITED and buf[38] == 0xFF):  # section 7.1.2
            self._iface.drop(SOURCE)
        elif equal(buf, at + 8, self._iface.address, 0, 16):
            if self._iface.usable:
                self._iface.drop(ICMP)
            else:
                self._address.conflict(now)
        elif option:
            self._neighbours.heard(buf, at + 8, buf, option, flags & _OVERRIDE)

    def _echo(self, buf, at, n):
        iface = self._iface
        if buf[22] == 0:
            iface.drop(SOURCE)
            return
        out = iface.reply()
        if out is None:
            return
        copy(out, 0, buf, 6, 6)
        iface.head(out, buf, 22, ICMP6, 64, n)
        copy(out, PAYLOAD, buf, at, n)
        out[PAYLOAD] = _ECHO_REPLY
        out[55] = 0
        iface.commit(finish(out, PAYLOAD, n, ICMP6, 56))


def _options_fit(buf, at, end):
    """Neighbour discovery options fill buf[at:end] exactly and none has length zero (RFC 4861
    section 4.6)."""
    while at < end:
        if at + 2 > end or buf[at + 1] == 0:
            return False
        at += buf[at + 1] * 8
    return at == end


def _option(buf, at, end, kind):
    """Offset of the MAC in the first option of this kind, 0 if there is none with a MAC of one
    node."""
    while at < end:
        if buf[at] == kind and buf[at + 1] == 1 and not buf[at + 2] & 1:
            return at + 2
        at += buf[at + 1] * 8
    return 0
