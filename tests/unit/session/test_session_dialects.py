"""Switches of the configuration away from their defaults, and what a session promises without being
asked for it."""

from codec import rational
from codec.slots import (
    AC_CPDResEnergyTransferMode,
    ChargingSchedule,
    Dynamic_AC_CLResControlMode,
    Dynamic_SEResControlMode,
    MessageHeader,
    Parameter,
    ParameterSet,
    PowerSchedule,
    PowerScheduleEntryList,
    Processing,
    ResponseCode,
    Scheduled_SEResControlMode,
    ScheduleTuple,
    Service,
    ServiceList,
    ServiceParameterList,
)
from firmware.clock import ticks_diff
from firmware.session.paused import same
from host_tools.ev import requests
from tests.lib.driver import AC, AC_BPT, DC, DC_BPT, DYNAMIC, RENEGOTIATE_SERVICE, SCHEDULED, SERVICES, START, STOP
from tests.lib.mtest import eq
from tests.lib.world import UNIX_S, World

HEAP_KB = 200


def parameter(service, name, **changes):
    """Values of a parameter in the sets of a service, each of them once."""
    w = World(**changes)
    w.to_authorized(service)
    w.discovery()
    sets = w.detail(service).ServiceParameterList[ServiceParameterList.ParameterSet]
    return sorted({p[Parameter.intValue] for s in sets for p in s[ParameterSet.Parameter] if p[Parameter.Name] == name})


def test_connector_of_ac_d_01():
    for service in (AC, AC_BPT):
        eq(parameter(service, "Connector"), [2])
        eq(parameter(service, "Connector", ac_connector_three_phase=3), [3])
        eq(parameter(service, "Connector", ac_phases=1, ac_connector_three_phase=3), [1])


def test_name_of_the_islanding_parameter_d_07():
    first, second = "GridCodeIslandingDetectionMethod", "DetectionMethodGridCodeIslanding"
    for name, other in ((first, second), (second, first)):
        eq(parameter(AC_BPT, name, islanding_param_name=name, islanding_method=2), [2])
        eq(parameter(AC_BPT, other, islanding_param_name=name), [])
        eq(parameter(AC, name, islanding_param_name=name), [])


def test_voltage_and_frequency_are_configured_ones_r_cpd_07():
    for volts, mhz in ((230, 50000), (120, 60000)):
        changes = {"ac_nominal_voltage_v": volts, "ac_frequency_mhz": mhz, "ac_max_charge_w": 7000}
        eq(parameter(AC, "EVSENominalVoltage", **changes), [volts])
        w = World(**changes)
        w.to_authorized(AC)
        w.discovery()
        w.select(AC, w.set_id(AC, DYNAMIC))
        block = w.parameters(AC).AC_CPDResEnergyTransferMode
        eq(rational.to_milli(block[AC_CPDResEnergyTransferMode.EVSENominalFrequency]), mhz)
        eq(rational.to_int(block[AC_CPDResEnergyTransferMode.EVSEMaximumChargePower]), 7000)


def test_one_phase_has_no_other_lines_r_cpd_05():
    """A station with one phase answers a car that speaks per line with the first line alone, in
    parameters and loop."""
    w = World(ac_phases=1, ac_max_charge_w=3680, setpoint_w=3000)
    w.to_authorized(AC)
    w.discovery()
    w.select(AC, w.set_id(AC, DYNAMIC))
    block = w.parameters(AC, lines_w=(3666, 3666, 3666)).AC_CPDResEnergyTransferMode
    eq(rational.to_int(block[AC_CPDResEnergyTransferMode.EVSEMaximumChargePower]), 3680)
    eq(block[AC_CPDResEnergyTransferMode.EVSEMaximumChargePower_L2], None)
    eq(block[AC_CPDResEnergyTransferMode.EVSEMaximumChargePower_L3], None)
    w.schedule(DYNAMIC)
    w.power_delivery(START)
    block = w.loop(AC, DYNAMIC).Dynamic_AC_CLResControlMode
    eq(rational.to_int(block[Dynamic_AC_CLResControlMode.EVSETargetActivePower]), 3000)
    eq(block[Dynamic_AC_CLResControlMode.EVSETargetActivePower_L2], None)


