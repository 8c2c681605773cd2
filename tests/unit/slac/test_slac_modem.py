"""firmware/slac/modem.py under firmware/slac/evse.py: the key of the own modem. R-LINK-19, -20,
-21, R-SECURITY-01, -07."""

from binascii import hexlify

from firmware.app.config import merge
from firmware.clock import ticks_add, ticks_diff
from firmware.slac.evse import KEY_READY, MODEM_FAULT, Slac
from tests.lib.fake_modem import MODEM_MAC, FakeModem, World, counting_rand, derive, pad
from tests.lib.mtest import eq
from tests.lib.notes import Notes

HOST = b"\x02\x00\x00\x00\x00\x01"
T0 = ticks_add(0, -300)


def world(cfg=None, rand=None, **more):
    trace = Notes()
    w = World(Slac(merge(cfg or {}), HOST, rand or counting_rand(), trace), FakeModem(HOST, **more), T0)
    w.trace = trace
    w.machine.start(T0)
    return w


def times(w):
    return [ticks_diff(tick, T0) for tick, _ in w.modem.set_keys]


def test_key_is_set_and_verified_r_link_20():
    w = world()
    w.sleep(1000)
    eq(times(w), [0])
    eq(w.events, [])  # the modem restarts: what it said is not enough
    w.sleep(1500)
    eq(w.events, [KEY_READY])
    eq(w.modem.nmk, bytes(w.machine.modem.nmk))
    eq(w.modem.nid, derive(w.modem.nmk))
    eq(bytes(w.machine.modem.mac), MODEM_MAC)
    assert w.machine.ready
    eq(w.machine.due, None)
    eq(w.sent, [])


def test_all_16_bytes_come_from_the_hardware_r_security_01():
    asked = []

    def rand(n):
        asked.append(n)
        return bytes(range(100, 100 + n))

    w = world(rand=rand)
    w.sleep(3000)
    eq(asked, [16])
    eq(w.modem.nmk, bytes(range(100, 116)))


def test_refused_silent_then_taken_r_link_21():
    w = world(results=(0, None, 1))
    w.sleep(20000)
    eq(times(w), [0, 500, 500 + 1000 + 1000])  # pause 0.5 s, then 1 s without an answer and a pause of 1 s
    eq(w.events, [KEY_READY])


def test_fault_after_the_last_try_and_slow_tries_r_link_21():
    w = world({"set_key_tries": 3}, results=[0] * 5)
    w.sleep(1500)
    eq(times(w), [0, 500, 1500])
    eq(w.events, [MODEM_FAULT])
    w.sleep(90000)
    eq(times(w), [0, 500, 1500, 31500, 61500, 91500][: len(times(w))])
    eq(w.events, [MODEM_FAULT])
    w.sleep(10000)
    eq(times(w)[-1], 91500)
    eq(w.events, [MODEM_FAULT, KEY_READY])
    assert len(w.trace.notes) == 1


def test_a_modem_that_never_says_anything_is_a_fault_r_link_21():
    w = world(results=[None] * 100)
    w.sleep(13000)
    eq(w.events, [MODEM_FAULT])
    eq(len(times(w)), 5)


def test_homeplug_result_by_configuration():
    w = world({"set_key_ok": 0}, results=(1,))
    w.sleep(400)
    eq(w.events, [])
    eq(w.machine.modem.failures, 1)


def test_positive_but_not_applied_r_link_21():
    w = world({"set_key_tries": 2})
    w.modem.applies = False
    w.sleep(3400)
    eq(times(w), [0])  # the old id may be named for 3 s
    w.sleep(1000)
    eq(len(times(w)), 2)
    w.sleep(4000)
    eq(w.events, [MODEM_FAULT])
    w.modem.applies = True
    w.sleep(60000)
    eq(w.events, [MODEM_FAULT, KEY_READY])


