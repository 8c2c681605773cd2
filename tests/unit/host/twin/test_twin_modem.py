"""host_tools/twin/modem.py and line.py: the model of the modem's firmware and of the medium between
modems. R-LINK-19 (known key vectors), R-LINK-21 (result 1 of SET_KEY, faults of it), R-LINK-26."""

HEAP_KB = 400  # the models are those of a host and run on no board

from firmware.clock import sooner, ticks_add, ticks_diff
from tests.lib.mtest import eq
from tests.unit.drivers.data_spi import Dice
from twin.line import QUEUE, Line
from twin.modem import EVSE, PEV, Modem, network_id

START = ticks_add(0, -300)
LOCAL = "00b052000001"
STATION, CAR = "021122334455", "02cafe000001"
MODEM_1, MODEM_2 = "00b052000002", "00b052000003"
NMK, NID = "b59319d7e8157ba001b018669ccee30d", "026bcba5354e08"
ALL = "ffffffffffff"


def octets(text):
    text = text.replace(" ", "")
    return bytes([int(text[i : i + 2], 16) for i in range(0, len(text), 2)])


def frame(text):
    data = octets(text)
    return data + bytes(max(0, 60 - len(data)))


def set_key(nmk=NMK, nid=NID, to=LOCAL, sender=STATION):
    return frame(to + sender + "88e1 01 0860 0000" + "01 aaaaaaaa 00000000 04 0000 00 00" + nid + "01" + nmk)


def vendor(kind, to=LOCAL, sender=STATION):
    return frame(to + sender + "88e1 00" + kind + "00b052")


LINK_STATUS, RESET_DEVICE, FACTORY, VERSION = "b8a0", "1ca0", "7ca0", "00a0"


class Pair:
    """The modems of a station and of a car on one line."""

    def __init__(self, line=None):
        self.line = line or Line()
        self.station = Modem(octets(MODEM_1), EVSE, self.line, Dice(1))
        self.car = Modem(octets(MODEM_2), PEV, self.line, Dice(2))
        self.now = START
        for modem in (self.station, self.car):
            self.line.join(modem)
            modem.start(self.now)

    def run(self, ms):
        end = ticks_add(self.now, ms)
        while True:
            self.line.poll(self.now)
            self.station.poll(self.now)
            self.car.poll(self.now)
            due = sooner(self.line.due, sooner(self.station.due, self.car.due))
            if ticks_diff(due, end) > 0:
                break
            if ticks_diff(due, self.now) > 0:
                self.now = due
        self.now = end

    def ask(self, data, modem=None):
        """The answer of the station's modem to its host, or None."""
        modem = modem or self.station
        modem.host_rx(data, len(data), self.now)
        return modem.host_next()

    def join(self):
        """Both in the network of NMK."""
        eq(self.ask(set_key())[19], 1)
        eq(self.ask(set_key(sender=CAR), self.car)[19], 1)
        self.run(1500)
        assert self.station.link and self.car.link
        return self


def test_key_vectors_r_link_19():
    eq(network_id(octets(NMK)), octets(NID))
    eq(network_id(octets("50d3e4933f855b7040784df815aa8db7")), octets("b0f2e695666b03"))


def test_the_key_at_power_on_is_random():
    pair = Pair()
    assert pair.station.nmk != pair.car.nmk and len(pair.station.nmk) == 16


def test_set_key_byte_exact():
    pair = Pair()
    answer = pair.ask(set_key())
    eq(answer[:20], octets(STATION + MODEM_1 + "88e1 01 0960 0000 01"))
    eq(answer[24:33], octets("aaaaaaaa 04 0000 00 00"))  # our nonce comes back
    eq(len(answer), 60)
    eq((pair.station.nmk, pair.station.nid), (octets(NMK), octets(NID)))


def test_set_key_to_the_modem_s_own_address_and_to_all():
    for to in (MODEM_1, ALL):
        pair = Pair()
        eq(pair.ask(set_key(to=to))[19], 1)
        eq(pair.station.nmk, octets(NMK))


