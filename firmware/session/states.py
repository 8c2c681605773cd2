"""The states that every session has, whatever protocol it speaks. What lies between them is the
dialect's (`dialects.py`).

Trace lines carry the numbers, so a number once given stays. States are compared with sets, never by
their order.
"""

from micropython import const

SAP = const(0)  # wait for SupportedAppProtocol
ENDED = const(15)  # the session is over; TCP is kept for a while (R-STOP-03)
FAILED = const(16)  # latched until the connection is gone (R-SECURITY-02)
IDLE = const(17)  # no connection
