"""SessionStop: the end of a session, or a pause."""

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
        _no_pause("pause out of phase")  # D-05, and with a live cable above all (R-STOP-08)
    if not f.path_off and f.waited_ms < f.cfg["off_timeout_ms"]:
        return None
    return reply.ok(f, _MSG_SessionStopRes), ENDED


def stop_or_pause(f, req):
    """In the phases behind a selected service in which nothing is energised yet, or nothing any more, the car may pause too.

    Confirmed only with the power path really off (R-STOP-08), and for a car that can prove later who it is (R-SESSION-05,
    D-24). Whether the station has proposed the pause, or the profile has 0 W, is not asked (D-26).
    """
    if req[_SessionStopReq__ChargingSession] != _chargingSession__Pause:
        return stop(f, req)
    f.ask = _f.ASK_OFF
    if not f.cfg["pause_allowed"]:
        _no_pause("pause is not configured")
    if f.leaf is None:
        _no_pause("pause of a car without a certificate")
    if f.fault:
        _no_pause("pause with a station fault")
    if f.stop_wish:
        _no_pause("pause where the station ends the session")
    if not f.path_off:
        if f.waited_ms < f.cfg["off_timeout_ms"]:
            return None
        _no_pause("pause with a live cable")
    f.pausing = True
    return reply.ok(f, _MSG_SessionStopRes), ENDED


def _no_pause(why):
    raise PeerError(_responseCode__FAILED_PauseNotAllowed, why)
