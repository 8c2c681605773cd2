"""One line in, one line out: decode and encode single messages. Runs on CPython and on the
MicroPython images.

exi_worker.py decode|encode: reads `TYPE HEX` or `TYPE JSON` lines, answers `ok RESULT` or `error:
REASON`.
"""

import json
import sys
from binascii import hexlify, unhexlify
from collections import OrderedDict

if sys.implementation.name == "micropython":
    sys.path[:] = [".frozen"]  # the codec of the image, whatever lies around

from codec import exi, exi_json

SCHEMAS = {"SAP": 0, "CommonMessages": 1, "AC": 2, "DC": 3, "xmldsig": 4}
TYPES = "0x8001 .. 0x8004, 0x8101, 0x8102, 0x8104, xmldsig, fragment:CommonMessages, fragment:AC, fragment:DC or fragment:xmldsig"
_LARGEST = 1 << 20  # bytes of one encoded message; the largest of the schemas are below 100 kB

_out = bytearray(1 << 16)


class LineError(ValueError):
    """The line is not one of ours; str() says why."""


def kind_of(word):
    """(schema id, is fragment) of a type word."""
    if word.startswith("fragment:") and word[9:] in SCHEMAS and word[9:] != "SAP":
        return SCHEMAS[word[9:]], True
    if word == "xmldsig":
        return SCHEMAS[word], False
    try:
        schema = exi.schema_of(int(word, 16))
    except ValueError:
        schema = -1
    if schema < 0:
        raise LineError("%s is no payload type with EXI messages: %s" % (word, TYPES))
    return schema, False


def split(line, what):
    words = line.strip().split(None, 1)
    if len(words) != 2:
        raise LineError("`TYPE %s` is wanted, separated by a space" % what)
    return words


def decode(line):
    word, text = split(line, "HEX")
    schema, fragment = kind_of(word)
    data = _without_header(word, _bytes(text))
    if fragment:
        msg, value = exi.decode_fragment(schema, data, 0, len(data))
    else:
        msg, value = exi.decode(schema, data, 0, len(data))
    return json.dumps(exi_json.to_json_obj(msg, value, OrderedDict))


def _bytes(text):
    """Of hexadecimal as programs show it: `80 8c`, `80:8c`, `80-8c`, `0x808c`, `0x80, 0x8c`,
    `\\x80\\x8c`, `b'...'` not."""
    for mark in ("0x", "0X", "\\x", ":", "-", ",", "\t", " "):
        text = text.replace(mark, "")
    try:
        return unhexlify(text)
    except ValueError:
        raise LineError("not hexadecimal")


def _without_header(word, data):
    """A message that was copied with its V2GTP header (R-V2GTP-01): 01 FE, type, length."""
    if data[:2] != b"\x01\xfe" or len(data) < 8:
        return data
    kind, n = data[2] << 8 | data[3], int.from_bytes(data[4:8], "big")
    if n != len(data) - 8:
        raise LineError("its V2GTP header announces %d bytes, %d follow" % (n, len(data) - 8))
    if word[:2] == "0x" and int(word, 16) != kind:
        raise LineError("its V2GTP header says 0x%04x, the line %s" % (kind, word))
    return data[8:]


def encode(line):
    global _out
    word, text = split(line, "JSON")
    schema, fragment = kind_of(word)
    try:
        obj = json.loads(text)
    except ValueError as error:
        raise LineError("not JSON: %s" % error)
    msg, value = exi_json.from_json_obj(obj)
    while True:
        try:
            if fragment:
                n = exi.encode_fragment(schema, msg, value, _out, 0)
            else:
                n = exi.encode_as(schema, msg, value, _out, 0)
            return str(hexlify(memoryview(_out)[:n]), "ascii")
        except exi.ExiError as error:
            if error.code == exi.ExiError.SPACE and len(_out) < _LARGEST:
                _out = bytearray(2 * len(_out))
                continue
            raise LineError("%s: %s" % (exi_json.path_of(msg, error.path), error.reason))
        except ValueError:
            raise LineError("%s is no %s of %s" % (exi_json.name_of(msg), "fragment" if fragment else "message", word))


def answer(function, line):
    """`ok RESULT` or `error: REASON` of one line."""
    try:
        return "ok " + function(line)
    except (LineError, exi.ExiError, exi_json.JsonError) as error:
        return "error: " + str(error)


def main():
    function = decode if sys.argv[1] == "decode" else encode
    while True:
        line = sys.stdin.readline()
        if not line:
            return
        sys.stdout.write(answer(function, line) + "\n")
        if hasattr(sys.stdout, "flush"):
            sys.stdout.flush()


if __name__ == "__main__":
    main()
