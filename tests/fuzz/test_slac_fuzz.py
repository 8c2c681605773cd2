"""Random and mutated frames into the station's matching (R-LINK-26): no exception, no key, no event
that was not earned."""

from firmware.slac import evse
from firmware.slac.evse import MATCHED, STARTED
from tests.lib.amount import EMULATED, amount, each
from tests.lib.mtest import eq
from tests.lib.slac_car import HOST, Car, matched, station

SLOW = True
BARE = True
TIMEOUT_S = 600
ROUNDS = amount(4, soak=200, bare=2)
FRAMES = 1500 if EMULATED else 25000  # per round


def dice(seed):
    state = seed * 7919 % 1048573
    while True:
        state = (state * 1103 + 12345) % 1048573
        yield state >> 4


def mutated(frame, d):
    """One to three bytes changed, or cut, or longer."""
    data = bytearray(frame)
    for _ in range(1 + next(d) % 3):
        data[next(d) % len(data)] = next(d) & 0xFF
    how = next(d) % 8
    if how == 0:
        return data[: next(d) % len(data)]
    if how == 1:
        return data + bytes(next(d) % 200)
    return data


def noise(d):
    data = bytearray([next(d) & 0xFF for _ in range(next(d) % 140)])
    if next(d) & 1 and len(data) >= 19:
        data[:6] = HOST
        data[12:14] = b"\x88\xe1"
        data[14] = next(d) % 3
        data[15] = next(d) & 0xFF
        data[16] = 0x60 if next(d) & 1 else 0xA0
        data[17:19] = b"\x00\x00"
    return data


def messages(car):
    return (car.parm(), car.start(), car.sound(), car.profile(), car.rsp(), car.match(), car.validate(), car.amp_map())


def attack(w, d, count, good):
    for _ in range(count):
        frame = mutated(good[next(d) % len(good)], d) if next(d) & 3 else noise(d)
        w.machine.rx(frame, len(frame), w.now)
        if next(d) % 16 == 0:
            w.sleep(next(d) % 300)
        else:
            w.flush()
        if len(w.sent) > 50:
            check_no_key(w)
            w.sent = []
        w.trace.notes = []


def check_no_key(w):
    for _, frame in w.sent:
        assert w.modem.nmk not in frame


def test_random_frames_never_get_the_key():
    """The profiles come from the attacker too, the response and the request never whole: nothing
    leads to a match."""

    def run(seed):
        d = dice(seed)
        w = station()
        car = Car()
        attack(w, d, FRAMES, messages(car)[:4])
        check_no_key(w)
        eq([e for e in w.events if e not in (STARTED, evse.FAILED)], [])
        w.sleep(12000)
        eq(w.machine.due, None)

    each(ROUNDS, run)


def test_a_matched_car_is_not_disturbed():
    def run(seed):
        d = dice(seed + 100)
        w = station()
        car = Car()
        matched(w, car)
        w.modem.link = 1
        w.sleep(1000)
        w.sent = []
        other = Car(b"\x02\xca\x00\x00\x00\x0b", b"TESLA EV")
        attack(w, d, FRAMES // 5, messages(other) + messages(Car(car.mac, b"\x01" * 8)))
        check_no_key(w)
        eq((evse.STATE_NAMES[w.machine.state], w.events[:2]), ("linked", [STARTED, MATCHED]))
        eq(len(w.modem.set_keys), 1)

    each(ROUNDS, run)
