"""host_tools/ev/slac.py against firmware/slac over a wire in simulated time, perfect and lossy,
with every fault of the car."""

from firmware.app.config import merge
from firmware.clock import ticks_add, ticks_diff
from firmware.slac import evse
from firmware.slac.evse import FAILED, KEY_READY, LINK_LOST, LINK_UP, MATCHED, MODEM_FAULT, STARTED, Slac
from host_tools.ev import slac as ev
from host_tools.ev.slac import EvSlac
from tests.lib.fake_modem import FakeModem, counting_rand, profile
from tests.lib.mtest import eq
from tests.lib.notes import Notes

BARE = "the simulated car; the station's side is in tests/unit/slac, whole stations with this car in tests/sim"
HEAP_KB = 400  # frames in flight and what the test keeps; the station itself allocates nothing per frame

T0 = ticks_add(0, -300)
CAR = b"\x02\xca\x00\x00\x00\x09"
CAR_MODEM = b"\x02\xcc\x00\x00\x00\x09"


def dice(seed):
    """Small generator of numbers 0..65535, the same on every runtime."""
    state = seed
    while True:
        state = (state * 1103 + 12345) % 1048573
        yield state >> 4


class End:
    """A machine with its modem at one end of the line; db: what its modem measures."""

    def __init__(self, machine, modem, db=20):
        self.machine = machine
        self.modem = modem
        self.db = db
        self.events = []


class Line:
    """One car and some stations; every frame takes 1 ms; loss in percent, by a seed that a failure
    names."""

    def __init__(self, car, stations, loss=0, seed=1):
        self.car = car
        self.stations = stations
        self.ends = [car] + stations
        self.loss = loss
        self.dice = dice(seed)
        self.now = T0
        self.flight = []
        self.sent = []  # (source, frame)
        self._out = bytearray(1518)

    def _carry(self):
        for end in self.ends:
            busy = True
            while busy:
                n = end.machine.tx(self._out)
                busy = n > 0
                if n:
                    data = bytes(self._out[:n])
                    if not end.modem.frame(data, self.now):
                        self.sent.append((end, data))
                        for other in self.ends:
                            if other is not end and next(self.dice) % 100 >= self.loss:
                                self.flight.append((ticks_add(self.now, 1), other, data))
                for data in end.modem.out():
                    end.machine.rx(data, len(data), self.now)
                    busy = True
            while True:
                code = end.machine.event()
                if not code:
                    break
                end.events.append(code)

    def step(self):
        """One millisecond."""
        self.now = ticks_add(self.now, 1)
        linked = False
        for end in self.stations:
            together = end.modem.nmk == self.car.modem.nmk
            together = together and not end.modem.away(self.now) and not self.car.modem.away(self.now)
            end.modem.link = 1 if together else 0
            linked = linked or together
        self.car.modem.link = 1 if linked else 0
        flight = self.flight
        self.flight = []
        for tick, end, data in flight:
            if ticks_diff(tick, self.now) > 0:
                self.flight.append((tick, end, data))
            elif data[:6] in (b"\xff" * 6, end.modem.host):
                end.machine.rx(data, len(data), self.now)
                if data[15:17] == b"\x76\x60" and end is not self.car:
                    data = profile(data[6:12], end.db, end.modem.host)
                    end.machine.rx(data, len(data), self.now)
        for end in self.ends:
            due = end.machine.due
            if due is not None and ticks_diff(self.now, due) >= 0:
                end.machine.poll(self.now)
        self._carry()

    def run(self, ms, until=None):
        """Let ms pass, or less if the car told the event `until`; return the milliseconds."""
        for i in range(ms):
            self.step()
            if until is not None and until in self.car.events:
                return i + 1
        return ms


def line(ev_cfg=None, cfg=None, dbs=(20,), loss=0, seed=1, restart_ms=1500):
    """Stations with their key, the car plugged in at all of them, and started."""
    stations = []
    for k, db in enumerate(dbs):
        host = bytes([2, 0, 0, 0, 0, k + 1])
        machine = Slac(merge(cfg or {}), host, counting_rand(), Notes())
        stations.append(End(machine, FakeModem(host, restart_ms=restart_ms), db))
    machine = EvSlac(ev_cfg or {}, CAR, counting_rand(), Notes())
    car = End(machine, FakeModem(CAR, CAR_MODEM, restart_ms=restart_ms))
    town = Line(car, stations, loss, seed)
    for i, end in enumerate(stations):
        end.machine.modem._rand(i + 1)  # so that no two stations have the same key
        end.machine.start(T0)
        end.machine.plugged(True, T0)
    town.run(3000)
    for end in stations:
        eq(end.events, [KEY_READY])
        end.events.clear()
    car.machine.start(town.now)
    return town