def test_set_key_with_a_wrong_nid_is_refused():
    pair = Pair()
    before = pair.station.nmk
    eq(pair.ask(set_key(nid="026bcba5354e09"))[19], 0)
    pair.run(5000)
    eq((pair.station.nmk, pair.station.boots), (before, 0))


def test_set_key_restarts_and_nothing_passes_meanwhile():
    for boot_ms in (300, 3000):
        pair = Pair()
        pair.station.boot_ms = boot_ms
        pair.ask(set_key())
        pair.run(49)
        assert not pair.station.booting
        pair.run(1)
        assert pair.station.booting
        eq(pair.ask(vendor(VERSION)), None)
        pair.run(boot_ms - 1)
        assert pair.station.booting
        pair.run(1)
        assert not pair.station.booting
        eq(pair.ask(vendor(VERSION))[15:17], b"\x01\xa0")
        eq(pair.station.nmk, octets(NMK))  # it is kept over a restart


def test_faults_of_set_key_r_link_21():
    pair = Pair()
    before = pair.station.nmk
    pair.station.refuse = 2
    eq([pair.ask(set_key())[19] for _ in range(2)], [0, 0])
    pair.station.mute = 2
    eq([pair.ask(set_key()) for _ in range(2)], [None, None])
    pair.station.lie = 1
    eq(pair.ask(set_key())[19], 1)
    pair.run(2000)
    eq((pair.station.nmk, pair.station.boots), (before, 1))
    eq(pair.ask(set_key())[19], 1)
    eq(pair.station.nmk, octets(NMK))


def test_get_key():
    """Layout as measured: NID at 29, key at 41; a wrong NID is refused and told the right one."""
    pair = Pair().join()
    for nid, result, key in ((NID, 0, NMK), ("00000000000000", 1, "00" * 16)):
        answer = pair.ask(frame(LOCAL + STATION + "88e1 01 0c60 0000 00 01" + nid + "01020304 04 0000 00"))
        eq(answer[12:20], octets("88e1 01 0d60 0000") + bytes((result,)))
        eq(answer[25:29], octets("01020304"))
        eq(answer[29:36], octets(NID))
        eq(answer[41:57], octets(key))


def test_version_link_status_and_reset_byte_exact():
    pair = Pair()
    answer = pair.ask(vendor(VERSION))
    eq(answer[:22], octets(STATION + MODEM_1 + "88e1 00 01a0 00b052 00 06"))
    eq(answer[23 : 23 + answer[22]], b"MAC-QCA7005-1.1.0.730-04-twin")
    eq(pair.ask(vendor(LINK_STATUS))[:22], octets(STATION + MODEM_1 + "88e1 00 b9a0 00b052 00 00"))
    pair.join()
    eq(pair.ask(vendor(LINK_STATUS))[:22], octets(STATION + MODEM_1 + "88e1 00 b9a0 00b052 00 01"))
    boots = pair.station.boots
    eq(pair.ask(vendor(RESET_DEVICE))[14:21], octets("00 1da0 00b052 00"))
    pair.run(60)
    eq((pair.station.booting, pair.station.boots), (True, boots + 1))


def test_factory_defaults_forget_the_key():
    pair = Pair().join()
    eq(pair.ask(vendor(FACTORY))[14:21], octets("00 7da0 00b052 00"))
    pair.run(3000)
    assert pair.station.nmk != octets(NMK)
    assert not pair.station.link and not pair.car.link


def test_link_comes_and_goes():
    pair = Pair().join()
    pair.line.cut = True
    begin = pair.now
    while pair.station.link:
        pair.run(10)
    assert 800 <= ticks_diff(pair.now, begin) <= 1010  # a second after the last beacon
    pair.line.cut = False
    pair.run(210)
    assert pair.station.link and pair.car.link
    pair.car.reboot(pair.now)
    pair.run(900)
    pair.station.reboot(pair.now)
    assert not pair.station.link
    pair.run(3000)
    assert pair.station.link and pair.car.link


