"""firmware/slac/evse.py: join, link, its loss, and attempts. R-LINK-17, -20, -22 to -24,
R-SECURITY-07."""

from binascii import hexlify

from firmware.clock import ticks_add, ticks_diff
from firmware.slac import evse
from firmware.slac.evse import FAILED, KEY_READY, LINK_LOST, LINK_UP, MATCHED, STARTED
from tests.lib.mtest import eq
from tests.lib.slac_car import HOST, Car, exchange, linked, matched, sounding, station

B_MAC = b"\x02\xca\x00\x00\x00\x0b"
B_RUN = b"TESLA EV"


def state(w):
    return evse.STATE_NAMES[w.machine.state]


def test_link_questions_100_ms_then_1_s_r_link_17():
    w = station()
    matched(w, Car())
    at = w.now
    w.modem.link = 0
    w.sleep(1000)
    eq([ticks_diff(t, at) for t in w.modem.asked], [100 * k for k in range(11)])
    w.modem.link = 1
    w.sleep(1000)
    w.modem.asked.clear()
    w.sleep(10000)
    eq(len(w.modem.asked), 10)


def test_link_at_11_s_counts_and_none_at_12_s_fails_r_link_17():
    w = station()
    matched(w, Car())
    w.modem.link = 0
    w.sleep(11000)
    w.modem.link = 1
    w.sleep(1500)
    eq(w.events, [STARTED, MATCHED, LINK_UP])
    w = station({"slac_max_match": 1})
    matched(w, Car())
    w.modem.link = 0
    old = w.modem.nmk
    w.sleep(11990)
    eq(state(w), "joining")
    w.sleep(10)
    eq((w.events, state(w)), ([STARTED, MATCHED, FAILED], "failed"))
    w.sleep(3000)
    assert w.modem.nmk != old  # the car had the key
    eq(w.events, [STARTED, MATCHED, FAILED, KEY_READY])


def test_a_flicker_while_it_settles_is_no_link_r_link_17():
    w = station()
    matched(w, Car())
    w.modem.link = 1
    w.sleep(300)
    w.modem.link = 0
    w.sleep(2000)
    eq(w.events, [STARTED, MATCHED])
    w.modem.link = 1
    w.sleep(700)
    eq(w.events, [STARTED, MATCHED, LINK_UP])


def test_first_ipv6_frame_is_the_link_by_configuration():
    w = station({"slac_link_detect": "peer_frame"})
    matched(w, Car())
    w.sleep(3000)
    eq(w.modem.asked, [])
    w.machine.peer_frame(w.now)
    w.sleep(499)
    eq(w.events, [STARTED, MATCHED])
    w.sleep(1)
    eq(w.events, [STARTED, MATCHED, LINK_UP])
    w.sleep(100000)
    eq((w.events, w.machine.due), ([STARTED, MATCHED, LINK_UP], None))
    w = station()
    matched(w, Car())
    w.machine.peer_frame(w.now)
    w.sleep(2000)
    eq(w.events, [STARTED, MATCHED])


def test_car_that_joins_may_start_over():
    w = station()
    car = Car()
    first = matched(w, car)
    w.sleep(3000)
    second = Car(car.mac, b"\x55" * 8)
    exchange(w, second)
    w.sleep(900)
    again = w.rx(second.match())[0]
    eq(again[85:109], first[85:109])  # same session, same key
    eq(w.rx(car.match()), [])
    w.modem.link = 0
    w.sleep(11850)
    eq(state(w), "joining")
    w.modem.link = 1
    w.sleep(700)
    eq(w.events, [STARTED, MATCHED, MATCHED, LINK_UP])


def test_car_that_joins_starts_over_with_the_same_run_id():
    w = station()
    car = Car()
    first = matched(w, car)
    w.sleep(2000)
    w.rx(car.parm())
    eq(w.rx(car.match()), [])  # the run is at its beginning again
    w.sleep(400)
    eq(state(w), "joining")
    w.sleep(400)
    eq(matched(w, car)[85:109], first[85:109])
    w.modem.link = 1
    w.sleep(700)
    eq(state(w), "linked")


def test_car_comes_back_after_a_lost_link():
    w = station()
    car = Car()
    linked(w, car)
    w.modem.link = 0
    w.sleep(5000)
    old = w.sent[-1]
    eq(matched(w, car)[93:109] == old[1][93:109], False)
    w.modem.link = 1
    w.sleep(700)
    eq(w.events, [STARTED, MATCHED, LINK_UP, LINK_LOST, KEY_READY, STARTED, MATCHED, LINK_UP])


def test_new_key_within_a_second_of_the_unplug_r_link_20():
    w = station()
    linked(w, Car())
    old = w.modem.nmk
    at = w.now
    w.machine.plugged(False, w.now)
    w.sleep(1000)
    tick, nmk = w.modem.set_keys[-1]
    assert ticks_diff(tick, at) <= 1000 and nmk != old
    w.sleep(3000)
    eq((w.modem.nmk == old, state(w)), (False, "unplugged"))


