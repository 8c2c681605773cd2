"""Everything that takes bytes from outside against mutated frames of a good run (R-LINK-26, R-SECURITY-05, R-ERRORS-07): no
exception, no growth, and the station serves the next car. A failing seed is printed; rx.station(seed, COUNT) repeats it.

FUZZ_SECONDS and FUZZ_SEED in the environment make it longer and other: python -m tests.fuzz.long.
"""

import os

from firmware.clock import ticks_diff, ticks_ms
from firmware.session.states import ENDED
from tests.fuzz import rx

HEAP_KB = 1200  # as in tests/sim/test_plug_in.py, and the recordings
BARE_HEAP_KB = 600  # the same, frozen
TIMEOUT_S = 7200

_said = getattr(os, "getenv", lambda name: None)  # a bare image has no environment
SECONDS = float(_said("FUZZ_SECONDS") or 3)
SEED = int(_said("FUZZ_SEED") or 1)


def rounds(run, count, share):
    """run(seed, count) for a share of the time, with one seed after the other; at least five."""
    begin = ticks_ms()
    seed = SEED
    done = 0
    while seed < SEED + 5 or ticks_diff(ticks_ms(), begin) < SECONDS * 1000 * share:
        try:
            done += run(seed, count)
        except Exception:
            print("NOTE failed with seed %d" % seed)
            raise
        seed += 1
    if SECONDS > 3:
        print("NOTE %d inputs in %d rounds from seed %d" % (done, seed - SEED, SEED))


def test_station():
    rounds(rx.station, 300, 0.6)


def test_matching_of_the_car():
    rounds(rx.car_matching, 300, 0.05)


def test_decoder_of_the_driver():
    rounds(rx.decoder, 200, 0.1)


def test_session():
    for kind in range(len(rx.KINDS)):  # unspoiled it is a whole session: the recording fits the station that is tested
        assert rx.replay(kind, rx.Dice(1), len(rx.conversation(kind)) - 1, False) == ENDED
    rounds(rx.session, 20, 0.25)
