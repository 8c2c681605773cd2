"""Names for the indices of slots, the values of enumerations and the ids of messages (docs/design.md, values of messages).

    from codec.slots import MSG, DC_ChargeLoopRes, ResponseCode

    r = [None] * DC_ChargeLoopRes.LEN
    r[DC_ChargeLoopRes.EVSEPresentCurrent] = rational.from_milli(ma)
    raise PeerError(ResponseCode.FAILED_SequenceError, "...")
    MSG.DC_ChargeLoopRes                                          id of a message

A type has the names of its slots and LEN, an enumeration its values; an enumeration is written with a capital. Before a source
is compiled for a target, the numbers are put in the places of these names, so a folded module never imports this one. Where a
source runs as it is (CPython, a file copied to a board), the names are made when they are asked for.
"""

from codec.tables import names


class _Names:
    def __init__(self, words):
        self.LEN = len(words)
        for i in range(len(words)):
            if words[i]:
                setattr(self, words[i], i)


def __getattr__(name):
    if name[0] == "_":  # what the import machinery asks for: __path__, ...
        raise AttributeError(name)
    made = None
    if name == "MSG":
        made = _Names(names.MESSAGES)
    else:
        for row in names.TYPES:
            if row.startswith(name) and row.split(" ", 1)[0] == name:
                made = _Names(row.split()[1:])
        for row in names.ENUMS:
            word = row.split(" ", 1)[0]
            if word[0].upper() + word[1:] == name:
                made = _Names(row.split()[1:])
    if made is None:
        raise AttributeError(name)
    globals()[name] = made  # the next module that asks shares it
    return made
