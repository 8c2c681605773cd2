"""EXI decoder: one interpreter over the tables. Bytes from the car are hostile: every read is
checked against the end, every length against the schema and the bytes left before memory is taken,
and nesting is bounded by the schema (R-SECURITY-04, -05).
"""

from codec.slots import KIND, OP
from codec.tables.grammar import KINDS, LISTS, STATES, TYPES
from micropython import const

_EMPTY_WIDTH = const(3)  # second part of the code of an element that ends without its characters
_DEPTH = const(24)  # the schemas nest 13 deep; xmldsig Objects can nest themselves
_RATIONAL_HEAD = const(0x3)
# Only the session id has eight octets, no less and no more. Vehicles send it in other lengths, and
# what that means is for the session to say, not for the decoder (R-SESSION-03).
_ID = const(8)
_LONGEST_ID = const(255)


class ExiError(ValueError):
    """Not a message of the schema. code: one of the reasons; bit: offset in the stream; path: slot
    numbers when encoding; str() tells reason and offset."""

    SHORT = 1
    DEVIATION = 2
    REFERENCE = 3
    RANGE = 4
    DEPTH = 5
    TAIL = 6
    HEADER = 7
    SPACE = 8
    MISSING = 9
    SURPLUS = 10
    MEMORY = 11

    def __init__(self, code, bit):
        super().__init__(code, bit)
        self.code = code
        self.bit = bit
        self.path = ()

    @property
    def reason(self):
        """The reason in words."""
        return _REASONS[self.code]

    def __str__(self):
        return "%s, at byte %d bit %d" % (_REASONS[self.code], self.bit >> 3, self.bit & 7)


_REASONS = (
    "",
    "input ends inside the message",
    "not what the schema allows here",
    "string table reference, but there is no table",
    "value or length out of the schema's range",
    "nested too deep",
    "bytes after the end of the message",
    "no EXI header 0x80",
    "message does not fit the buffer",
    "mandatory element missing or of the wrong type",
    "element that the grammar has no place for",
    "message needs more memory than there is",
)


def _width(n):
    bits = 0
    while 1 << bits < n:
        bits += 1
    return bits


SLACK = const(
    3
)  # bytes that must stand behind a message in its buffer, whatever they are: bits() reads three at a time

# Code width of a state with i productions: one value more, for what the schema does not foresee
# (EXI 8.5.4.4).
WIDTHS = bytes([_width(i + 1) for i in range(40)])


