"""firmware/slac/match.py: one run by itself. R-LINK-06, -08 to -16."""

from firmware.clock import ticks_add
from firmware.slac import match as step
from firmware.slac.match import Match
from tests.lib.fake_modem import profile
from tests.lib.mtest import eq

HOST = b"\x02\x00\x00\x00\x00\x01"
CAR = b"\x02\xca\x00\x00\x00\x09"
RUN = b"\x01\x02\x03\x04\x05\x06\x07\x08"
T0 = ticks_add(0, -300)  # the wrap of the tick lies in every run
NID = bytes(7)
NMK = bytes(range(16))


def at(ms):
    return ticks_add(T0, ms)


def mme(to, kind, body):
    frame = to + CAR + b"\x88\xe1\x01" + bytes([kind, 0x60]) + b"\x00\x00" + body
    return frame + bytes(60 - len(frame)) if len(frame) < 60 else frame


ALL = b"\xff" * 6
PARM = mme(ALL, 0x64, b"\x00\x00" + RUN)
START = mme(ALL, 0x6A, b"\x00\x00\x0a\x06\x01" + CAR + RUN)
RSP = mme(HOST, 0x6F, b"\x00\x00" + CAR + RUN + bytes(34) + b"\x00")
MATCH = mme(HOST, 0x7C, b"\x00\x00\x3e\x00" + bytes(17) + CAR + bytes(17) + HOST + RUN + bytes(8))


def changed(frame, i, value):
    data = bytearray(frame)
    data[i] = value
    return bytes(data)


def opened(offset_db=0, station_id=bytes(17)):
    run = Match(HOST, station_id, offset_db)
    assert run.open(PARM, 1, at(0))
    eq(sent(run)[15], 0x65)
    return run


def sent(run):
    out = bytearray(200)
    n = run.tx(out, NID, NMK)
    return bytes(out[:n])


def reported(profiles=((20),), offset_db=0, station_id=bytes(17)):
    """A run that has sent its report; START at 100 ms, window over at 700, report at 745."""
    run = opened(offset_db, station_id)
    eq(run.start_atten(START, at(100)), step.OK)
    for value in profiles:
        eq(run.profile(profile(CAR, value, HOST), at(200)), step.OK)
    eq(run.poll(at(699)), 0)
    eq(run.poll(at(700)), 0)
    eq(run.poll(at(744)), 0)
    eq(run.poll(at(745)), step.MEASURED)
    return run


def exchanged(**more):
    run = reported(**more)
    sent(run)
    eq(run.response(RSP, at(800)), step.OK)
    return run


def test_third_start_opens_the_window_r_link_08():
    run = opened()
    eq(run.poll(at(399)), 0)
    eq(run.start_atten(START, at(399)), step.OK)
    eq(run.state, step.SOUNDING)


def test_no_start_fails_at_400_ms_r_link_08():
    run = opened()
    eq(run.poll(at(399)), 0)
    eq(run.poll(at(400)), step.FAILED)


def test_start_with_other_types_is_ignored_r_link_08():
    run = opened()
    for i, value in ((19, 1), (20, 1), (23, 0), (23, 2)):
        eq(run.start_atten(changed(START, i, value), at(10)), step.FIELD)
        eq(run.state, step.REQUESTED)
    assert not run.is_of(changed(START, 30, 0x77), 30)
    assert not run.is_of(changed(START, 6, 0x06), 30)
    assert run.is_of(START, 30)


def test_window_is_not_extended_r_link_09():
    run = opened()
    run.start_atten(START, at(0))
    eq(run.start_atten(START, at(100)), step.OK)
    eq(run.start_atten(START, at(200)), step.OK)
    run.profile(profile(CAR, 9, HOST), at(599))
    eq(run.poll(at(600)), 0)
    eq(run.state, step.SETTLING)
    eq(run.poll(at(645)), step.MEASURED)


