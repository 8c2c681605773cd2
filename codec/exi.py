"""EXI messages of ISO 15118-20, AppProtocol and xmldsig: bytes <-> slot lists.

Schema-informed, bit-packed, not strict, header 0x80, no value string table (ISO 15118-20, 7.9.1). A
complex type is a flat list of slots, an optional element that is absent is None, a repeated one a
list; a RationalNumber is one small integer (codec/rational.py). What each slot is, codec/slots.py
tells.
"""

from codec.exi_in import SLACK, ExiError, Reader
from codec.exi_out import Writer
from codec.tables.grammar import FRAGMENTS, MESSAGES, ROOTS

__all__ = ("AC", "CM", "DC", "DSIG", "SAP", "SLACK", "ExiError")

# Schema ids.
SAP = 0
CM = 1
AC = 2
DC = 3
DSIG = 4

_PAYLOAD_SAP = 0x8001
_SPARE = 3  # zero bytes that a message may have behind its end: some vehicles send one too many (R-ERRORS-11)

surplus = bytearray(1)  # how many zero bytes the message had that was decoded last


def width(n):
    """Bits of a code with n values."""
    bits = 0
    while 1 << bits < n:
        bits += 1
    return bits


def schema_of(payload_type):
    """Schema id of a V2GTP payload type, -1 if it carries no message of ours."""
    if _PAYLOAD_SAP <= payload_type <= _PAYLOAD_SAP + DC:
        return payload_type - _PAYLOAD_SAP
    if payload_type in (0x8101, 0x8102, 0x8104):  # side streams: renegotiation, metering, parking
        return CM
    return -1


def payload_type(msg):
    """V2GTP payload type of a message id (R-V2GTP-04)."""
    return _PAYLOAD_SAP + _schema(msg)


def _schema(msg):
    for schema in range(DSIG + 1):
        if msg in ROOTS[schema]:
            return schema
    raise ValueError(msg)


def root_of(schema, head):
    """Id of the message that begins with the bytes `head` (three are enough), read from the event
    code of its root element; None if it has none of this schema."""
    if not 0 <= schema < len(ROOTS) or len(head) < 3:
        return None
    roots = ROOTS[schema]
    code = (head[1] << 8 | head[2]) >> (16 - width(len(roots) + 1))
    return roots[code] if code < len(roots) else None


def decode(schema, buf, at, n):
    """(message id, value) of the document buf[at:at+n]; ExiError if it is not one. Octets are views
    of a copy of it. Up to three zero bytes behind the document are allowed; `surplus` has their
    number."""
    return decode_here(schema, _copy(buf, at, n), 0, n)


def decode_here(schema, buf, at, n):
    """As decode(), without a copy: `buf` is a bytearray with at least SLACK bytes behind the
    document. Octets (session id, certificates, signatures) are views of it, valid as long as its
    contents are: who keeps one for longer makes bytes() of it. The document is used up: octets are
    shifted there to whole bytes, so it can be decoded only once."""
    roots = ROOTS[schema]
    try:
        r = Reader(buf, at, n, schema)
        r.header()
        code = r.bits(width(len(roots) + 1))
        if code >= len(roots) or MESSAGES[roots[code]] < 0:
            r.fail(ExiError.DEVIATION)
        value = r.content(MESSAGES[roots[code]])
        surplus[0] = r.end(_SPARE)
    except MemoryError:
        # A long list of small elements is legal and grows tenfold in memory: on a small heap that
        # is the sender's fault.
        raise ExiError(ExiError.MEMORY, 0)
    return roots[code], value


def _copy(buf, at, n):
    out = bytearray(n + SLACK)
    out[0:n] = memoryview(buf)[at : at + n]
    return out


def encode(msg, value, out, at):
    """Write the document into the bytearray `out` from offset `at`; return its length in bytes."""
    return _encode(_schema(msg), msg, value, out, at)


def encode_as(schema, msg, value, out, at):
    """As encode(), in the grammar of a schema set of choice: SignedInfo exists in four of them
    (D-10)."""
    return _encode(schema, msg, value, out, at)


def _encode(schema, msg, value, out, at):
    roots = ROOTS[schema]
    if msg not in roots or MESSAGES[msg] < 0:
        raise ValueError(msg)
    w = Writer(out, at, schema)
    w.header()
    w.bits(roots.index(msg), width(len(roots) + 1))
    w.content(MESSAGES[msg], value)
    return w.end()


def decode_fragment(schema, buf, at, n):
    """(element id, value) of the EXI fragment buf[at:at+n]: one of the elements that are signed.
    Octets are views of a copy."""
    try:
        return _fragment(Reader(_copy(buf, at, n), 0, n, schema))
    except MemoryError:
        raise ExiError(ExiError.MEMORY, 0)


def _fragment(r):
    r.header()
    count, known = FRAGMENTS[r.schema]
    bits = width(count + 1)
    code = r.bits(bits)
    for fragment, msg in known:
        if fragment == code:
            value = r.content(MESSAGES[msg])
            if r.bits(bits) != count - 1:  # one element, then the end of the fragment
                r.fail(ExiError.DEVIATION)
            r.end()
            return msg, value
    r.fail(ExiError.DEVIATION)


def encode_fragment(schema, elem, value, out, at):
    """Write the fragment of one signed element; return its length in bytes."""
    count, known = FRAGMENTS[schema]
    bits = width(count + 1)
    for code, msg in known:
        if msg == elem:
            w = Writer(out, at, schema)
            w.header()
            w.bits(code, bits)
            w.content(MESSAGES[msg], value)
            w.bits(count - 1, bits)
            return w.end()
    raise ValueError(elem)