def kinds(town, end):
    """How often the end sent each type."""
    found = {}
    for source, frame in town.sent:
        if source is end:
            kind = frame[15] | frame[16] << 8
            found[kind] = found.get(kind, 0) + 1
    return found


def test_a_proper_car():
    town = line()
    took = town.run(20000, LINK_UP)
    town.run(1000)
    eq(town.car.events, [STARTED, MATCHED, LINK_UP])
    eq(town.stations[0].events, [STARTED, MATCHED, LINK_UP])
    eq(town.car.machine.nmk, town.stations[0].modem.nmk)
    eq(bytes(town.stations[0].machine.ev_mac), CAR)
    eq(kinds(town, town.car), {0x6064: 1, 0x606A: 3, 0x6076: 10, 0x606F: 1, 0x607C: 1})
    eq(kinds(town, town.stations[0]), {0x6065: 1, 0x606E: 1, 0x607D: 1})
    assert took < 3000
    eq([n for n in town.stations[0].machine.drops if n], [])
    eq(town.car.machine.due is not None, True)  # it watches its link


def test_link_that_is_lost_is_told_on_both_sides():
    town = line()
    town.run(20000, LINK_UP)
    town.run(1000)
    town.car.modem.nmk = bytes(16)
    town.run(3000)
    eq(town.car.events[-1], LINK_LOST)
    eq(town.stations[0].events[3:], [LINK_LOST, KEY_READY][: len(town.stations[0].events) - 3])
    assert LINK_LOST in town.stations[0].events


def test_lowest_attenuation_wins():
    town = line(dbs=(40, 12, 25))
    town.run(20000, LINK_UP)
    eq(town.car.events, [STARTED, MATCHED, LINK_UP])
    eq(town.car.machine.evse_mac, town.stations[1].machine.mac)
    town.run(1000)
    eq(town.stations[1].events, [STARTED, MATCHED, LINK_UP])
    town.run(12000)
    for k in (0, 2):
        eq(town.stations[k].events, [STARTED])
        assert (
            "slac: no match request; the car may have chosen another station" in town.stations[k].machine._trace.notes
        )


def test_lossy_wire():
    """10 percent of the frames are lost, in 12 seeds: the car gets there, at worst in a later
    attempt."""
    for seed in range(1, 13):
        town = line({"attempts": 10}, loss=10, seed=seed * 77)
        town.run(60000, LINK_UP)
        assert town.car.events[-1] == LINK_UP, "seed %d: %s" % (seed * 77, town.car.events)
        town.run(1000)
        assert town.stations[0].events[-1] == LINK_UP, "seed %d: %s" % (seed * 77, town.stations[0].events)
        eq(town.car.modem.nmk, town.stations[0].modem.nmk)


def test_one_to_nine_sounds():
    for n in range(1, 10):
        town = line({"sounds": n})
        town.run(20000, LINK_UP)
        eq(town.car.events[-1], LINK_UP)
        eq(town.stations[0].machine._trace.measured, [(CAR, n, bytes([20] * 58))])


def test_no_sounds_no_match():
    town = line({"sounds": 0, "attempts": 1})
    town.run(5000)
    eq((town.car.events, kinds(town, town.stations[0])), ([STARTED, FAILED], {0x6065: 1}))


def test_tool_with_one_start_and_a_fixed_run_id():
    town = line({"faults": ("one_start",), "run_id": CAR + b"\x00\x01"})
    town.run(20000, LINK_UP)
    eq(town.car.events[-1], LINK_UP)
    eq(kinds(town, town.car)[0x606A], 1)


def fault(*names, ms=4000):
    """A single attempt with faults; returns the line."""
    town = line({"faults": names, "attempts": 1})
    town.run(ms)
    return town