def test_unplug_without_a_match_keeps_the_key():
    """No car has had it; the modem need not restart, and is there when the car is plugged again at
    once."""
    w = station()
    car = Car()
    exchange(w, car)
    w.machine.plugged(False, w.now)
    w.sleep(0)
    w.machine.plugged(True, w.now)
    eq(len(w.modem.set_keys), 1)
    eq(len(w.rx(car.parm())), 1)


def test_leave_while_plugged():
    w = station()
    linked(w, Car())
    w.machine.leave(w.now)
    w.sleep(3000)
    eq((state(w), len(w.modem.set_keys)), ("waiting", 2))
    eq(w.events, [STARTED, MATCHED, LINK_UP, KEY_READY])


def test_three_failures_and_their_spacing_r_link_22():
    w = station({"slac_reset_instead_of_fail": False})
    car = Car()
    begin = w.now
    answered = []
    while state(w) != "failed":
        if w.rx(car.parm()):
            answered.append(ticks_diff(w.now, begin))
            w.sleep(400)  # no START: the run fails
        w.sleep(10)
    eq(answered, [0, 800, 1600])  # 400 ms of the run, 400 ms of the matching rate
    eq(w.events, [STARTED, STARTED, STARTED, FAILED])
    w.sleep(60000)
    eq(w.rx(car.parm()), [])
    w.machine.plugged(False, w.now)
    w.machine.plugged(True, w.now)
    eq(len(w.rx(car.parm())), 1)


def test_time_for_new_attempts_r_link_22():
    w = station()
    w.rx(Car().parm())
    w.sleep(400)
    eq((state(w), w.events), ("waiting", [STARTED]))
    w.sleep(9999)
    eq(w.events, [STARTED])
    w.sleep(1)
    eq((state(w), w.events), ("failed", [STARTED, FAILED]))


def test_next_request_resets_by_default_d_21():
    w = station({"slac_max_match": 1})
    car = Car()
    w.rx(car.parm())
    w.sleep(400)
    eq(state(w), "failed")
    w.sleep(399)
    eq(w.rx(car.parm()), [])
    w.sleep(1)
    eq(len(w.rx(car.parm())), 1)
    eq((state(w), w.events), ("matching", [STARTED, FAILED, STARTED]))


def test_failures_of_a_neighbour_are_not_ours_r_link_22():
    w = station({"slac_reset_instead_of_fail": False})
    other = Car(B_MAC, B_RUN)
    for _ in range(2):
        w.rx(other.parm())
        w.sleep(800)
    car = Car()
    w.rx(car.parm())
    w.sleep(400)
    eq(state(w), "waiting")
    w.sleep(400)
    exchange(w, car)
    eq(len(w.rx(car.match())), 1)


def test_pause_keeps_the_network_r_link_23():
    w = station()
    linked(w, Car())
    w.machine.pause(w.now)
    w.modem.asked.clear()
    w.modem.link = 0
    w.sleep(600000)
    eq((state(w), w.modem.asked, len(w.modem.set_keys)), ("paused", [], 1))
    w.machine.resume(w.now)
    w.sleep(3000)
    w.modem.link = 1
    w.sleep(700)
    eq((state(w), w.events, len(w.modem.set_keys)), ("linked", [STARTED, MATCHED, LINK_UP, LINK_UP], 1))
    w.machine.pause(w.now)
    w.modem.link = 0
    w.machine.resume(w.now)
    w.sleep(5999)
    eq(state(w), "joining")
    w.sleep(1)
    eq((state(w), w.events[-1]), ("waiting", LINK_LOST))


def test_lost_link_one_line_no_more_questions_r_link_24():
    w = station()
    linked(w, Car())
    w.modem.link = 0
    at = w.now
    w.sleep(1200)
    eq((w.events[-1], state(w)), (LINK_LOST, "waiting"))
    eq(w.modem.set_keys[-1][1] != w.modem.set_keys[0][1], True)
    assert ticks_diff(w.modem.set_keys[-1][0], at) <= 1200
    asked = len(w.modem.asked)
    w.sleep(100000)
    eq(len(w.modem.asked), asked)
    eq([n for n in w.trace.notes if "lost" in n], ["slac: link lost"])
    eq(w.events, [STARTED, MATCHED, LINK_UP, LINK_LOST, KEY_READY])
    eq(w.machine.due, None)


def test_one_wrong_answer_is_no_loss_r_link_24():
    w = station()
    linked(w, Car())
    w.modem.link = 0
    asked = len(w.modem.asked)
    while len(w.modem.asked) == asked:
        w.sleep(10)
    w.modem.link = 1
    w.sleep(5000)
    eq(state(w), "linked")


def test_modem_that_falls_silent_is_a_loss_r_link_24():
    w = station()
    linked(w, Car())
    w.modem.link = None
    w.sleep(4000)
    eq(state(w), "linked")
    w.sleep(1100)
    eq(w.events[-1], LINK_LOST)


