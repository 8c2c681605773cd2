"""The large lines of the corpus, and the four full arrays (1024 and 2048 entries) against the
published-schema bytes."""

from tests.golden import corpus

HEAP_KB = 16000
SLOW = True
TIMEOUT_S = 300
_OUT = bytearray(40000)


def test_large_messages():
    assert corpus.check("large", _OUT) == 55


def test_full_arrays():
    assert corpus.check("full_arrays", _OUT) == 4