def test_meter_info_always_d_29():
    for always, want in ((False, [True, False, False]), (True, [True, True, True])):
        w = World(meterinfo_always=always)
        w.to_loop(AC_BPT, DYNAMIC)
        eq([w.loop(AC_BPT, DYNAMIC).MeterInfo is not None for _ in range(3)], want)


def listed(res):
    services = res.EnergyTransferServiceList[ServiceList.Service]
    return [s[Service.ServiceID] for s in services]


def test_services_do_not_grow_and_no_renegotiation_is_announced_r_services_03_04_r_stop_07():
    """The flag of ServiceDiscoveryRes and the answer of SessionStop say the same, in every session
    of a process."""
    w = World()
    for _ in range(3):
        w.to_authorized(DC)
        res = w.discovery()
        eq(listed(res), [6, 2])
        eq(res.ServiceRenegotiationSupported, False)
        eq(w.stop(RENEGOTIATE_SERVICE).code, ResponseCode.FAILED_NoServiceRenegotiationSupported)
        w.secc.lost(w.now)


def test_no_way_around_authorisation_r_stop_05():
    w = World()
    w.connect()
    w.sap()
    w.setup()
    eq(w.stop(RENEGOTIATE_SERVICE).code, ResponseCode.FAILED_NoServiceRenegotiationSupported)
    eq(w.discovery().code, ResponseCode.FAILED_SequenceError)


def test_details_of_what_is_not_offered_r_services_05():
    """The refusal has a list of parameters that is not empty: the schema asks for one."""
    for service in (0, 1, 3, 65, 99):
        w = World()
        w.to_authorized(DC)
        w.discovery()
        res = w.detail(service)
        eq(res.code, ResponseCode.FAILED_ServiceIDInvalid)
        assert res.ServiceParameterList[ServiceParameterList.ParameterSet]


def test_order_of_the_control_modes_r_services_13():
    """The configuration prefers one by its order; the car finds both."""
    for control, want in ((["dynamic", "scheduled"], [2, 1]), (["scheduled", "dynamic"], [1, 2])):
        for service in SERVICES:
            w = World(control=control)
            w.to_authorized(service)
            w.discovery()
            sets = w.detail(service).ServiceParameterList[ServiceParameterList.ParameterSet]
            modes = []
            for s in sets:
                modes += [
                    p[Parameter.intValue] for p in s[ParameterSet.Parameter] if p[Parameter.Name] == "ControlMode"
                ]
            eq(modes, want)


def test_channel_selection_is_taken_and_ignored_r_power_13():
    for channel in (None, 0, 1):
        w = World()
        w.to_start(AC_BPT, DYNAMIC)
        request = requests.power_delivery(w.says(), START, channel=channel)
        eq(w.request(request).code, ResponseCode.OK)
        assert w.power.closed
        eq(w.loop(AC_BPT, DYNAMIC).code, ResponseCode.OK)


def test_time_of_the_car_is_not_judged_r_session_12():
    for stamp in (0, 1, 1 << 32, (1 << 63) + 1):
        w = World()
        w.connect()
        w.sap()
        res = w.request(requests.session_setup(w.says(unix_s=stamp)))
        eq(res.code, ResponseCode.OK_NewSessionEstablished)
        eq(res.Header[MessageHeader.TimeStamp], UNIX_S)


def test_ids_are_compared_to_the_end_r_security_06():
    """As many octets are read of two that differ in the first one as of two that are equal."""

    class Octets:
        def __init__(self, *octets):
            self.octets = octets
            self.read = 0

        def __len__(self):
            return len(self.octets)

        def __getitem__(self, i):
            self.read += 1
            return self.octets[i]

    for other, equal in ((1, True), (9, False)):
        a, b = Octets(1, 2, 3, 4), Octets(other, 2, 3, 4)
        eq(same(a, b), equal)
        eq((a.read, b.read), (4, 4))
    eq(same(b"\x00" * 8, b"\x00" * 7), False)


def test_handshake_comes_first_and_once_r_sap_07():
    w = World()
    w.connect()
    eq(w.setup().code, ResponseCode.FAILED_SequenceError)
    w = World()
    w.to_authorized(DC)
    eq(w.sap().ResponseCode, 2)  # Failed_NoNegotiation: it has no other code
    eq(w.discovery().code, ResponseCode.FAILED_SequenceError)


