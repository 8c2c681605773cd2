"""Heap budget of the 32-bit image: {message: (bytes to decode, bytes to encode)}, for the longest
message of each name in the recorded sessions. Measured by `make bench` and committed with an eighth
of headroom; raise it only with a reason."""

CODEC_HEAP = {
    "AC_ChargeLoopReq": (816, 976),
    "AC_ChargeLoopRes": (768, 960),
    "AC_ChargeParameterDiscoveryReq": (624, 784),
    "AC_ChargeParameterDiscoveryRes": (656, 800),
    "AuthorizationReq": (576, 800),
    "AuthorizationRes": (496, 608),
    "AuthorizationSetupReq": (496, 608),
    "AuthorizationSetupRes": (672, 816),
    "DC_CableCheckReq": (496, 608),
    "DC_CableCheckRes": (496, 608),
    "DC_ChargeLoopReq": (864, 1104),
    "DC_ChargeLoopRes": (1008, 1184),
    "DC_ChargeParameterDiscoveryReq": (688, 928),
    "DC_ChargeParameterDiscoveryRes": (688, 928),
    "DC_PreChargeReq": (528, 672),
    "DC_PreChargeRes": (528, 672),
    "DC_WeldingDetectionReq": (528, 672),
    "DC_WeldingDetectionRes": (528, 672),
    "PowerDeliveryReq": (912, 1328),
    "PowerDeliveryRes": (496, 608),
    "ScheduleExchangeReq": (1664, 2224),
    "ScheduleExchangeRes": (5120, 6000),
    "ServiceDetailReq": (496, 608),
    "ServiceDetailRes": (3312, 4016),
    "ServiceDiscoveryReq": (496, 608),
    "ServiceDiscoveryRes": (816, 1136),
    "ServiceSelectionReq": (576, 784),
    "ServiceSelectionRes": (496, 608),
    "SessionSetupReq": (608, 608),
    "SessionSetupRes": (560, 608),
    "SessionStopReq": (496, 608),
    "SessionStopRes": (496, 608),
    "supportedAppProtocolReq": (512, 496),
    "supportedAppProtocolRes": (256, 320),
}
# Heap that importing the whole station takes (frozen modules), and that 20 sessions may leave
# behind. Leases and decisions, which Power brings: 1 kB. Two ways to off, what is watched and
# offered, table of faults: 3 kB.
STATION_IMPORT = 28500
# What the way behind a modem adds: importing drivers, SLAC, network, supervisor and the models of
# the unix board; then all objects and buffers of a station with a heap of 200 kB, its trace
# included. At least this much is left for sessions. (58 kB, was 60: console and desk 1.2 kB;
# parameter block and wiring of the simulated modem, which no board has, 0.9 kB.) The law of the
# supervisor is a table whose states, events, questions and actions have names: 0.7 kB (57.2 kB, was
# 58). firmware/buffers.py: 0.2 kB (57.0). Two kinds of run loop above one: 0.5 kB (56.5). Set-points as leases and their
# commands: 1.2 kB; the datagram of
# the simulated cable, which no board has: 1.6 kB (53.5). Limits of both sides line by line, one ceiling for all modes: 1.3 kB (52.2).
# Two ways to off, readings that are watched, what is offered, faults: 2.3 kB (48.3).
# Charging by the pilot alone under the same faults and limits, and the check of `export: input`: 0.3 kB (48.0).
FRAMED_IMPORT = 32000
FRAMED_BUILT = 92000
FRAMED_FREE = 47800
SESSIONS_LEFT = 0
