"""From plug-in to unplug as it should be: whole station and whole cars in simulated time, frames
through SPI."""

from drivers.pilot import FIVE_PERCENT, X1
from firmware.app import plug_steps as sup
from firmware.clock import ticks_add, ticks_diff
from host_tools.ev import car as ev
from host_tools.ev.states import CABLE_CHECK, LOOP, PRECHARGE, START
from tests.lib import packets
from tests.lib.mtest import eq
from tests.lib.slac_car import Car as SlacCar
from tests.sim.bench import begin, in_session, served

HEAP_KB = 1000  # 64-bit; on 32 bits half: code of car and tests 110 kB, which is not frozen, a plant 65 kB, a car 36 kB
BARE_HEAP_KB = 600  # the same, frozen
TIMEOUT_S = 300


# -- sessions


def one(service, control, most_w, least_w, setpoint_w=4000):
    plant, watch = begin([service], setpoint_w=setpoint_w)
    car = plant.plug(service=service, control=control, loops=12)
    served(plant, watch, car)
    eq(watch.contact[0][1], False)
    assert any([closed for _, closed in watch.contact])
    # R-LINK-25, D-12: 5 % from before the matching to the unplug, whatever the session did.
    eq(watch.sequence(), [X1, FIVE_PERCENT, X1])
    eq(car.evcc.loops, 12)
    assert abs(plant.most_w - most_w) < 20 and abs(plant.least_w - least_w) < 20, (plant.most_w, plant.least_w)


def test_dc_bpt_dynamic_r_link_25():
    one("DC_BPT", "dynamic", 4000, 0)


def test_dc_bpt_scheduled_r_link_25():
    """The car wants 6 kW, and gives 6 kW in its second half: the set-point allows 4 kW, one way
    (R-SCHEDULE-10)."""
    one("DC_BPT", "scheduled", 4000, 0)
    one("DC_BPT", "scheduled", 0, -4000, -4000)


def test_ac_bpt_dynamic_r_link_25():
    one("AC_BPT", "dynamic", 4000, 0)


def test_ac_bpt_scheduled_r_link_25():
    one("AC_BPT", "scheduled", 4000, 0)
    one("AC_BPT", "scheduled", 0, -4000, -4000)


def test_discharge_dynamic():
    plant, watch = begin(["DC_BPT"], setpoint_w=-4000)
    served(plant, watch, plant.plug(loops=10))
    assert plant.least_w < -3900, plant.least_w


def test_two_cars_one_after_the_other_r_link_20():
    plant, watch = begin(["DC_BPT", "AC_BPT"], setpoint_w=4000)
    first = plant.plug(1, loops=3)
    served(plant, watch, first)
    second = plant.plug(2, service="AC_BPT", loops=3)
    served(plant, watch, second)
    assert first.slac.nmk != second.slac.nmk
    eq(plant.charger.plug_ins, 2)


def test_every_car_is_tested_for_insulation_r_dc_safety_03():
    """Also behind a car that passed and one that failed, and with a pilot that comes late: that
    car's result is not theirs."""
    plant, watch = begin(["DC_BPT"], setpoint_w=4000, cable_check_ms=2000)
    stage = plant.board.stage
    for number in range(1, 4):
        car = plant.plug(number, loops=3)
        plant.until(in_session(CABLE_CHECK), 60000)
        began = plant.now
        plant.until(lambda plant: plant.board.stage.mv_out >= 450000, 1000)
        if number == 2:
            stage.insulation_bad = True
            plant.run(car)
            assert car.why == "DC_CableCheckRes: FAILED", car.why
            stage.insulation_bad = False
            plant.remove(car)
            continue
        plant.until(in_session(PRECHARGE), 10000)
        assert ticks_diff(plant.now, began) >= 2000 and stage.mv_out < 60000, (
            ticks_diff(plant.now, began),
            stage.mv_out,
        )
        served(plant, watch, car)


def test_session_after_basic_charging_is_not_cut():
    plant, watch = begin(["AC"], slac_init_ms=1000, ef_retries=0)
    car = plant.plug(1, service="AC", iso15118=False, duration_ms=10000)
    plant.until(lambda plant: plant.board.contact.closed, 20000)
    plant.sleep(500)
    car.unplug(plant.now)
    plant.sleep(1500)
    plant.remove(car)
    served(plant, watch, plant.plug(2, service="AC", loops=3))


