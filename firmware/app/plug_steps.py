"""The law of the supervisor: one plug and one car, from plug-in to unplug, as data (ISO 15118-3,
IEC 61851-1).

`charger.py` obeys it and adds nothing; docs/supervisor.md is printed from it. STATES says what is on the pilot in a state, how
long the state may last, and whether power may flow. ROWS says what an event does:

    (state, event, if, do, next state, why)

The first row for state and event whose `if` is true counts. `if` and `do` are names of members of
charger.Charger; `do` is done before the state changes. STAY keeps the state and its timer; without
`do` the event means nothing there, and `why` says why. NOW is asked once, at once, when a state is
entered. A pair without a row changes nothing and is an error in the trace. Comments name the
requirements (docs/requirements.md); that of a state says what is going on in it.
"""

from micropython import const

# States. The numbers are in recordings and in `status`: a number keeps its meaning, a new state
# gets a new number. In recordings that are older than 9 to 16, Matching is 9, 10 and 1, Pulse is 2
# and 11 to 13, Linked is 3 and 14, Fault is 7 and 16.
UNPLUGGED = const(0)
MATCHING = const(1)
PULSE_F = const(2)
LINKED = const(3)
STEP = const(4)
BASIC = const(5)
WAITING = const(6)
FAULT = const(7)
PAUSED = const(8)
KEYING = const(9)
CALLING = const(10)
PULSE_X1 = const(11)
LEAVE_F = const(12)
LEAVE_X1 = const(13)
PAUSING = const(14)
TOGGLING = const(15)
REPLUG = const(16)
GIVING_UP = const(17)  # no state but a choice: NOW leads on, no time passes in it

STATE_NAMES = (
    "Unplugged", "Matching", "Pulse", "Linked", "Step", "Basic", "Waiting", "Fault", "Paused", "Keying", "Calling", "PulseX1",
    "LeaveF", "LeaveX1", "Pausing", "Toggling", "Replug", "GivingUp",
)  # fmt: skip

# Events.
NOW = const(0)
KEY_READY = const(1)  # 1 to 7 are those of slac.evse
STARTED = const(2)  # a car has asked for the parameters of matching
MATCHED = const(3)
LINK_UP = const(4)
LINK_LOST = const(5)
FAILED = const(6)  # end of the attempts to match
MODEM_FAULT = const(7)  # the modem takes no key
TIME = const(8)  # the state has lasted as long as it may
PILOT = const(10)  # and the state of the pilot, as drivers.pilot numbers it: the line has changed to it
PILOT_NONE = const(10)  # between or outside of the bands
PILOT_A = const(11)
PILOT_B = const(12)
PILOT_C = const(13)
PILOT_D = const(14)
PILOT_E = const(15)
PILOT_F = const(16)  # and the station does not put out F itself
NO_DIODE = const(17)
STAGE_FAULT = const(18)  # of the power stage
ACCEPTED = const(19)  # a TCP connection of the car
DISCOVERED = const(20)  # discovery was answered
SESSION = const(21)  # the first session of this data link is set up
PAUSE = const(22)  # the pause of the session is confirmed to the car
RELEASED = const(23)  # the connection of the session is gone
WAKE = const(24)  # the operator
CLEAR = const(25)  # the operator: the cause of a fault is repaired
WHOLE = const(26)  # the fault of the power path has gone with its cause; no such one is latched

EVENT_NAMES = (
    "now", "key ready", "matching asked for", "matched", "link up", "link lost", "matching failed", "modem fault", "time", "",
    "pilot unclear", "pilot A", "pilot B", "pilot C", "pilot D", "pilot E", "pilot F", "no diode", "power stage fault", "connection",
    "discovery", "session set up", "pause confirmed", "connection gone", "wake", "clear", "fault gone",
)  # fmt: skip

STAY = const(-2)
ANY = const(-1)  # every state that has no row of its own for the event

_X1 = const(1000)  # permille of the pilot: steady +12 V
_5 = const(50)  # digital communication
_F = const(0)  # steady -12 V
_AFTER_F_MS = const(750)  # X1 between F and the duty that follows: some cars want 500 to 1000 ms
_KEY_MS = const(10000)  # the modem restarts with its new key; without it matching cannot begin

