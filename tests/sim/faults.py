"""The vocabulary of the fault table: phases in which a fault comes, faults, and how one sees that
it came. Everything is a function of a plant and a car; the car is None while nothing is plugged in.
"""

from drivers.pilot import FIVE_PERCENT
from firmware.stage.faults import CONVERTER
from host_tools.ev import car as ev
from host_tools.ev import states
from host_tools.ev.stack import ClientConn
from tests.lib.packets import ones_sum

# -- phases


def idle(plant, car):
    return car is None


def phase(wanted):
    return lambda plant, car: car is not None and car.phase == wanted


def session(state):
    return lambda plant, car: car is not None and car.phase == ev.SESSION and car.evcc.state == state


def live_session(state):
    there = session(state)
    return lambda plant, car: there(plant, car) and plant.board.contact.closed


def sounding(plant, car):
    return car is not None and car.phase == ev.MATCHING and car.slac.state == 2


def in_loop(plant, car):
    """Power flows, and the car waits to send its next request."""
    return session(states.LOOP)(plant, car) and car.evcc.loops >= 5 and car.evcc._deadline is None


def precharging(plant, car):
    return session(states.PRECHARGE)(plant, car) and plant.board.stage.mv_out > 100000


def charging(plant, car):
    return car is not None and car.phase == ev.CHARGING and plant.board.contact.closed


# -- faults


def nothing(plant, car):
    pass


def stuck(value, transfers):
    def do(plant, car):
        plant.board.chip.stuck = value
        plant.board.chip.stuck_for = transfers

    return do


def unstick(plant, car):
    plant.board.chip.stuck = None
    plant.board.chip.stuck_for = 0


def reboot(plant, car):
    plant.board.chip.reboot(plant.now)


def lose_edges(n):
    def do(plant, car):
        plant.board.chip.lose_edges = n

    return do


def damage(kind):
    def do(plant, car):
        plant.board.chip.damage(kind)

    return do


def unplug(plant, car):
    car.unplug(plant.now)


def pilot(what):
    return lambda plant, car: plant.board.do_cp([what], plant.now)


def pilot_back(plant, car):
    plant.board.do_cp(["auto"], plant.now)


def reset(plant, car):
    car.net.conns[0].abort()


def close(plant, car):
    car.net.conns[0].close()


def cut(plant, car):
    plant.cable.cut = True


def join(plant, car):
    plant.cable.cut = False


def silence(plant, car):
    car.evcc.poll = lambda now: None


def window_0(plant, car):
    """Whatever the car sends says that it takes nothing more."""
    plant.cable.filter = lambda data, to_station: [_no_window(data)] if to_station else [data]


def filter_off(plant, car):
    plant.cable.filter = None


def _no_window(data):
    if len(data) < 82 or data[28] != 6 or data[20:22] != b"\x86\xdd":
        return data
    d = bytearray(data)
    size = d[26] << 8 | d[27]
    d[8 + 68] = d[8 + 69] = d[8 + 70] = d[8 + 71] = 0
    pseudo = bytes(d[30:62]) + size.to_bytes(4, "big") + b"\0\0\0\x06"
    value = ones_sum(pseudo + bytes(d[62 : 62 + size])) ^ 0xFFFF
    d[8 + 70], d[8 + 71] = value >> 8, value & 0xFF
    return bytes(d)


def second_connection(plant, car):
    net = car.net
    conn = ClientConn(net._iface, plant.rand)
    net.conns.append(conn)
    conn.connect(net.station_address, net.station_port, 0xD001)


def weld(plant, car):
    plant.board.contact.welded = True
    car.request_stop()


def contact_falls(plant, car):
    plant.board.contact.stuck_open = True


def feedback_breaks(plant, car):
    plant.board.contact.feedback_broken = True


def converter(plant, car):
    plant.board.stage.fault_bits = CONVERTER


def wrong(name):
    """A protective input says so."""
    return lambda plant, car: plant.board.do_input([name, "wrong"], plant.now)


def good(plant, car):
    plant.board.do_input(["IN1", "good"], plant.now)


def inputs_cleared(plant, car):
    good(plant, car)
    plant.sleep(1000)
    plant.charger.clear(plant.now)


def lock_lets_go(plant, car):
    plant.board.stage.locked = False
    plant.board.stage.lock_stuck = True


def lock_sticks(plant, car):
    plant.board.stage.lock_stuck = True


def lock_repaired(plant, car):
    plant.board.stage.lock_stuck = False
    plant.sleep(200)
    plant.charger.clear(plant.now)


def other_cable(plant, car):
    plant.board.do_pp(["680"], plant.now)


def insulation(plant, car):
    plant.board.stage.insulation_bad = True


def clear(plant, car):
    """Repaired, and said so."""
    contact, stage = plant.board.contact, plant.board.stage
    contact.welded = contact.stuck_open = contact.feedback_broken = stage.insulation_bad = False
    stage.fault_bits = 0
    plant.sleep(200)
    plant.charger.clear(plant.now)


def neighbour(plant, car):
    """A car on the next plug hears us and asks too; it is not on our plug."""
    other = plant.plug(7, plugged=False, service=car.cfg["service"], basic=False, unplug_after_ms=100)
    other.pilot(FIVE_PERCENT, plant.now)


# -- proofs


def drops(plant, car):
    return sum(plant.board.modem.drops) > 0


def missed(plant, car):
    return plant.board.modem.signature_errors > 0 or drops(plant, car) or plant.board.modem.resets > 0


def rebooted(plant, car):
    return plant.board.chip.boots >= 2 and bool(plant.trace.said("modem ready"))


def fault_code(code):
    return lambda plant, car: plant.power.fault == code


def heard_another(plant, car):
    return bool(plant.trace.said("another MAC"))


def said(text):
    return lambda plant, car: bool(plant.trace.said(text))


def sounds(n):
    return lambda plant, car: [m[1] for m in plant.trace.measured] == [n]