def test_fresh_key_within_a_second_of_the_unplug_r_link_20():
    plant, watch = begin(["AC_BPT"], setpoint_w=4000)
    car = plant.plug(service="AC_BPT", loops=3)
    plant.until(lambda plant: car.done, 60000)
    unplugged = plant.now
    plant.sleep(1000)
    changed, key = watch.keys[-1]
    assert key != car.slac.nmk and 0 <= ticks_diff(changed, unplugged) <= 1000, ticks_diff(changed, unplugged)
    eq(bytes(plant.charger.slac.modem.nmk), key)
    watch.check()


# -- before matching


def test_silence_without_a_car_r_link_01():
    plant, watch = begin(["DC_BPT"])
    heard = []

    def listen(data, to_station):
        if not to_station and len(data) > 8:
            heard.append(data)
        return [data]

    neighbour = SlacCar()
    listener = plant.plug(1)
    listener.unplug(plant.now)
    plant.cable.filter = listen
    plant.sleep(3000)
    for _ in range(5):
        plant.cable.inject(bytes(8) + neighbour.parm(), plant.now)
        plant.sleep(250)
    eq(heard, [])
    eq(plant.charger.state, sup.UNPLUGGED)
    plant.remove(listener)
    plant.plug(2, iso15118=False)
    plant.sleep(1500)
    plant.cable.inject(bytes(8) + neighbour.parm(), plant.now)
    plant.sleep(100)
    eq([data[8 + 15] for data in heard], [0x65])  # SLAC_PARM.CNF
    watch.check()


def test_silent_car_gets_two_pulses_then_rest_r_link_02_r_link_03():
    plant, watch = begin(["DC_BPT"])
    plant.sleep(2000)
    plugged = plant.now
    plant.plug(iso15118=False, patience_ms=600000)
    plant.sleep(300000)
    eq(watch.sequence(), [X1, FIVE_PERCENT, 0, X1, FIVE_PERCENT, 0, X1, FIVE_PERCENT])
    eq(plant.charger.state, sup.WAITING)
    assert all([ms >= 4000 for ms in watch.spans(0)]), watch.spans(0)
    # From plug-in, not from boot.
    eq([20000 <= ms <= 50000 for ms in watch.spans(FIVE_PERCENT)], [True, True])
    assert 20000 <= ticks_diff(watch.duties[2][0], plugged) <= 50000
    eq(watch.contact, watch.contact[:1])
    watch.check()


def test_waiting_station_takes_a_car_that_starts_late():
    plant, watch = begin(["DC_BPT"], slac_init_ms=1000, ef_retries=0)
    car = plant.plug(iso15118=False, loops=3)
    plant.until(lambda plant: plant.charger.state == sup.WAITING, 20000)
    plant.sleep(60000)
    car.cfg = dict(car.cfg, iso15118=True)
    served(plant, watch, car)


def test_silent_car_on_ac_falls_back_through_f_r_link_03_r_link_04():
    plant, watch = begin(["AC"], setpoint_w=5000)
    car = plant.plug(service="AC", iso15118=False)
    plant.until(lambda plant: plant.charger.state == sup.BASIC, 200000)
    # Two pulses to wake it, then 5 % is left as it must be when no link ever ran: through F.
    eq(watch.sequence()[:-1], [X1, FIVE_PERCENT, 0, X1, FIVE_PERCENT, 0, X1, FIVE_PERCENT, 0, X1])
    assert all([ms >= 4000 for ms in watch.spans(0)]), watch.spans(0)
    served(plant, watch, car)


def test_comms_had_begun_so_the_fallback_is_through_x1_r_link_04():
    plant, watch = begin(["AC"], setpoint_w=5000)
    car = plant.plug(service="AC", slac_fault="no_rsp")
    plant.until(lambda plant: plant.charger.state == sup.BASIC, 60000)
    eq(watch.sequence()[:-1], [X1, FIVE_PERCENT, X1])
    assert watch.spans(X1)[-1] >= 3000, watch.spans(X1)
    served(plant, watch, car)


# -- charging by the pilot alone