# By number: (pilot in permille or None = as it is, ms or key of the configuration until TIME, may power flow).
# fmt: off
STATES = (
    (_X1,  None,            False),  # no car; requests to match get no answer (R-LINK-01)
    (_5,   None,            False),  # a car has asked; the timers of the matching itself run
    (_F,   "step_ef_ms",    False),  # T_step_EF: wakes a car that does not start (R-LINK-03)
    (_5,   "link_setup_ms", True),   # data link up: IPv6, discovery, sessions; the timer runs until the first session (R-SDP-08, R-LINK-25)
    (_X1,  "step_x1_ms",    False),  # T_step_X1: from 5 % to nominal duty, when a car has asked (R-LINK-04, R-LINK-28)
    (None, None,            True),   # nominal duty of app/basic.py: AC by the pilot alone
    (None, None,            False),  # nothing more is tried; a car that starts by itself is welcome
    (_F,   None,            False),  # fault of the power stage, until the operator says `clear`
    (_X1,  None,            False),  # the car has paused its session and sleeps; its key and its network are kept (R-LINK-23)
    (None, _KEY_MS,         False),  # the modem gets its key before 5 % is on: some cars start at once with the PWM (R-LINK-21)
    (_5,   "slac_init_ms",  False),  # TT_EVSE_SLAC_init runs until the car asks (R-LINK-02)
    (_X1,  _AFTER_F_MS,     False),  # between F and 5 %
    (_F,   "step_ef_ms",    False),  # T_step_EF: from 5 % to nominal duty, when no car has asked (R-LINK-04)
    (_X1,  _AFTER_F_MS,     False),  # between F and nominal duty
    (_5,   None,            False),  # the pause is confirmed; TCP is held a moment, the car may take its modem down (R-LINK-25)
    (_X1,  None,            False),  # as Paused; the car has shown C, half of the toggle B-C-B that wakes the station (R-LINK-23)
    (_X1,  None,            False),  # a fault of the pilot, or one that was cleared: over when the car is unplugged
    (None, None,            False),  # chooses at once where to go when there is no session with this car
)

