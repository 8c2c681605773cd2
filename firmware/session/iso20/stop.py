"""SessionStop: the end of a session, or a pause."""

from codec.slots import (
    MSG,
    ChargingSession,
    ResponseCode,
    SessionStopReq,
)
from firmware.session.codes import ASK_STOP, WAIT
from firmware.session.facts import PeerError
from firmware.session.iso20 import messages
from firmware.session.states import ENDED


def stop(f, req):
    """Terminate is taken in every phase and leaves the hardware safe before the answer (R-STOP-01,
    -02)."""
    kind = req[SessionStopReq.ChargingSession]
    f.wanted.ask = ASK_STOP
    if kind == ChargingSession.ServiceRenegotiation:
        # Announced as not supported in ServiceDiscoveryRes (R-STOP-07), in every phase (R-STOP-05).
        raise PeerError(ResponseCode.FAILED_NoServiceRenegotiationSupported, "service renegotiation")
    if kind == ChargingSession.Pause:
        _no_pause("pause out of phase")  # D-05, and with a live cable above all (R-STOP-08)
    return _ended(f, req)


def _ended(f, req):
    if not f.station.path_off and f.waited_ms < f.cfg["off_timeout_ms"]:
        return WAIT, _ended
    f.session.note = "session ended by the station" if f.session.told_to_stop else "session ended by the car"
    return messages.ok(f, MSG.SessionStopReq), ENDED


def stop_or_pause(f, req):
    """In the phases after the selection of a service in which nothing is energised, the car may
    pause too.

    Confirmed only with the power path really off (R-STOP-08), and for a car that can prove later
    who it is (R-SESSION-05, D-24). Whether the station has proposed the pause, or the profile has 0
    W, is not asked (D-26).
    """
    if req[SessionStopReq.ChargingSession] != ChargingSession.Pause:
        return stop(f, req)
    f.wanted.ask = ASK_STOP
    if not f.cfg["pause_allowed"]:
        _no_pause("pause is not configured")
    if f.vehicle_cert_sha256 is None:
        _no_pause("pause of a car without a certificate")
    return _paused(f, req)


def _paused(f, req):
    if f.station.fault:
        _no_pause("pause with a station fault")
    if f.stop_wish:
        _no_pause("pause where the station ends the session")
    if not f.station.path_off:
        if f.waited_ms < f.cfg["off_timeout_ms"]:
            return WAIT, _paused
        _no_pause("pause with a live cable")
    f.session.keep = (
        bytes(f.session.id),
        f.session.service,
        f.session.bpt,
        f.session.dynamic,
        f.station.charged_wh,
        f.station.discharged_wh,
    )
    return messages.ok(f, MSG.SessionStopReq), ENDED


def _no_pause(why):
    raise PeerError(ResponseCode.FAILED_PauseNotAllowed, why)
