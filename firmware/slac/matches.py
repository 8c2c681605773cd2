"""The five runs that a station has for cars at once (R-LINK-07): whose frame is it, and where does
a new car go.

A run that has failed keeps its MAC and its failures while it is free, so that the matching rate and
the number of attempts hold for each car on its own and crosstalk of a neighbour's car does not use
up ours.
"""

from codec import mme
from firmware.clock import sooner, ticks_diff
from firmware.slac.match import FREE, Match
from micropython import const

RUNS = const(5)  # C_EVSE_match_parallel

# Why slot() has none.
FULL = const(1)
TOO_SOON = const(2)


class Matches:
    """`items`: the runs. `refused`: FULL or TOO_SOON after slot() gave None."""

    def __init__(self, station, station_id, offset_db):
        self.items = [Match(station, station_id, offset_db) for _ in range(RUNS)]
        self.refused = 0

    @property
    def due(self):
        at = None
        for run in self.items:
            at = sooner(at, run.due)
        return at

    def find(self, buf, run_at):
        """The run that the frame's source and the run id at run_at name, or None."""
        for run in self.items:
            if run.is_of(buf, run_at):
                return run
        return None

    def newest(self, buf, mac_at):
        """The run opened last of the MAC at mac_at, or None."""
        found = None
        for run in self.items:
            if run.state != FREE and mme.same(buf, mac_at, run.mac, 0, 6) and (found is None or run.age > found.age):
                found = run
        return found

    def slot(self, buf, now):
        """A free run for the frame's source: that of its earlier attempts if there is one. None:
        see `refused`."""
        free = None
        for run in self.items:
            if run.state != FREE:
                continue
            if run.failures and mme.same(buf, mme.SOURCE, run.mac, 0, 6):
                if ticks_diff(now, run.again) < 0:
                    self.refused = TOO_SOON
                    return None
                return run
            if free is None or run.failures < free.failures:
                free = run
        if free is None:
            self.refused = FULL
        else:
            free.failures = 0
        return free

    def idle(self):
        """True if no run goes on."""
        for run in self.items:  # noqa: SIM110 - all() of a generator would allocate
            if run.state != FREE:
                return False
        return True

    def close(self, keep=None):
        """End all runs but `keep`."""
        for run in self.items:
            if run is not keep:
                run.close()

    def forget(self):
        """Failed attempts do not count any longer."""
        for run in self.items:
            run.failures = 0
