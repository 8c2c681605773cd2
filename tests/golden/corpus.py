"""The corpus, line by line, and the round trip that every line must make. Runs on MicroPython
too."""

import gc
import json
from binascii import hexlify, unhexlify

from codec import exi, exi_json

FOLDER = __file__.rsplit("/", 1)[0] + "/data/"


def lines(name):
    """(line number, line) of a file."""
    with open(FOLDER + name + ".jsonl", encoding="utf-8") as file:
        yield from enumerate(file, 1)


def round_trip(line, out):
    """Decode to the JSON, from the JSON to the value, from the value to the bytes. AssertionError
    says which failed."""
    schema, fragment, text, want = json.loads(line)
    data = unhexlify(text)
    if fragment:
        msg, value = exi.decode_fragment(schema, data, 0, len(data))
    else:
        msg, value = exi.decode(schema, data, 0, len(data))
    got = exi_json.to_json_obj(msg, value)
    assert got == want, "decoded to other values"
    del got
    assert exi_json.from_json_obj(want) == (msg, value), "values from JSON differ"
    del want
    if fragment:
        n = exi.encode_fragment(schema, msg, value, out, 1)
    else:
        n = exi.encode_as(schema, msg, value, out, 1)
    assert str(hexlify(bytes(out[1 : 1 + n])), "ascii") == text, "encoded to other bytes"


def check(name, out):
    """Round trip of all lines of a file; returns how many."""
    count = 0
    for number, line in lines(name):
        try:
            round_trip(line, out)
        except AssertionError as error:
            raise AssertionError("%s line %d: %s" % (name, number, error))
        except exi.ExiError as error:
            raise AssertionError("%s line %d: %s" % (name, number, error))
        count += 1
        gc.collect()  # in 200 kB a line of 5 kB needs room that is not in pieces
    return count
