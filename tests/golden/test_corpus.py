"""Every line of the corpus in both directions. Messages above 5 kB of JSON need more heap for it
than a microcontroller has (test_corpus_large.py); everything else passes here in 200 kB on the
32-bit image."""

import json
from binascii import unhexlify

from codec import exi
from tests.golden import corpus
from tests.lib.mtest import raises

TIMEOUT_S = 300
_OUT = bytearray(8192)


def test_sap():
    assert corpus.check("SAP", _OUT) == 30


def test_ac():
    assert corpus.check("AC", _OUT) == 158


def test_dc():
    assert corpus.check("DC", _OUT) == 217


def test_common_messages():
    assert corpus.check("CommonMessages", _OUT) == 521


def test_xmldsig():
    assert corpus.check("xmldsig", _OUT) == 10


def test_recorded_sessions():
    assert corpus.check("session", _OUT) == 422


def test_tails_and_offsets():
    """Up to three zero bytes behind a message are taken and counted (R-ERRORS-11), any other tail,
    and any behind a fragment, is refused; the message is found at any offset of a larger buffer."""
    for name in ("SAP", "AC", "DC", "xmldsig"):
        for _, line in corpus.lines(name):
            schema, fragment, text, _ = json.loads(line)
            data = unhexlify(text)
            decode = exi.decode_fragment if fragment else exi.decode
            for tail in (b"", b"\0", b"\0\0", b"\0\0\0", b"\0\0\0\0", b"\1", b"\0\1", b"\x80", b"\0\0\1"):
                n = len(data) + len(tail)
                if not tail or (not fragment and len(tail) < 4 and not sum(tail)):
                    assert decode(schema, data + tail, 0, n) == decode(schema, data, 0, len(data))
                    decode(schema, data + tail, 0, n)
                    assert fragment or exi.surplus[0] == len(tail)
                else:
                    assert raises(exi.ExiError, decode, schema, data + tail, 0, n).code == exi.ExiError.TAIL
            assert decode(schema, b"xyz" + data + b"\xff\xff", 3, len(data)) == decode(schema, data, 0, len(data))


def test_in_its_place_a_message_is_decoded_to_the_same_and_what_is_around_it_stays():
    for name in ("SAP", "AC", "DC"):
        for number, line in corpus.lines(name):
            schema, _, text, _ = json.loads(line)
            data = unhexlify(text)
            at, n = number % 5, len(data)
            buf = bytearray(b"\x5a" * at + data + b"\xc3" * exi.SLACK)
            assert exi.decode_here(schema, buf, at, n) == exi.decode(schema, data, 0, n), (name, number)
            assert bytes(buf[:at]) + bytes(buf[at + n :]) == b"\x5a" * at + b"\xc3" * exi.SLACK


def test_octets_are_views_of_the_message_and_need_no_memory_of_their_own():
    """Session ids at bit 36: shifted to whole bytes, in place. A view that is kept goes with the
    buffer; bytes() of it stays."""
    for number, line in corpus.lines("DC"):
        schema, _, text, want = json.loads(line)
        data = unhexlify(text)
        buf = bytearray(data + b"\x00" * exi.SLACK)
        value = exi.decode_here(schema, buf, 0, len(data))[1]
        view = value[0][0]
        assert isinstance(view, memoryview), number
        kept = bytes(view)
        assert kept == unhexlify(next(iter(want.values()))["Header"]["SessionID"]) and view == kept and kept == view
        for i in range(len(buf)):
            buf[i] = 0xA5
        assert bytes(view) == b"\xa5" * 8 and kept != bytes(view)
        if number > 20:
            return
