"""SupportedAppProtocol to ChargeParameterDiscovery and ScheduleExchange: choices and refusals."""

from codec import rational
from firmware.app import config
from firmware.session.codes import ASK_TEST, UNDECIDED
from host_tools.ev.requests import is_bpt, is_dc
from tests.lib.driver import AC, AC_BPT, DC, DC_BPT, DYNAMIC, MODES, SCHEDULED, SERVICES, START
from tests.lib.mtest import eq
from tests.lib.world import World

HEAP_KB = 200
from codec.slots import (
    AC_ChargeParameterDiscoveryRes,
    BPT_DC_CPDResEnergyTransferMode,
    ChargingSchedule,
    DC_ChargeParameterDiscoveryRes,
    MessageHeader,
    Parameter,
    ParameterSet,
    PowerSchedule,
    PowerScheduleEntry,
    PowerScheduleEntryList,
    Processing,
    ResponseCode,
    Scheduled_SEResControlMode,
    ScheduleExchangeRes,
    ScheduleTuple,
    Service,
    ServiceList,
    ServiceParameterList,
)

NS_DC = "urn:iso:std:iso:15118:-20:DC"


def sap(entries, **changes):
    """Entries are (service or namespace, priority, major, minor, schema id)."""
    w = World(**changes)
    w.connect()
    res = w.sap(*[w.protocol(e[0], priority=e[1], major=e[2], minor=e[3], schema_id=e[4]) for e in entries])
    return w, res.ResponseCode, res.SchemaID


OK = 0
MINOR = 1
NONE = 2


def test_priority_wins_over_order_r_sap_01():
    w, code, schema = sap([("urn:din:70121:2012:MsgDef", 1, 2, 0, 1), (DC, 3, 1, 0, 2), (AC, 2, 1, 0, 3)])
    assert (code, schema) == (OK, 3) and w.secc.facts.session.current == 0
    assert sap([(AC, 2, 1, 0, 5), (DC, 1, 1, 0, 6)])[1:] == (OK, 6)
    assert sap([(AC, 1, 1, 0, 5), (DC, 1, 1, 0, 6)])[1:] == (OK, 5)  # order breaks the tie


def test_only_what_is_offered_r_sap_01_d_09():
    assert sap([(AC, 1, 1, 0, 5), (DC, 2, 1, 0, 6)], services=["DC_BPT", "DC"])[1:] == (OK, 6)
    assert sap([(AC, 1, 1, 0, 5)], services=["DC"])[1:] == (NONE, None)
    assert sap([(AC, 1, 1, 0, 5)], services=["DC"], sap_filter_by_service=False)[1:] == (OK, 5)


def test_schema_id_is_echoed_r_sap_02():
    for schema in (0, 7, 250, 255):
        assert sap([(DC, 1, 1, 0, schema)])[1:] == (OK, schema)


def test_versions_r_sap_03():
    assert sap([(DC, 1, 1, 3, 9)])[1:] == (MINOR, 9)
    assert sap([(DC, 1, 2, 0, 9)])[1:] == (NONE, None)


def test_nothing_in_common_closes_r_sap_04():
    w, code, schema = sap([("urn:din:70121:2012:MsgDef", 1, 2, 0, 1)])
    assert (code, schema) == (NONE, None) and w.closed


def test_no_20_over_plain_tcp_r_sap_05():
    w, code, schema = sap([(DC, 1, 1, 0, 1)], allow_plain=False)
    assert (code, schema) == (NONE, None) and w.closed


def test_full_namespace_r_sap_06():
    for near in (NS_DC + "X", NS_DC[:-1], "urn:iso:std:iso:15118:-20:CommonMessages", NS_DC.lower(), ""):
        if near:
            assert sap([(near, 1, 1, 0, 1)])[1:] == (NONE, None)


def test_twenty_entries_r_sap_01():
    entries = [("urn:x:%d" % i, i, 1, 0, i) for i in range(1, 20)] + [(DC, 20, 1, 0, 20)]
    assert sap(entries)[1:] == (OK, 20)


def test_old_session_id_gives_a_new_one_r_session_04():
    for offered in (bytes(8), b"\x01" * 8, b"abcdefgh"):
        w = World()
        w.connect()
        w.sap()
        res = w.setup(offered)
        assert res.code == ResponseCode.OK_NewSessionEstablished
        assert w.sid not in (offered, bytes(8)) and res.EVSEID == "DE*MV2*E000001"


