"""THE table of faults of the power path: what the station does, what the car is answered, whether a
person must come. A constant: frozen, it costs no RAM.

A fault is a bit. Bits come from the power stage, from the contactor, from protective inputs, and
from app/power.py, which compares readings with limits and ages. The lowest bit that is set speaks
for all of them.
"""

from micropython import const

STUCK_OPEN = const(1)
WELDED = const(2)
ESTOP = const(4)
RCD = const(8)
RDC = const(16)
DOOR = const(32)
IMD_ALARM = const(64)
OVERVOLT = const(128)
OVERCURRENT = const(256)
REVERSE = const(512)
CONVERTER = const(1024)
NOT_APPLIED = const(2048)
BLEEDER = const(4096)
LOCK = const(8192)
STAGE = const(16384)
GUARD = const(32768)
GRID_LOST = const(65536)
GRID_LIMIT = const(131072)
COMM = const(262144)
STALE = const(524288)
OVERTEMP = const(1048576)
COOLING = const(2097152)
IMD_WARN = const(4194304)
METER = const(8388608)
OVERDRAW = const(16777216)
HOT = const(33554432)

# Reaction of the station.
NOTE = const(0)  # it is said, and the session goes on
LIMIT = const(1)  # the stage lowers can_charge_w and can_discharge_w; with both at 0 the station ends in order
TERMINATE = const(2)  # the station ends the session in order: Terminate, ramp, then open
OPEN = const(3)  # contactor and enable line in this call, under load

# Answer of -20 to the next request.
NONE = const(0)
FAILED = const(1)
FAILED_CONTACTOR = const(2)

# (bit, name, reaction, answer, latched until `clear`, cause, remedy)
TABLE = (
    (
        STUCK_OPEN,
        "contactor stuck open",
        OPEN,
        FAILED_CONTACTOR,
        True,
        "told to close, and the mirror contact says open",
        "check coil, wire and mirror contact, then `clear`",
    ),
    (
        WELDED,
        "contactor WELDED",
        OPEN,
        FAILED_CONTACTOR,
        True,
        "told to open, and the mirror contact says closed",
        "do not touch; repair, then `clear`",
    ),
    (ESTOP, "emergency stop", OPEN, FAILED, True, "the button was pressed", "release the button, then `clear`"),
    (RCD, "residual current", OPEN, FAILED, True, "the RCD has tripped", "find the leak, switch on, then `clear`"),
    (
        RDC,
        "residual DC current",
        OPEN,
        FAILED,
        True,
        "6 mA of direct current to earth",
        "find the leak, in the car too, then `clear`",
    ),
    (DOOR, "door open or station tilted", OPEN, FAILED, True, "its contact is open", "close it, look, then `clear`"),
    (
        IMD_ALARM,
        "insulation",
        OPEN,
        FAILED,
        True,
        "the insulation monitor gives the alarm, or reads below 100 ohm/V",
        "find the leak in cable, car or station, then `clear`",
    ),
    (
        OVERVOLT,
        "over-voltage",
        OPEN,
        FAILED,
        True,
        "the output was above the voltage class of the car",
        "check the converter, then `clear`",
    ),
    (
        OVERCURRENT,
        "over-current",
        OPEN,
        FAILED,
        True,
        "more flowed than was allowed",
        "check converter and car, then `clear`",
    ),
    (
        REVERSE,
        "reverse current",
        OPEN,
        FAILED,
        True,
        "power flowed in the direction that was not allowed",
        "check converter, car and the sign of the meter, then `clear`",
    ),
    (
        CONVERTER,
        "converter",
        OPEN,
        FAILED,
        True,
        "the converter reports a fault of its own",
        "see the display of the converter, then `clear`",
    ),
    (
        NOT_APPLIED,
        "voltage not as ordered",
        OPEN,
        FAILED,
        True,
        "output live before the contact closed, or test voltage not reached",
        "check converter and measurement, then `clear`",
    ),
    (
        BLEEDER,
        "output stays live",
        OPEN,
        FAILED,
        True,
        "not below 60 V in time after off",
        "do not touch; check bleeder and pre-charge relay, then `clear`",
    ),
    (LOCK, "plug not locked", OPEN, FAILED, True, "the socket's lock did not reach its end", "check it, then `clear`"),
    (
        STAGE,
        "power stage software",
        OPEN,
        FAILED,
        True,
        "its driver raised an error, see `trace`",
        "report it; `clear` tries again",
    ),
    (GUARD, "guard", OPEN, FAILED, False, "the board has opened the contactor by itself", "the next session is served"),
    (GRID_LOST, "grid lost", OPEN, FAILED, False, "no grid, or the monitor opened", "goes with its cause"),
    (GRID_LIMIT, "grid out of limits", OPEN, FAILED, False, "voltage or frequency of the grid", "goes with its cause"),
    (COMM, "no answer", OPEN, FAILED, False, "stage, meter or monitor is silent", "check supply and bus"),
    (STALE, "reading too old", OPEN, FAILED, False, "a measurement is older than its limit", "check supply and bus"),
    (OVERTEMP, "too hot", LIMIT, NONE, False, "converter, contacts or cable", "goes with its cause"),
    (COOLING, "cooling", TERMINATE, NONE, False, "fan or pump", "repair it"),
    (IMD_WARN, "insulation low", NOTE, NONE, False, "the monitor warns", "look for moisture in plug and cable"),
    (METER, "meter", NOTE, NONE, False, "the meter does not read; no MeterInfo", "check its supply and bus"),
    (
        OVERDRAW,
        "the car draws or gives more than it may",
        OPEN,
        FAILED,
        False,
        "AC, by the station's meter, twice",
        "see the car; the next session is served",
    ),
    (HOT, "temperature contact", TERMINATE, NONE, False, "its contact is open", "let it cool down; look for the cause"),
)


def _all(at, values):
    bits = 0
    for row in TABLE:
        if row[at] in values:
            bits |= row[0]
    return bits


OPENS = _all(2, (OPEN,))
ENDS = _all(2, (TERMINATE,))
LATCHES = _all(4, (True,))


def code(bits):
    """Number of the fault that speaks, 1 and above; 0 = none. 1 and 2 are those of
    drivers/contactor.py."""
    n = 0
    while bits:
        n += 1
        if bits & 1:
            return n
        bits >>= 1
    return 0


def row(number):
    """The row of TABLE for a number of code(), None if there is none."""
    return TABLE[number - 1] if 0 < number <= len(TABLE) else None


def answer(bits):
    """What the car is answered: the first of these faults that has an answer, else NONE."""
    bits &= OPENS
    found = row(code(bits))
    return found[3] if found else NONE


def in_words(bits):
    """Name, cause and remedy of each of these faults."""
    return ["%s: %s; %s" % (r[1], r[5], r[6]) for r in TABLE if r[0] & bits]
