"""Heap budget of the 32-bit image: {message: (bytes to decode, bytes to encode)}, for the longest message of each name in
the recorded sessions. Measured by `make bench` and committed with an eighth of headroom; raise it only with a reason."""

CODEC_HEAP = {
    "AC_ChargeLoopReq": (992, 976),
    "AC_ChargeLoopRes": (944, 960),
    "AC_ChargeParameterDiscoveryReq": (752, 784),
    "AC_ChargeParameterDiscoveryRes": (912, 800),
    "AuthorizationReq": (688, 800),
    "AuthorizationRes": (608, 608),
    "AuthorizationSetupReq": (608, 608),
    "AuthorizationSetupRes": (864, 816),
    "DC_CableCheckReq": (608, 608),
    "DC_CableCheckRes": (608, 608),
    "DC_ChargeLoopReq": (1072, 1104),
    "DC_ChargeLoopRes": (1232, 1184),
    "DC_ChargeParameterDiscoveryReq": (864, 928),
    "DC_ChargeParameterDiscoveryRes": (864, 928),
    "DC_PreChargeReq": (640, 672),
    "DC_PreChargeRes": (640, 672),
    "DC_WeldingDetectionReq": (640, 672),
    "DC_WeldingDetectionRes": (640, 672),
    "PowerDeliveryReq": (1040, 1328),
    "PowerDeliveryRes": (608, 608),
    "ScheduleExchangeReq": (1952, 2224),
    "ScheduleExchangeRes": (6128, 6000),
    "ServiceDetailReq": (608, 608),
    "ServiceDetailRes": (3968, 4016),
    "ServiceDiscoveryReq": (608, 608),
    "ServiceDiscoveryRes": (928, 1136),
    "ServiceSelectionReq": (688, 784),
    "ServiceSelectionRes": (608, 608),
    "SessionSetupReq": (752, 608),
    "SessionSetupRes": (688, 608),
    "SessionStopReq": (608, 608),
    "SessionStopRes": (608, 608),
    "supportedAppProtocolReq": (624, 496),
    "supportedAppProtocolRes": (288, 320),
}
# Heap that importing the whole station takes (frozen modules), and that 20 sessions may leave behind.
STATION_IMPORT = 24000
# What the way behind a modem adds: importing drivers, SLAC, network, supervisor and the models of the unix board; then all
# objects and buffers of a station with a heap of 200 kB, its trace included. At least this much is left for sessions. (58 kB, was
# 60: console and desk 1.2 kB; parameter block and wiring of the simulated modem, which no board has, 0.9 kB.)
# The law of the supervisor is a table whose states, events, questions and actions have names: 0.7 kB (57.3 kB, was 58).
FRAMED_IMPORT = 31300
FRAMED_BUILT = 92000
FRAMED_FREE = 57300
SESSIONS_LEFT = 0
