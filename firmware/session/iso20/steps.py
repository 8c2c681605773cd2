"""The legal order of an ISO 15118-20 session: ONE table. What the columns mean says `firmware/session/rows.py`.

A pair of state and request that is not here is the sequence error (R-ERRORS-01, [V2G20-459]); a handler that returns a
state that its row does not have is our own fault. docs/session.md is printed from this table.
"""

from codec.slots import (
    MSG,
)
from firmware.session.iso20 import (
    ac_loop,
    dc_loop,
    dc_phases,
    parameters,
    power_delivery,
    schedule,
    services,
    setup,
    stop,
)
from firmware.session.iso20.guards import NO_FAULT, NOTHING, POWER
from firmware.session.iso20.states import (
    AC_LOOP,
    AC_START,
    AUTH,
    AUTH_SETUP,
    CABLE_CHECK,
    DC_LOOP,
    DISCOVERY,
    PARAMETERS,
    PRECHARGE,
    SCHEDULE,
    SELECT,
    SETUP,
    STOP,
    WELDING,
)
from firmware.session.states import ENDED, FAILED

# What the car's next request has time for: 60 s, 0.5 s after the answer of a charge loop (R-TIMERS-01, R-TIMERS-02), and
# after SessionStopRes the time in which the car closes TCP (R-STOP-03).
NEXT = "sequence_timeout_ms"
LOOP = "loop_sequence_timeout_ms"
HOLD = "tcp_hold_ms"

STEPS = (
    # A session that is joined again goes on with its parameters (R-SESSION-06).
    (SETUP, MSG.SessionSetupReq, setup.session, NOTHING, (AUTH_SETUP, PARAMETERS), NEXT),
    (AUTH_SETUP, MSG.AuthorizationSetupReq, setup.authorization_setup, NOTHING, (AUTH,), NEXT),
    (AUTH, MSG.AuthorizationReq, setup.authorization, NOTHING, (AUTH, DISCOVERY), NEXT),
    (DISCOVERY, MSG.ServiceDiscoveryReq, services.discovery, NOTHING, (SELECT,), NEXT),
    (SELECT, MSG.ServiceDetailReq, services.detail, NOTHING, (SELECT,), NEXT),
    (SELECT, MSG.ServiceSelectionReq, services.selection, NOTHING, (PARAMETERS,), NEXT),
    (PARAMETERS, MSG.AC_ChargeParameterDiscoveryReq, parameters.ac, NOTHING, (SCHEDULE,), NEXT),
    (PARAMETERS, MSG.DC_ChargeParameterDiscoveryReq, parameters.dc, NOTHING, (SCHEDULE,), NEXT),
    (SCHEDULE, MSG.ScheduleExchangeReq, schedule.exchange, NOTHING, (SCHEDULE, AC_START, CABLE_CHECK), NEXT),
    (CABLE_CHECK, MSG.DC_CableCheckReq, dc_phases.cable_check, POWER, (CABLE_CHECK, PRECHARGE), NEXT),
    (CABLE_CHECK, MSG.PowerDeliveryReq, power_delivery.before_power, NO_FAULT, (CABLE_CHECK, STOP), NEXT),
    (PRECHARGE, MSG.DC_PreChargeReq, dc_phases.precharge, POWER, (PRECHARGE,), NEXT),
    (PRECHARGE, MSG.PowerDeliveryReq, power_delivery.start, NO_FAULT, (PRECHARGE, DC_LOOP, STOP), NEXT),
    (AC_START, MSG.PowerDeliveryReq, power_delivery.start, NO_FAULT, (AC_START, AC_LOOP, STOP), NEXT),
    (AC_LOOP, MSG.AC_ChargeLoopReq, ac_loop.loop, POWER, (AC_LOOP,), LOOP),
    (AC_LOOP, MSG.PowerDeliveryReq, power_delivery.in_loop, NO_FAULT, (AC_LOOP, STOP), NEXT),
    (DC_LOOP, MSG.DC_ChargeLoopReq, dc_loop.loop, POWER, (DC_LOOP,), LOOP),
    (DC_LOOP, MSG.PowerDeliveryReq, power_delivery.in_loop, NO_FAULT, (DC_LOOP, WELDING), NEXT),
    (WELDING, MSG.DC_WeldingDetectionReq, dc_phases.welding, NO_FAULT, (WELDING,), NEXT),
    # SessionStop(Terminate) is taken in every established phase (R-STOP-02, D-05), Pause where a service is selected and the
    # cable is dead (R-STOP-08).
    (AUTH_SETUP, MSG.SessionStopReq, stop.stop, NOTHING, (ENDED,), HOLD),
    (AUTH, MSG.SessionStopReq, stop.stop, NOTHING, (ENDED,), HOLD),
    (DISCOVERY, MSG.SessionStopReq, stop.stop, NOTHING, (ENDED,), HOLD),
    (SELECT, MSG.SessionStopReq, stop.stop, NOTHING, (ENDED,), HOLD),
    (PARAMETERS, MSG.SessionStopReq, stop.stop_or_pause, NOTHING, (ENDED,), HOLD),
    (SCHEDULE, MSG.SessionStopReq, stop.stop_or_pause, NOTHING, (ENDED,), HOLD),
    (CABLE_CHECK, MSG.SessionStopReq, stop.stop, NOTHING, (ENDED,), HOLD),
    (PRECHARGE, MSG.SessionStopReq, stop.stop, NOTHING, (ENDED,), HOLD),
    (AC_START, MSG.SessionStopReq, stop.stop_or_pause, NOTHING, (ENDED,), HOLD),
    (AC_LOOP, MSG.SessionStopReq, stop.stop, NOTHING, (ENDED,), HOLD),
    (DC_LOOP, MSG.SessionStopReq, stop.stop, NOTHING, (ENDED,), HOLD),
    (WELDING, MSG.SessionStopReq, stop.stop_or_pause, NOTHING, (ENDED,), HOLD),
    (STOP, MSG.SessionStopReq, stop.stop_or_pause, NOTHING, (ENDED,), HOLD),
    # After a FAILED answer one SessionStop is still answered, everything else is a sequence error (D-15).
    (FAILED, MSG.SessionStopReq, stop.stop, NOTHING, (ENDED,), HOLD),
)
