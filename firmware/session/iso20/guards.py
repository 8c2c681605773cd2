"""What must hold for a request that uses the power path. A row of `steps.STEPS` names its guards."""

from codec.slots import ResponseCode
from firmware.session.facts import PeerError

_CONTACTOR_FAULTS = (1, 2)  # stuck open, welded (drivers/contactor.py)


def no_fault(f):
    """A fault of the station ends the session; only SessionStop is still served (R-STATUS-07)."""
    if f.fault:
        if f.fault in _CONTACTOR_FAULTS:
            raise PeerError(ResponseCode.FAILED_ContactorError, "contactor fault")
        raise PeerError(ResponseCode.FAILED, "station fault")


def pilot_kept(f):
    """R-DC-SAFETY-07: once the pilot has left state C the phase is over. A stop that follows is an orderly one (R-POWER-10)."""
    if f.cut:
        raise PeerError(ResponseCode.FAILED, "pilot left state C")


NOTHING = ()
NO_FAULT = (no_fault,)
POWER = (no_fault, pilot_kept)
