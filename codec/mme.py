"""HomePlug AV management messages (MMEs) as a station sees them: the check of a header, offsets of
fields, frames to send.

Frame: destination 6, source 6, 88 E1, MMV 1, MMTYPE 2 (little-endian), and with MMV >= 1 two bytes
of fragmentation (0). Fields then start at 19. Vendor messages have MMV 0, the OUI 00 B0 52 at 17,
and fields from 20. Only MMTYPE and MVFLength are little-endian. The length of a message is never
taken from the frame: short ones are padded to 60 (R-LINK-26). Sources: HomePlug AV 2.1 chapter 11,
ISO 15118-3 tables A.2 to A.8, open-plc-utils (vendor messages). Nothing here allocates, but nid().
"""

import hashlib

from micropython import const

MIN_FRAME = const(60)  # bytes, without FCS
MAX_FRAME = const(1518)
GROUPS = const(58)  # attenuation groups of a profile

SET_KEY_REQ = const(0x6008)
SET_KEY_CNF = const(0x6009)
GET_KEY_REQ = const(0x600C)
GET_KEY_CNF = const(0x600D)
AMP_MAP_REQ = const(0x601C)
AMP_MAP_CNF = const(0x601D)
SLAC_PARM_REQ = const(0x6064)
SLAC_PARM_CNF = const(0x6065)
START_ATTEN_IND = const(0x606A)
ATTEN_CHAR_IND = const(0x606E)
ATTEN_CHAR_RSP = const(0x606F)
MNBC_SOUND_IND = const(0x6076)
VALIDATE_REQ = const(0x6078)
VALIDATE_CNF = const(0x6079)
MATCH_REQ = const(0x607C)
MATCH_CNF = const(0x607D)
ATTEN_PROFILE_IND = const(0x6086)
VERSION_REQ = const(0xA000)
VERSION_CNF = const(0xA001)
HOST_ACTION_IND = const(0xA062)  # a modem without firmware asks its host for it
MODULE_REQ = const(0xA0B0)
MODULE_CNF = const(0xA0B1)
LINK_STATUS_REQ = const(0xA0B8)
LINK_STATUS_CNF = const(0xA0B9)

BROADCAST = b"\xff\xff\xff\xff\xff\xff"
LOCAL_MODEM = b"\x00\xb0\x52\x00\x00\x01"  # the modem on this host's own wire answers to it, whatever its address

# check() below zero: why a frame is no message for us.
BAD_LENGTH = const(-1)
BAD_TYPE = const(-2)
BAD_VERSION = const(-3)
BAD_ADDRESS = const(-4)

# Offsets in the frame.
SOURCE = const(6)
BODY = const(19)
PARM_REQ_RUN = const(21)
PARM_CNF_RUN = const(36)
START_RESP_TYPE = const(23)
START_RUN = const(30)
SOUND_COUNT = const(38)
SOUND_RUN = const(39)
PROFILE_MAC = const(19)
PROFILE_GROUPS = const(25)
PROFILE_AAG = const(27)
CHAR_MAC = const(21)
CHAR_RUN = const(27)
CHAR_SOURCE_ID = const(35)
CHAR_RESP_ID = const(52)
CHAR_RESULT = const(69)  # of the response; the indication has the number of sounds there
CHAR_AAG = const(71)
VALIDATE_SIGNAL = const(19)
VALIDATE_TIMER = const(20)  # of the request; number of toggles in the answer
VALIDATE_RESULT = const(21)
MATCH_LENGTH = const(21)
MATCH_PEV_ID = const(23)
MATCH_PEV_MAC = const(40)
MATCH_EVSE_ID = const(46)
MATCH_EVSE_MAC = const(63)
MATCH_RUN = const(69)
MATCH_NID = const(85)
MATCH_NMK = const(93)
KEY_RESULT = const(19)
GET_KEY_NID = const(29)  # of the answer, as measured; the table in the HomePlug specification is wrong
VERSION_LENGTH = const(22)
VERSION_TEXT = const(23)
MODULE_MSTATUS = const(20)  # two bytes
MODULE_LENGTH = const(41)  # two bytes, of the data
MODULE_OFFSET = const(43)  # four bytes
MODULE_DATA = const(47)
LINK_MSTATUS = const(20)
LINK_STATE = const(21)

MATCH_REQ_LENGTH = const(0x3E)  # MVFLength, bytes behind it
MATCH_CNF_LENGTH = const(0x56)

# VALIDATE results
NOT_READY = const(0)
READY = const(1)
SUCCESS = const(2)
FAILURE = const(3)
NOT_REQUIRED = const(4)

