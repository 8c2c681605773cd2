"""Elements that only a wildcard of xmldsig allows, and the string tables that name them (EXI 1.0,
7.3, 8.4.3, 8.5.3).

An element that the schema knows has its own grammar; any other one has the built-in grammar of EXI,
which learns: what was seen once gets a short code when it is seen again. A wildcard item is
(namespace, name, attributes, content); content is a list of texts and items, or (message id, value)
for an element of the schema. Depth and number of names are bounded, lengths are checked by the
reader. Nobody signs such things in ISO 15118-20; they must not hurt.
"""

from codec.tables import names, qnames
from codec.tables.grammar import MESSAGES, ROOTS
from micropython import const

_DEVIATION = const(2)  # codes of ExiError
_DEPTH_CODE = const(5)
_MISSING = const(9)
_DEPTH = const(2)  # each takes four calls, and the RP2040 has 8 kB of C stack for them and for all above
_MOST = const(64)  # names and learned productions; an Object with more is refused
_XSI = const(2)  # index of the schema instance namespace: xsi:type and xsi:nil are not supported

_PRESET = (
    "",
    "http://www.w3.org/XML/1998/namespace",
    "http://www.w3.org/2001/XMLSchema-instance",
    "http://www.w3.org/2001/XMLSchema",
)
_PRESET_LOCAL = {1: ["base", "id", "lang", "space"], 2: ["nil", "type"]}
# The names of the schema language itself: 46 built-in types.
_XSD_LOCAL = (
    "ENTITIES ENTITY ID IDREF IDREFS NCName NMTOKEN NMTOKENS NOTATION Name QName anySimpleType anyType anyURI "
    "base64Binary boolean byte date dateTime decimal double duration float gDay gMonth gMonthDay gYear gYearMonth "
    "hexBinary int integer language long negativeInteger nonNegativeInteger nonPositiveInteger normalizedString "
    "positiveInteger short string time token unsignedByte unsignedInt unsignedLong unsignedShort"
)

# Productions of the built-in grammar: START before, CONTENT behind the first element or text.
_END, _ATTR, _ELEM, _TEXT = range(4)


def _width(n):
    bits = 0
    while 1 << bits < n:
        bits += 1
    return bits


class Names:
    """String tables of one stream: namespaces, their local names, and the grammars that were
    learned."""

    def __init__(self, schema):
        self.schema = schema
        self.spaces = list(_PRESET) + list(qnames.NAMESPACES[schema])
        self.local = {}
        self.learned = {}  # (space, name, is content) -> productions, newest first
        self.count = 0
        self.depth = 0

    def of(self, space):
        """The list of local names of a namespace, by its index."""
        if space not in self.local:
            if space in _PRESET_LOCAL:
                self.local[space] = list(_PRESET_LOCAL[space])
            elif space == 3:
                self.local[space] = _XSD_LOCAL.split()
            else:
                self.local[space] = qnames.LOCAL.get(self.spaces[space], "").split()
        return self.local[space]

    def grammar(self, space, name, content):
        return self.learned.setdefault((space, name, content), [])

    def message(self, space, name):
        """Message id of a global element of the schema set, or 0."""
        if self.spaces[space] in qnames.LOCAL:
            for msg in ROOTS[self.schema]:
                same = names.MESSAGES[msg] == name and names.SPACES[names.SPACE[msg]] == self.spaces[space]
                if same and MESSAGES[msg] != -1:
                    return msg
        return 0

    def grow(self, coder):
        self.count += 1
        if self.count > _MOST:
            coder.fail(_DEPTH_CODE)


def _read_name(r, t):
    """(namespace index, local name)"""
    code = r.bits(_width(len(t.spaces) + 1))
    if code > len(t.spaces):
        r.fail(_DEVIATION)
    if code == 0:
        t.grow(r)
        t.spaces.append(r.characters(r.unsigned(0xFFFF), 0, 0xFFFF))
        code = len(t.spaces)
    space = code - 1
    local = t.of(space)
    n = r.unsigned(0x1FFFF)
    if n == 0:
        i = r.bits(_width(len(local)))
        if i >= len(local):
            r.fail(_DEVIATION)
        return space, local[i]
    t.grow(r)
    name = r.characters(n - 1, 0, 0xFFFF)
    local.append(name)
    return space, name


def _deeper(coder, t):
    """A wildcard inside an element of the schema inside a wildcard …: the reader calls itself, so
    it is counted."""
    t.depth += 1
    if t.depth > _DEPTH:
        coder.fail(_DEPTH_CODE)


def read(r, t):
    """The element behind an SE(*)."""
    _deeper(r, t)
    space, name = _read_name(r, t)
    item = _read_element(r, t, space, name, 0)
    t.depth -= 1
    return item


