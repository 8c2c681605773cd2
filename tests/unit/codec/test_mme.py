"""codec/mme.py: R-LINK-05, -19, -26. Expected frames are written by hand from the tables of the
messages."""

from binascii import unhexlify

from codec import mme
from tests.lib.mtest import eq

HOST = b"\x02\x00\x00\x00\x00\x01"
CAR = b"\x02\xca\x00\x00\x00\x09"
RUN = b"TESLA EV"


def hexes(text):
    return unhexlify(text.replace(" ", "").replace("\n", ""))


def made(builder, *args):
    """The frame, made in a buffer full of old bytes."""
    out = bytearray(b"\xa5" * 200)
    n = builder(out, *args)
    eq(bytes(out[n:]), b"\xa5" * (200 - n))
    return bytes(out[:n])


def test_nid_of_both_known_keys_r_link_19():
    eq(mme.nid(hexes("B59319D7E8157BA001B018669CCEE30D")), hexes("026BCBA5354E08"))
    eq(mme.nid(hexes("50D3E4933F855B7040784DF815AA8DB7")), hexes("B0F2E695666B03"))


def test_set_key_req():
    frame = made(mme.set_key_req, HOST, hexes("026BCBA5354E08"), hexes("B59319D7E8157BA001B018669CCEE30D"))
    want = hexes(
        "00b052000001 020000000001 88e1 01 0860 0000"
        "01 aaaaaaaa 00000000 04 0000 00 00 026bcba5354e08 01 b59319d7e8157ba001b018669ccee30d 000000"
    )
    eq(frame, want)
    eq((frame[33:40], frame[40], frame[41:57]), (want[33:40], 1, hexes("B59319D7E8157BA001B018669CCEE30D")))


def test_get_key_req():
    frame = made(mme.get_key_req, HOST, hexes("026BCBA5354E08"))
    eq(frame[:36], hexes("00b052000001 020000000001 88e1 01 0c60 0000 00 01 026bcba5354e08 aaaaaaaa 04 0000 00"))
    eq(frame[36:], bytes(24))


def test_link_status_req_is_a_vendor_message():
    frame = made(mme.link_status_req, HOST)
    eq(frame[:20], hexes("00b052000001 020000000001 88e1 00 b8a0 00b052"))
    eq(frame[20:], bytes(40))


def test_parm_cnf_is_exactly_table_a2_r_link_05():
    frame = made(mme.parm_cnf, CAR, HOST, RUN)
    want = hexes(
        "02ca00000009 020000000001 88e1 01 6560 0000 ffffffffffff 0a 06 01 02ca00000009 00 00 5445534c41204556"
    )
    eq(len(want), 19 + 25)
    eq(frame, want + bytes(16))


def test_atten_char_ind():
    groups = bytes(range(1, 59))
    frame = made(mme.atten_char_ind, CAR, HOST, RUN, bytes(17), 7, groups)
    head = hexes("02ca00000009 020000000001 88e1 01 6e60 0000 0000 02ca00000009 5445534c41204556")
    eq(frame, head + bytes(34) + b"\x07\x3a" + groups)
    eq(len(frame), 129)


def test_atten_char_ind_with_a_station_id():
    frame = made(mme.atten_char_ind, CAR, HOST, RUN, b"DE*MV2*E000001\x00\x00\x00", 10, bytes(58))
    eq(frame[35:52], bytes(17))
    eq(frame[52:69], b"DE*MV2*E000001\x00\x00\x00")


def test_match_cnf():
    nid = hexes("026BCBA5354E08")
    nmk = hexes("B59319D7E8157BA001B018669CCEE30D")
    frame = made(mme.match_cnf, CAR, HOST, RUN, bytes(17), nid, nmk)
    want = (
        hexes("02ca00000009 020000000001 88e1 01 7d60 0000 0000 5600")
        + bytes(17)
        + CAR
        + bytes(17)
        + HOST
        + RUN
        + bytes(8)
        + nid
        + b"\x00"
        + nmk
    )
    eq(frame, want)
    eq((len(frame), frame[85:92], frame[93:109]), (109, nid, nmk))


def test_validate_and_amp_map_cnf():
    eq(
        made(mme.validate_cnf, CAR, HOST, 3, 2),
        hexes("02ca00000009 020000000001 88e1 01 7960 0000 00 03 02") + bytes(38),
    )
    eq(made(mme.amp_map_cnf, CAR, HOST, 1), hexes("02ca00000009 020000000001 88e1 02 1d60 0000 01") + bytes(40))


# -- the check of a frame, R-LINK-26

PARM_REQ = hexes("ffffffffffff 02ca00000009 88e1 01 6460 0000 0000 5445534c41204556") + bytes(31)
MATCH_REQ = hexes("020000000001 02ca00000009 88e1 01 7c60 0000") + bytes(66)


def changed(frame, at, value):
    data = bytearray(frame)
    data[at] = value
    return data


def checked(frame):
    return mme.check(frame, len(frame), HOST)


def test_good_frames_have_their_type():
    eq(len(PARM_REQ), 60)
    eq(checked(PARM_REQ), 0x6064)
    eq(checked(HOST + PARM_REQ[6:]), 0x6064)
    eq(checked(MATCH_REQ), 0x607C)
    eq(checked(MATCH_REQ + bytes(200)), 0x607C)
    eq(checked(hexes("020000000001 00b052000001 88e1 00 b9a0 00b052 00 01") + bytes(38)), 0xA0B9)
    eq(checked(hexes("020000000001 02ca00000009 88e1 02 1c60 0000") + bytes(41)), 0x601C)


def test_a_64_byte_sound_is_a_sound():
    eq(checked(hexes("ffffffffffff 02ca00000009 88e1 01 7660 0000") + bytes(45)), 0x6076)


def test_every_length_r_link_26():
    long = MATCH_REQ + bytes(1600)
    for n in range(0, 1600):
        got = mme.check(long, n, HOST)
        eq(got, 0x607C if 85 <= n <= 1518 else mme.BAD_LENGTH)
    for kind, need in ((0x86, 85), (0x6E, 129), (0x6F, 70), (0x7C, 85), (0x7D, 109)):
        data = changed(long, 15, kind)
        eq(mme.check(data, need - 1, HOST), mme.BAD_LENGTH)
        eq(mme.check(data, need, HOST), 0x6000 | kind)


def test_header_fields_r_link_26():
    for at, value, code in (
        (0, 0x04, mme.BAD_ADDRESS),  # for somebody else
        (5, 0x02, mme.BAD_ADDRESS),
        (6, 0x03, mme.BAD_ADDRESS),  # a group as a source
        (12, 0x86, mme.BAD_TYPE),
        (13, 0xDD, mme.BAD_TYPE),
        (14, 0, mme.BAD_VERSION),
        (14, 2, mme.BAD_VERSION),
        (15, 0x65 + 0x1A, mme.BAD_TYPE),
        (16, 0x61, mme.BAD_TYPE),
        (17, 1, mme.BAD_VERSION),
        (18, 1, mme.BAD_VERSION),
    ):
        eq(checked(changed(MATCH_REQ, at, value)), code)
    eq(checked(MATCH_REQ[:6] + HOST + MATCH_REQ[12:]), mme.BAD_ADDRESS)
    vendor = hexes("020000000001 00b052000001 88e1 00 b9a0 00b052 00 01") + bytes(38)
    for at in (14, 17, 18, 19):
        eq(checked(changed(vendor, at, 0x16)), mme.BAD_VERSION)
