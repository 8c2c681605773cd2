"""How much of what can be repeated for ever a test does: little on an emulated microcontroller, a part that is the same each time in
`make test`, all of it in `make soak` (python -m tests.soak, docs/testing.md). From a seed: a failure prints it, and

    SEED=17 build/venv/bin/python tests/run.py FILE

begins with it. Runs on MicroPython too.
"""

import os
import sys

_said = getattr(os, "getenv", lambda name: None)  # a bare image has no environment
SEED = int(_said("SEED") or 1)
SOAK = float(_said("SOAK_TIMES") or 0)  # 1: the amounts of this project's soak; 2: twice as much
EMULATED = sys.platform == "qemu"
_UNIX32 = not EMULATED and sys.maxsize == 0x7FFFFFFF


def amount(part, soak, bare=None, unix32=None):
    """How often: `bare` on an emulated microcontroller, `part` elsewhere, `unix32` on that image if
    it does more than the others."""
    if EMULATED:
        return part if bare is None else bare
    if SOAK:
        return max(1, int(soak * SOAK))
    return unix32 if _UNIX32 and unix32 is not None else part


def failed(seed):
    """Say how what fails now is repeated."""
    print("NOTE failed with SEED=%d" % seed)


def each(count, run):
    """run(seed) for so many seeds from SEED on."""
    for seed in range(SEED, SEED + count):
        try:
            run(seed)
        except Exception:
            failed(seed)
            raise
        if SOAK and (seed - SEED + 1) % max(1, count // 10) == 0:
            progress(seed - SEED + 1, count)


def progress(done, of, more=""):
    """A line for who watches a soak."""
    if SOAK:
        print("NOTE %d of %d%s" % (done, of, more))