def test_header_r_session_02():
    w = World()
    w.to_authorized(DC)
    res = w.discovery()
    assert bytes(res.Header[MessageHeader.SessionID]) == w.sid
    assert res.Header[MessageHeader.TimeStamp] == 1800000000


def test_eim_only_r_auth_01_03():
    w = World()
    w.connect()
    w.sap()
    w.setup()
    res = w.authorization_setup()
    assert res.AuthorizationServices == [0]
    assert res.CertificateInstallationService is False
    assert res.EIM_ASResAuthorizationMode is not None
    assert res.PnC_ASResAuthorizationMode is None
    # R-AUTH-04, R-AUTH-07: a warning keeps the phase, EIM may follow
    assert w.authorization(1).code == ResponseCode.WARNING_AuthorizationSelectionInvalid
    assert w.authorization(0).code == ResponseCode.OK
    assert w.discovery().code == ResponseCode.OK


PERSON = Processing.Ongoing_WaitingForCustomerInteraction


def asked(w):
    """(code, processing) of one AuthorizationRes."""
    res = w.authorization()
    return res.code, res.EVSEProcessing


def authorize(w, token=None):
    return w.power.decide.authorize(w.now, token, "the operator")


def test_nobody_is_authorised_until_somebody_says_so_r_auth_05_16_17():
    """Open while nobody has decided, told as a wait for a person; ServiceDiscovery before is a
    sequence error (R-AUTH-07)."""
    w = World(authorization="operator")
    eq(w.to_authorized(DC).EVSEProcessing, PERSON)
    w.sleep(20000)
    eq(asked(w), (ResponseCode.OK, PERSON))
    w.power.decide.checking(w.now)
    eq(asked(w), (ResponseCode.OK, Processing.Ongoing))
    eq(authorize(w), "")
    eq(asked(w), (ResponseCode.OK, Processing.Finished))
    eq(w.discovery().code, ResponseCode.OK)
    w = World(authorization="operator")
    w.to_authorized(DC)
    assert w.discovery().code == ResponseCode.FAILED_SequenceError


def test_the_default_is_that_somebody_must_decide_r_auth_16():
    eq(config.defaults()["authorization"], "operator")
    w = World(authorization="free")
    eq(w.to_authorized(DC).EVSEProcessing, Processing.Finished)


def test_the_wait_ends_by_a_warning_and_a_later_yes_counts_r_auth_06_d_17_d_28():
    w = World(authorization="operator")
    w.to_authorized(DC)
    for _ in range(5):
        w.sleep(10900)
        eq(asked(w), (ResponseCode.OK, PERSON))
    w.sleep(500)
    eq(asked(w), (ResponseCode.WARNING_EIMAuthorizationFailure, Processing.Finished))
    eq(asked(w), (ResponseCode.OK, PERSON))  # another attempt
    w.sleep(50000)
    eq(asked(w), (ResponseCode.OK, PERSON))
    w.sleep(5000)
    eq(asked(w)[0], ResponseCode.WARNING_EIMAuthorizationFailure)
    authorize(w)
    eq(asked(w), (ResponseCode.OK, Processing.Finished))
    w = World(authorization="operator", eim_timeout_ms=5000)
    w.to_authorized(DC)
    w.sleep(5000)
    eq(asked(w)[0], ResponseCode.WARNING_EIMAuthorizationFailure)
    assert w.discovery().code == ResponseCode.FAILED_SequenceError


def test_a_no_is_a_warning_at_once_and_a_later_yes_counts_r_auth_06():
    w = World(authorization="operator")
    w.to_authorized(DC)
    w.power.decide.deny(w.now, "operator")
    for _ in range(3):
        eq(asked(w), (ResponseCode.WARNING_EIMAuthorizationFailure, Processing.Finished))
    eq(w.state, "Authorization")
    authorize(w)
    eq(asked(w), (ResponseCode.OK, Processing.Finished))