_PROFILE_FRAME = const(85)
_CHAR_IND_FRAME = const(129)
_CHAR_RSP_FRAME = const(70)
_MATCH_REQ_FRAME = const(85)
_MATCH_CNF_FRAME = const(109)
_VENDOR = const(0xA000)
_PARAMETERS = const(0x7002)  # module: the parameter block with its headers

# Known types -> bytes that are read of a frame. A sound counts by its head: one car's software
# sends 64 bytes of its 71.
_NEED = {
    SET_KEY_CNF: MIN_FRAME,
    GET_KEY_CNF: MIN_FRAME,
    AMP_MAP_REQ: MIN_FRAME,
    AMP_MAP_CNF: MIN_FRAME,
    SLAC_PARM_REQ: MIN_FRAME,
    SLAC_PARM_CNF: MIN_FRAME,
    START_ATTEN_IND: MIN_FRAME,
    ATTEN_CHAR_IND: _CHAR_IND_FRAME,
    ATTEN_CHAR_RSP: _CHAR_RSP_FRAME,
    MNBC_SOUND_IND: MIN_FRAME,
    VALIDATE_REQ: MIN_FRAME,
    VALIDATE_CNF: MIN_FRAME,
    MATCH_REQ: _MATCH_REQ_FRAME,
    MATCH_CNF: _MATCH_CNF_FRAME,
    ATTEN_PROFILE_IND: _PROFILE_FRAME,
    VERSION_CNF: MIN_FRAME,
    HOST_ACTION_IND: MIN_FRAME,
    MODULE_CNF: MIN_FRAME,
    LINK_STATUS_CNF: MIN_FRAME,
}


def check(buf, n, mac):
    """MMTYPE of the frame buf[0:n] if it is a known message for `mac` or for everybody, with all
    bytes that are read of its type; else a code below zero (R-LINK-26)."""
    if n < MIN_FRAME or n > MAX_FRAME:
        return BAD_LENGTH
    if buf[12] != 0x88 or buf[13] != 0xE1:
        return BAD_TYPE
    if not same(buf, 0, mac, 0, 6) and not same(buf, 0, BROADCAST, 0, 6):
        return BAD_ADDRESS
    if buf[SOURCE] & 1 or same(buf, SOURCE, mac, 0, 6):  # a group never sends; our own frame is an echo
        return BAD_ADDRESS
    kind = buf[15] | buf[16] << 8
    need = _NEED.get(kind, 0)
    if not need:
        return BAD_TYPE
    if kind >= _VENDOR:
        if buf[14] != 0 or buf[17] != 0x00 or buf[18] != 0xB0 or buf[19] != 0x52:
            return BAD_VERSION
    elif buf[14] != _version(kind) or buf[17] or buf[18]:
        return BAD_VERSION
    return kind if n >= need else BAD_LENGTH


def same(a, a_at, b, b_at, n):
    """True if n bytes of a and b are equal; slices would allocate."""
    for i in range(n):  # noqa: SIM110 - all() of a generator would allocate
        if a[a_at + i] != b[b_at + i]:
            return False
    return True


def zero(buf, at, n):
    """True if n bytes from `at` are 0."""
    for i in range(n):  # noqa: SIM110 - as above
        if buf[at + i]:
            return False
    return True


def copy(out, at, source, source_at, n):
    """n bytes of source into out."""
    for i in range(n):
        out[at + i] = source[source_at + i]


def begin(out, n, dst, src, kind):
    """Clear out[0:n] and write the header; return the size of the frame, 60 at least. dst, src: 6
    bytes."""
    if n < MIN_FRAME:
        n = MIN_FRAME
    for i in range(n):
        out[i] = 0
    copy(out, 0, dst, 0, 6)
    copy(out, SOURCE, src, 0, 6)
    out[12] = 0x88
    out[13] = 0xE1
    out[15] = kind & 0xFF
    out[16] = kind >> 8
    if kind < _VENDOR:
        out[14] = _version(kind)
    else:
        out[18] = 0xB0
        out[19] = 0x52
    return n


def _version(kind):
    return 2 if kind & 0xFFFC == AMP_MAP_REQ else 1


def nid(nmk):
    """Network id (7 bytes) of a network key (16 bytes): five SHA-256 rounds, security level 0
    (R-LINK-19)."""
    digest = nmk
    for _ in range(5):
        digest = hashlib.sha256(digest).digest()
    return digest[:6] + bytes([digest[6] >> 4])


