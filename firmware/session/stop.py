"""SessionStop."""

from firmware.session import facts as _f
from firmware.session import reply
from firmware.session.facts import PeerError
from firmware.session.states import ENDED
from micropython import const

# slots: begin (make gen)
_MSG_SessionStopRes = const(41)
_SessionStopReq__ChargingSession = const(1)
_chargingSession__Pause = const(0)
_chargingSession__ServiceRenegotiation = const(2)
_responseCode__FAILED_NoServiceRenegotiationSupported = const(28)
_responseCode__FAILED_PauseNotAllowed = const(29)
# slots: end


def stop(f, req):
    """Terminate is taken in every phase and leaves the hardware safe before the answer (R-STOP-02)."""
    kind = req[_SessionStopReq__ChargingSession]
    f.ask = _f.ASK_OFF
    if kind == _chargingSession__ServiceRenegotiation:
        # Announced as not supported in ServiceDiscoveryRes (R-STOP-07).
        raise PeerError(_responseCode__FAILED_NoServiceRenegotiationSupported, "service renegotiation")
    if kind == _chargingSession__Pause:
        raise PeerError(_responseCode__FAILED_PauseNotAllowed, "pause is not configured")  # R-STOP-08
    if not f.path_off and f.waited_ms < f.cfg["off_timeout_ms"]:
        return None
    return reply.ok(f, _MSG_SessionStopRes), ENDED
