"""The legal order of an ISO 15118-20 session: ONE table. What the columns mean says
`firmware/session/dialects.py`.

A pair of state and request that is not here is the sequence error (R-ERRORS-01, R-SERVICES-02,
R-SCHEDULE-03); a handler that returns a state that its row does not have is our own fault.
docs/session.md is printed from this table.
"""

from codec.slots import (
    MSG,
    ResponseCode,
)
from firmware.session.codes import DC
from firmware.session.facts import PeerError
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
    STOPPING,
    WELDING,
)
from firmware.session.states import ENDED, FAILED
from micropython import const


def no_fault(f):
    """A fault of the station ends the session; only SessionStop is still served (R-STATUS-07)."""
    if f.station.fault:
        if f.station.contactor_fault:
            raise PeerError(ResponseCode.FAILED_ContactorError, "contactor fault")
        raise PeerError(ResponseCode.FAILED, "station fault")


def pilot_kept(f):
    """R-DC-SAFETY-07: once the pilot has left state C the phase is over. A stop that follows is an
    orderly one (R-POWER-10)."""
    if f.station.pilot_cut:
        raise PeerError(ResponseCode.FAILED, "pilot left state C")


def direct(f):
    """Only DC has a cable that carried the test voltage."""
    if f.session.current != DC:
        raise PeerError(ResponseCode.FAILED_SequenceError, "welding detection in AC")


def alternating(f):
    """The loop of the other current is out of order."""
    if f.session.current == DC:
        raise PeerError(ResponseCode.FAILED_SequenceError, "AC loop in DC")


NOTHING = ()
NO_FAULT = (no_fault,)
DC_NO_FAULT = (direct, no_fault)
AC_NO_FAULT = (alternating, no_fault)
POWER = (no_fault, pilot_kept)

# What the car's next request has time for: 60 s (R-TIMERS-01, -03), 0.5 s after the answer of a
# charge loop (R-TIMERS-02, -09), and after SessionStopRes the time in which the car closes TCP
# (R-STOP-03).
_NEXT = const("sequence_timeout_ms")
_LOOP = const("loop_sequence_timeout_ms")
_HOLD = const("tcp_hold_ms")

# SessionStop(Terminate) is taken in every established phase (R-STOP-02, D-05), and once after a
# FAILED answer, where everything else is a sequence error (D-15). Pause is taken where a service is
# selected and the cable is dead (R-STOP-08).
_TERMINABLE = (AUTH_SETUP, AUTH, DISCOVERY, SELECT, CABLE_CHECK, PRECHARGE, AC_LOOP, DC_LOOP, STOPPING, FAILED)
_PAUSABLE = (PARAMETERS, SCHEDULE, AC_START, WELDING, STOP)

STEPS = (
    # A session that is joined again goes on with its parameters (R-SESSION-06).
    ((SETUP,), MSG.SessionSetupReq, setup.session, NOTHING, (AUTH_SETUP, PARAMETERS), _NEXT),
    ((AUTH_SETUP,), MSG.AuthorizationSetupReq, setup.authorization_setup, NO_FAULT, (AUTH,), _NEXT),
    ((AUTH,), MSG.AuthorizationReq, setup.authorization, NO_FAULT, (AUTH, DISCOVERY), _NEXT),
    ((DISCOVERY,), MSG.ServiceDiscoveryReq, services.discovery, NO_FAULT, (SELECT,), _NEXT),
    ((SELECT,), MSG.ServiceDetailReq, services.detail, NO_FAULT, (SELECT,), _NEXT),
    ((SELECT,), MSG.ServiceSelectionReq, services.selection, NO_FAULT, (PARAMETERS,), _NEXT),
    ((PARAMETERS,), MSG.AC_ChargeParameterDiscoveryReq, parameters.ac, NO_FAULT, (SCHEDULE,), _NEXT),
    ((PARAMETERS,), MSG.DC_ChargeParameterDiscoveryReq, parameters.dc, NO_FAULT, (SCHEDULE,), _NEXT),
    ((SCHEDULE,), MSG.ScheduleExchangeReq, schedule.exchange, NO_FAULT, (SCHEDULE, AC_START, CABLE_CHECK), _NEXT),
    ((CABLE_CHECK,), MSG.DC_CableCheckReq, dc_phases.cable_check, POWER, (CABLE_CHECK, PRECHARGE), _NEXT),
    ((CABLE_CHECK,), MSG.PowerDeliveryReq, power_delivery.before_power, NO_FAULT, (CABLE_CHECK, STOP), _NEXT),
    ((PRECHARGE,), MSG.DC_PreChargeReq, dc_phases.precharge, POWER, (PRECHARGE,), _NEXT),
    ((PRECHARGE,), MSG.PowerDeliveryReq, power_delivery.start, NO_FAULT, (PRECHARGE, DC_LOOP, STOP, STOPPING), _NEXT),
    ((AC_START,), MSG.PowerDeliveryReq, power_delivery.start, NO_FAULT, (AC_START, AC_LOOP, STOP, STOPPING), _NEXT),
    ((AC_LOOP,), MSG.AC_ChargeLoopReq, ac_loop.loop, POWER, (AC_LOOP,), _LOOP),
    ((AC_LOOP,), MSG.PowerDeliveryReq, power_delivery.in_loop, NO_FAULT, (AC_LOOP, STOP), _NEXT),
    ((DC_LOOP,), MSG.DC_ChargeLoopReq, dc_loop.loop, POWER, (DC_LOOP,), _LOOP),
    ((DC_LOOP,), MSG.PowerDeliveryReq, power_delivery.in_loop, NO_FAULT, (DC_LOOP, WELDING), _NEXT),
    # Start was answered with Terminate (R-STATUS-06): a car that has read it goes on with Stop, welding
    # detection or SessionStop, one that has not with the loop.
    ((STOPPING,), MSG.AC_ChargeLoopReq, ac_loop.unpowered, AC_NO_FAULT, (STOPPING,), _LOOP),
    ((STOPPING,), MSG.DC_ChargeLoopReq, dc_loop.unpowered, DC_NO_FAULT, (STOPPING,), _LOOP),
    # Stopped before the loop, the cable of DC has carried the test voltage all the same; a second Stop
    # changes nothing (R-POWER-01).
    ((STOP, STOPPING), MSG.PowerDeliveryReq, power_delivery.again, NO_FAULT, (STOP,), _NEXT),
    ((STOP, STOPPING), MSG.DC_WeldingDetectionReq, dc_phases.welding, DC_NO_FAULT, (WELDING,), _NEXT),
    # Welding detection may be left out (R-DC-SAFETY-11).
    ((WELDING,), MSG.DC_WeldingDetectionReq, dc_phases.welding, NO_FAULT, (WELDING,), _NEXT),
    (_TERMINABLE, MSG.SessionStopReq, stop.stop, NOTHING, (ENDED,), _HOLD),
    (_PAUSABLE, MSG.SessionStopReq, stop.stop_or_pause, NOTHING, (ENDED,), _HOLD),
)
