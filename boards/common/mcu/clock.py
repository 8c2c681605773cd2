"""The clock of a controller board: certificates need the time, and a microcontroller has forgotten it at power-on."""

import time

from machine import RTC


def set_unix_s(unix_s):
    """Set the real-time clock (UTC)."""
    year, month, day, hour, minute, second, weekday = time.gmtime(unix_s)[:7]
    RTC().datetime((year, month, day, weekday, hour, minute, second, 0))
