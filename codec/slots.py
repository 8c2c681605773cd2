"""Names for the indices of slots, the values of enumerations and the ids of messages
(docs/design.md, values of messages).

    from codec.slots import MSG, DC_ChargeLoopRes, ResponseCode

    r = [None] * DC_ChargeLoopRes.LEN
    r[DC_ChargeLoopRes.EVSEPresentCurrent] = rational.from_milli(ma)
    raise PeerError(ResponseCode.FAILED_SequenceError, "...")
    MSG.DC_ChargeLoopRes                                          id of a message

A type has the names of its slots and LEN, an enumeration its values; an enumeration is written with
a capital. OP and KIND are for codec and schema compiler alone. Before a source is compiled for a
target, the numbers are put in the places of these names (host_tools/building/fold.py), so a folded
module never imports this one. Where a source runs as it is (CPython, a file copied to a board), the
names are made when they are asked for.
"""

from codec.tables import names

# Two of our own, in the form of names.TYPES: the name, then what has the numbers 0, 1, 2, ...
_OWN = (
    # What a production of the grammar does (codec/tables/grammar.py: STATES).
    "OP END "
    "LEAF "  # an element of simple type
    "RATIONAL COMPLEX ATTRIBUTE "
    "VALUE "  # the characters of simple content
    "TEXT WILD "  # of mixed content: both stand in one slot, in the order of the message
    "REFUSED",  # an element of an abstract type
    # How a simple value is coded (KINDS). From TEXT on it has a length, and may be empty.
    "KIND BOOLEAN BITS UNSIGNED SIGNED TEXT OCTETS",
)


class _Names:
    def __init__(self, words):
        self.LEN = len(words)
        for i in range(len(words)):
            if words[i]:
                setattr(self, words[i], i)


def _words(name):
    if name == "MSG":
        return names.MESSAGES
    for rows in (_OWN, names.TYPES, names.ENUMS):
        for row in rows:
            word = row.split(" ", 1)[0]
            if name == (word if rows is not names.ENUMS else word[0].upper() + word[1:]):
                return row.split()[1:]
    raise AttributeError(name)


def __getattr__(name):
    if name[0] == "_":  # what the import machinery asks for: __path__, ...
        raise AttributeError(name)
    made = globals()[name] = _Names(_words(name))  # the next module that asks shares it
    if name == "OP":
        made.LIST = 0x80  # added to the number: the value goes to the end of a list, the argument is an index of LISTS
    return made
