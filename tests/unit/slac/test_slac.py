"""firmware/slac/evse.py: the station's matching. R-LINK-01, -05 to -18, -26, R-SECURITY-03."""

from binascii import unhexlify

from firmware.slac import evse
from firmware.slac.evse import LINK_UP, MATCHED, STARTED
from tests.lib.fake_modem import derive, profile
from tests.lib.mtest import eq
from tests.lib.slac_car import ALL, HOST, Car, exchange, linked, matched, sounding, station

# Match requests as cars of public reports send them (open-plc-utils #157, EVerest #1812); of made up addresses.
PEV_ID = (
    "020000005e01020000000c0188e1017c60000000003e00aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa020000000c01"
    "0000000000000000000000000000000000020000005e0111121314151617180000000000000000"
)
MODEM_MAC = (
    "020000005e01020000000c0188e1017c60000000003e000000000000000000000000000000000000020000000c02"
    "0000000000000000000000000000000000020000005e0111121314151617180000000000000000"
)
B_MAC = b"\x02\xca\x00\x00\x00\x0b"
B_RUN = b"TESLA EV"


def state(w):
    return evse.STATE_NAMES[w.machine.state]


def dropped(w):
    return {evse.DROP_NAMES[i]: n for i, n in enumerate(w.machine.drops) if n}


def changed(frame, i, value):
    data = bytearray(frame)
    data[i] = value
    return bytes(data)


def test_silence_while_unplugged_r_link_01():
    w = station(plugged=False)
    car = Car()
    eq(w.rx(car.parm()), [])
    eq((w.events, state(w), w.machine.started_at), ([], "unplugged", None))
    w.machine.plugged(True, w.now)
    answer = w.rx(car.parm())
    eq(len(answer), 1)
    eq((w.events, state(w), w.machine.started_at), ([STARTED], "matching", w.now))


def test_whole_matching():
    w = station()
    car = Car()
    answer = sounding(w, car)
    eq(
        answer[0][:44],
        car.mac + HOST + b"\x88\xe1\x01\x65\x60\x00\x00" + ALL + b"\x0a\x06\x01" + car.mac + b"\x00\x00" + car.run_id,
    )
    report = w.wait(0x6E)
    eq(report[:19], car.mac + HOST + b"\x88\xe1\x01\x6e\x60\x00\x00")
    eq(report[19:], b"\x00\x00" + car.mac + car.run_id + bytes(34) + b"\x0a\x3a" + bytes([20] * 58))
    eq(w.trace.measured, [(car.mac, 10, bytes([20] * 58))])
    w.rx(car.rsp())
    w.sleep(860)
    eq(w.events, [STARTED])
    cnf = w.rx(car.match())
    head = car.mac + HOST + b"\x88\xe1\x01\x7d\x60\x00\x00\x00\x00\x56\x00" + bytes(17) + car.mac + bytes(17) + HOST
    eq(cnf, [head + car.run_id + bytes(8) + derive(w.modem.nmk) + b"\x00" + w.modem.nmk])
    eq((w.events, state(w), bytes(w.machine.ev_mac)), ([STARTED, MATCHED], "joining", car.mac))
    w.sleep(5000)
    eq(w.events, [STARTED, MATCHED])  # a silent modem is no link
    w.modem.link = 0
    w.sleep(1000)
    w.modem.link = 1
    w.sleep(400)
    eq(w.events, [STARTED, MATCHED])
    w.sleep(300)
    eq((w.events, state(w)), ([STARTED, MATCHED, LINK_UP], "linked"))
    w.sleep(60000)
    eq(w.events, [STARTED, MATCHED, LINK_UP])
    eq(dropped(w), {})


def test_second_request_restarts_the_run_r_link_06():
    w = station()
    car = Car()
    sounding(w, car, 3)
    eq(len(w.rx(car.parm())), 1)
    eq(w.events, [STARTED])
    report = exchange(w, car, 2)
    eq(report[69], 2)


