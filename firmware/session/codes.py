"""Numbers that facts hold. On a target they stand in the sources that import them
(host_tools/building/constants.py)."""

from micropython import const

# What a session may ask of the power path. A handler only says so and opens no contactor;
# `app/power.py` acts.
ASK_OFF = const(0)  # no power, contactors open
ASK_TEST = const(1)  # DC: insulation test before the charge (cable check)
ASK_PRECHARGE = const(2)  # DC: output follows the vehicle's pre-charge target
ASK_POWER = const(3)  # contactors closed, energy flows
ASK_STOP = const(4)  # in order: no current first, then contactors open

# May this car charge (R-AUTH-16)?
UNDECIDED = const(0)
GRANTED = const(1)
DENIED = const(2)

# The insulation test.
TEST_RUNNING = const(0)
TEST_PASSED = const(1)
TEST_FAILED = const(2)

# The current.
AC = const(0)
DC = const(1)

WAIT = const(0)  # of a handler, in place of an answer: not yet (dialects.py)