def test_who_stands_in_the_list_needs_nobody_r_auth_16():
    """A token, the EVCCID, the name in the certificate; who stands in none waits."""
    for changes, car, token, want in (
        (["WMIV1234567890ABCDEX"], (None, None), None, Processing.Finished),
        (["other", "CAR-7"], ("CAR-7", b"x" * 32), None, Processing.Finished),
        (["other"], ("CAR-7", b"x" * 32), None, PERSON),
        (["04A1B2"], (None, None), "04A1B2", Processing.Finished),
        (["04A1B2"], (None, None), "04A1B3", PERSON),
    ):
        w = World(authorization="list", authorized=changes)
        w.car = car
        if token:
            eq(authorize(w, token) == "", want == Processing.Finished)
        eq(w.to_authorized(DC).EVSEProcessing, want)
    # one that has gone authorises nobody
    w = World(authorization="list", authorized=["WMIV1234567890ABCDEX"])
    w.to_authorized(DC)
    w.secc.lost(w.now)
    w.power.decide.clear(w.now)
    w.sleep(1000)
    eq(w.power.decide.state, UNDECIDED)


def test_without_a_decision_nothing_is_energised_r_auth_16():
    """Whatever a session asks: the power path itself looks at the decision."""
    w = World(setpoint_w=5000, authorization="operator")
    w.connect()
    w.secc.facts.wanted.ask = ASK_TEST
    w.power.apply(w.secc.facts, w.now)
    w.sleep(200)
    assert not w.power.closed and w.dead
    w.power.basic(True, w.now)
    w.sleep(200)
    assert not w.power.closed and w.dead
    authorize(w)
    w.secc.facts.wanted.ask = ASK_TEST
    w.power.apply(w.secc.facts, w.now)
    w.sleep(200)
    assert w.power.closed


def services(res):
    items = res.EnergyTransferServiceList[ServiceList.Service]
    return [s[Service.ServiceID] for s in items]


def test_services_on_offer_r_services_12():
    w = World()
    w.to_authorized(AC)
    assert services(w.discovery()) == [5, 1]
    w = World(services=["DC", "DC_BPT"])
    w.to_authorized(DC)
    assert services(w.discovery()) == [2, 6]


def test_unidirectional_when_bpt_is_off():
    w = World(services=["AC", "DC"])
    w.to_authorized(DC)
    assert services(w.discovery()) == [2]
    assert w.detail(DC_BPT).code == ResponseCode.FAILED_ServiceIDInvalid


def test_service_filter_r_services_01_d_25():
    for ids, want in (([2], [2]), ([6, 9], [6]), ([99], [6, 2])):
        w = World()
        w.to_authorized(DC)
        assert services(w.discovery(ids)) == want


def names(s):
    return [p[Parameter.Name] for p in s[ParameterSet.Parameter]]


def test_parameter_sets_r_services_09_10_11():
    """Both control modes for every service, the right parameters, ids unique over all services
    (D-08)."""
    bpt = ["BPTChannel", "GeneratorMode"]
    base = ["Connector", "ControlMode", "MobilityNeedsMode", "Pricing"]
    want = {
        1: base + ["EVSENominalVoltage"],
        2: base,
        5: base + ["EVSENominalVoltage", "GridCodeIslandingDetectionMethod"] + bpt,
        6: base + bpt,
    }
    seen = []
    for service in want:
        w = World()
        w.to_authorized(service)
        w.discovery()
        res = w.detail(service)
        assert res.ServiceID == service
        sets = res.ServiceParameterList[ServiceParameterList.ParameterSet]
        modes = []
        for s in sets:
            assert sorted(names(s)) == sorted(want[service])
            seen.append(s[ParameterSet.ParameterSetID])
            for p in s[ParameterSet.Parameter]:
                if p[Parameter.Name] == "ControlMode":
                    modes.append(p[Parameter.intValue])
                if p[Parameter.Name] == "MobilityNeedsMode":
                    assert p[Parameter.intValue] == 1
        assert modes == [2, 1]
    assert len(set(seen)) == 8


def test_selection_is_a_pair_r_services_06_08():
    """The two codes are those of R-SERVICES-07 and D-14."""
    w = World()
    for service, set_id, code in (
        (6, 99, ResponseCode.FAILED_ServiceSelectionInvalid),
        (6, 3, ResponseCode.FAILED_ServiceSelectionInvalid),  # a set of service 2
        (5, 5, ResponseCode.FAILED_ServiceSelectionInvalid),  # AC service, DC protocol
        (65, 1, ResponseCode.FAILED_NoEnergyTransferServiceSelected),
    ):
        w.to_authorized(DC)
        w.discovery()
        assert w.select(service, set_id).code == code, (service, set_id)
        assert w.secc.facts.session.service == 0
        w.secc.lost(w.now)