def test_ten_profiles_close_the_window_early():
    run = opened()
    run.start_atten(START, at(0))
    for i in range(10):
        eq(run.profile(profile(CAR, 9, HOST), at(20 * i)), step.OK)
    eq(run.profile(profile(CAR, 99, HOST), at(190)), step.WRONG_TIME)
    eq(run.poll(at(180 + 45)), step.MEASURED)
    eq(sent(run)[69], 10)


def test_mean_over_what_came_r_link_10():
    """1..9 profiles, one of them full of 255: no overflow, every group a byte of its own."""
    for count in range(1, 10):
        values = [[(7 * g + 11 * i) % 60 for g in range(58)] for i in range(count - 1)] + [[255] * 58]
        run = reported(values)
        frame = sent(run)
        eq(frame[69:71], bytes([count, 58]))
        for g in range(58):
            total = sum([v[g] for v in values])
            eq(frame[71 + g], (2 * total + count) // (2 * count))


def test_rounding_and_offset():
    eq(sent(reported((20, 21)))[71], 21)  # 20.5
    eq(sent(reported((20, 20, 21)))[71], 20)  # 20.33
    eq(sent(reported((20, 21, 21)))[71], 21)  # 20.67
    eq(sent(reported((20,), offset_db=21))[71:129], bytes([41] * 58))
    eq(sent(reported((240,), offset_db=40))[71:129], bytes([255] * 58))


def test_profile_with_other_groups_is_ignored_r_link_10():
    run = opened()
    run.start_atten(START, at(0))
    eq(run.profile(changed(profile(CAR, 9, HOST), 25, 57), at(10)), step.FIELD)
    eq(run.sounds, 0)


def test_profile_outside_the_window_is_not_counted():
    run = opened()
    eq(run.profile(profile(CAR, 9, HOST), at(10)), step.WRONG_TIME)
    run = exchanged()
    eq(run.profile(profile(CAR, 9, HOST), at(900)), step.WRONG_TIME)


def test_zero_profiles_fail_the_run_r_link_11():
    run = opened()
    run.start_atten(START, at(0))
    eq(run.poll(at(600)), 0)
    eq(run.poll(at(645)), step.FAILED)
    eq(sent(run), b"")


def test_three_reports_at_200_ms_r_link_12():
    run = reported()
    frames = [sent(run)]
    for k in (1, 2):
        eq(run.poll(at(745 + 200 * k - 1)), 0)
        eq(sent(run), b"")
        eq(run.poll(at(745 + 200 * k)), 0)
        frames.append(sent(run))
    eq(frames[0][15], 0x6E)
    eq(frames[1], frames[0])
    eq(frames[2], frames[0])
    eq(run.poll(at(1344)), 0)
    eq(run.poll(at(1345)), step.FAILED)


def test_third_report_answered_goes_on_r_link_12():
    run = reported()
    run.poll(at(945))
    run.poll(at(1145))
    eq(run.response(RSP, at(1300)), step.OK)
    eq(run.state, step.EXCHANGED)
    eq(sent(run), b"")  # the repetition that had not left is not sent any more


def test_match_window_r_link_13():
    for ms, good in ((980, True), (9900, True), (10500, False)):
        run = exchanged()
        failed = run.poll(at(800 + ms))
        if good:
            eq(failed, 0)
            eq(run.match(MATCH, at(800 + ms)), step.OK)
            eq(sent(run)[15], 0x7D)
        else:
            eq(failed, step.FAILED)


def test_every_field_of_the_response_r_link_14():
    for i in list(range(19, 27)) + list(range(35, 70)):
        run = reported()
        sent(run)
        eq(run.response(changed(RSP, i, RSP[i] ^ 0x10), at(800)), step.FIELD)
        eq((run.state, sent(run), run.due), (step.REPORTED, b"", at(945)))
        eq(run.response(RSP, at(801)), step.OK)  # no retry was used up
    for i in range(27, 35):
        assert not reported().is_of(changed(RSP, i, 0xEE), 27)


def test_every_field_of_the_match_request_r_link_14():
    for i in range(19, 69):
        run = exchanged()
        due = run.due
        eq(run.match(changed(MATCH, i, MATCH[i] ^ 0x10), at(900)), step.FIELD)
        eq((run.state, sent(run), run.due), (step.EXCHANGED, b"", due))
    run = exchanged()
    eq(run.match(changed(changed(MATCH, 21, 0x00), 22, 0x3E), at(900)), step.FIELD)  # big-endian length
    for i in range(69, 77):
        assert not run.is_of(changed(MATCH, i, 0xEE), 69)


def test_no_key_before_attenuation_r_link_15():
    run = opened()
    eq(run.match(MATCH, at(10)), step.WRONG_TIME)
    run.start_atten(START, at(20))
    eq(run.match(MATCH, at(30)), step.WRONG_TIME)
    run = reported()
    sent(run)
    eq(run.match(MATCH, at(800)), step.WRONG_TIME)
    eq(sent(run), b"")


def test_repeated_match_request_r_link_16():
    run = exchanged()
    eq(run.match(MATCH, at(1000)), step.OK)
    first = sent(run)
    eq(len(first), 109)
    eq(run.match(MATCH, at(1200)), step.OK)
    eq(sent(run), first)
    eq(run.state, step.MATCHED)


def test_second_request_counts_anew_r_link_06():
    run = opened()
    run.start_atten(START, at(50))
    for _ in range(3):
        run.profile(profile(CAR, 200, HOST), at(100))
    assert run.open(PARM, 2, at(150))
    eq(sent(run)[15], 0x65)
    run.start_atten(START, at(200))
    for _ in range(2):
        run.profile(profile(CAR, 10, HOST), at(300))
    run.poll(at(800))
    eq(run.poll(at(845)), step.MEASURED)
    frame = sent(run)
    eq(frame[69:72], b"\x02\x3a\x0a")


def test_requests_without_end_do_not_keep_a_run_alive():
    run = opened()
    ms = 0
    while run.open(PARM, 1, at(ms)):
        ms += 200
        assert ms <= 10000
    eq(ms, 10000)
    eq(run.poll(at(ms + 200)), step.FAILED)


def test_station_id_may_come_back_or_be_zero():
    name = b"DE*MV2*E000001\x00\x00\x00"
    run = reported(station_id=name)
    eq(sent(run)[52:69], name)
    echoed = RSP[:52] + name + RSP[69:]
    eq(run.response(echoed, at(800)), step.OK)
    eq(run.match(MATCH[:46] + name + MATCH[63:], at(900)), step.OK)
    eq(sent(run)[46:63], name)
    eq(run.match(MATCH, at(950)), step.OK)
    eq(sent(run)[46:63], bytes(17))
    eq(reported(station_id=name).response(RSP, at(800)), step.OK)


def test_the_wrong_field_is_named_r_link_14():
    """Of each frame of a run that has fields (open-plc-utils #157, EVerest #1812)."""
    names = (
        (19, "application or security type"), (21, "length"), (23, "PEV ID"), (40, "PEV MAC"), (46, "EVSE ID"), (63, "EVSE MAC"), (69, ""),
    )  # fmt: skip
    for at_row in range(len(names) - 1):
        first, name = names[at_row]
        for i in range(first, names[at_row + 1][0]):
            run = exchanged()
            run.match(changed(MATCH, i, MATCH[i] ^ 0x10), at(900))
            assert run.wrong.startswith("slac: match request with") and name in run.wrong, (i, run.wrong)
    for i, name in (
        (20, "security type"),
        (21, "source address"),
        (35, "source id"),
        (52, "response id"),
        (69, "result"),
    ):
        run = reported()
        run.response(changed(RSP, i, RSP[i] ^ 0x10), at(800))
        assert run.wrong.startswith("slac: response to the attenuation with") and name in run.wrong, (i, run.wrong)
    run = opened()
    run.start_atten(changed(START, 23, 7), at(100))
    assert "START_ATTEN_CHAR with another response type" in run.wrong
    run = exchanged()
    eq(run.why(), step.WHY[step.EXCHANGED])
    run.match(changed(MATCH, 23, 1), at(900))
    eq(run.why(), "slac: what the car sent was refused, as said before")
