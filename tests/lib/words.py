"""Words of the schemas and their numbers, where a test finds them by a word that it has in hand. What is known when a test is
written comes from codec.slots."""

from codec.tables import names


def _row(rows, word):
    for row in rows:
        kind, _, rest = row.partition(" ")
        if kind[0].upper() + kind[1:] == word[0].upper() + word[1:]:
            return rest.split(" ")
    raise ValueError("no such name: " + word)


def message(word):
    """Id of a message."""
    return names.MESSAGES.index(word)


def slots(word):
    """Names of the slots of a message or type, in their order."""
    return _row(names.TYPES, word)


def values(word):
    """Names of the values of an enumeration, in their order: values("ResponseCode")[0] is "OK"."""
    return _row(names.ENUMS, word)


def value(enumeration, word):
    """Number of a value of an enumeration."""
    return values(enumeration).index(word)
