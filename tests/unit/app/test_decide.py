"""Who may charge: one decision for one plug-in (R-AUTH-16)."""

from firmware.app import config
from firmware.app.decide import Decide
from firmware.clock import ticks_add
from firmware.session.codes import DENIED, GRANTED, UNDECIDED
from tests.lib.mtest import eq
from tests.lib.notes import Notes

BEGIN = ticks_add(0, -300)


def decide(**changes):
    trace = Notes()
    return Decide(config.merge(changes), trace), trace.notes


def test_a_decision_is_of_one_plug_in_r_auth_16():
    d, notes = decide()
    d.plug_in(BEGIN)
    eq((d.state, d.person, d.due), (UNDECIDED, True, None))
    eq(d.authorize(BEGIN, "04AB", "host"), "")
    eq((d.state, d.due), (GRANTED, None))
    d.clear(BEGIN)
    eq(d.state, UNDECIDED)
    d.plug_in(BEGIN)
    eq(d.state, UNDECIDED)
    assert not d.deny(BEGIN, "operator") and d.state == DENIED
    d.authorize(BEGIN, None, "operator")
    assert d.deny(BEGIN, "host")
    d.clear(BEGIN)
    eq(d.state, UNDECIDED)
    eq(notes[0], "authorised by host, token 04AB")
    eq(notes[-1], "denied by the host")


def test_a_yes_before_the_plug_holds_a_minute_r_auth_16():
    for late_ms, want in ((59999, GRANTED), (60000, UNDECIDED)):
        d, notes = decide()
        d.authorize(BEGIN, None, "operator")
        eq(d.due, ticks_add(BEGIN, 60000))
        now = ticks_add(BEGIN, late_ms)
        d.poll(now)
        d.plug_in(now)
        eq((d.state, d.due), (want, None))
        d.poll(ticks_add(now, 100000))
        eq(d.state, want)
    eq(notes[-1], "no car came: not authorised any more")
    d, _ = decide()
    d.deny(BEGIN, "operator")
    d.poll(ticks_add(BEGIN, 60000))
    eq(d.state, UNDECIDED)


def test_the_list_knows_tokens_evccids_and_certificates_r_auth_16():
    changes = {"authorization": "list", "authorized": ["04AB", "CAR-1", "CAR-2"]}
    d, _ = decide(**changes)
    d.plug_in(BEGIN)
    d.seen(BEGIN, "CAR-3", None)
    d.seen(BEGIN, "", None)
    d.seen(BEGIN, "CAR-3", "CAR-4")
    eq(d.state, UNDECIDED)
    eq(d.authorize(BEGIN, "04AC", "host"), "04AC is not in `authorized`")
    eq(d.state, UNDECIDED)
    eq((d.authorize(BEGIN, "04AB", "host"), d.state), ("", GRANTED))
    for evccid, name, said in (
        ("CAR-1", None, "authorised by EVCCID CAR-1 (claimed)"),
        ("x", "CAR-2", "authorised by certificate CAR-2"),
    ):
        d, notes = decide(**changes)
        d.seen(BEGIN, evccid, name)
        eq((d.state, notes), (GRANTED, [said]))
    d, _ = decide(**changes)
    d.deny(BEGIN, "operator")
    d.seen(BEGIN, "CAR-1", None)
    eq(d.state, DENIED)
    d, _ = decide(authorized=["CAR-1"])  # the list is not asked: somebody decides
    d.seen(BEGIN, "CAR-1", None)
    eq(d.state, UNDECIDED)


def test_free_is_said_in_the_configuration_alone_r_auth_16():
    d, _ = decide(authorization="free")
    eq(d.state, GRANTED)
    d.plug_in(BEGIN)
    d.deny(BEGIN, "operator")
    eq(d.state, DENIED)
    d.clear(BEGIN)
    eq(d.state, GRANTED)


def test_a_list_of_texts_is_bounded():
    for bad in ([""], ["x" * 65], ["a", "a"], [1], "CAR", [str(i) for i in range(17)], None):
        try:
            config.merge({"authorized": bad})
        except config.ConfigError as why:
            assert "authorized" in str(why) and "at most 16 texts" in str(why), why
        else:
            raise AssertionError(bad)
    eq(config.merge({"authorized": ("a", "b")})["authorized"], ["a", "b"])
    eq(config.merge({})["authorized"], [])
    try:
        config.merge({"authorization": "list"})
    except config.ConfigError as why:
        assert "authorized" in str(why)
    else:
        raise AssertionError("an empty list")
