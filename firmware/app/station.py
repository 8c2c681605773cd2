"""Puts the parts of a station behind a modem together; everything that a target needs besides its
board."""

from firmware.app.charger import Charger
from firmware.app.session_link import SessionLink
from firmware.app.tls_session_link import TlsSessionLink
from firmware.net.sdp import policy_of
from firmware.net.stack import Stack
from firmware.slac.evse import Slac


def build(cfg, board, power, safe, rand, trace, stage=None):
    """The supervisor over board.pilot and frames of board.mac. rand(n): bytes of the hardware
    generator. stage: a net.tls_stage.TlsStage, or None for a station without TLS."""
    slac = Slac(cfg, board.mac, rand, trace)
    policy = policy_of(stage is not None, cfg["allow_plain"])
    net = Stack(board.mac, rand, trace, cfg["sdp_port"], cfg["tcp_port"], policy)
    link = TlsSessionLink(safe, trace, stage) if stage else SessionLink(safe, trace)
    inputs = lock = None
    if cfg["inputs"]:
        from firmware.app.inputs import Inputs  # these two only in memory where they are used

        inputs = Inputs(cfg["inputs"], getattr(board, "input", None))
    if cfg["socket_lock"] == "stage":
        from firmware.app.socket_lock import SocketLock

        if not power.hw.caps.has_lock:
            raise ValueError("socket_lock: the power stage has none")
        lock = SocketLock()
    return Charger(cfg, board.pilot, board.proximity, slac, net, link, power, trace, inputs, lock)