def test_basic_car_gets_its_duty_within_ten_seconds_and_charges():
    plant, watch = begin(["AC"], slac_init_ms=1000, ef_retries=0)
    plugged = plant.now
    car = plant.plug(service="AC", iso15118=False)
    plant.until(lambda plant: plant.charger.state == sup.BASIC, 20000)
    plant.sleep(100)
    tick, duty = watch.duties[-1]
    assert 100 <= duty <= 960 and ticks_diff(tick, plugged) <= 10000, (duty, ticks_diff(tick, plugged))
    plant.until(lambda plant: plant.board.contact.closed, 2000)
    eq(car.load[0], 882)
    plant.until(lambda plant: car.load[0] != 882, 20000)
    left_c = plant.now
    plant.until(lambda plant: not plant.board.contact.closed, 1000)
    assert ticks_diff(plant.now, left_c) <= 100, ticks_diff(plant.now, left_c)  # R-POWER-11
    served(plant, watch, car)
    eq(plant.most_w, 11040)


def test_modem_that_takes_no_key_leaves_basic_charging():
    plant, watch = begin(["AC"], setpoint_w=5000)
    plant.board.hpgp.mute = 1000
    car = plant.plug(service="AC")
    served(plant, watch, car)
    eq(car.why, "charged by the pilot alone")
    assert FIVE_PERCENT not in watch.sequence()


def test_dead_spi_leaves_basic_charging():
    plant, watch = begin(["AC"], setpoint_w=5000)
    plant.board.chip.stuck = 0
    plant.board.chip.stuck_for = 1 << 29
    car = plant.plug(service="AC")
    served(plant, watch, car)
    eq(car.why, "charged by the pilot alone")


# -- link and network


def request(mac):
    """Discovery request of a car to the group, as a frame."""
    src, dst = packets.link_local(mac), packets.ALL_NODES
    data = packets.udp(b"\x01\xfe\x90\x00\x00\x00\x00\x02\x10\x00", src=src, dst=dst)
    return packets.frame(data, 17, src=src, dst=dst, mac_src=mac)


def test_no_discovery_before_the_link_r_sdp_01():
    plant, watch = begin(["DC_BPT"])
    answers = []
    plant.charger.net.sdp.answer = count(plant.charger.net.sdp.answer, answers)
    car = plant.plug(loops=2)
    frame = request(b"\x02EV\x00\x00\x02")
    sent = 0
    while plant.charger.state != sup.LINKED:
        plant.board.hpgp._to_host(frame)
        sent += 1
        plant.sleep(50)
        assert ticks_diff(plant.now, ticks_add(0, 60000)) < 0
    assert sent > 20
    eq([n for n in answers if n], [])
    served(plant, watch, car)
    eq([n for n in answers if n], [28])


def count(call, kept):
    def counted(*args):
        kept.append(call(*args))
        return kept[-1]

    return counted


def link_without_session(service, end):
    """Matching as it should be, and not one IPv6 frame after it."""
    plant, watch = begin([service])
    plant.cable.filter = lambda data, to_station: [data] if len(data) < 22 or data[20] == 0x88 else []
    car = plant.plug(service=service, unplug_after_ms=60000, basic=False)
    plant.until(lambda plant: plant.charger.state == sup.LINKED, 20000)
    linked = plant.now
    key = watch.keys[-1][1]
    plant.until(lambda plant: plant.charger.state == end, 20000)
    assert abs(ticks_diff(plant.now, linked) - 18000) <= 5, ticks_diff(plant.now, linked)
    plant.sleep(3000)
    assert watch.keys[-1][1] != key
    watch.check()
    plant.cable.filter = None
    car.unplug(plant.now)
    plant.sleep(1500)
    plant.remove(car)
    served(plant, watch, plant.plug(2, service=service, loops=3))


def test_link_without_a_session_ends_after_18_s_r_sdp_08():
    link_without_session("DC", sup.WAITING)
    link_without_session("AC", sup.STEP)


def test_session_setup_in_time_keeps_the_link_r_sdp_08():
    plant, watch = begin(["DC"], authorization="operator")
    car = plant.plug(service="DC", loops=3)
    plant.until(lambda plant: plant.safe.established, 30000)
    plant.after(20000, lambda plant: plant.power.decide.authorize(plant.now, None, "the operator"))
    served(plant, watch, car)
    assert plant.trace.said("session ended by the car")


