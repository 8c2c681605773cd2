"""The states of an ISO 15118-20 session between SupportedAppProtocol and its end; their names are
in `dialect.STATES`."""

from micropython import const

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
STOPPING = const(18)  # Start was answered with Terminate: nothing is energised
