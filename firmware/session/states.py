"""The states of a session and their names in traces and diagrams."""

from micropython import const

SAP = const(0)  # wait for SupportedAppProtocol
SETUP = const(1)
AUTH_SETUP = const(2)
AUTH = const(3)
DISCOVERY = const(4)
SELECT = const(5)
PARAMETERS = const(6)
SCHEDULE = const(7)
CABLE_CHECK = const(8)
PRECHARGE = const(9)
AC_START = const(10)
AC_LOOP = const(11)
DC_LOOP = const(12)
WELDING = const(13)
STOP = const(14)
ENDED = const(15)  # SessionStopRes is out; TCP is kept for a while (R-STOP-03)
FAILED = const(16)  # latched until the connection is gone (R-SECURITY-02)
IDLE = const(17)  # no connection

STATE_NAMES = (
    "SupportedAppProtocol", "SessionSetup", "AuthorizationSetup", "Authorization", "ServiceDiscovery",
    "ServiceSelection", "ChargeParameterDiscovery", "ScheduleExchange", "CableCheck", "PreCharge", "AC_Start",
    "AC_ChargeLoop", "DC_ChargeLoop", "WeldingDetection", "SessionStop", "Ended", "Failed", "Idle",
)  # fmt: skip