def test_lost_powerline_ends_the_session_r_link_24():
    plant, watch = begin(["DC_BPT"], setpoint_w=4000)
    car = plant.plug(unplug_after_ms=20000)
    plant.until(in_session(LOOP), 60000)
    plant.sleep(3000)
    assert plant.board.contact.closed
    key = watch.keys[-1][1]
    plant.cable.cut = True
    lost = plant.now
    plant.until(lambda plant: not plant.board.contact.closed, 1000)
    plant.until(lambda plant: plant.trace.said("link lost"), 8000)
    assert ticks_diff(plant.now, lost) <= 8000
    plant.sleep(10000)
    eq(len(plant.trace.said("slac: link lost")), 1)
    assert watch.keys[-1][1] != key and plant.charger.link.conn is None
    eq([conn.state for conn in plant.charger.net.conns], [0, 0])
    watch.check()
    plant.cable.cut = False
    plant.run(car)
    plant.remove(car)
    served(plant, watch, plant.plug(2, loops=3))


def test_modem_restart_ends_the_session_r_link_24():
    plant, watch = begin(["DC_BPT"], setpoint_w=4000)
    car = plant.plug()
    plant.until(in_session(LOOP), 60000)
    plant.sleep(2000)
    plant.board.hpgp.reboot(plant.now)
    plant.until(lambda plant: not plant.board.contact.closed, 550)
    plant.run(car)
    assert not car.ok
    eq(len(plant.trace.said("slac: link lost")), 1)
    watch.check()
    plant.remove(car)
    served(plant, watch, plant.plug(2, loops=3))


# -- pilot and power


def test_late_pilot_is_waited_for_r_power_10():
    for service, state in (("DC_BPT", CABLE_CHECK), ("AC_BPT", START)):
        plant, watch = begin([service], setpoint_w=4000)
        car = plant.plug(service=service, loops=10)
        plant.board.do_cp(["B"], plant.now)
        plant.until(in_session(state), 60000)
        late = plant.now
        plant.sleep(400)
        eq(plant.board.contact.closings, 0)
        plant.board.do_cp(["auto"], plant.now)
        plant.until(lambda plant: plant.board.contact.closed, 1000)
        assert ticks_diff(plant.now, late) > 400
        served(plant, watch, car)


def test_nothing_flows_before_start_was_accepted_r_power_11():
    plant, watch = begin(["AC"], setpoint_w=5000)
    car = plant.plug(service="AC", loops=5)
    plant.board.do_cp(["C"], plant.now)  # a car that is in C from the plug-in on
    plant.until(in_session(START), 60000)
    eq((plant.board.contact.closings, plant.most_w), (0, 0))
    plant.board.do_cp(["auto"], plant.now)
    served(plant, watch, car)


# -- again and again


def test_replug_of_the_same_car():
    plant, watch = begin(["DC_BPT"], setpoint_w=4000)
    car = plant.plug(loops=3)
    for _ in range(3):
        plant.run(car)
        assert car.ok, car.why
        plant.sleep(500)
        car.start(plant.now)
    served(plant, watch, car)
    eq(plant.charger.plug_ins, 4)


def test_car_starts_again_without_unplugging():
    plant, watch = begin(["DC_BPT"], setpoint_w=4000)
    car = plant.plug(loops=3, unplug_after_ms=60000)
    for _ in range(2):
        plant.until(lambda plant: car.phase == ev.OVER_, 60000)
        assert car.ok, car.why
        plant.sleep(2000)
        car.modem.reboot(plant.now)  # it leaves the network,
        car.modem._use(plant.rand(16))
        car.net.stop(plant.now)
        plant.until(lambda plant: plant.charger.slac.ready and plant.charger.state == sup.CALLING, 15000)
        car.start(plant.now)  # and begins at the beginning
    plant.until(lambda plant: car.phase == ev.OVER_, 60000)
    assert car.ok and plant.charger.plug_ins == 1, car.why
    eq(watch.sequence(), [X1, FIVE_PERCENT])
    car.unplug(plant.now)
    plant.sleep(1500)
    plant.remove(car)
    served(plant, watch, plant.plug(2, loops=3))