def test_only_management_messages_pass_between_networks():
    pair = Pair()
    ip = frame(ALL + CAR + "86dd" + "01" * 50)
    mme = frame(ALL + CAR + "88e1 01 6460 0000" + "02" * 20)
    eq(pair.ask(ip, pair.car), None)
    eq(pair.ask(mme, pair.car), None)
    pair.run(10)
    eq(pair.station.host_next(), mme)
    eq(pair.station.host_next(), None)
    eq(pair.station.drops["network"], 1)
    pair.join()
    pair.car.host_rx(ip, len(ip), pair.now)
    pair.run(10)
    eq(pair.station.host_next(), ip)


def test_datagrams_on_the_line():
    """Tag 0 for management, a tag of the key for the rest, a tag alone as beacon every 200 ms."""
    tap = Ear()
    line = Line()
    modem = Modem(octets(MODEM_1), EVSE, line, lambda n: octets(NMK)[:n])
    line.join(modem)
    line.join(tap)
    modem.start(START)
    for ms in range(0, 500, 50):
        modem.poll(ticks_add(START, ms))
        line.poll(ticks_add(START, ms))
    tag = octets("4cf815152e013e24")  # sha256sum of `line` and the key
    eq(tap.heard, [(0, tag), (200, tag), (400, tag)])
    tap.heard.clear()
    mme, ip = frame(ALL + STATION + "88e1 01 6460"), frame(ALL + STATION + "86dd")
    now = ticks_add(START, 500)
    modem.host_rx(mme, 60, now)
    modem.host_rx(ip, 60, now)
    line.poll(now)
    eq([data for _, data in tap.heard], [bytes(8) + mme, tag + ip])


def test_frames_for_another_host_are_kept_away():
    pair = Pair()
    pair.ask(vendor(VERSION))  # now it knows its host
    pair.ask(vendor(VERSION, sender=CAR), pair.car)
    for to, passes in ((STATION, True), (ALL, True), ("333300000001", True), (MODEM_1, False), ("02dead000000", False)):
        data = frame(to + CAR + "88e1 01 6460 0000")
        pair.ask(data, pair.car)
        pair.run(5)
        eq((to, pair.station.host_next()), (to, data if passes else None))
    eq(pair.station.drops["address"], 2)


def test_a_key_cannot_be_set_from_the_line():
    pair = Pair()
    pair.ask(vendor(VERSION))
    before = pair.station.nmk
    for to in (MODEM_1, STATION):
        data = set_key(to=to, sender=CAR)
        pair.car.host_rx(data, len(data), pair.now)
    pair.run(100)
    eq((pair.station.nmk, pair.station.boots), (before, 0))


def test_versions_of_all_modems_on_the_line():
    """GET_SW to all: the own modem and the remote one answer."""
    pair = Pair()
    first = pair.ask(vendor(VERSION, to=ALL))
    pair.run(10)
    second = pair.station.host_next()
    eq((first[6:12], second[6:12]), (octets(MODEM_1), octets(MODEM_2)))
    eq(pair.car.host_next(), None)


def sound(count):
    return frame(ALL + CAR + "88e1 01 7660 0000 00 00" + "00" * 17 + "%02x" % count + "0102030405060708" + "00" * 24)


def test_sounds_are_reported_with_their_attenuation():
    pair = Pair()
    pair.ask(vendor(VERSION))
    pair.station.profile = bytes(range(10, 68))
    for count in range(9, -1, -1):
        data = sound(count)
        pair.car.host_rx(data, len(data), pair.now)
        pair.run(30)
        eq(pair.station.host_next(), data)
        report = pair.station.host_next()
        eq(report[:27], octets(STATION + MODEM_1 + "88e1 01 8660 0000" + CAR + "3a 00"))
        eq(len(report), 85)
        for i in range(58):
            assert 0 <= report[27 + i] - (10 + i) <= 3
    eq(pair.station.host_next(), None)


def test_attenuation_saturates():
    pair = Pair()
    pair.station.profile = bytes([254] * 58)
    data = sound(9)
    pair.car.host_rx(data, len(data), pair.now)
    pair.run(5)
    pair.station.host_next()
    assert all(value in (254, 255) for value in pair.station.host_next()[27:])


def test_a_modem_that_does_not_measure_and_one_of_a_car():
    pair = Pair()
    pair.station.measures = False
    data = sound(9)
    pair.car.host_rx(data, len(data), pair.now)
    pair.run(5)
    eq((pair.station.host_next(), pair.station.host_next()), (data, None))
    data = sound(8)
    pair.station.host_rx(data, len(data), pair.now)
    pair.run(5)
    eq((pair.car.host_next(), pair.car.host_next()), (data, None))


