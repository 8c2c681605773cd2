"""What cars of the field send that no schema allows: session ids of other lengths, zero bytes behind
a message."""

from codec import exi, v2gtp
from codec.slots import KIND, MSG, ResponseCode
from codec.tables.grammar import KINDS
from tests.lib.driver import DC, DC_BPT, DYNAMIC
from tests.lib.every_request import every
from tests.lib.mtest import eq
from tests.lib.world import World

HEAP_KB = 200
_ID = b"\1" * 8  # what the world hands out


def with_id(w, request, new):
    """A request as V2GTP bytes, with `new` in place of its session id, whatever its length."""
    msg, value = request
    value[0][0] = _ID
    frame = w.frame((msg, value))
    bits = "".join(["{:08b}".format(byte) for byte in frame[v2gtp.HEADER :]])
    old = "".join(["{:08b}".format(byte) for byte in b"\x08" + _ID])
    at = bits.index(old)
    assert at < 40
    bits = bits[:at] + "".join(["{:08b}".format(byte) for byte in bytes([len(new)]) + new]) + bits[at + len(old) :]
    bits += "0" * (-len(bits) % 8)
    data = bytes([int(bits[i : i + 8], 2) for i in range(0, len(bits), 8)])
    head = bytearray(v2gtp.HEADER)
    v2gtp.write_header(head, 0, exi.payload_type(msg), len(data))
    return bytes(head) + data


def test_recorded_set_ups_with_short_ids_r_session_04():
    for text in (
        "808c00080a4a7da0620b2ba6a4ab1899199a1a9b1b9c1c9820a121a222ac00",  # no byte
        "808c0080080a4a7da0620b2ba6a4ab1899199a1a9b1b9c1c9820a121a222ac00",  # one
    ):
        w = World()
        w.connect()
        w.sap()
        answer = w.recorded(0x8002, text)
        eq((answer.code, bytes(answer.Header[0])), (ResponseCode.OK_NewSessionEstablished, _ID))
        w.sid = _ID
        eq(w.authorization_setup().code, ResponseCode.OK)


def test_set_up_with_an_id_of_any_length_is_a_new_session_r_session_03():
    for n in (0, 1, 2, 7, 9, 16, 255):
        w = World()
        w.connect()
        w.sap()
        w.feed(with_id(w, (MSG.SessionSetupReq, every(w)[MSG.SessionSetupReq]), bytes(range(1, n + 1))))
        eq((n, w.answer().code), (n, ResponseCode.OK_NewSessionEstablished))


def test_every_request_with_an_id_of_another_length_r_session_03():
    """Also where it begins as the right one does: FAILED_UnknownSession in its own response type,
    power off."""
    w = World()
    for n in (0, 1, 4, 7, 9, 16):
        for msg, value in sorted(every(w).items(), key=lambda item: item[0]):
            if msg in (MSG.supportedAppProtocolReq, MSG.SessionSetupReq, MSG.MeteringConfirmationReq):
                continue  # the last has a second id in its body
            w = World()
            w.to_authorized(DC)
            w.feed(with_id(w, (msg, value), (_ID + _ID)[:n]))
            answer = w.answer()
            eq((n, answer.msg, answer.code), (n, msg + 1, ResponseCode.FAILED_UnknownSession))
            eq((w.dead, w.state), (True, "Failed"))


def test_only_the_session_id_has_that_freedom():
    eq([row for row in KINDS if row[0] == KIND.OCTETS and row[2] == row[3] == 8], [(KIND.OCTETS, 0, 8, 8)])


def test_zero_bytes_behind_a_request_r_errors_11():
    """One to three zero bytes are taken with a note; any other tail ends the session, power off."""
    for tail, good in (
        (b"", True),
        (b"\0", True),
        (b"\0\0", True),
        (b"\0\0\0", True),
        (b"\0\0\0\0", False),
        (b"\1", False),
        (b"\0\1", False),
        (b"\x80", False),
    ):
        w = World(setpoint_w=5000)
        w.to_loop(DC_BPT, DYNAMIC)
        for _ in range(3):
            w.sleep(100)
            frame = w.frame((MSG.DC_ChargeLoopReq, every(w)[MSG.DC_ChargeLoopReq]))
            data = frame[v2gtp.HEADER :] + tail
            head = bytearray(v2gtp.HEADER)
            v2gtp.write_header(head, 0, 0x8004, len(data))
            w.feed(bytes(head) + data)
            answer = w.answer()
            if not good:
                break
            eq(answer.code, ResponseCode.OK)
        eq((tail, w.closed, w.dead), (tail, not good, not good))
        eq(len(w.said("zero bytes behind a request")), 1 if good and tail else 0)  # once in a session


def test_recorded_loop_with_one_byte_too_many_r_errors_11():
    w = World(setpoint_w=5000)
    w.to_loop(DC_BPT, DYNAMIC)
    text = (
        "8034040080808080808080880a4a7da06281001200604800904e0400504e00820067e70041021104e0800000400640082003080c10015804"
        "0800a09c010400000200190800"
    )
    eq(w.recorded(0x8004, text).code, ResponseCode.OK)
    eq((w.said("zero bytes behind a request"), w.dead), (["zero bytes behind a request 1"], False))
