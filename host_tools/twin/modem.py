"""Firmware of a HomePlug Green PHY modem, as far as its host and the other modems on the line can
see it.

Layouts from open-plc-utils of Qualcomm (CM_SET_KEY, vendor messages) and pyPLC (CM_GET_KEY as
measured). The result of CM_SET_KEY.CNF is that of Qualcomm's firmware: 1 = applied, the modem
restarts; 0 = refused.

On the line a datagram is `tag, 8 bytes | Ethernet frame`. Tag 0 is for management messages, which
pass between modems of different networks; every other tag is made of the network's key. A tag alone
is the beacon of a modem.
"""

import hashlib

from firmware.clock import sooner, ticks_add, ticks_diff
from twin.pib import Pib

EVSE = 0  # roles: the one measures the attenuation of sounds and reports it, the other does not
PEV = 1

LOCAL = b"\x00\xb0\x52\x00\x00\x01"  # every Qualcomm modem hears its own host under this address
BROADCAST = b"\xff\xff\xff\xff\xff\xff"
OUI = b"\x00\xb0\x52"
OPEN_TAG = bytes(8)

QUEUE = 16  # frames for the host
BEACON_MS = 200
PEER_LOST_MS = 1000
GROUPS = 58
# Attenuation in dB of a cable as it could be: more loss towards high carriers, and dips where radio
# amateurs are left out.
CABLE_PROFILE = bytes([16 + i // 4 + (9 if i in (11, 12, 23, 24, 38, 39, 40, 49) else 0) for i in range(GROUPS)])

SET_KEY = 0x6008
GET_KEY = 0x600C
SOUND_IND = 0x6076
PROFILE_IND = 0x6086
SW_VERSION = 0xA000
RESET_DEVICE = 0xA01C
HOST_ACTION_IND = 0xA062
FACTORY = 0xA07C
MODULE_OPERATION = 0xA0B0
LINK_STATUS = 0xA0B8
VERSION = b"MAC-QCA7005-1.1.0.730-04-twin"


def network_id(nmk):
    """NID, 7 bytes, of a network key of 16 bytes at security level 0."""
    h = nmk
    for _ in range(5):
        h = hashlib.sha256(h).digest()
    return h[:6] + bytes((h[6] >> 4,))


def network_tag(nmk):
    return hashlib.sha256(b"line" + nmk).digest()[:8]


def mme_type(frame):
    """Type of a management message, -1 for any other frame."""
    if len(frame) < 19 or frame[12] != 0x88 or frame[13] != 0xE1:
        return -1
    return frame[15] | frame[16] << 8


class Modem:
    """mac: 6 bytes, its own. role: EVSE or PEV. line: send(modem, datagram, now). rand(n) -> n
    bytes.

    Settings: boot_ms, confirm_ms (from a good answer to the restart), profile (attenuation in dB of
    58 groups), measures (False = AR7420: no CM_ATTEN_PROFILE.IND), version, pib (twin.pib.Pib: the
    parameter block; None = this firmware does not let it be read), loader (True = only the boot
    loader runs: it asks for firmware and knows no more, in any role). Faults, each for the next k
    requests for a new key: refuse (answer 0), mute (no answer), lie (a good answer, restart, old
    key). drops: reason -> count.
    """

    def __init__(self, mac, role, line, rand):
        self.mac = bytes(mac)
        self.role = role
        self.boot_ms = 1000
        self.confirm_ms = 50
        self.profile = bytes([20] * GROUPS)
        self.measures = True
        self.version = VERSION
        self.pib = Pib(role != EVSE)
        self.loader = False
        self.refuse = 0
        self.mute = 0
        self.lie = 0
        self.booting = False
        self.boots = 0
        self.drops = {"booting": 0, "queue": 0, "short": 0, "network": 0, "address": 0}
        self._line = line
        self._rand = rand
        self._host_mac = None
        self._queue = []
        self._restart_at = None
        self._up_at = None
        self._beacon_at = None
        self._peer_at = None  # last beacon of another modem with our key
        self._use(rand(16))

    def _use(self, nmk):
        self.nmk = nmk
        self.nid = network_id(nmk)
        self._tag = network_tag(nmk)
        self._peer_at = None

    @property
    def link(self):
        """True while another modem of the same network is heard."""
        return self._peer_at is not None and not self.booting

    @property
    def waiting(self):
        """Frames for the host."""
        return len(self._queue)

    @property
    def due(self):
        if self.booting:
            return self._up_at
        due = sooner(self._restart_at, self._beacon_at)
        if self._peer_at is not None:
            due = sooner(due, ticks_add(self._peer_at, PEER_LOST_MS))
        return due

    def start(self, now):
        """The host may begin before: this only makes the first beacon due."""
        self._beacon_at = now

    def poll(self, now):
        if self.booting:
            if ticks_diff(now, self._up_at) < 0:
                return
            self.booting = False
            self._beacon_at = now
        if self._restart_at is not None and ticks_diff(now, self._restart_at) >= 0:
            self.reboot(now)
            return
        if self._peer_at is not None and ticks_diff(now, self._peer_at) >= PEER_LOST_MS:
            self._peer_at = None
        if self._beacon_at is None or ticks_diff(now, self._beacon_at) >= 0:
            self._beacon_at = ticks_add(now, BEACON_MS)
            self._line.send(self, self._tag, now)

    def reboot(self, now):
        """Restart: nothing passes for boot_ms; the key stays."""
        self.booting = True
        self.boots += 1
        self._up_at = ticks_add(now, self.boot_ms)
        self._restart_at = None
        self._peer_at = None
        self._queue = []

    # -- host

    def host_rx(self, buf, n, now):
        """One frame of n bytes from the host."""
        if self.booting:
            self.drops["booting"] += 1
            return
        if n < 60:
            self.drops["short"] += 1
            return
        frame = bytes(memoryview(buf)[:n])
        self._host_mac = frame[6:12]
        to = frame[:6]
        kind = mme_type(frame)
        if kind < 0:
            self._line.send(self, self._tag + frame, now)
            return
        if self.loader:
            self._to_host(self._message(frame[6:12], 0, HOST_ACTION_IND, b"\x00\x01\x00"))
            return
        if to in (LOCAL, self.mac, BROADCAST):
            self._command(kind, frame, now)
        if to != LOCAL and to != self.mac:
            self._line.send(self, OPEN_TAG + frame, now)

    def host_next(self):
        """The next frame for the host, or None."""
        return self._queue.pop(0) if self._queue else None

    def _to_host(self, frame):
        if len(self._queue) >= QUEUE:
            self.drops["queue"] += 1
        else:
            self._queue.append(frame)

    # -- line

    def line_rx(self, data, now):
        """One datagram from the medium."""
        if self.booting:
            self.drops["booting"] += 1
            return
        tag = data[:8]
        frame = bytes(data[8:])
        if not frame:
            if tag == self._tag:
                self._peer_at = now
            return
        if len(frame) < 60:
            self.drops["short"] += 1
            return
        kind = mme_type(frame)
        if tag != (OPEN_TAG if kind >= 0 else self._tag):
            self.drops["network"] += 1
            return
        to = frame[:6]
        if kind == SW_VERSION and to in (BROADCAST, self.mac) and frame[17:20] == OUI:
            self._line.send(self, OPEN_TAG + self._version_answer(frame), now)
            return
        # A group address, or the host; before the host has sent something, its address is not
        # known.
        if not (to[0] & 1 or self._host_mac is None or to == self._host_mac):
            self.drops["address"] += 1
            return
        self._to_host(frame)
        if kind == SOUND_IND and self.role == EVSE and self.measures:
            self._to_host(self._profile_of(frame[6:12]))

    def _profile_of(self, pev_mac):
        """CM_ATTEN_PROFILE.IND for one sound: the profile with a ripple of up to 3 dB."""
        ripple = self._rand(GROUPS)
        loss = bytes([min(255, self.profile[i] + (ripple[i] & 3)) for i in range(GROUPS)])
        return self._message(self._host_mac or BROADCAST, 1, PROFILE_IND, pev_mac + bytes((GROUPS, 0)) + loss)

    # -- management

    def _message(self, to, version, kind, body):
        """A message of ours. Version 1 has two bytes of fragmentation before the body, vendor
        messages have the OUI."""
        middle = b"\x00\x00" if version else OUI
        frame = to + self.mac + b"\x88\xe1" + bytes((version, kind & 0xFF, kind >> 8)) + middle + body
        return frame + bytes(max(0, 60 - len(frame)))

    def _command(self, kind, frame, now):
        """A request of the host to its modem; what is not for the modem falls through."""
        if frame[14] == 1 and kind == SET_KEY and len(frame) >= 57:
            self._set_key(frame, now)
        elif frame[14] == 1 and kind == GET_KEY:
            self._get_key(frame)
        elif frame[14] == 0 and frame[17:20] == OUI:
            to = frame[6:12]
            if kind == SW_VERSION:
                self._to_host(self._version_answer(frame))
            elif kind == MODULE_OPERATION and self.pib is not None:
                self._to_host(self._message(to, 0, kind + 1, self.pib.answer(frame)))
            elif kind == LINK_STATUS:
                self._to_host(self._message(to, 0, kind + 1, bytes((0, 1 if self.link else 0))))
            elif kind in (RESET_DEVICE, FACTORY):
                if kind == FACTORY:
                    self._use(self._rand(16))
                self._to_host(self._message(to, 0, kind + 1, b"\x00"))
                self._restart_at = ticks_add(now, self.confirm_ms)

    def _version_answer(self, frame):
        return self._message(frame[6:12], 0, SW_VERSION + 1, bytes((0, 0x06, len(self.version))) + self.version)

    def _set_key(self, frame, now):
        if self.mute:
            self.mute -= 1
            return
        nmk = frame[41:57]
        good = frame[19] == 1 and frame[33:40] == network_id(nmk)
        if self.refuse:
            self.refuse -= 1
            good = False
        body = bytes((1 if good else 0,)) + self._rand(4) + frame[20:24] + b"\x04\x00\x00\x00\x00"
        self._to_host(self._message(frame[6:12], 1, SET_KEY + 1, body))
        if not good:
            return
        if self.lie:
            self.lie -= 1
        else:
            self._use(nmk)
        self._restart_at = ticks_add(now, self.confirm_ms)

    def _get_key(self, frame):
        """The NID in every case, the key only to who knows the NID."""
        good = frame[21:28] == self.nid
        body = bytes((0 if good else 1, 1)) + self._rand(4) + frame[28:32] + self.nid + b"\x01\x04\x00\x00\x00"
        self._to_host(self._message(frame[6:12], 1, GET_KEY + 1, body + (self.nmk if good else bytes(16))))