def test_queue_for_the_host_is_bounded():
    pair = Pair()
    for _ in range(10):
        for _ in range(5):
            data = sound(1)
            pair.car.host_rx(data, len(data), pair.now)
        pair.run(5)
    eq(pair.station.waiting, 16)
    eq(pair.station.drops["queue"], 84)


def test_a_restart_loses_what_waits_for_the_host():
    pair = Pair()
    data = vendor(VERSION)
    pair.station.host_rx(data, len(data), pair.now)
    pair.station.reboot(pair.now)
    eq(pair.station.host_next(), None)
    pair.run(2000)
    eq(pair.station.host_next(), None)


def test_short_and_random_frames_do_nothing_r_link_26():
    pair = Pair()
    dice = Dice(5)
    for i in range(300):
        data = bytearray(dice(dice.number(120)))
        if i & 1 and len(data) > 20:
            data[12:15] = b"\x88\xe1\x01"
            data[0:6] = octets(LOCAL)
        pair.station.host_rx(data, len(data), pair.now)
        pair.station.line_rx(bytes(data), pair.now)
    eq((pair.station.boots, pair.station.booting), (0, False))


# -- the line


class Ear:
    def __init__(self):
        self.heard = []

    def line_rx(self, data, now):
        self.heard.append((ticks_diff(now, START), data))


def line(seed=3, **faults):
    medium = Line(Dice(seed))
    for name, value in faults.items():
        setattr(medium, name, value)
    ears = [Ear(), Ear(), Ear()]
    for ear in ears:
        medium.join(ear)
    return medium, ears


def play(medium, sender, count, gap_ms=10):
    """Send numbers, then let the time run out."""
    for i in range(count):
        medium.send(sender, i, ticks_add(START, i * gap_ms))
        medium.poll(ticks_add(START, i * gap_ms))
    while medium.due is not None:
        medium.poll(medium.due)


def test_line_delivers_to_the_others_after_the_delay():
    medium, ears = line(delay_ms=7)
    medium.send(ears[0], b"x", START)
    eq(medium.due, ticks_add(START, 7))
    medium.poll(ticks_add(START, 6))
    eq(ears[1].heard, [])
    medium.poll(ticks_add(START, 7))
    eq([ear.heard for ear in ears], [[], [(7, b"x")], [(7, b"x")]])
    eq(medium.due, None)


def test_line_loses_doubles_and_turns_around():
    medium, ears = line(loss=30)
    play(medium, ears[0], 200)
    assert 115 <= len(ears[1].heard) <= 165, len(ears[1].heard)
    eq(medium.lost, 400 - len(ears[1].heard) - len(ears[2].heard))
    medium, ears = line(duplicate=30)
    play(medium, ears[0], 200)
    assert 235 <= len(ears[1].heard) <= 285, len(ears[1].heard)
    medium, ears = line(reorder=30)
    play(medium, ears[0], 200)
    order = [data for _, data in ears[1].heard]
    assert order != sorted(order)
    eq(sorted(order), list(range(200)))


def test_line_without_faults_keeps_the_order():
    medium, ears = line(delay_ms=25)
    play(medium, ears[0], 200, 1)
    eq([data for _, data in ears[1].heard], list(range(200)))


def test_line_is_bounded_and_can_be_cut():
    medium, ears = line(delay_ms=1000)
    for i in range(QUEUE):
        medium.send(ears[0], i, START)
    eq(medium.overflow, QUEUE)  # two ears each
    medium.cut = True
    medium.send(ears[0], 1, START)
    medium.poll(ticks_add(START, 1000))
    eq(ears[1].heard, [])
    eq(medium.lost, 1 + QUEUE)


def test_the_same_seed_gives_the_same_faults():
    heard = []
    for _ in range(2):
        medium, ears = line(loss=20, duplicate=20, reorder=20)
        play(medium, ears[0], 100)
        heard.append(ears[2].heard)
    eq(heard[0], heard[1])
