"""Rounds of hostile input for everything that takes bytes from outside, each from its own seed.

What is mutated are frames and messages of a run that went well. Checksums are set right again in
half of the frames, so that what lies behind them is reached, and TCP segments are moved to where
the station expects them.
"""

import gc

from drivers.qca_frame import LEAD, RDBUF_MAX, Decoder
from firmware.app import plug_steps as sup
from firmware.clock import ticks_add, ticks_diff
from firmware.session.states import FAILED, IDLE
from host_tools.ev import car as ev
from host_tools.ev import states
from tests.lib import packets
from tests.lib.packets import ones_sum
from tests.lib.plant import Plant
from tests.lib.plug import Plug
from tests.lib.slac_car import Car as SlacCar
from tests.lib.world import World

_SEED = 3  # of every plant: MACs, keys, run ids and ports are those of the recording
_SERVICES = ["DC_BPT", "AC_BPT"]


class Dice:
    def __init__(self, seed):
        self._state = seed * 7919 % 1048573 or 1

    def __call__(self, n):
        self._state = (self._state * 1103 + 12345) % 1048573
        return (self._state >> 4) % n


def mutate(data, d):
    """One to four bytes changed, cut, longer, or a piece doubled; now and then as it was."""
    data = bytearray(data)
    how = d(16)
    if not data or how == 0:
        return data
    for _ in range(1 + d(4)):
        at = d(len(data))
        data[at] = (d(256), 0, 0xFF, data[at] ^ 1 << d(8))[d(4)]
    if how == 1:
        return data[: d(len(data))]
    if how == 2:
        return data + bytes(d(200))
    if how == 3:
        at = d(len(data))
        return data[:at] + data[at // 2 : at] + data[at:]
    return data


def repair(frame):
    """Make length and checksum of an IPv6 frame right again, if it is still one."""
    if len(frame) < 62 or frame[12] != 0x86 or frame[13] != 0xDD:
        return
    place = {6: 16, 17: 6, 58: 2}.get(frame[20])
    size = len(frame) - 54
    if place is None or size < place + 2:
        return
    given = frame[18] << 8 | frame[19]
    if given <= size:
        size = given
    if size < place + 2:
        return
    frame[18], frame[19] = size >> 8, size & 0xFF
    at = 54 + place
    frame[at] = frame[at + 1] = 0
    pseudo = bytes(frame[22:54]) + size.to_bytes(4, "big") + bytes((0, 0, 0, frame[20]))
    value = ones_sum(pseudo + bytes(frame[54 : 54 + size])) ^ 0xFFFF
    frame[at], frame[at + 1] = value >> 8, value & 0xFF


def to_place(frame, conn):
    """Move a TCP segment to the window of a connection."""
    if len(frame) >= 74 and frame[20] == 6:
        frame[58], frame[59] = conn._hi >> 8, conn._hi & 0xFF
        frame[60], frame[61] = conn._lo >> 8, conn._lo & 0xFF
        frame[54], frame[55] = conn.remote_port >> 8, conn.remote_port & 0xFF
        frame[56], frame[57] = conn.local_port >> 8, conn.local_port & 0xFF


# -- what went well


class Record:
    """Frames of a good run: to the station, to the car's matching, and bursts of the chip. Each
    once for its kind and length, so that rare ones are not lost among the many."""

    def __init__(self):
        self.station = []
        self.car = []
        plant = Plant(seed=_SEED, services=_SERVICES, setpoint_w=4000)
        seen = set()
        rx = plant.charger.rx
        plant.charger.rx = self._keeping(self.station, rx, seen)
        car = plant.plug(loops=3, slac_fault="validate")
        car.slac.rx = self._keeping(self.car, car.slac.rx, set())
        plant.run(car)
        assert car.ok, car.why
        self.station += _unasked(bytes(plant.charger.slac.mac), car.slac.mac)

    def _keeping(self, kept, call, seen):
        def kept_rx(buf, n, now):
            key = (bytes(buf[12:17]), n, buf[20], buf[67] if n > 67 else 0)
            if key not in seen:
                seen.add(key)
                kept.append(bytes(memoryview(buf)[:n]))
            call(buf, n, now)

        return kept_rx


def _unasked(station_mac, car_mac):
    """What this car does not send: neighbour discovery, echo, extension headers, the map of
    amplitudes."""
    station_ip, car_ip = packets.link_local(station_mac), packets.link_local(car_mac)
    group = b"\xff\x02" + bytes(9) + b"\x01\xff" + station_ip[13:]
    option = b"\x01\x01" + car_mac

    def icmp(kind, body, dst=station_ip, src=car_ip, hop=255):
        data = packets.icmp(kind, body, src=src, dst=dst)
        return packets.frame(data, 58, src=src, dst=dst, hop=hop, mac_src=car_mac, mac_dst=station_mac)

    echo = icmp(128, bytes(40), hop=64)
    hop_by_hop = b"\x3a\x00\x05\x02\x00\x00\x01\x00"  # router alert
    size = len(echo) - 54 + 8
    return [
        icmp(135, bytes(4) + station_ip + option, group),
        icmp(135, bytes(4) + station_ip + option),
        icmp(135, bytes(4) + station_ip, group, bytes(16)),  # somebody proves our address
        icmp(136, b"\x60\x00\x00\x00" + car_ip + b"\x02\x01" + car_mac),
        icmp(136, b"\x20\x00\x00\x00" + station_ip + b"\x02\x01" + car_mac, packets.ALL_NODES),
        icmp(1, bytes(60)),
        icmp(143, bytes(24)),
        echo,
        echo[:18] + bytes((size >> 8, size & 255, 0)) + echo[21:54] + hop_by_hop + echo[54:],
        SlacCar(car_mac).amp_map(),
        SlacCar(car_mac).parm(),
    ]


_record = []


def record():
    if not _record:
        _record.append(Record())
    return _record[0]


# -- the whole station

UNPLUGGED, MATCHING, LINKED, SESSION, LOOP = range(5)
PHASES = 5


def bring(plant, phase):
    """A car in that phase, or None."""
    if phase == UNPLUGGED:
        plant.sleep(2500)
        return None
    car = plant.plug()
    reached = {
        MATCHING: lambda plant: car.phase == ev.MATCHING and car.slac.state == 2,
        LINKED: lambda plant: plant.charger.state == sup.LINKED,
        SESSION: lambda plant: car.phase == ev.SESSION and car.evcc.state == states.PARAMETERS,
        LOOP: lambda plant: car.phase == ev.SESSION and car.evcc.state == states.LOOP,
    }[phase]
    plant.until(reached, 60000)
    return car


def station(seed, count):
    """count frames into a station in one of its phases; then it must serve a car. Returns the
    frames."""
    d = Dice(seed)
    frames = record().station
    plant = Plant(seed=_SEED, services=_SERVICES, setpoint_w=4000)
    car = bring(plant, seed % PHASES)
    charger = plant.charger
    used = _heap()
    for i in range(count):
        frame = mutate(frames[d(len(frames))], d)
        conn = charger.net.conns[d(2)]
        if d(2):
            if d(2):
                to_place(frame, conn)
            repair(frame)
        n = len(frame) if len(frame) < 1518 else 1518
        charger.rx(frame, n, plant.now)
        if d(8) == 0:
            plant.sleep(d(60))
        if i % 100 == 99:
            _quiet(plant)
    _quiet(plant)
    grown = _heap() - used
    assert grown < 3000, "heap has grown by %d bytes" % grown
    if car is not None:
        car.unplug(plant.now)
        plant.sleep(6000)
        plant.remove(car)
    plant.sleep(4000)
    assert charger.state == sup.UNPLUGGED and not plant.board.contact.closed, sup.STATE_NAMES[charger.state]
    again = plant.plug(5, loops=2)
    plant.run(again)
    assert again.ok, ("the next car", again.why)
    _quiet(plant)
    return count


def _quiet(plant):
    """No fault of our own; an address conflict is one that hostile neighbours can make."""
    assert plant.safe.faults == 0, plant.trace.errors
    assert not [error for error in plant.trace.errors if error != "address conflict"], plant.trace.errors
    for drops in (plant.charger.net.drops, plant.charger.slac.drops):
        assert all([0 <= drop < 1 << 30 for drop in drops]), drops
    plant.trace.clear()
    plant.car_trace.clear()


def _heap():
    if not hasattr(gc, "mem_alloc"):
        return 0
    gc.collect()
    return gc.mem_alloc()


# -- the car's matching, the decoder of the driver


def car_matching(seed, count):
    """EvSlac in one of its states; nothing is asked of it but to stand it."""
    d = Dice(seed)
    frames = record().car
    plant = Plant(seed=_SEED, services=_SERVICES)
    car = plant.plug()
    wanted = 1 + seed % 7
    plant.until(lambda plant: car.slac.state >= wanted, 60000)
    for _ in range(count):
        frame = mutate(frames[d(len(frames))], d)
        car.slac.rx(frame, len(frame), plant.now)
        if d(16) == 0:
            plant.sleep(d(30))
    assert plant.safe.faults == 0, plant.trace.errors
    return count


def decoder(seed, count):
    """Frames in their framing, joined, mutated and cut into bursts of any length; what comes out is
    a frame."""
    d = Dice(seed)
    frames = record().station
    drops = [0] * 4
    machine = Decoder(drops)
    burst = machine.burst
    for _ in range(count):
        data = bytearray()
        for _ in range(1 + d(3)):
            frame = frames[d(len(frames))]
            n = len(frame)
            data.extend(bytes((0, 0, n + 10 >> 8, n + 10 & 255, 0xAA, 0xAA, 0xAA, 0xAA, n & 255, n >> 8, 0, 0)))
            data.extend(frame)
            data.extend(b"\x55\x55")
        data = mutate(data, d)
        at = 0
        while at < len(data):
            n = min(len(data) - at, RDBUF_MAX, 1 + d(900))
            burst[LEAD : LEAD + n] = data[at : at + n]
            machine.feed(n)
            at += n
            got = machine.next()
            while got:
                assert 60 <= got <= 1518
                got = machine.next()
    return count


# -- the session


KINDS = (("DC_BPT", "dynamic"), ("DC_BPT", "scheduled"), ("AC_BPT", "dynamic"), ("AC_BPT", "scheduled"))


def session(seed, count):
    """Messages of a car, good up to one that is not; the power is off when the session is over."""
    d = Dice(seed)
    for _ in range(count):
        kind = d(len(KINDS))
        replay(kind, d, d(len(conversation(kind))), True)
    return count


def replay(kind, d, last, spoil):
    """The conversation up to message `last`, which is spoiled; the state of the session after
    it."""
    world = World(services=_SERVICES)
    script = conversation(kind)
    secc = world.secc
    now = world.now
    secc.start(now)
    out = bytearray(4200)
    for i in range(last + 1):
        wait_ms, data = script[i]
        if spoil and i == last:
            data = bytes(mutate(data, d))
        at = 0
        while at < len(data):
            n = min(len(data) - at, 512 if d(4) else 1 + d(40))
            secc.rx(data[at : at + n], n, now)
            at += n
        for _ in range(0, wait_ms + 20, 20):
            secc.poll(now)
            secc.tx(out)
            secc.event()
            now = ticks_add(now, 20)
    state = secc.state
    if state in (FAILED, IDLE):
        assert not world.contactor.driven, "contactor driven after the end"
    secc.lost(now)
    secc.poll(ticks_add(now, 200))
    assert not world.contactor.driven
    return state


_scripts = {}


def conversation(kind):
    """[(milliseconds to the next, message)] of a car in a good session."""
    if kind in _scripts:
        return _scripts[kind]
    service, control = KINDS[kind]
    plug = Plug({"service": service, "control": control, "loops": 3, "loop_pace_ms": 100}, {"services": _SERVICES})
    script = _scripts[kind] = []
    secc = plug.world.secc
    rx = secc.rx
    last = [None]

    def keep(buf, n, now):
        if script:
            script[-1] = (ticks_diff(now, last[0]), script[-1][1])
        last[0] = now
        script.append((0, bytes(buf[:n])))
        rx(buf, n, now)

    secc.rx = keep
    car = plug.run()
    assert car.ok, car.why
    return script
