"""EXI encoder: the same tables as the decoder, walked by what the value holds.

In each state the first production whose slot still has something to say is taken. What is missing,
left over or out of range is an ExiError with the path of slot numbers that led there.
"""

from codec.exi_in import WIDTHS, ExiError
from codec.slots import KIND, OP
from codec.tables.grammar import KINDS, LISTS, STATES, TYPES
from micropython import const

_EMPTY_WIDTH = const(3)


class Writer:
    """Writes into the bytearray `out` from offset `at`; nothing of it grows."""

    def __init__(self, out, at, schema):
        self.out = out
        self.start = at
        self.at = at  # byte that is being filled
        self.free = 8  # bits free in it
        self.schema = schema
        self.wild = None
        self.path = []

    def fail(self, code):
        error = ExiError(code, (self.at - self.start) * 8 + 8 - self.free)
        error.path = self.path
        raise error

    def header(self):
        self.bits(0x80, 8)

    def end(self):
        """Pad the last byte; return the number of bytes written."""
        if self.free < 8:
            self.at += 1
            self.free = 8
        return self.at - self.start

    def bits(self, value, n):
        """The low n bits of value, n <= 16."""
        out = self.out
        at = self.at
        free = self.free
        if at + (n + 15 >> 3) > len(out) and at * 8 + 8 - free + n > len(out) * 8:
            self.fail(ExiError.SPACE)
        while n:
            if free == 8:
                out[at] = 0
            step = free if free < n else n
            n -= step
            free -= step
            out[at] |= (value >> n & (1 << step) - 1) << free
            if not free:
                at += 1
                free = 8
        self.at = at
        self.free = free

    def unsigned(self, value):
        while value >> 64:  # of an arbitrary integer: whole pieces, so that each octet does not copy all of it
            low = value & 0xFFFFFFFFFFFFFF
            value >>= 56
            for _ in range(8):
                self.bits(low & 0x7F | 0x80, 8)
                low >>= 7
        while value > 0x7F:
            self.bits(value & 0x7F | 0x80, 8)
            value >>= 7
        self.bits(value, 8)

    def characters(self, text):
        for c in text:
            self.unsigned(ord(c))

    def text(self, text):
        self.unsigned(len(text) + 2)
        self.characters(text)

    def octets(self, data):
        self.unsigned(len(data))
        if self.free == 8 and self.at + len(data) <= len(self.out):
            self.out[self.at : self.at + len(data)] = data
            self.at += len(data)
            return
        for octet in data:
            self.bits(octet, 8)

    def value(self, row, v):
        """One value of datatype KINDS[row]."""
        kind, n, low, high = KINDS[row]
        if kind == KIND.BOOLEAN:
            if v is not True and v is not False:
                self.fail(ExiError.MISSING)
            self.bits(1 if v else 0, 1)
            return
        if kind >= KIND.TEXT:
            if not isinstance(v, str if kind == KIND.TEXT else (bytes, bytearray, memoryview)):
                self.fail(ExiError.MISSING)
            if not low <= len(v) <= high:
                self.fail(ExiError.RANGE)
            if kind == KIND.TEXT:
                self.text(v)
            else:
                self.octets(v)
            return
        if not isinstance(v, int) or v is True or v is False:
            self.fail(ExiError.MISSING)
        if (low is not None and v < low) or (high is not None and v > high):
            self.fail(ExiError.RANGE)
        if kind == KIND.BITS:
            self.bits(v - low, n)
        elif kind == KIND.UNSIGNED:
            self.unsigned(v)
        else:
            self.bits(1 if v < 0 else 0, 1)
            self.unsigned(-1 - v if v < 0 else v)

    def rational(self, r):
        if not isinstance(r, int) or not -0x800000 <= r <= 0x7FFFFF:
            self.fail(ExiError.RANGE)
        v = r >> 8
        self.bits((r ^ 0x80) & 0xFF, 10)
        self.bits(1 if v < 0 else 0, 4)
        self.unsigned(-1 - v if v < 0 else v)
        self.bits(0, 2)

    def leaf(self, row, v):
        if KINDS[row][0] >= KIND.TEXT and v is not None and not len(v):
            # Empty text: the element ends without characters, as EXIficient and the field do it.
            if KINDS[row][2]:
                self.fail(ExiError.RANGE)
            self.bits(1 << _EMPTY_WIDTH, 1 + _EMPTY_WIDTH)
            return
        self.bits(0, 1)
        self.value(row, v)
        self.bits(0, 1)

    def content(self, type_id, value):
        """The content of a complex type."""
        states = STATES
        state, n = TYPES[type_id]
        done = self._enter(n, value)
        stack = []
        while True:
            n = states[state]
            code = self._choose(state, n, value, done)
            at = state + 1 + 6 * code
            op = states[at]
            if op == OP.VALUE and not len(value[states[at + 1]]) and KINDS[states[at + 2]][0] >= KIND.TEXT:
                self.bits(n << _EMPTY_WIDTH, WIDTHS[n] + _EMPTY_WIDTH)
                done[states[at + 1]] = 1
                at = (states[at + 4] | states[at + 5] << 8) + 1  # the END of the next state, said already
                op = OP.END
            else:
                self.bits(code, WIDTHS[n])
            if op == OP.END:
                self._leave(value, done)
                if not stack:
                    return
                value, state, done = stack.pop()
                self.path.pop()
                continue
            slot = states[at + 1]
            argument = states[at + 2] | states[at + 3] << 8
            state = states[at + 4] | states[at + 5] << 8
            item = value[slot]
            done[slot] += 1
            if op & OP.LIST:
                op -= OP.LIST
                argument, most, full = LISTS[argument]
                if most and done[slot] == most:
                    if len(item) > most:
                        self.path.append(slot)
                        self.fail(ExiError.RANGE)
                    state = full
                item = item[done[slot] - 1]
            if op == OP.LEAF:
                self.path.append(slot)
                self.leaf(argument, item)
                self.path.pop()
            elif op == OP.RATIONAL:
                self.path.append(slot)
                self.rational(item)
                self.path.pop()
            elif op == OP.COMPLEX:
                self.path.append(slot)
                stack.append((value, state, done))
                value = item
                state, n = TYPES[argument]
                done = self._enter(n, value)
            elif op == OP.ATTRIBUTE or op == OP.VALUE:
                self.path.append(slot)
                self.value(argument, item)
                self.path.pop()
            elif op == OP.TEXT:
                self.text(item[done[slot] - 1])
            elif op == OP.WILD:
                self.wildcard(item[done[slot] - 1])
            else:
                self.fail(ExiError.SURPLUS)

    def _enter(self, n, value):
        """How much of each slot is written."""
        if not isinstance(value, list) or len(value) != n:
            self.fail(ExiError.MISSING)
        return bytearray(n) if not self._long(value) else [0] * n

    def _long(self, value):
        return any(isinstance(v, list) and len(v) > 255 for v in value)

    def _choose(self, state, n, value, done):
        """Number of the production to take."""
        states = STATES
        at = state + 1
        end = -1
        for code in range(n):
            op = states[at]
            if op == OP.END:  # the end, unless characters of mixed content (the code behind it) are still to come
                end = code
                at += 6
                continue
            slot = states[at + 1]
            v = value[slot]
            if v is not None:
                if op & OP.LIST:
                    if not isinstance(v, list):
                        self.fail(ExiError.MISSING)
                    if done[slot] < len(v):
                        return code
                elif (
                    op == OP.TEXT or op == OP.WILD
                ):  # text runs and wildcard elements share the slot `any`, in their order
                    if done[slot] < len(v) and isinstance(v[done[slot]], str) == (op == OP.TEXT):
                        return code
                elif not done[slot]:
                    return code
            at += 6
        if end >= 0:
            return end
        self.path.append(states[state + 2] if n else 0)
        self.fail(ExiError.MISSING)

    def _leave(self, value, done):
        """At the end of a type everything that it holds must have been written."""
        for slot in range(len(value)):
            v = value[slot]
            if v is not None and not done[slot] and v != []:
                self.path.append(slot)
                self.fail(ExiError.SURPLUS)

    def wildcard(self, item):
        from codec import exi_wild

        if self.wild is None:
            self.wild = exi_wild.Names(self.schema)
        exi_wild.write(self, self.wild, item)
