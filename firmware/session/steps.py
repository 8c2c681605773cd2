"""The legal order of a session: ONE table (design.md 2).

A row is (state, request, handler, states it may lead to). A pair that is not here is the sequence error
(R-ERRORS-01, [V2G20-459]). The state diagram of the manual is printed from it (`microv2g` docs, docs/session.md).
"""

from firmware.session import ac_loop, dc_loop, dc_phases, parameters, power_delivery, schedule, services, setup, stop
from firmware.session.states import (
    AC_LOOP,
    AC_START,
    AUTH,
    AUTH_SETUP,
    CABLE_CHECK,
    DC_LOOP,
    DISCOVERY,
    ENDED,
    FAILED,
    PARAMETERS,
    PRECHARGE,
    SAP,
    SCHEDULE,
    SELECT,
    SETUP,
    STOP,
    WELDING,
)
from micropython import const

# slots: begin (make gen)
_MSG_AC_ChargeLoopReq = const(59)
_MSG_AC_ChargeParameterDiscoveryReq = const(61)
_MSG_AuthorizationReq = const(3)
_MSG_AuthorizationSetupReq = const(5)
_MSG_DC_CableCheckReq = const(81)
_MSG_DC_ChargeLoopReq = const(83)
_MSG_DC_ChargeParameterDiscoveryReq = const(85)
_MSG_DC_PreChargeReq = const(87)
_MSG_DC_WeldingDetectionReq = const(89)
_MSG_PowerDeliveryReq = const(24)
_MSG_ScheduleExchangeReq = const(30)
_MSG_ServiceDetailReq = const(32)
_MSG_ServiceDiscoveryReq = const(34)
_MSG_ServiceSelectionReq = const(36)
_MSG_SessionSetupReq = const(38)
_MSG_SessionStopReq = const(40)
_MSG_supportedAppProtocolReq = const(1)
# slots: end

STEPS = (
    (SAP, _MSG_supportedAppProtocolReq, setup.protocol, (SETUP, ENDED)),
    # A session that is joined again goes on with its parameters (R-SESSION-06).
    (SETUP, _MSG_SessionSetupReq, setup.session, (AUTH_SETUP, PARAMETERS)),
    (AUTH_SETUP, _MSG_AuthorizationSetupReq, setup.authorization_setup, (AUTH,)),
    (AUTH, _MSG_AuthorizationReq, setup.authorization, (AUTH, DISCOVERY)),
    (DISCOVERY, _MSG_ServiceDiscoveryReq, services.discovery, (SELECT,)),
    (SELECT, _MSG_ServiceDetailReq, services.detail, (SELECT,)),
    (SELECT, _MSG_ServiceSelectionReq, services.selection, (PARAMETERS,)),
    (PARAMETERS, _MSG_AC_ChargeParameterDiscoveryReq, parameters.ac, (SCHEDULE,)),
    (PARAMETERS, _MSG_DC_ChargeParameterDiscoveryReq, parameters.dc, (SCHEDULE,)),
    (SCHEDULE, _MSG_ScheduleExchangeReq, schedule.exchange, (SCHEDULE, AC_START, CABLE_CHECK)),
    (CABLE_CHECK, _MSG_DC_CableCheckReq, dc_phases.cable_check, (CABLE_CHECK, PRECHARGE)),
    (CABLE_CHECK, _MSG_PowerDeliveryReq, power_delivery.before_power, (CABLE_CHECK, STOP)),
    (PRECHARGE, _MSG_DC_PreChargeReq, dc_phases.precharge, (PRECHARGE,)),
    (PRECHARGE, _MSG_PowerDeliveryReq, power_delivery.start, (PRECHARGE, DC_LOOP, STOP)),
    (AC_START, _MSG_PowerDeliveryReq, power_delivery.start, (AC_START, AC_LOOP, STOP)),
    (AC_LOOP, _MSG_AC_ChargeLoopReq, ac_loop.loop, (AC_LOOP,)),
    (AC_LOOP, _MSG_PowerDeliveryReq, power_delivery.in_loop, (AC_LOOP, STOP)),
    (DC_LOOP, _MSG_DC_ChargeLoopReq, dc_loop.loop, (DC_LOOP,)),
    (DC_LOOP, _MSG_PowerDeliveryReq, power_delivery.in_loop, (DC_LOOP, WELDING)),
    (WELDING, _MSG_DC_WeldingDetectionReq, dc_phases.welding, (WELDING,)),
    # SessionStop(Terminate) is taken in every established phase (R-STOP-02, D-05), Pause where a service is selected and the
    # cable is dead (R-STOP-08).
    (AUTH_SETUP, _MSG_SessionStopReq, stop.stop, (ENDED,)),
    (AUTH, _MSG_SessionStopReq, stop.stop, (ENDED,)),
    (DISCOVERY, _MSG_SessionStopReq, stop.stop, (ENDED,)),
    (SELECT, _MSG_SessionStopReq, stop.stop, (ENDED,)),
    (PARAMETERS, _MSG_SessionStopReq, stop.stop_or_pause, (ENDED,)),
    (SCHEDULE, _MSG_SessionStopReq, stop.stop_or_pause, (ENDED,)),
    (CABLE_CHECK, _MSG_SessionStopReq, stop.stop, (ENDED,)),
    (PRECHARGE, _MSG_SessionStopReq, stop.stop, (ENDED,)),
    (AC_START, _MSG_SessionStopReq, stop.stop_or_pause, (ENDED,)),
    (AC_LOOP, _MSG_SessionStopReq, stop.stop, (ENDED,)),
    (DC_LOOP, _MSG_SessionStopReq, stop.stop, (ENDED,)),
    (WELDING, _MSG_SessionStopReq, stop.stop_or_pause, (ENDED,)),
    (STOP, _MSG_SessionStopReq, stop.stop_or_pause, (ENDED,)),
    # After a FAILED answer one SessionStop is still answered, everything else is a sequence error (D-15).
    (FAILED, _MSG_SessionStopReq, stop.stop, (ENDED,)),
)


def find(state, msg):
    """The row for a request in a state, or None = sequence error."""
    for row in STEPS:
        if row[0] == state and row[1] == msg:
            return row
    return None