def test_two_cars_interleaved_first_match_wins_r_link_07():
    w = station()
    a, b = Car(), Car(B_MAC, B_RUN)
    w.rx(a.parm())
    w.rx(b.parm())
    w.rx(a.start())
    w.rx(b.start())
    for i in range(10):
        w.rx(a.profile(30))
        w.rx(b.profile(10 + i))
    reports = w.sleep(100)
    eq([(f[:6], f[69], f[71]) for f in reports], [(a.mac, 10, 30), (b.mac, 10, 15)])  # 14.5
    w.rx(b.rsp())
    w.rx(a.rsp())
    eq(len(w.rx(b.match())), 1)
    eq(bytes(w.machine.ev_mac), B_MAC)
    eq(w.rx(a.match()), [])
    eq(w.rx(a.parm()), [])
    eq(w.events, [STARTED, MATCHED])
    assert "slac: another MAC asks" in w.trace.notes  # R-SECURITY-03


def test_matched_is_not_disturbed_r_link_07():
    w = station()
    a, b = Car(), Car(B_MAC, B_RUN)
    linked(w, a)
    keys = len(w.modem.set_keys)
    for frame in (b.parm(), b.start(), b.sound(), b.profile(), b.rsp(), b.match(), b.validate(), b.amp_map(), a.parm()):
        eq(w.rx(frame), [])
    w.sleep(5000)
    eq((state(w), len(w.modem.set_keys)), ("linked", keys))
    eq(w.events, [STARTED, MATCHED, LINK_UP])


def test_five_runs_and_no_more_r_link_07():
    w = station()
    cars = [Car(bytes([2, 0xCA, 0, 0, 1, i]), bytes([i] * 8)) for i in range(7)]
    eq([len(w.rx(car.parm())) for car in cars], [1, 1, 1, 1, 1, 0, 0])
    eq(dropped(w), {"full": 2})
    w.rx(cars[3].start())
    w.sleep(400)  # four fail, each for itself
    eq(state(w), "matching")
    eq(len(w.rx(cars[6].parm())), 1)
    w.rx(cars[3].profile())
    eq(w.sleep(300)[0][:6], cars[3].mac)


def test_newest_run_of_a_mac_gets_its_sounds():
    w = station()
    old, new = Car(), Car(run_id=b"\x09" * 8)
    for car in (old, new):
        w.rx(car.parm())
        w.rx(car.start())
    w.rx(old.profile())
    reports = w.sleep(700)
    eq([f[27:35] for f in reports], [new.run_id])


def test_foreign_frames_change_no_run_r_link_26():
    """Other MAC with the run id, the MAC with another run id: nothing counts, no deadline moves."""
    w = station()
    car = Car()
    w.rx(car.parm())
    at = w.machine.due
    for fake in (Car(B_MAC, car.run_id), Car(car.mac, B_RUN)):
        for frame in (fake.start(), fake.sound(), fake.rsp(), fake.match()):
            w.rx(frame)
    w.rx(profile(B_MAC, 1, HOST))
    eq((w.machine.due, dropped(w)), (at, {"run": 9}))
    w.rx(car.start())
    at = w.machine.due
    w.sleep(100)
    w.rx(profile(car.mac, 0, HOST, b"\x02\xbb\x00\x00\x00\x01"))  # claims to be our modem
    w.rx(car.start())
    eq((w.machine.due, dropped(w)), (at, {"run": 9, "source": 1}))
    w.rx(car.profile())
    eq(w.sleep(600)[0][71], 20)


def test_profiles_of_any_source_by_configuration():
    w = station({"slac_profile_any_source": True})
    car = Car()
    w.rx(car.parm())
    w.rx(car.start())
    w.rx(profile(car.mac, 7, HOST, b"\x02\xbb\x00\x00\x00\x01"))
    eq(w.sleep(700)[0][71], 7)


def test_no_profile_no_report_r_link_11():
    w = station()
    car = Car()
    w.rx(car.parm())
    w.rx(car.start())
    for i in range(10):
        w.rx(car.sound(9 - i))
    eq(w.sleep(3000), [])
    eq(state(w), "waiting")
    assert "slac: no attenuation profile from the own modem; sounds heard 10" in w.trace.notes