def test_selection_without_detail_d_13():
    w = World()
    w.to_authorized(DC)
    w.discovery()
    assert w.select(DC_BPT, 7).code == ResponseCode.OK and w.secc.facts.session.dynamic


def test_parameters_must_fit_the_service_r_cpd_01():
    """Plain under BPT and BPT under plain, AC and DC; the refusal is in the kind of the service
    (R-CPD-02)."""
    for service in SERVICES:
        dc = is_dc(service)
        w = World()
        w.to_authorized(service)
        w.discovery()
        w.select(service, w.set_id(service, DYNAMIC))
        res = w.parameters({AC: AC_BPT, AC_BPT: AC, DC: DC_BPT, DC_BPT: DC}[service])
        assert res.code == ResponseCode.FAILED_WrongChargeParameter
        if dc:
            block = (
                DC_ChargeParameterDiscoveryRes.DC_CPDResEnergyTransferMode,
                DC_ChargeParameterDiscoveryRes.BPT_DC_CPDResEnergyTransferMode,
            )
        else:
            block = (
                AC_ChargeParameterDiscoveryRes.AC_CPDResEnergyTransferMode,
                AC_ChargeParameterDiscoveryRes.BPT_AC_CPDResEnergyTransferMode,
            )
        assert res.value[block[1 if is_bpt(service) else 0]] is not None


def test_contradictory_limits_r_cpd_03():
    """Ranges of both sides apart, and a minimum above the maximum (R-CPD-12)."""
    for max_v, min_v in ((100, 50), (2000, 1000), (300, 400)):
        w = World()
        w.to_authorized(DC)
        w.discovery()
        w.select(DC_BPT, w.set_id(DC_BPT, DYNAMIC))
        assert (
            w.parameters(DC_BPT, max_mv=max_v * 1000, min_mv=min_v * 1000).code
            == ResponseCode.FAILED_WrongChargeParameter
        )


def test_contradictory_powers_r_cpd_12():
    """Each direction and each current: a minimum above a maximum, a maximum of nothing, and limits
    of one side outside of the other's. A car that can do one way only is none."""
    bad = ResponseCode.FAILED_WrongChargeParameter
    for service, numbers, code in (
        (DC, {"max_charge_w": 0}, bad),
        (DC, {"max_charge_w": -5000}, bad),
        (DC, {"max_charge_ma": 0}, bad),
        (DC, {"max_charge_ma": 4000}, bad),  # the station has 5 A at least
        (DC, {"max_charge_w": 900}, bad),  # and 1 kW
        (DC, {"least_charge_w": 60_000, "max_charge_w": 70_000}, bad),
        (DC_BPT, {"least_discharge_w": 21_000}, bad),
        (DC_BPT, {"least_discharge_w": 31_000, "max_discharge_w": 40_000}, bad),
        (DC_BPT, {"max_discharge_w": 900}, bad),
        (DC_BPT, {"max_discharge_ma": 4000}, bad),
        (DC_BPT, {"max_discharge_ma": 0}, bad),
        (DC_BPT, {"max_charge_w": 0, "max_discharge_w": 0}, bad),
        (DC_BPT, {"max_charge_w": 0}, ResponseCode.OK),
        (DC_BPT, {"max_discharge_w": 0, "max_discharge_ma": 0}, ResponseCode.OK),
        (AC, {"max_charge_w": 0}, bad),
        (AC, {"max_charge_w": 900}, bad),
        (AC, {"lines_w": (300, 300, 300)}, bad),
        (AC, {"lines_w": (400, None, 400)}, ResponseCode.OK),  # of two lines two thirds
        (AC_BPT, {"least_discharge_w": 12_000, "max_discharge_w": 13_000}, bad),
        (AC_BPT, {"max_discharge_w": 900}, bad),
        (AC_BPT, {"max_discharge_w": 0}, ResponseCode.OK),
        (AC_BPT, {"max_charge_w": 0}, ResponseCode.OK),
    ):
        minima = {"%s_min_%s_w" % (c, d): 1000 for c in ("ac", "dc") for d in ("charge", "discharge")}
        w = World(dc_min_charge_ma=5000, dc_min_discharge_ma=5000, **minima)
        w.to_authorized(service)
        w.discovery()
        w.select(service, w.set_id(service, DYNAMIC))
        eq((service, numbers, w.parameters(service, **numbers).code), (service, numbers, code))