def _read_element(r, t, space, name, depth):
    if depth >= _DEPTH:
        r.fail(_DEPTH_CODE)
    msg = t.message(space, name)
    if msg:
        kind = MESSAGES[msg]
        return t.spaces[space], name, [], (msg, r.leaf(-2 - kind) if kind < 0 else r.content(kind))
    attributes, items = [], []
    content = False
    while True:
        what = _read_event(r, t, t.grammar(space, name, content), content)
        if what[0] == _END:
            return t.spaces[space], name, attributes, items
        if what[0] == _ATTR:
            if content or what[1] == _XSI:
                r.fail(_DEVIATION)
            attributes.append((t.spaces[what[1]], what[2], r.text(0, 0xFFFF)))
            continue
        content = True
        if what[0] == _TEXT:
            items.append(r.text(0, 0xFFFF))
        else:
            items.append(_read_element(r, t, what[1], what[2], depth + 1))


def _fixed(content):
    """(productions with a one-part code, productions with a two-part code) that every built-in
    grammar has."""
    return ([(_END,)], [(_ELEM,), (_TEXT,)]) if content else ([], [(_END,), (_ATTR,), (_ELEM,), (_TEXT,)])


def _read_event(r, t, grammar, content):
    first, second = _fixed(content)
    n = len(grammar) + len(first)
    code = r.bits(_width(n + 1))
    if code < len(grammar):
        return grammar[code]
    if code < n:
        return first[code - len(grammar)]
    if code > n:
        r.fail(_DEVIATION)
    code = r.bits(_width(len(second)))
    if code >= len(second):
        r.fail(_DEVIATION)
    what = second[code]
    if what[0] in (_ATTR, _ELEM):
        space, name = _read_name(r, t)
        what = (what[0], space, name)
    _learn(r, t, grammar, what)
    return what


def _learn(coder, t, grammar, what):
    if what not in grammar:
        t.grow(coder)
        grammar.insert(0, what)


def _write_name(w, t, space, name):
    """Write a name; returns its namespace index."""
    bits = _width(len(t.spaces) + 1)
    if space in t.spaces:
        i = t.spaces.index(space)
        w.bits(i + 1, bits)
    else:
        t.grow(w)
        w.bits(0, bits)
        w.unsigned(len(space))
        w.characters(space)
        t.spaces.append(space)
        i = len(t.spaces) - 1
    local = t.of(i)
    if name in local:
        w.unsigned(0)
        w.bits(local.index(name), _width(len(local)))
    else:
        t.grow(w)
        w.unsigned(len(name) + 1)
        w.characters(name)
        local.append(name)
    return i


def write(w, t, item):
    """The element behind an SE(*)."""
    if not isinstance(item, tuple) or len(item) != 4:
        w.fail(_MISSING)
    _deeper(w, t)
    _write_element(w, t, _write_name(w, t, item[0], item[1]), item, 0)
    t.depth -= 1


def _write_element(w, t, space, item, depth):
    if depth >= _DEPTH:
        w.fail(_DEPTH_CODE)
    name, attributes, content = item[1], item[2], item[3]
    if isinstance(content, tuple):
        if t.message(space, name) != content[0]:
            w.fail(_MISSING)
        kind = MESSAGES[content[0]]
        if kind < 0:
            w.leaf(-2 - kind, content[1])
        else:
            w.content(kind, content[1])
        return
    for attribute in attributes:
        _write_event(w, t, t.grammar(space, name, False), False, _ATTR, attribute)
        w.text(attribute[2])
    inside = False
    for child in content:
        grammar = t.grammar(space, name, inside)
        if isinstance(child, str):
            _write_event(w, t, grammar, inside, _TEXT, None)
            w.text(child)
        else:
            _write_element(w, t, _write_event(w, t, grammar, inside, _ELEM, child), child, depth + 1)
        inside = True
    _write_event(w, t, t.grammar(space, name, inside), inside, _END, None)


def _write_event(w, t, grammar, content, kind, named):
    """Write the code of an event; returns the namespace index of what is named."""
    first, second = _fixed(content)
    n = len(grammar) + len(first)
    space = t.spaces.index(named[0]) if named and named[0] in t.spaces else None
    what = (kind, space, named[1]) if named else (kind,)
    if what in grammar:
        w.bits(grammar.index(what), _width(n + 1))
        return space
    if what in first:
        w.bits(len(grammar) + first.index(what), _width(n + 1))
        return space
    w.bits(n, _width(n + 1))
    w.bits(second.index((kind,)), _width(len(second)))
    if named:
        space = _write_name(w, t, named[0], named[1])
        what = (kind, space, named[1])
    _learn(w, t, grammar, what)
    return space
