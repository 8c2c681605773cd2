"""Words of the schemas and their numbers, where a test finds them by a word that it has in hand.
What is known when a test is written comes from codec.slots."""

from codec.tables import names


def _row(rows, word):
    """Words of the row that begins with `word`; the rows of enumerations begin with a small letter,
    their names do not."""
    wanted, small = word + " ", word[0].lower() + word[1:] + " "
    for row in rows:
        if row.startswith(wanted) or row.startswith(small):
            return row.split(" ")[1:]
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