ROWS = (
    (UNPLUGGED, (PILOT_B, PILOT_C, PILOT_D), None, "plug_in", KEYING, "plugged in"),  # R-LINK-01, R-LINK-02
    (UNPLUGGED, PILOT_A, None, None, STAY, "the first reading"),

    (KEYING, NOW, "key_ready", None, CALLING, "modem has its key"),  # R-LINK-02
    (KEYING, NOW, "modem_fault", None, GIVING_UP, "modem fault"),  # R-LINK-21
    (KEYING, KEY_READY, None, None, CALLING, "modem has its key"),  # R-LINK-02
    (KEYING, MODEM_FAULT, None, None, GIVING_UP, "modem fault"),  # R-LINK-21
    (KEYING, TIME, None, None, GIVING_UP, "modem has no key"),  # R-LINK-21

    (CALLING, STARTED, None, "matching_begins", MATCHING, "the car asks"),  # R-LINK-02
    (CALLING, TIME, "pulse_left", "pulse", PULSE_F, "no matching request"),  # R-LINK-03
    (CALLING, TIME, None, None, GIVING_UP, "no matching request"),  # R-LINK-03
    (MATCHING, STARTED, None, None, STAY, "another attempt of the car"),  # R-LINK-22
    ((CALLING, MATCHING), KEY_READY, None, None, CALLING, "modem has another key"),  # R-LINK-20, R-LINK-24
    ((CALLING, MATCHING), LINK_UP, None, "link_begins", LINKED, "data link up"),  # R-LINK-17
    ((CALLING, MATCHING), LINK_LOST, None, "end", KEYING, "data link lost"),  # R-LINK-24
    ((CALLING, MATCHING), FAILED, None, None, GIVING_UP, "matching failed"),  # R-LINK-22
    ((CALLING, MATCHING), MODEM_FAULT, None, None, GIVING_UP, "modem fault"),  # R-LINK-21

    (PULSE_F, TIME, None, None, PULSE_X1, "end of the pulse"),  # R-LINK-03
    (PULSE_X1, TIME, None, "match", KEYING, "try again"),  # R-LINK-03

    (LINKED, SESSION, None, "stop_timer", STAY, "session in time"),  # R-SDP-08
    (LINKED, TIME, None, "leave", GIVING_UP, "no session within the set-up time"),  # R-SDP-08
    (LINKED, LINK_LOST, None, "end", KEYING, "data link lost"),  # R-LINK-24
    (LINKED, LINK_UP, None, None, STAY, "the network of before the pause"),  # R-LINK-23
    (LINKED, PAUSE, None, "pause", PAUSING, "pause confirmed"),  # R-LINK-23

    (PAUSING, RELEASED, None, "sleep", PAUSED, "session paused"),  # R-LINK-23, R-LINK-25
    (PAUSING, ACCEPTED, None, "resume", LINKED, "back before it slept"),  # R-LINK-23
    (PAUSED, (PILOT_C, PILOT_D), None, None, TOGGLING, "half a toggle"),  # R-LINK-23
    (TOGGLING, (PILOT_C, PILOT_D), None, None, STAY, "from C to D or back"),
    (TOGGLING, PILOT_NONE, None, None, PAUSED, "no toggle"),  # R-LINK-23
    (TOGGLING, PILOT_B, None, "resume", LINKED, "woken by the pilot"),  # R-LINK-23
    ((PAUSED, TOGGLING), WAKE, None, "resume", LINKED, "woken by the operator"),  # R-LINK-23
    ((PAUSED, TOGGLING), DISCOVERED, None, "resume", LINKED, "woken by discovery"),  # R-LINK-23
    ((PAUSED, TOGGLING), ACCEPTED, None, "resume", LINKED, "woken by a connection"),  # R-LINK-23
    ((PAUSING, PAUSED, TOGGLING), LINK_UP, None, "pause", STAY, "woken and paused again before the network was up"),  # R-LINK-23
    ((PAUSING, PAUSED, TOGGLING), LINK_LOST, None, "end", KEYING, "data link lost"),  # R-LINK-24

    (GIVING_UP, NOW, "no_fallback", None, WAITING, None),  # R-LINK-03
    (GIVING_UP, NOW, "never_five", "charge", BASIC, None),  # R-LINK-03
    (GIVING_UP, NOW, "never_begun", "unmatch", LEAVE_F, None),  # R-LINK-04
    (GIVING_UP, NOW, None, "unmatch", STEP, None),  # R-LINK-04, R-LINK-28
    (WAITING, KEY_READY, None, None, CALLING, "modem has its key"),  # R-LINK-20
    (WAITING, STARTED, None, "matching_begins", MATCHING, "the car starts by itself"),  # R-LINK-22
    (WAITING, FAILED, None, None, STAY, "matching was given up before"),
    (LEAVE_F, TIME, None, None, LEAVE_X1, "end of the pulse"),  # R-LINK-04
    ((LEAVE_X1, STEP), TIME, None, "charge", BASIC, "charging by the pilot alone"),  # R-LINK-04

    (FAULT, CLEAR, "stage_whole", None, REPLUG, "fault cleared"),  # R-POWER-07
    (FAULT, WHOLE, None, None, REPLUG, "the fault has gone with its cause"),  # R-STATUS-07
    (REPLUG, NOW, "plug_out", "unplug", UNPLUGGED, "unplugged"),
    ((FAULT, REPLUG), (NO_DIODE, PILOT_E, PILOT_F), None, None, STAY, "power is off already"),
    (FAULT, PILOT_A, None, None, STAY, "latched until `clear`"),  # R-POWER-07
    ((FAULT, REPLUG), (STARTED, LINK_UP, LINK_LOST, FAILED), None, None, STAY, "matched or not, there is no power"),

    (ANY, PILOT_A, None, "unplug", UNPLUGGED, "unplugged"),  # R-LINK-20, R-STOP-10
    (ANY, NO_DIODE, None, "stop", REPLUG, "no diode on the pilot: short circuit, or no car"),  # R-DC-SAFETY-07, R-POWER-11
    (ANY, PILOT_E, None, "stop", REPLUG, "pilot in state E"),  # R-DC-SAFETY-07
    (ANY, PILOT_F, None, "stop", REPLUG, "pilot in state F"),  # R-DC-SAFETY-07
    (ANY, STAGE_FAULT, None, "stop", FAULT, "power stage fault"),  # R-STATUS-07, R-POWER-07
    (ANY, (PILOT_NONE, PILOT_B, PILOT_C, PILOT_D), None, None, STAY, "power.permit follows the pilot by itself"),  # R-POWER-11
    (ANY, (KEY_READY, MODEM_FAULT), None, None, STAY, "nobody waits for the modem"),
    (ANY, MATCHED, None, None, STAY, "the car has the key and is not in the network yet"),  # R-LINK-17
    (ANY, (ACCEPTED, DISCOVERED), None, None, STAY, "the network and the session link do it by themselves"),
    (ANY, (SESSION, PAUSE, RELEASED), None, None, STAY, "of a session that is over"),
    (ANY, WAKE, None, None, STAY, "no session is paused"),
    (ANY, CLEAR, None, None, STAY, "no fault, or it is still there"),
)
# fmt: on


def row_of(state, event, facts):
    """The row that counts, or None. facts: has the members that the column `if` names."""
    for row in ROWS:
        if _has(row[0], state) and _has(row[1], event) and (row[2] is None or getattr(facts, row[2])):
            return row
    for row in ROWS:
        if row[0] == ANY and _has(row[1], event):
            return row
    return None


def _has(field, value):
    return value in field if isinstance(field, tuple) else value == field