def test_own_silence_is_not_the_modems_r_link_24():
    """A station that has computed for 4.3 s (a chain of P-521 certificates on a small board) asks
    before it judges."""
    w = station()
    linked(w, Car())
    for _ in range(5):
        w.sleep(900)
        w.now = ticks_add(w.now, 4300)  # nothing is called in that time
        w.machine.poll(w.now)
        w.now = ticks_add(w.now, 1500)  # and again, before its question has left
        w.sleep(2500)
        eq((state(w), w.events[-1]), ("linked", LINK_UP))
    w.modem.link = None
    w.now = ticks_add(w.now, 4300)
    w.sleep(2200)
    eq(w.events[-1], LINK_LOST)


def test_restart_of_the_modem_in_a_session_r_link_24():
    w = station()
    linked(w, Car())
    w.sleep(30000)
    w.machine.modem_down(w.now)
    w.sleep(0)
    eq((w.events[-1], state(w)), (LINK_LOST, "waiting"))
    w.sleep(2000)
    w.machine.modem_up(w.now)
    w.sleep(3000)
    eq(w.events[-1], KEY_READY)
    eq(len(w.modem.set_keys), 2)
    eq(len([n for n in w.trace.notes if "lost" in n]), 1)


def test_restart_of_the_modem_while_matching():
    w = station()
    car = Car()
    w.sleep(30000)
    sounding(w, car)
    w.machine.modem_down(w.now)
    w.machine.modem_up(w.now)
    w.sleep(3000)
    eq((state(w), w.events), ("waiting", [STARTED, KEY_READY]))
    eq(w.rx(car.rsp()), [])


def test_no_answer_before_the_key_is_verified():
    w = station()
    car = Car()
    linked(w, car)
    w.machine.leave(w.now)
    eq(w.rx(car.parm()), [])
    w.sleep(3000)
    eq(len(w.rx(car.parm())), 1)


def test_key_never_in_the_trace_r_security_07():
    w = station()
    linked(w, Car())
    nmk = w.modem.nmk
    w.machine.plugged(False, w.now)
    w.sleep(3000)
    text = " ".join(w.trace.notes) + repr(w.trace.measured)
    for key in (nmk, w.modem.nmk):
        assert hexlify(key).decode() not in text and repr(key) not in text


def test_late_frames_cross_the_wrap():
    """The tick wraps at each of 30 places of a matching."""
    for ms in range(0, 3000, 100):
        w = station()
        w.sleep(0)
        w.now = ticks_add(0, -ms)
        w.modem.away_until = None
        w.machine.plugged(False, w.now)
        w.machine.plugged(True, w.now)
        car = Car()
        matched(w, car)
        w.modem.link = 1
        w.sleep(1000)
        eq(w.events, [STARTED, MATCHED, LINK_UP])


def test_time_for_new_attempts_begins_with_the_new_key():
    """The car had the key and did not join; the modem needs 12 s for the next one."""
    w = station()
    car = Car()
    matched(w, car)
    w.modem.link = 0
    w.modem.restart_ms = 9000
    w.modem.results = [0, 0, 0]
    w.sleep(12000)
    eq((state(w), w.machine.due is not None), ("waiting", True))
    while KEY_READY not in w.events:
        eq(state(w), "waiting")
        w.sleep(10)
    w.sleep(9900)
    eq(state(w), "waiting")
    w.sleep(100)
    eq((state(w), w.events[-1]), ("failed", FAILED))


def test_link_comes_up_while_the_car_tries_again():
    w = station()
    car = Car()
    matched(w, car)
    second = Car(car.mac, B_RUN)
    exchange(w, second)
    w.modem.link = 1
    w.sleep(700)
    eq(state(w), "linked")
    eq(w.rx(second.match()), [])
    eq((w.events, w.machine.due is not None), ([STARTED, MATCHED, LINK_UP], True))
    w = station()
    matched(w, car)
    w.rx(car.parm())  # the matched run itself begins again
    w.modem.link = 1
    w.sleep(1000)
    eq(len(w.rx(car.amp_map())), 1)  # still known


def test_two_single_wrong_answers_are_no_loss_r_link_24():
    w = station()
    linked(w, Car())
    for _ in range(3):
        asked = len(w.modem.asked)
        w.modem.link = 0
        while len(w.modem.asked) == asked:
            w.sleep(10)
        w.modem.link = 1
        w.sleep(3000)
    eq(state(w), "linked")


def test_link_status_of_a_stranger_is_no_link():
    w = station()
    matched(w, Car())
    fake = HOST + b"\x02\xbb\x00\x00\x00\x01\x88\xe1\x00\xb9\xa0\x00\xb0\x52\x00\x01" + bytes(38)
    w.rx(fake)
    w.sleep(3000)
    eq(w.events, [STARTED, MATCHED])
