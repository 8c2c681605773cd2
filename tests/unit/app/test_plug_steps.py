"""firmware/app/plug_steps.py: the table itself, beside what is known without it (R-LINK-03,
R-LINK-04, R-LINK-25, R-POWER-11)."""

from drivers import pilot
from firmware.app import config, plug_steps
from firmware.app.charger import Charger
from firmware.app.plug_steps import (
    ANY,
    CALLING,
    EVENT_NAMES,
    GIVING_UP,
    NOW,
    PILOT,
    ROWS,
    STATE_NAMES,
    STATES,
    STAY,
    TIME,
    row_of,
)
from firmware.slac import evse
from tests.lib.mtest import eq


def many(field):
    return field if isinstance(field, tuple) else (field,)


def test_numbers_of_states_in_recordings_stay():
    """0 to 8 are those of the first recordings."""
    old = ("Unplugged", "Matching", "Pulse", "Linked", "Step", "Basic", "Waiting", "Fault", "Paused")
    eq(STATE_NAMES[:9], old)
    eq(len(STATE_NAMES), len(STATES))
    eq(len(set(STATE_NAMES)), len(STATE_NAMES))
    numbers = [getattr(plug_steps, name) for name in ("UNPLUGGED", "FAULT", "PAUSED", "KEYING", "REPLUG", "GIVING_UP")]
    eq([STATE_NAMES[n] for n in numbers], ["Unplugged", "Fault", "Paused", "Keying", "Replug", "GivingUp"])


def test_events_are_those_of_the_parts():
    for name in ("KEY_READY", "STARTED", "MATCHED", "LINK_UP", "LINK_LOST", "FAILED", "MODEM_FAULT"):
        eq((name, getattr(plug_steps, name)), (name, getattr(evse, name)))
    for letter in "ABCDEF":
        event = getattr(plug_steps, "PILOT_" + letter)
        eq((letter, event), (letter, PILOT + getattr(pilot, letter)))
        eq(EVENT_NAMES[event], "pilot " + letter)
    eq(EVENT_NAMES[plug_steps.CLEAR], "clear")


def test_members_that_rows_name_are_there():
    charger = Charger(config.merge({}), None, None, None, None, None, None, None)
    for row in ROWS:
        for name in (row[2], row[3]):
            assert name is None or hasattr(Charger, name) or hasattr(charger, name), (name, row)


def test_a_state_with_a_timer_has_a_row_for_its_end():
    keys = config.merge({})
    for state in range(len(STATES)):
        ms = STATES[state][1]
        assert ms is None or keys[ms] > 0 if isinstance(ms, str) else ms is None or ms > 0, STATE_NAMES[state]
        ends = [row for row in ROWS if state in many(row[0]) and row[1] == TIME]
        eq((STATE_NAMES[state], bool(ends)), (STATE_NAMES[state], ms is not None))


def test_power_flows_only_with_a_data_link_or_by_the_pilot_alone_r_power_11():
    eq([STATE_NAMES[i] for i in range(len(STATES)) if STATES[i][2]], ["Linked", "Basic"])


def test_5_percent_is_left_through_f_or_x1_r_link_04():
    """No row leads from 5 % to nominal duty, and none to a state at 5 % from F."""
    at = {name: STATES[STATE_NAMES.index(name)][0] for name in STATE_NAMES}
    for row in ROWS:
        if row[4] in (STAY, GIVING_UP):
            continue
        for state in many(row[0]):
            if state in (GIVING_UP, ANY):
                continue
            before, after = STATE_NAMES[state], STATE_NAMES[row[4]]
            assert not (before != "Keying" and at[before] == 50 and after == "Basic"), row
            assert not (at[before] == 0 and at[after] != 1000), row
    guards = [row[2] for row in ROWS if row[0] == GIVING_UP]
    eq(guards, ["no_fallback", "never_five", "never_begun", None])


def test_no_row_is_hidden_by_one_before_it():
    seen = set()
    for row in ROWS:
        for state in many(row[0]):
            for event in many(row[1]):
                assert (state, event) not in seen, row
                if row[2] is None:
                    seen.add((state, event))


def test_a_choice_always_leads_on():
    last = [row for row in ROWS if row[0] == GIVING_UP][-1]
    eq((last[1], last[2]), (NOW, None))
    assert all([row[4] not in (STAY, GIVING_UP) for row in ROWS if row[0] == GIVING_UP])


class Facts:
    pulse_left = False


def test_the_first_row_whose_question_is_true_counts_r_link_03():
    facts = Facts()
    eq(row_of(CALLING, TIME, facts)[4], GIVING_UP)
    facts.pulse_left = True
    eq(row_of(CALLING, TIME, facts)[4], plug_steps.PULSE_F)
    eq(row_of(CALLING, plug_steps.PILOT_A, facts)[4], plug_steps.UNPLUGGED)  # by the row for every state
    eq(row_of(plug_steps.UNPLUGGED, TIME, facts), None)
