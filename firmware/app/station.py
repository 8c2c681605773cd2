"""Puts the parts of a station behind a modem together; everything that a target needs besides its board."""

from firmware.app.charger import Charger
from firmware.app.v2g_link import V2gLink
from firmware.net.sdp import TLS_NONE, TLS_REQUIRED
from firmware.net.stack import Stack
from firmware.slac.evse import Slac


def build(cfg, board, power, safe, rand, trace):
    """The supervisor over board.pilot and frames of board.mac. rand(n): bytes of the hardware generator."""
    slac = Slac(cfg, board.mac, rand, trace)
    # TLS is not there yet. Without plain TCP the station says "TLS only", which no car can use then.
    policy = TLS_NONE if cfg["allow_plain"] else TLS_REQUIRED
    net = Stack(board.mac, rand, trace, cfg["sdp_port"], cfg["tcp_port"], policy)
    link = V2gLink(safe, trace)
    return Charger(cfg, board.pilot, board.proximity, slac, net, link, power, trace)