def test_no_key_without_attenuation_r_link_15():
    w = station()
    car = Car()
    w.rx(car.parm())
    eq(w.rx(car.match()), [])
    w.rx(car.start())
    eq(w.rx(car.match()), [])
    for _ in range(10):
        w.rx(car.profile())
    eq([f[15] for f in w.sleep(100)], [0x6E])
    eq(w.rx(car.match()), [])
    w.sleep(5000)
    for _, frame in w.sent:
        assert w.modem.nmk not in frame
    eq(MATCHED in w.events, False)


def test_replayed_match_of_an_old_session_gets_nothing_r_link_15():
    w = station()
    car = Car()
    matched(w, car)
    w.machine.plugged(False, w.now)
    w.sleep(3000)
    w.machine.plugged(True, w.now)
    for frame in (car.rsp(), car.match()):
        eq(w.rx(frame), [])
    w.rx(car.parm())
    for frame in (car.rsp(), car.match()):
        eq(w.rx(frame), [])


def test_repeated_match_same_key_no_reset_r_link_16():
    w = station()
    car = Car()
    first = matched(w, car)
    due = w.machine._link.due
    w.sleep(150)
    eq(w.rx(car.match()), [first])
    eq((w.machine._link.due, w.events), (due, [STARTED, MATCHED]))
    w.modem.link = 1
    w.sleep(1000)
    eq(w.rx(car.match()), [first])
    eq(state(w), "linked")


def test_broadcast_where_the_car_must_mean_us():
    w = station()
    car = Car()
    sounding(w, car)
    w.sleep(100)
    eq(w.rx(ALL + car.rsp()[6:]), [])
    eq(dropped(w), {"address": 1})
    w.rx(car.rsp())
    eq(w.rx(ALL + car.match()[6:]), [])
    eq(len(w.rx(car.match())), 1)


# -- R-LINK-18, validation


def test_validate_is_not_required_r_link_18():
    w = station()
    car = Car()
    eq(w.rx(car.validate()), [])
    exchange(w, car)
    eq(w.rx(car.validate(signal=1)), [])
    answer = w.rx(car.validate())
    eq(answer[0][:22], car.mac + HOST + b"\x88\xe1\x01\x79\x60\x00\x00\x00\x00\x04")
    eq(len(w.rx(car.match())), 1)
    assert not w.machine.wants_toggles


def counted(toggles, late):
    w = station({"slac_validate": "count"})
    car = Car()
    exchange(w, car)
    answers = [w.rx(car.validate())]
    eq(w.rx(car.validate(timer=19)), [])
    assert w.machine.wants_toggles
    w.sleep(1999)
    assert w.machine.wants_toggles
    if not late:
        w.machine.toggles(toggles, w.now)
    w.sleep(1)
    assert not w.machine.wants_toggles
    if late and toggles is not None:
        w.machine.toggles(toggles, w.now)
    answers.append(w.sleep(300))
    eq(len(w.rx(car.match())), 1)  # whatever came out: the matching goes on
    return [a[0][19:22] for a in answers]


def test_validate_counts_by_configuration_r_link_18():
    """The switch of D-23; the default, "not required", is tested above."""
    for late in (False, True):
        eq(counted(2, late), [b"\x00\x00\x01", b"\x00\x02\x02"])
        eq(counted(3, late), [b"\x00\x00\x01", b"\x00\x03\x02"])
        eq(counted(0, late), [b"\x00\x00\x01", b"\x00\x00\x03"])
        eq(counted(4, late), [b"\x00\x00\x01", b"\x00\x04\x03"])
    eq(counted(None, True), [b"\x00\x00\x01", b"\x00\x00\x03"])


def test_validate_not_ready_fails_the_validation_only_r_link_18():
    w = station({"slac_validate": "count"})
    car = Car()
    exchange(w, car)
    eq(w.rx(car.validate(result=0))[0][19:22], b"\x00\x00\x03")
    eq(len(w.rx(car.match())), 1)


