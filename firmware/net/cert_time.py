"""At what time certificates are judged.

The order of sources: the clock of the system (a battery-backed RTC, or one that a back end has
set), and below it the date on which the firmware was built. A clock that is behind that date was
never set. Then the date of the build is a floor: what had expired before it is refused, and what is
not valid yet passes, because nobody can tell. A certificate that runs out is so refused at the
latest by the next update of the firmware.
"""

import sys

_DAYS = (0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334)


def date_s(year, month, day):
    """Seconds from 1970-01-01 to a date in 1970..2099, 00:00 UTC."""
    days = (year - 1970) * 365 + (year - 1969) // 4 + _DAYS[month - 1] + day - 1
    if month > 2 and year % 4 == 0:
        days += 1
    return days * 86400


def build_s(version=None):
    """The date of the build out of sys.version, as in "3.4.0; MicroPython v1.25.0 on 2025-04-15"; 0
    if there is none."""
    text = sys.version if version is None else version
    at = text.rfind(" on ")
    date = text[at + 4 : at + 14].split("-")
    try:
        year, month, day = [int(part) for part in date]
    except ValueError:
        return 0
    return date_s(year, month, day) if 1970 <= year < 2100 and 1 <= month <= 12 and 1 <= day <= 31 else 0


def judged_at(unix_s, floor_s):
    """(time, whether the clock is known) for a clock that says unix_s."""
    return (unix_s, True) if unix_s >= floor_s else (floor_s, False)
