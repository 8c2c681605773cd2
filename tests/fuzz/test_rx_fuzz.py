"""Everything that takes bytes from outside against mutated frames of a good run (R-LINK-26,
R-SECURITY-05, R-ERRORS-07): no exception, no growth, and the station serves the next car."""

from firmware.session.states import ENDED
from tests.fuzz import rx
from tests.lib.amount import amount, each

HEAP_KB = 1200  # as in tests/sim/test_plug_in.py, and the recordings
BARE_HEAP_KB = 600  # the same, frozen
TIMEOUT_S = 300


def test_station():
    each(amount(10, soak=2000, bare=5, unix32=20), lambda seed: rx.station(seed, 300))


def test_matching_of_the_car():
    each(amount(5, soak=1000), lambda seed: rx.car_matching(seed, 300))


def test_decoder_of_the_driver():
    each(amount(8, soak=5000, bare=5), lambda seed: rx.decoder(seed, 200))


def test_session():
    for kind in range(len(rx.KINDS)):  # unspoiled it is a whole session: the recording fits the station that is tested
        assert rx.replay(kind, rx.Dice(1), len(rx.conversation(kind)) - 1, False) == ENDED
    each(amount(8, soak=1000, bare=5, unix32=12), lambda seed: rx.session(seed, 20))