def test_schedule_keeps_to_the_bounds_of_the_car_r_schedule_06():
    for service in SERVICES:
        res = World().to_schedule(service, SCHEDULED)
        tuples = res.Scheduled_SEResControlMode[Scheduled_SEResControlMode.ScheduleTuple]
        ids = [t[ScheduleTuple.ScheduleTupleID] for t in tuples]
        assert 1 <= len(ids) <= 3 and len(set(ids)) == len(ids), ids
        for t in tuples:
            for plan in (t[ScheduleTuple.ChargingSchedule], t[ScheduleTuple.DischargingSchedule]):
                if plan is not None:
                    power = plan[ChargingSchedule.PowerSchedule]
                    entries = power[PowerSchedule.PowerScheduleEntries][PowerScheduleEntryList.PowerScheduleEntry]
                    assert 1 <= len(entries) <= 12, entries  # what the car asked for


def test_dynamic_answers_have_no_needs_of_the_station_r_schedule_08():
    """Mobility needs mode 1: departure and states of charge are the car's business."""
    block = World().to_schedule(DC_BPT, DYNAMIC).Dynamic_SEResControlMode
    eq(block[Dynamic_SEResControlMode.DepartureTime], None)
    eq(block[Dynamic_SEResControlMode.MinimumSOC], None)
    eq(block[Dynamic_SEResControlMode.TargetSOC], None)


def test_schedule_that_never_comes_r_timers_08():
    """Ongoing for 55 s, then FAILED, before the car gives up at 60 s."""
    w = World(schedule_delay_ms=600000)
    res = w.to_schedule(DC_BPT, DYNAMIC)
    begin = w.now
    while res.code == ResponseCode.OK:
        eq(res.EVSEProcessing, Processing.Ongoing)
        w.sleep(1000)
        res = w.schedule(DYNAMIC)
    eq(res.code, ResponseCode.FAILED)
    assert 54000 <= ticks_diff(w.now, begin) <= 56000


def test_converter_is_steered_inside_both_limits_r_loop_09():
    """DC Dynamic: up to the car's 450 V with P / U, at most 125 A; down to the car's 300 V. At
    either end the stage itself lets nothing flow: it holds the voltage."""
    for setpoint_w, volts, want in (
        (20000, 400, (450000, 50000)),
        (60000, 320, (450000, 125000)),
        (20000, 450, (450000, 44444)),  # the stage holds the limit: it is at it
        (-12000, 400, (300000, -30000)),
        (-30000, 310, (300000, -64516)),
        (-12000, 300, (300000, -40000)),
    ):
        w = World(setpoint_w=setpoint_w)
        w.to_loop(DC_BPT, DYNAMIC)
        orders = []
        dc = w.hw.dc

        def heard(mv, ma, w, now, orders=orders, dc=dc):
            orders.append((mv, ma))
            dc(mv, ma, w, now)

        w.hw.dc = heard
        w.hw.battery_mv = volts * 1000  # what is measured counts (R-LOOP-15)
        w.sleep(100)
        eq(w.loop(DC_BPT, DYNAMIC, mv=volts * 1000).code, ResponseCode.OK)
        eq(orders[-1], want)


def test_welding_detection_tells_what_is_measured_r_dc_safety_10():
    """Any number of times; then only the end of the session."""
    w = World(setpoint_w=4000)
    w.to_loop(DC, DYNAMIC)
    w.loop(DC, DYNAMIC)
    eq(w.power_delivery(STOP).code, ResponseCode.OK)
    for mv in (55000, 31000, 12000, 0):
        w.hw.mv_in = w.hw.mv_out = mv
        res = w.welding()
        assert res.code == ResponseCode.OK and abs(rational.to_milli(res.EVSEPresentVoltage) - mv) < 5000
    eq(w.loop(DC, DYNAMIC).code, ResponseCode.FAILED_SequenceError)


def test_welding_detection_may_be_left_out_r_dc_safety_11():
    w = World(setpoint_w=4000)
    w.to_loop(DC, DYNAMIC)
    w.loop(DC, DYNAMIC)
    eq(w.power_delivery(STOP).code, ResponseCode.OK)
    eq(w.stop().code, ResponseCode.OK)