def test_discharge_limits_r_cpd_08_d_02():
    for negative, sign in ((False, 1), (True, -1)):
        w = World(negative_discharge_limits=negative)
        w.to_authorized(DC)
        w.discovery()
        w.select(DC_BPT, w.set_id(DC_BPT, DYNAMIC))
        # the car may send either sign too
        block = w.parameters(DC_BPT, max_discharge_w=-15000).value[
            DC_ChargeParameterDiscoveryRes.BPT_DC_CPDResEnergyTransferMode
        ]
        assert rational.to_int(block[BPT_DC_CPDResEnergyTransferMode.EVSEMaximumDischargePower]) == sign * 30000
        assert rational.to_milli(block[BPT_DC_CPDResEnergyTransferMode.EVSEMaximumDischargeCurrent]) == sign * 80000
        assert w.secc.facts.car.limits.discharge_w == 15000


def test_schedule_in_the_other_mode_r_schedule_02():
    for dynamic in MODES:
        w = World()
        w.to_authorized(DC)
        w.discovery()
        w.select(DC_BPT, w.set_id(DC_BPT, dynamic))
        w.parameters(DC_BPT)
        res = w.schedule(not dynamic)
        assert res.code == ResponseCode.FAILED
        assert (res.Dynamic_SEResControlMode is not None) == dynamic
        assert (res.Scheduled_SEResControlMode is not None) == (not dynamic)


def test_scheduled_tuples_r_schedule_04_05_09():
    """A real power in W, 24 h at least, a discharging schedule for BPT, prices for the cars that
    want them (D-06)."""
    for setpoint_w, service, watts, out in (
        (60_000, AC, 11040, None),
        (60_000, DC, 50000, None),
        (60_000, AC_BPT, 11040, 0),
        (60_000, DC_BPT, 50000, 0),
        (-60_000, AC_BPT, 0, 11040),
        (-60_000, DC_BPT, 0, 30000),
        (2000, DC_BPT, 2000, 0),  # the operator's ceiling (R-SCHEDULE-10)
        (-3000, AC_BPT, 0, 3000),
        (-3000, DC, 0, None),
        (0, AC, 0, None),
    ):
        w = World(setpoint_w=setpoint_w)
        res = w.to_schedule(service, SCHEDULED)
        tuples = res.Scheduled_SEResControlMode[Scheduled_SEResControlMode.ScheduleTuple]
        assert len(tuples) == 1
        plan = tuples[0][ScheduleTuple.ChargingSchedule]
        power = plan[ChargingSchedule.PowerSchedule]
        entries = power[PowerSchedule.PowerScheduleEntries][PowerScheduleEntryList.PowerScheduleEntry]
        assert rational.to_int(entries[0][PowerScheduleEntry.Power]) == watts
        assert sum([e[PowerScheduleEntry.Duration] for e in entries]) >= 86400
        assert plan[ChargingSchedule.PriceLevelSchedule] is not None
        back = tuples[0][ScheduleTuple.DischargingSchedule]
        if out is None:
            assert back is None
        else:
            entries = back[ChargingSchedule.PowerSchedule][PowerSchedule.PowerScheduleEntries]
            entry = entries[PowerScheduleEntryList.PowerScheduleEntry][0]
            assert rational.to_int(entry[PowerScheduleEntry.Power]) == out
    w = World(send_price_schedule="never")
    res = w.to_schedule(AC, SCHEDULED)
    plan = res.Scheduled_SEResControlMode[Scheduled_SEResControlMode.ScheduleTuple][0]
    assert plan[ScheduleTuple.ChargingSchedule][ChargingSchedule.PriceLevelSchedule] is None


def test_schedule_ongoing_has_a_mode_block_r_schedule_01_03():
    for dynamic in MODES:
        w = World(schedule_delay_ms=1000)
        res = w.to_schedule(AC_BPT, dynamic)
        assert res.EVSEProcessing == Processing.Ongoing
        block = (ScheduleExchangeRes.Scheduled_SEResControlMode, ScheduleExchangeRes.Dynamic_SEResControlMode)
        assert res.value[block[1 if dynamic else 0]] is not None
        w.sleep(1000)
        assert w.schedule(dynamic).EVSEProcessing == Processing.Finished
        w = World(schedule_delay_ms=1000)
        w.to_schedule(AC_BPT, dynamic)
        assert w.power_delivery(START).code == ResponseCode.FAILED_SequenceError
