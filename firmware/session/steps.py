"""The legal order of a session: ONE table (docs/design.md, what happens).

A row is (state, request, handler, states it may lead to). A pair that is not here is the sequence error
(R-ERRORS-01, [V2G20-459]). The state diagram of the manual is printed from it (`microv2g` docs, docs/session.md).
"""

from codec.slots import (
    MSG,
)
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

STEPS = (
    (SAP, MSG.supportedAppProtocolReq, setup.protocol, (SETUP, ENDED)),
    # A session that is joined again goes on with its parameters (R-SESSION-06).
    (SETUP, MSG.SessionSetupReq, setup.session, (AUTH_SETUP, PARAMETERS)),
    (AUTH_SETUP, MSG.AuthorizationSetupReq, setup.authorization_setup, (AUTH,)),
    (AUTH, MSG.AuthorizationReq, setup.authorization, (AUTH, DISCOVERY)),
    (DISCOVERY, MSG.ServiceDiscoveryReq, services.discovery, (SELECT,)),
    (SELECT, MSG.ServiceDetailReq, services.detail, (SELECT,)),
    (SELECT, MSG.ServiceSelectionReq, services.selection, (PARAMETERS,)),
    (PARAMETERS, MSG.AC_ChargeParameterDiscoveryReq, parameters.ac, (SCHEDULE,)),
    (PARAMETERS, MSG.DC_ChargeParameterDiscoveryReq, parameters.dc, (SCHEDULE,)),
    (SCHEDULE, MSG.ScheduleExchangeReq, schedule.exchange, (SCHEDULE, AC_START, CABLE_CHECK)),
    (CABLE_CHECK, MSG.DC_CableCheckReq, dc_phases.cable_check, (CABLE_CHECK, PRECHARGE)),
    (CABLE_CHECK, MSG.PowerDeliveryReq, power_delivery.before_power, (CABLE_CHECK, STOP)),
    (PRECHARGE, MSG.DC_PreChargeReq, dc_phases.precharge, (PRECHARGE,)),
    (PRECHARGE, MSG.PowerDeliveryReq, power_delivery.start, (PRECHARGE, DC_LOOP, STOP)),
    (AC_START, MSG.PowerDeliveryReq, power_delivery.start, (AC_START, AC_LOOP, STOP)),
    (AC_LOOP, MSG.AC_ChargeLoopReq, ac_loop.loop, (AC_LOOP,)),
    (AC_LOOP, MSG.PowerDeliveryReq, power_delivery.in_loop, (AC_LOOP, STOP)),
    (DC_LOOP, MSG.DC_ChargeLoopReq, dc_loop.loop, (DC_LOOP,)),
    (DC_LOOP, MSG.PowerDeliveryReq, power_delivery.in_loop, (DC_LOOP, WELDING)),
    (WELDING, MSG.DC_WeldingDetectionReq, dc_phases.welding, (WELDING,)),
    # SessionStop(Terminate) is taken in every established phase (R-STOP-02, D-05), Pause where a service is selected and the
    # cable is dead (R-STOP-08).
    (AUTH_SETUP, MSG.SessionStopReq, stop.stop, (ENDED,)),
    (AUTH, MSG.SessionStopReq, stop.stop, (ENDED,)),
    (DISCOVERY, MSG.SessionStopReq, stop.stop, (ENDED,)),
    (SELECT, MSG.SessionStopReq, stop.stop, (ENDED,)),
    (PARAMETERS, MSG.SessionStopReq, stop.stop_or_pause, (ENDED,)),
    (SCHEDULE, MSG.SessionStopReq, stop.stop_or_pause, (ENDED,)),
    (CABLE_CHECK, MSG.SessionStopReq, stop.stop, (ENDED,)),
    (PRECHARGE, MSG.SessionStopReq, stop.stop, (ENDED,)),
    (AC_START, MSG.SessionStopReq, stop.stop_or_pause, (ENDED,)),
    (AC_LOOP, MSG.SessionStopReq, stop.stop, (ENDED,)),
    (DC_LOOP, MSG.SessionStopReq, stop.stop, (ENDED,)),
    (WELDING, MSG.SessionStopReq, stop.stop_or_pause, (ENDED,)),
    (STOP, MSG.SessionStopReq, stop.stop_or_pause, (ENDED,)),
    # After a FAILED answer one SessionStop is still answered, everything else is a sequence error (D-15).
    (FAILED, MSG.SessionStopReq, stop.stop, (ENDED,)),
)


def find(state, msg):
    """The row for a request in a state, or None = sequence error."""
    for row in STEPS:
        if row[0] == state and row[1] == msg:
            return row
    return None
