"""The clock of a controller board: certificates need the time, and a microcontroller has forgotten
it at power-on."""

from machine import RTC

from firmware.clock import utc


def set_unix_s(unix_s):
    """Set the real-time clock to UTC, whatever year the port counts from."""
    year, month, day, hour, minute, second, weekday = utc(unix_s)[:7]
    RTC().datetime((year, month, day, weekday, hour, minute, second, 0))
