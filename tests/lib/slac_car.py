"""A hand-driven car for tests of the station's matching: frames written by hand, and a station
ready for it."""

from firmware.app.config import merge
from firmware.clock import ticks_add
from firmware.slac.evse import Slac
from tests.lib.fake_modem import FakeModem, World, counting_rand, pad, profile
from tests.lib.notes import Notes

HOST = b"\x02\x00\x00\x00\x00\x01"
ALL = b"\xff" * 6
T0 = ticks_add(0, -300)


class Car:
    """Frames of one vehicle and run."""

    def __init__(self, mac=b"\x02\xca\x00\x00\x00\x09", run_id=b"\x02\xca\x00\x00\x00\x09\x00\x01"):
        self.mac = mac
        self.run_id = run_id

    def mme(self, to, kind, body, version=1):
        return pad(to + self.mac + b"\x88\xe1" + bytes([version, kind, 0x60]) + b"\x00\x00" + body)

    def parm(self):
        return self.mme(ALL, 0x64, b"\x00\x00" + self.run_id)

    def start(self):
        return self.mme(ALL, 0x6A, b"\x00\x00\x0a\x06\x01" + self.mac + self.run_id)

    def sound(self, left=9):
        body = b"\x00\x00" + bytes(17) + bytes([left]) + self.run_id + bytes(8) + bytes(range(16))
        return self.mme(ALL, 0x76, body)

    def profile(self, value=20):
        return profile(self.mac, value, HOST)

    def rsp(self):
        return self.mme(HOST, 0x6F, b"\x00\x00" + self.mac + self.run_id + bytes(34) + b"\x00")

    def match(self):
        body = b"\x00\x00\x3e\x00" + bytes(17) + self.mac + bytes(17) + HOST + self.run_id + bytes(8)
        return self.mme(HOST, 0x7C, body)

    def validate(self, signal=0, timer=0, result=1):
        return self.mme(HOST, 0x78, bytes([signal, timer, result]))

    def amp_map(self):
        return self.mme(HOST, 0x1C, b"\x95\x03" + bytes(40), 2)


def station(cfg=None, plugged=True, rand=None):
    """A World whose modem has its key; a car is plugged in 3 s after boot. Events of the boot are
    taken."""
    w = World(Slac(merge(cfg or {}), HOST, rand or counting_rand(), Notes()), FakeModem(HOST), T0)
    w.trace = w.machine._trace
    w.machine.start(T0)
    w.sleep(3000)
    w.events.clear()
    if plugged:
        w.machine.plugged(True, w.now)
    return w


def sounding(w, car, profiles=10):
    """Parameters, START and sounds, 20 ms apart; returns the answer to the parameters."""
    answer = w.rx(car.parm())
    w.sleep(50)
    for _ in range(3):
        w.rx(car.start())
        w.sleep(20)
    for i in range(profiles):
        w.rx(car.sound(9 - i))
        w.rx(car.profile())
        w.sleep(20)
    return answer


def exchange(w, car, profiles=10):
    """As sounding(), and the exchange of attenuation; returns the station's report."""
    sounding(w, car, profiles)
    report = w.wait(0x6E)
    assert report[:6] == car.mac
    w.rx(car.rsp())
    return report


def matched(w, car):
    """Up to the key; returns MATCH.CNF."""
    exchange(w, car)
    w.sleep(900)
    return w.rx(car.match())[0]


def linked(w, car):
    matched(w, car)
    w.modem.link = 1
    w.sleep(1500)