def test_station_ids_d_22():
    """Zeros, or the first 17 octets of evse_id: in the report and in the answer to a car that names
    them."""
    for ids, said in (("zero", bytes(17)), ("own", b"DE*MV2*E1" + bytes(8))):
        w = station({"slac_station_ids": ids, "evse_id": "DE*MV2*E1"})
        car = Car()
        report = exchange(w, car)
        eq(report[19 + 2 + 6 + 8 : 19 + 2 + 6 + 8 + 34], bytes(17) + said)  # the car has none, ours
        wrong = bytearray(car.match())
        at = bytes(wrong).index(HOST, 19) - 17  # in front of the station's MAC
        wrong[at] ^= 1
        eq(w.rx(bytes(wrong)), [])
        wrong[at : at + 17] = said
        eq(w.rx(bytes(wrong))[0][19 + 4 + 17 + 6 : 19 + 4 + 17 + 6 + 17], said)


def test_amp_map_is_declined():
    w = station()
    car = Car()
    eq(w.rx(car.amp_map()), [])
    linked(w, car)
    answer = w.rx(car.amp_map())
    eq(answer, [car.mac + HOST + b"\x88\xe1\x02\x1d\x60\x00\x00\x01" + bytes(40)])


def test_odd_attenuation_is_told_r_security_03():
    for value, odd in ((0, True), (2, True), (3, False), (60, False), (61, True)):
        w = station()
        car = Car()
        w.rx(car.parm())
        w.rx(car.start())
        w.rx(car.profile(value))
        w.sleep(700)
        eq("slac: odd attenuation, dB %d" % value in w.trace.notes, odd)


def test_every_type_and_version_bit_r_link_26():
    """One bit of the header of each frame of a matching is wrong: it counts for nothing."""
    car = Car()
    for name in ("start", "rsp", "match"):
        for i in list(range(14, 19)):
            for bit in range(8):
                if (name, i, bit) == ("match", 15, 2):
                    continue  # that makes a VALIDATE of it, which is answered
                w = station()
                w.rx(car.parm())
                if name != "start":
                    w.rx(car.start())
                    for _ in range(10):
                        w.rx(car.profile())
                    w.sleep(50)
                if name == "match":
                    w.rx(car.rsp())
                before = (w.machine.due, [r.state for r in w.machine.runs.items])
                frame = getattr(car, name)()
                bad = changed(frame, i, frame[i] ^ 1 << bit)
                eq(w.rx(bad), [])
                eq((w.machine.due, [r.state for r in w.machine.runs.items]), before)


def test_validation_of_another_car_is_its_first_r_link_18():
    w = station({"slac_validate": "count"})
    a, b = Car(), Car(B_MAC, B_RUN)
    w.rx(a.parm())
    w.rx(b.parm())
    eq(w.rx(a.validate())[0][19:22], b"\x00\x00\x01")
    eq(w.rx(b.validate())[0][19:22], b"\x00\x00\x01")
    assert not w.machine.wants_toggles


def test_window_of_the_toggles_is_bounded_r_link_18():
    w = station({"slac_validate": "count"})
    car = Car()
    exchange(w, car)
    w.rx(car.validate())
    w.rx(car.validate(timer=255))
    w.sleep(3699)
    assert w.machine.wants_toggles
    w.sleep(1)
    assert not w.machine.wants_toggles


def test_a_match_request_with_a_wrong_field_is_told_once_r_link_14():
    """As cars of the field send it; the run fails with a word about it, and not about another
    station."""
    for text, words in ((PEV_ID, "PEV ID that is not zero"), (MODEM_MAC, "PEV MAC that is not its sender's")):
        seen = unhexlify(text)
        w = station()
        car = Car(seen[6:12], seen[69:77])
        exchange(w, car)
        frame = HOST + seen[6:63] + HOST + seen[69:]
        for _ in range(3):
            eq(w.rx(frame), [])
        notes = w.trace.notes
        eq([text for text in notes if "match request" in text], ["slac: match request with a " + words])
        w.sleep(10500)
        assert "slac: what the car sent was refused, as said before" in notes, notes
        assert not any("another station" in text for text in notes), notes
