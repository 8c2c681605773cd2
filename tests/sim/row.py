"""What one row of the fault table says."""

# Limits of the power contact in ms from the fault on, each with what it is made of.
PILOT = 100  # R-POWER-11, R-DC-SAFETY-07: pilot leaves C/D
SILENCE = 580  # R-TIMERS-02: 500 from the last answer, and 50 of the contactor; 30 for the answer under way and polls
DEAF = 780  # the same, when one more request comes after the fault: 200 of the car's pace
GONE = 100  # R-STOP-10: the car ends the connection: "at once", which is a few ms of powerline and the contactor
STATION = 100  # R-STATUS-07: fault of the power stage: power first
TEST = 700  # R-DC-SAFETY-02: the test of 500, the car's pace of 100 and the contactor
FEEDBACK = 1550  # R-POWER-04: what a contact has to close, 1400, is also how long its feedback may be away
MODEM = 580  # R-LINK-24 names no time; the car is silent then, so R-TIMERS-02 holds at the latest

# How the car's session ends.
GOES_ON = "goes on"
FAILS = "session fails"
MATCH_FAILS = "no match"
GONE_AWAY = "unplugged"


class Row:
    """at: phase, a function (plant, car) -> bool. do: function (plant, car). proof: function
    (plant, car) -> bool, true if the fault really happened. end: of the car. station: state in
    which the station waits for the plug to go. repair: done before the plug is pulled. ev, changes:
    options of car and station. heal_ms: after that the cause is gone by heal(plant, car). most_a: no
    more may flow when the contact opens, and open it must. errors: what the trace may say as an error."""

    def __init__(
        self, name, where, at, do, end, limit_ms, why, service="DC_BPT", station=None, proof=None, repair=None,
        heal_ms=0, heal=None, ev=None, changes=None, most_a=None, errors="",
    ):  # fmt: skip
        self.name = name
        self.where = where
        self.at = at
        self.do = do
        self.end = end
        self.limit_ms = limit_ms
        self.why = why
        self.service = service
        self.station = station
        self.proof = proof
        self.repair = repair
        self.heal_ms = heal_ms
        self.heal = heal
        self.ev = ev or {}
        self.changes = changes or {}
        self.most_a = most_a
        self.errors = errors
