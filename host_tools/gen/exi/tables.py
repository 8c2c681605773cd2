"""From the grammars of all schema sets to one set of tables, written as Python source with constant
bytes.

One state: number of productions n, then n times 6 bytes (op, slot, argument 16 bit, next state 16
bit, little-endian). A state's number is its offset in STATES. Types that several sets share are
stored once, equal states too.
"""

import struct

from codec.slots import KIND, OP
from host_tools.gen.exi import grammar, schema

# What is signed, and so coded as a fragment (ISO 15118-20, 7.9.2.4).
FRAGMENTS = {
    "CommonMessages": (
        "PnC_AReqAuthorizationMode",
        "SignedInfo",
        "OEMProvisioningCertificateChain",
        "SignedInstallationData",
        "AbsolutePriceSchedule",
        "PriceLevelSchedule",
        "SignedMeteringData",
    ),
    "AC": ("SignedInfo",),
    "DC": ("SignedInfo",),
    "xmldsig": ("SignedInfo",),
}

_OPEN = 0xFFFF  # longest string or binary where the schema sets no limit: the bytes left decide


def width(n):
    """Bits of a code with n values."""
    bits = 0
    while 1 << bits < n:
        bits += 1
    return bits


def kind(datatype):
    """Row of KINDS: (kind, bits, low, high)."""
    name = datatype[0]
    if name == "bool":
        return KIND.BOOLEAN, 1, 0, 1
    if name == "enum":
        return KIND.BITS, width(len(datatype[2])), 0, len(datatype[2]) - 1
    low, high = datatype[1], datatype[2]
    if name == "int":
        if low is not None and high is not None and high - low < 4096:
            return KIND.BITS, width(high - low + 1), low, high
        return (KIND.UNSIGNED if low is not None and low >= 0 else KIND.SIGNED), 0, low, high
    return (KIND.TEXT if name == "str" else KIND.OCTETS), 0, low, _OPEN if high is None else high


class Tables:
    """Everything that is generated, from the schema files in `folder`."""

    def __init__(self, folder):
        self.grammars = {}  # type key -> Grammar, in order of first use
        self.messages = []  # [(namespace, name), type]: index + 1 is the message id
        self.roots = []  # per set: message ids in event code order
        self.fragments = []  # per set: (number of productions, [(event code, message id)])
        self.namespaces = []  # per set: (namespace, sorted local names) in string table order
        self.datatypes = []
        self.enums = {}
        parts = []
        for set_name, names in schema.SETS:
            s = schema.Schema(folder, names)
            roots = [(q, s.type_of(*s.elements[q])) for q in s.roots()]
            declared = {}
            for q, node, prefixes in s.declared:
                declared.setdefault(q, set()).add(s.type_of(node, prefixes))
            for key, t in s.compile().items():
                self._grammar(key, t)
            for q, t in roots:
                self._message(q, t)
            parts.append((set_name, s, roots, declared))
        for set_name, s, roots, declared in parts:
            self._index(set_name, s, roots, declared)
        self._emit()

    def _grammar(self, key, t):
        g = grammar.Grammar(t)
        if key in self.grammars:
            if self.grammars[key].slots != g.slots:
                raise ValueError("type %s differs between schema sets" % (key,))
            return
        self.grammars[key] = g

    def _message(self, q, t):
        if q not in [m[0] for m in self.messages]:
            self.messages.append((q, t))

    def _id(self, q):
        return [m[0] for m in self.messages].index(q) + 1

    def _index(self, set_name, s, roots, declared):
        self.roots.append([self._id(q) for q, _ in roots])
        order = sorted(declared)
        fragments = []
        for code, (name, namespace) in enumerate(order):
            if name in FRAGMENTS.get(set_name, ()):
                types = declared[(name, namespace)]
                if len(types) != 1:
                    raise ValueError("fragment %s has several types" % name)
                self._message((namespace, name), next(iter(types)))
                fragments.append((code, self._id((namespace, name))))
        self.fragments.append((len(order) + 2, fragments))  # SE(*) and ED come after the names
        spaces = sorted(n for n in s.names if n)
        self.namespaces.append([(n, sorted(s.names[n])) for n in spaces])

    def _datatype(self, datatype):
        if datatype not in self.datatypes:
            self.datatypes.append(datatype)
        if datatype[0] == "enum":
            self.enums[datatype[1]] = datatype[2]
        return self.datatypes.index(datatype)

    def _production(self, p, type_ids):
        """(op, slot, argument or list key) of a production."""
        if p[0] == grammar.EE:
            return OP.END, 0, 0
        if p[0] == grammar.ANY:
            return OP.WILD, p[2], 0
        if p[0] == grammar.AT:
            return OP.ATTRIBUTE, p[2], self._datatype(p[1])
        if p[0] == grammar.CH:
            return (OP.TEXT, p[2], 0) if p[1] is None else (OP.VALUE, p[2], self._datatype(p[1]))
        how, t = p[1]
        if how == "simple":
            return OP.LEAF, p[2], self._datatype(t)
        if t[1] == "RationalNumberType":
            return OP.RATIONAL, p[2], 0
        if self.grammars[t].type.abstract:
            return OP.REFUSED, p[2], 0
        return OP.COMPLEX, p[2], type_ids[t]

    def _emit(self):
        keys = list(self.grammars)
        type_ids = {key: i for i, key in enumerate(keys)}
        states = [state for key in keys for state in self.grammars[key].states]
        rows = {}
        for key in keys:
            g = self.grammars[key]
            repeated = {g.slots.index(name) for name in g.lists}
            for state in g.states:
                rows[state] = []
                for p in state.productions:
                    op, slot, argument = self._production(p, type_ids)
                    is_list = op != OP.END and slot in repeated
                    high, full = (p[4] or 0, p[5]) if len(p) > 4 else (0, None)
                    rows[state].append((op, slot, argument, is_list, high, full, p[3] if len(p) > 3 else None))
        groups = _equal(states, rows)
        first = {}
        for state in states:
            first.setdefault(groups[state], state)
        offsets, at = {}, 0
        for group, state in first.items():
            offsets[group] = at
            at += 1 + 6 * len(rows[state])
        self.lists = []
        out = bytearray()
        for state in first.values():
            out.append(len(rows[state]))
            for op, slot, argument, is_list, high, full, after in rows[state]:
                if is_list and op not in (OP.WILD, OP.TEXT):
                    entry = (argument, high, offsets[groups[full]] if full else 0)
                    if entry not in self.lists:
                        self.lists.append(entry)
                    op, argument = op | OP.LIST, self.lists.index(entry)
                out += struct.pack("<BBHH", op, slot, argument, offsets[groups[after]] if after else 0)
        self.states = bytes(out)
        self.starts = [(offsets[groups[self.grammars[key].start]], len(self.grammars[key].slots)) for key in keys]
        self.types = [self.grammars[key] for key in keys]
        self.message_types = []
        for _, (how, t) in self.messages:
            if how == "simple":
                self.message_types.append(-2 - self._datatype(t))
            else:
                self.message_types.append(-1 if self.grammars[t].type.abstract else type_ids[t])


def _equal(states, rows):
    """Group states that cannot be told apart: {state: group}."""
    groups = dict.fromkeys(states, 0)
    count = 1
    while True:
        seen, new = {}, {}
        for state in states:
            mark = tuple(r[:5] + (groups.get(r[5]), groups.get(r[6])) for r in rows[state])
            new[state] = seen.setdefault(mark, len(seen))
        groups = new
        if len(seen) == count:
            return groups
        count = len(seen)
