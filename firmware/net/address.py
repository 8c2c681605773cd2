"""Our link-local address: made from the MAC, proved unique (DAD, RFC 4862), its group announced
(MLDv2, RFC 3810).

No router is solicited: a vehicle link has none, and SDP and the session use link-local addresses
only.
"""

from firmware.clock import ticks_add, ticks_diff
from firmware.net.block import copy
from firmware.net.iface import ICMP6, NOWHERE, PAYLOAD, finish, multicast_mac, solicited_node
from micropython import const

OFF = const(0)
TENTATIVE = const(1)
USABLE = const(2)
FAILED = const(3)  # every address that was tried is taken

_PROBE_MS = const(1000)  # RetransTimer, one probe (DupAddrDetectTransmits)
_TRIES = const(3)  # the address of the MAC, then random ones
_SOLICITATION = const(135)
_REPORT = const(143)
_JOINS = const(4)  # record: change to exclude mode
_IS_MEMBER = const(2)  # record: mode is exclude
_REPORTERS = b"\xff\x02" + b"\0" * 13 + b"\x16"
_ROUTER_ALERT = b"\x3a\x00\x05\x02\x00\x00\x01\x00"  # hop-by-hop header of every MLD message


class Address:
    """The machine. rand(n) -> n random bytes, asked only after a conflict."""

    def __init__(self, iface, rand):
        self.state = OFF
        self.due = None
        self._iface = iface
        self._rand = rand
        self._tries = 0
        self._probe = False  # to be sent
        self._report = 0  # record type to be sent

    def start(self, now):
        """A new data link. The first probe leaves at once: the random delay of RFC 4862 section
        5.4.2 is for many nodes that boot together, and this link has two, which met one after the
        other."""
        address = self._iface.address
        copy(address, 0, NOWHERE, 0, 16)
        address[0] = 0xFE
        address[1] = 0x80
        mac = self._iface.mac
        copy(address, 8, mac, 0, 3)
        address[8] ^= 2
        address[11] = 0xFF
        address[12] = 0xFE
        copy(address, 13, mac, 3, 3)
        self._tries = 1
        self._go(TENTATIVE)

    def stop(self, now):
        self._go(OFF)

    def conflict(self, now):
        """Somebody else has, or tries, our tentative address."""
        if self._tries == _TRIES:
            self._go(FAILED)
            return
        self._tries += 1
        copy(self._iface.address, 8, self._rand(8), 0, 8)
        self._go(TENTATIVE)

    def queried(self):
        """A multicast listener query: say again where we are a member."""
        if self.state == USABLE and not self._report:
            self._report = _IS_MEMBER

    def poll(self, now):
        if self.due is not None and ticks_diff(now, self.due) >= 0:
            self._go(USABLE)

    def tx(self, out):
        if self._report:
            n = self._write_report(out)
            self._report = 0
            return n
        if self._probe:
            self._probe = False
            self.due = ticks_add(self._iface.now, _PROBE_MS)  # the wait begins when the probe leaves
            return self._write_probe(out)
        return 0

    def _go(self, state):
        self.state = state
        self.due = None
        self._probe = state == TENTATIVE
        # The report goes before the probe, from no address, and once more from the proved one (RFC
        # 3590). ff02::1 is never reported (RFC 3810 section 6).
        self._report = _JOINS if state in (TENTATIVE, USABLE) else 0
        self._iface.usable = state == USABLE

    def _write_report(self, out):
        iface = self._iface
        iface.head(out, _REPORTERS, 0, 0, 1, 36)
        multicast_mac(out)
        if not iface.usable:
            copy(out, 22, NOWHERE, 0, 16)
        copy(out, PAYLOAD, _ROUTER_ALERT, 0, 8)
        copy(out, 62, NOWHERE, 0, 12)
        out[62] = _REPORT
        out[69] = 1  # one record
        out[70] = self._report
        solicited_node(out, 74, iface.address, 0)
        return finish(out, 62, 28, ICMP6, 64)

    def _write_probe(self, out):
        iface = self._iface
        iface.head(out, NOWHERE, 0, ICMP6, 255, 24)
        copy(out, 22, NOWHERE, 0, 16)
        solicited_node(out, 38, iface.address, 0)
        multicast_mac(out)
        copy(out, PAYLOAD, NOWHERE, 0, 8)
        out[PAYLOAD] = _SOLICITATION
        copy(out, 62, iface.address, 0, 16)
        return finish(out, PAYLOAD, 24, ICMP6, 56)