class Reader:
    """Of buf[at:at+n], a bytearray with SLACK bytes behind that. Values of bytes are views of it,
    and where they do not begin with a byte they are shifted into place there: the message is used
    up."""

    def __init__(self, buf, at, n, schema):
        self.buf = buf
        self.view = memoryview(buf)
        self.first = at * 8
        self.pos = self.first
        self.limit = self.first + n * 8
        self.schema = schema
        self.wild = None  # string tables of a wildcard, made when one comes

    def fail(self, code):
        raise ExiError(code, self.pos - self.first)

    def header(self):
        if self.bits(8) != 0x80:
            self.fail(ExiError.HEADER)

    def end(self, spare=0):
        """Only the padding of the last byte may be left (R-V2GTP-06), and `spare` zero bytes at most;
        returns how many these are."""
        at, limit = self.pos + 7 >> 3, self.limit >> 3
        if limit - at > spare:
            self.fail(ExiError.TAIL)
        for i in range(at, limit):
            if self.buf[i]:
                self.fail(ExiError.TAIL)
        return limit - at

    def bits(self, n):
        """n bits, n <= 16."""
        pos = self.pos
        if pos + n > self.limit:
            self.fail(ExiError.SHORT)
        buf = self.buf
        i = pos >> 3
        self.pos = pos + n
        return (buf[i] << 16 | buf[i + 1] << 8 | buf[i + 2]) >> 24 - (pos & 7) - n & (1 << n) - 1

    def unsigned(self, high):
        """Unsigned varint up to `high`; None = as long as the input (xs:integer)."""
        if high is None:
            return self._integer()
        value = shift = 0
        while True:
            octet = self.bits(8)
            value |= (octet & 0x7F) << shift
            if octet < 0x80:
                break
            shift += 7
            # Leading zero groups are legal EXI and endless: ten groups hold 64 bits.
            if shift >= 70 or value > high:
                self.fail(ExiError.RANGE)
        if value > high:
            self.fail(ExiError.RANGE)
        return value

    def _integer(self):
        """A number of any length, gathered in octets: adding group by group would take quadratic
        time."""
        out = bytearray()
        rest = bits = 0
        while True:
            octet = self.bits(8)
            rest |= (octet & 0x7F) << bits
            bits += 7
            if bits >= 8:
                out.append(rest & 0xFF)
                rest >>= 8
                bits -= 8
            if octet < 0x80:
                break
        out.append(rest)
        return int.from_bytes(out, "little")

    def text(self, low, high):
        n = self.unsigned(0x1FFFF) - 2
        if n < 0:
            self.fail(ExiError.REFERENCE)
        return self.characters(n, low, high)

    def characters(self, n, low, high):
        if not low <= n <= high:
            self.fail(ExiError.RANGE)
        if n * 8 > self.limit - self.pos:
            self.fail(ExiError.SHORT)
        out = bytearray(n)
        for i in range(n):
            c = self.unsigned(0x10FFFF)
            if c >= 0x80:
                return self._wide(str(out[:i], "utf-8"), c, n - i)
            out[i] = c
        return str(out, "utf-8")

    def _wide(self, head, c, left):
        """The rest of a text that is not plain ASCII; `c` is its next character."""
        parts = [head]
        while True:
            if 0xD800 <= c < 0xE000:
                self.fail(ExiError.RANGE)  # half of a surrogate pair is no character
            parts.append(chr(c))
            left -= 1
            if not left:
                return "".join(parts)
            c = self.unsigned(0x10FFFF)

    def octets(self, low, high):
        n = self.unsigned(0xFFFF)
        if not low <= n <= high and not (low == _ID == high and n <= _LONGEST_ID):
            self.fail(ExiError.RANGE)
        pos = self.pos
        if n * 8 > self.limit - pos:
            self.fail(ExiError.SHORT)
        self.pos = pos + n * 8
        i = pos >> 3
        shift = 8 - (pos & 7)
        buf = self.buf
        if shift != 8:  # bits before are read already, those behind stay: they stand in the byte after the last one
            for k in range(i, i + n):
                buf[k] = (buf[k] << 8 | buf[k + 1]) >> shift & 0xFF
        return self.view[i : i + n]

    def value(self, row):
        """One value of datatype KINDS[row]."""
        kind, n, low, high = KINDS[row]
        if kind == KIND.BITS:
            v = self.bits(n) + low
            if v > high:
                self.fail(ExiError.RANGE)
            return v
        if kind == KIND.UNSIGNED:
            v = self.unsigned(high)
            if v < low:
                self.fail(ExiError.RANGE)
            return v
        if kind == KIND.BOOLEAN:
            return self.bits(1) == 1
        if kind == KIND.TEXT:
            return self.text(low, high)
        if kind == KIND.OCTETS:
            return self.octets(low, high)
        if self.bits(1):
            return -1 - self.unsigned(high)  # low is -1 - high in every signed type of the schemas
        return self.unsigned(high)

    def rational(self):
        """RationalNumberType in one go: 00 exponent 000 sign value 00 (SE, CH, EE of its two
        elements)."""
        if self.bits(2):
            self.fail(ExiError.DEVIATION)
        exponent = self.bits(8) ^ 0x80  # offset 128, kept as an 8-bit two's complement
        head = self.bits(4)
        if head > 1:
            self.fail(ExiError.DEVIATION)
        v = self.unsigned(32767)
        if self.bits(2):
            self.fail(ExiError.DEVIATION)
        return (-1 - v if head else v) << 8 | exponent

    def content(self, type_id):
        """The value of a complex type, from its first state to its end."""
        states = STATES
        state, n = TYPES[type_id]
        value = [None] * n
        stack = []
        while True:
            n = states[state]
            code = self.bits(WIDTHS[n])
            at = state + 1 + 6 * code
            if code >= n:
                at = self._empty(state, n, code, value)
            op = states[at]
            if op == OP.END:
                if not stack:
                    return value
                value, state = stack.pop()
                continue
            slot = states[at + 1]
            argument = states[at + 2] | states[at + 3] << 8
            state = states[at + 4] | states[at + 5] << 8
            items = None
            if op & OP.LIST:
                op -= OP.LIST
                argument, most, full = LISTS[argument]
                items = value[slot]
                if items is None:
                    items = value[slot] = []
                if most and len(items) + 1 == most:
                    state = full
            if op == OP.LEAF:
                item = self.leaf(argument)
            elif op == OP.RATIONAL:
                item = self.rational()
            elif op == OP.COMPLEX:
                if len(stack) >= _DEPTH:
                    self.fail(ExiError.DEPTH)
                stack.append((value, state))
                state, n = TYPES[argument]
                item = [None] * n
                if items is None:
                    value[slot] = item
                else:
                    items.append(item)
                value = item
                continue
            elif op == OP.ATTRIBUTE or op == OP.VALUE:
                item = self.value(argument)
            elif op == OP.TEXT or op == OP.WILD:
                if value[slot] is None:
                    value[slot] = []
                items = value[slot]
                item = self.text(0, 0xFFFF) if op == OP.TEXT else self.wildcard()
            else:  # an abstract element: its type would have to be named, which nobody does
                self.fail(ExiError.DEVIATION)
            if items is None:
                value[slot] = item
            else:
                items.append(item)

    def leaf(self, row):
        """An element of simple type behind its SE: CH, value, EE; or an end at once, which is the
        empty text."""
        if self.bits(1):
            kind, _, low, _ = KINDS[row]
            if self.bits(_EMPTY_WIDTH) or kind < KIND.TEXT or low:
                self.fail(ExiError.DEVIATION)
            return "" if kind == KIND.TEXT else b""
        item = self.value(row)
        if self.bits(1):
            self.fail(ExiError.DEVIATION)
        return item

    def _empty(self, state, n, code, value):
        """Simple content that ends without characters: fill the slot, return the offset of an END
        production."""
        at = state + 6 * n - 5  # the last production
        if code == n and STATES[at] == OP.VALUE and self.bits(_EMPTY_WIDTH) == 0:
            kind, _, low, _ = KINDS[STATES[at + 2] | STATES[at + 3] << 8]
            if kind >= KIND.TEXT and not low:
                value[STATES[at + 1]] = "" if kind == KIND.TEXT else b""
                return (STATES[at + 4] | STATES[at + 5] << 8) + 1
        self.fail(ExiError.DEVIATION)

    def wildcard(self):
        """An element that only a wildcard allows: (namespace, name, content)."""
        from codec import exi_wild

        if self.wild is None:
            self.wild = exi_wild.Names(self.schema)
        return exi_wild.read(self, self.wild)
