"""States of the car's machine, and their names in traces."""

from micropython import const

SAP = const(0)
SETUP = const(1)
AUTH_SETUP = const(2)
AUTH = const(3)
DISCOVERY = const(4)
DETAIL = const(5)
SELECT = const(6)
PARAMETERS = const(7)
SCHEDULE = const(8)
CABLE_CHECK = const(9)
PRECHARGE = const(10)
START = const(11)
LOOP = const(12)
STOP = const(13)
WELDING = const(14)
END = const(15)
OVER = const(16)

STATE_NAMES = (
    "SupportedAppProtocol",
    "SessionSetup",
    "AuthorizationSetup",
    "Authorization",
    "ServiceDiscovery",
    "ServiceDetail",
    "ServiceSelection",
    "ChargeParameterDiscovery",
    "ScheduleExchange",
    "CableCheck",
    "PreCharge",
    "PowerDelivery Start",
    "ChargeLoop",
    "PowerDelivery Stop",
    "WeldingDetection",
    "SessionStop",
    "Over",
)