def test_a_modem_that_stays_away_is_a_fault():
    w = world({"set_key_tries": 1}, restart_ms=1000000)
    w.sleep(9900)
    eq(w.events, [])
    w.sleep(700)
    eq(w.events, [MODEM_FAULT])


def test_restart_seen_by_the_driver():
    """DOWN and UP after SET_KEY are expected; verification follows at once."""
    w = world(restart_ms=5000)
    w.sleep(100)
    w.machine.modem_down(w.now)
    w.sleep(4950)
    w.machine.modem_up(w.now)
    w.sleep(200)
    eq(w.events, [KEY_READY])
    eq(times(w), [0])


def test_answer_lost_in_the_restart():
    w = world(results=(None,))
    w.sleep(50)
    w.machine.modem_down(w.now)
    w.modem.nmk = bytes(w.machine.modem.nmk)  # it did take the key
    w.modem.nid = derive(w.modem.nmk)
    w.sleep(2000)
    w.machine.modem_up(w.now)
    w.sleep(300)
    eq(w.events, [KEY_READY])
    eq(times(w), [0])


def test_late_restart_is_still_ours():
    """The modem answered with the new id before it went down."""
    w = world(restart_ms=0)
    w.sleep(600)
    eq(w.events, [KEY_READY])
    w.machine.modem_down(w.now)
    assert not w.machine.ready
    w.sleep(2000)
    w.machine.modem_up(w.now)
    w.sleep(300)
    eq(w.events, [KEY_READY, KEY_READY])
    eq(times(w), [0])


def test_restart_on_its_own_takes_a_new_key_r_link_20():
    w = world()
    w.sleep(3000)
    w.machine.modem_down(w.now)
    w.machine.modem_up(ticks_add(w.now, 100))
    w.sleep(3000)
    eq(times(w), [0])  # within 10 s of the answer: our own restart, seen late
    w.sleep(20000)
    old = w.modem.nmk
    w.machine.modem_down(w.now)
    assert not w.machine.ready
    w.sleep(2000)
    eq(len(times(w)), 1)
    w.machine.modem_up(w.now)
    w.sleep(3000)
    eq(len(times(w)), 2)
    assert w.modem.nmk != old
    assert w.machine.ready


def test_first_up_of_the_driver_sends_at_once():
    w = world(results=(None, None))
    w.sleep(1200)
    eq(times(w), [0])
    w.machine.modem_up(w.now)
    w.sleep(0)
    eq(times(w), [0, 1200])


def test_without_verification():
    w = world({"set_key_verify": False})
    w.sleep(0)
    eq(w.events, [KEY_READY])
    w.machine.modem_down(w.now)
    w.machine.modem_up(ticks_add(w.now, 1500))
    w.sleep(20000)
    eq((w.events, times(w)), ([KEY_READY], [0]))
    assert w.machine.ready


def test_key_frames_out_of_turn_change_nothing():
    w = world()
    w.sleep(3000)
    head = HOST + b"\x00\xb0\x52\x66\x66\x66\x88\xe1\x01"
    for body in (b"\x09\x60\x00\x00\x00", b"\x09\x60\x00\x00\x01", b"\x0d\x60\x00\x00\x00"):
        w.rx(pad(head + body))
    w.sleep(20000)
    eq((w.events, times(w)), ([KEY_READY], [0]))
    eq(bytes(w.machine.modem.mac), MODEM_MAC)


def test_two_boots_have_two_keys_r_link_20():
    rand = counting_rand()
    first = world(rand=rand)
    first.sleep(3000)
    second = world(rand=rand)
    second.sleep(3000)
    assert first.modem.nmk != second.modem.nmk


def test_key_is_not_in_the_trace_r_security_07():
    w = world({"set_key_tries": 1}, results=(0,))
    w.sleep(60000)
    eq(w.events, [MODEM_FAULT, KEY_READY])
    text = " ".join(w.trace.notes)
    assert hexlify(w.modem.nmk).decode() not in text and repr(w.modem.nmk) not in text
