"""The simulated car against the station machine, in simulated time (10 to 30 s each)."""

from tests.lib.plug import Plug

HEAP_KB = 600  # the station and the car; the station alone is tested in 200 kB

# slots: begin (make gen)
# slots: end


def session(ev, station=None, script=()):
    plug = Plug(ev, station or {})
    plug.script = list(script)
    car = plug.run()
    hw = plug.world.hw
    assert not hw.contactor and hw.w == 0 and hw.path_off, "power is not off at the end"
    return plug, car


def test_eight_combinations():
    for service in ("AC", "AC_BPT", "DC", "DC_BPT"):
        for control in ("dynamic", "scheduled"):
            plug, car = session(
                {"service": service, "control": control, "loops": 20, "max_charge_w": 11000}, {"setpoint_w": 5000}
            )
            assert car.ok, "%s %s: %s" % (service, control, car.why)
            assert car.loops == 20 and plug.world.trace.notes[-1] == "session ended by the car"
            assert car.battery.energy_in_wms > 0


def test_energy_both_ways_dc_bpt():
    """+20 kW, then -15 kW: both sides count the same energy, within the meter's whole Wh and the loop pace."""
    script = [(3000, lambda p: p.world.power.set_setpoint_w(-15000))]
    plug, car = session(
        {"service": "DC_BPT", "capacity_wh": 2000, "duration_ms": 20000, "max_charge_w": 30000},
        {"setpoint_w": 20000, "power_ramp_w_per_s": 40000},
        script,
    )
    assert car.ok, car.why
    hw = plug.world.hw
    assert plug.most_w > 19000 and plug.least_w < -14000
    assert hw.charged_wh > 0 and hw.discharged_wh > 50
    assert abs(car.battery.energy_out_wms // 3600000 - hw.discharged_wh) <= 2 + hw.discharged_wh // 20


def test_ac_bpt_follows_the_target():
    script = [(4000, lambda p: p.world.power.set_setpoint_w(-7000))]
    _, car = session({"service": "AC_BPT", "duration_ms": 8000, "max_charge_w": 11000}, {"setpoint_w": 7000}, script)
    assert car.ok and car.battery.energy_out_wms > 0 and car.battery.energy_in_wms > 0


def test_scheduled_bpt_discharges_in_its_second_half():
    for service in ("AC_BPT", "DC_BPT"):
        _, car = session({"service": service, "control": "scheduled", "loops": 40, "max_charge_w": 11000})
        assert car.ok, car.why
        assert car.battery.energy_out_wms > 0


def test_station_stop():
    plug, car = session({"service": "DC_BPT"}, {"stop_after_loops": 7, "setpoint_w": 1000})
    assert car.ok and car.told_to_stop and car.loops == 7
    assert plug.world.trace.notes == ["session ended by the station"]


def test_falls_back_to_plain_service():
    for service in ("AC", "DC"):
        _, car = session({"service": service + "_BPT", "loops": 5}, {"services": [service]})
        assert car.ok and not car.bpt and car.service == (1 if service == "AC" else 2)


def test_stops_when_full_and_does_not_discharge_below_its_floor():
    _, car = session({"service": "DC", "capacity_wh": 100, "soc": 88, "target_soc": 90}, {"setpoint_w": 10000})
    assert car.ok and car.battery.soc >= 90
    _, car = session({"service": "DC_BPT", "soc": 5, "min_soc": 10, "loops": 20}, {"setpoint_w": -10000})
    assert car.ok and car.battery.energy_out_wms == 0


def test_slow_station():
    """Authorisation, schedule and cable check take seconds: the car polls at its pace and goes on."""
    _, car = session(
        {"service": "DC_BPT", "loops": 3}, {"eim_delay_ms": 3000, "schedule_delay_ms": 2000, "cable_check_ms": 5000}
    )
    assert car.ok


def test_faults_end_with_power_off():
    """Whatever the car does wrong in the loop, the station's contactor opens."""
    for fault, why in (
        ("wrong_session", "FAILED_UnknownSession"),
        ("wrong_mode", "FAILED"),
        ("out_of_order", "FAILED_SequenceError"),
        ("silence", "connection lost"),
    ):
        plug, car = session({"service": "DC_BPT", "loops": 50, "fault": fault}, {"setpoint_w": 5000})
        assert not car.ok and why in car.why, (fault, car.why)
        assert plug.world.secc.session_over


def test_no_common_protocol():
    _, car = session({"service": "AC"}, {"services": ["DC"]})
    assert not car.ok and "none of our protocols" in car.why