def set_key_req(out, src, net_id, nmk):
    """CM_SET_KEY.REQ to the own modem. The id must belong to the key: another one is confirmed and
    not applied."""
    n = begin(out, 57, LOCAL_MODEM, src, SET_KEY_REQ)
    out[19] = 1  # type of key: NMK
    for i in range(20, 24):
        out[i] = 0xAA  # nonce; no firmware is known to mind
    out[28] = 4  # protocol: higher layer entity
    copy(out, 33, net_id, 0, 7)
    out[40] = 1  # new encryption key select
    copy(out, 41, nmk, 0, 16)
    return n


def get_key_req(out, src, net_id):
    """CM_GET_KEY.REQ to the own modem, which answers with its network id also when it refuses the
    key."""
    n = begin(out, 36, LOCAL_MODEM, src, GET_KEY_REQ)
    out[20] = 1  # type of key: NMK
    copy(out, 21, net_id, 0, 7)
    for i in range(28, 32):
        out[i] = 0xAA
    out[32] = 4
    return n


def link_status_req(out, src):
    """VS_PL_LINK_STATUS.REQ to the own modem."""
    return begin(out, MIN_FRAME, LOCAL_MODEM, src, LINK_STATUS_REQ)


def version_req(out, src, dst=LOCAL_MODEM):
    """VS_SW_VER.REQ to the own modem; to BROADCAST every modem that can be heard answers."""
    return begin(out, MIN_FRAME, dst, src, VERSION_REQ)


def module_req(out, src, at, size):
    """VS_MODULE_OPERATION.REQ to the own modem: read `size` bytes of its parameters in memory, from
    byte `at` below 65536. Layout as in open-plc-utils, which asks for 1400 bytes at multiples of
    it."""
    n = begin(out, MIN_FRAME, LOCAL_MODEM, src, MODULE_REQ)
    out[24] = 1  # one operation: 0, read from memory
    out[27] = 18  # bytes that describe it
    out[33] = _PARAMETERS & 0xFF
    out[34] = _PARAMETERS >> 8
    out[37] = size & 0xFF
    out[38] = size >> 8
    out[39] = at & 0xFF
    out[40] = at >> 8
    return n


def parm_cnf(out, ev_mac, src, run_id):
    """CM_SLAC_PARM.CNF, exactly table A.2: one maker's cars refuse anything else (R-LINK-05)."""
    n = begin(out, 44, ev_mac, src, SLAC_PARM_CNF)
    copy(out, 19, BROADCAST, 0, 6)
    out[25] = 10  # sounds
    out[26] = 6  # time-out, 100 ms
    out[27] = 1  # response to another station:
    copy(out, 28, ev_mac, 0, 6)  # the vehicle, not this host
    copy(out, PARM_CNF_RUN, run_id, 0, 8)
    return n


def atten_char_ind(out, ev_mac, src, run_id, station_id, sounds, groups):
    """CM_ATTEN_CHAR.IND. station_id: 17 bytes; sounds: profiles measured; groups: 58 means in
    dB."""
    n = begin(out, _CHAR_IND_FRAME, ev_mac, src, ATTEN_CHAR_IND)
    copy(out, CHAR_MAC, ev_mac, 0, 6)
    copy(out, CHAR_RUN, run_id, 0, 8)
    copy(out, CHAR_RESP_ID, station_id, 0, 17)
    out[69] = sounds
    out[70] = GROUPS
    copy(out, CHAR_AAG, groups, 0, GROUPS)
    return n


def match_cnf(out, ev_mac, src, run_id, station_id, net_id, nmk):
    """CM_SLAC_MATCH.CNF, with the key of the network."""
    n = begin(out, _MATCH_CNF_FRAME, ev_mac, src, MATCH_CNF)
    out[MATCH_LENGTH] = MATCH_CNF_LENGTH
    copy(out, MATCH_PEV_MAC, ev_mac, 0, 6)
    copy(out, MATCH_EVSE_ID, station_id, 0, 17)
    copy(out, MATCH_EVSE_MAC, src, 0, 6)
    copy(out, MATCH_RUN, run_id, 0, 8)
    copy(out, MATCH_NID, net_id, 0, 7)
    copy(out, MATCH_NMK, nmk, 0, 16)
    return n


def validate_cnf(out, ev_mac, src, toggles, result):
    """CM_VALIDATE.CNF; toggles counted on the pilot."""
    n = begin(out, 22, ev_mac, src, VALIDATE_CNF)
    out[VALIDATE_TIMER] = toggles
    out[VALIDATE_RESULT] = result
    return n


def amp_map_cnf(out, ev_mac, src, result):
    """CM_AMP_MAP.CNF; result 0 taken over, 1 not."""
    n = begin(out, 20, ev_mac, src, AMP_MAP_CNF)
    out[19] = result
    return n
