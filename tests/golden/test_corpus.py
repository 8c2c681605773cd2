"""Every line of the corpus in both directions. Messages above 8 kB of JSON need more heap for it than a
microcontroller has (test_corpus_large.py); everything else passes here in 200 kB on the 32-bit image."""

from tests.golden import corpus

TIMEOUT_S = 300
_OUT = bytearray(8192)


def test_sap():
    assert corpus.check("SAP", _OUT) == 30


def test_ac():
    assert corpus.check("AC", _OUT) == 158


def test_dc():
    assert corpus.check("DC", _OUT) == 217


def test_common_messages():
    assert corpus.check("CommonMessages", _OUT) == 543


def test_xmldsig():
    assert corpus.check("xmldsig", _OUT) == 10


def test_recorded_sessions():
    assert corpus.check("session", _OUT) == 423