def test_wrong_run_id_gets_no_report():
    town = fault("wrong_run_id")
    eq((town.car.events, kinds(town, town.stations[0])), ([STARTED, FAILED], {0x6065: 1}))


def test_wrong_mac_gets_no_key():
    town = fault("wrong_mac")
    eq((town.car.events, kinds(town, town.stations[0])), ([STARTED, FAILED], {0x6065: 1, 0x606E: 1}))
    eq(kinds(town, town.car)[0x607C], 3)


def test_skipped_attenuation_gets_no_key():
    town = fault("skip_atten")
    eq((town.car.events, kinds(town, town.stations[0])), ([STARTED, FAILED], {0x6065: 1}))


def test_no_response_three_reports_and_no_key():
    town = fault("no_rsp")
    eq(town.car.events, [STARTED, FAILED])
    eq(kinds(town, town.stations[0]), {0x6065: 1, 0x606E: 3})


def test_replayed_match_is_answered_with_the_same_key():
    town = fault("replay_match", ms=6000)
    eq(town.car.events, [STARTED, MATCHED, LINK_UP])
    answers = [f for end, f in town.sent if f[15] == 0x7D]
    eq(len(answers), 2)
    eq(answers[0], answers[1])


def test_slow_car():
    town = fault("slow", ms=8000)
    eq(town.car.events, [STARTED, MATCHED, LINK_UP])


def test_car_that_validates():
    town = fault("validate", ms=6000)
    eq(town.car.events, [STARTED, MATCHED, LINK_UP])
    eq(kinds(town, town.stations[0])[0x6079], 1)


def test_car_that_validates_and_is_counted():
    town = line({"faults": ("validate",), "attempts": 1}, {"slac_validate": "count"})
    station = town.stations[0].machine
    asked = False
    for _ in range(9000):
        town.step()
        if station.wants_toggles:
            asked = True
            assert town.car.machine.toggling
        elif asked:
            asked = False
            station.toggles(2, town.now)
    eq(town.car.events, [STARTED, MATCHED, LINK_UP])
    results = [f[20:22] for end, f in town.sent if end is not town.car and f[15] == 0x79]
    eq(results, [b"\x00\x01", b"\x02\x02"])


def test_own_modem_of_the_car_takes_the_key_late():
    town = line()
    town.car.modem.results = [0, None, 1]
    town.run(20000, LINK_UP)
    eq((town.car.events, len(town.car.modem.set_keys)), ([STARTED, MATCHED, LINK_UP], 3))


def test_own_modem_of_the_car_never_takes_the_key():
    town = line({"attempts": 1})
    town.car.modem.results = [0] * 20
    town.run(12000)
    eq((town.car.events, len(town.car.modem.set_keys)), ([STARTED, MATCHED, MODEM_FAULT, FAILED], 5))
    eq(town.stations[0].events, [STARTED, MATCHED])
    town.run(6000)
    eq(evse.STATE_NAMES[town.stations[0].machine.state], "waiting")
    eq(town.stations[0].events, [STARTED, MATCHED, KEY_READY])  # the car had the key: there is another one


def test_nobody_there():
    town = line({"attempts": 2})
    town.stations[0].machine.plugged(False, town.now)
    town.run(30000)
    eq(town.car.events, [STARTED, STARTED, FAILED])
    eq(ev.STATE_NAMES[town.car.machine.state], "failed")
    eq(town.car.machine.due, None)


def test_car_takes_no_answer_that_is_not_for_it():
    """Each byte of the three answers in turn is wrong."""
    for kind in (0x65, 0x6E, 0x7D):
        town = line({"attempts": 1, "sounds": 2})
        while True:
            town.step()
            got = [f for _, end, f in town.flight if f[15] == kind]
            if got:
                break
        town.flight = []
        frame = got[0]
        last = {0x65: 44, 0x6E: 35, 0x7D: 23}[kind]
        for i in list(range(12)) + list(range(14, last)):
            if kind == 0x65 and 7 <= i < 12:
                continue  # another station
            data = bytearray(frame)
            data[i] ^= 0x41
            before = (town.car.machine.state, town.car.machine.drops)
            town.car.machine.rx(data, len(data), town.now)
            eq((town.car.machine.state, town.car.machine.drops), (before[0], before[1] + 1))
