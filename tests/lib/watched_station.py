"""The station of an image (`micropython watched_station.py LINK CONFIG.json`), whose `status` also
tells how a handshake shares the processor with the watch over the pilot, in figures that do not
depend on what else the machine does:

    steps             steps of handshakes
    in_a_row          the most of them between two turns of the pilot
    step_cpu_ms       the longest one, in time of the processor
    pilot_gap_cpu_ms  the longest time between two samples of the pilot, in time of the processor
"""

import sys
import time

sys.path[:] = [".frozen"]  # what is in the image, and not what stands beside this file
from drivers.pilot import Pilot
from firmware import main
from firmware.net.tls_stage import TlsStage
from firmware.run.frame_loop import FrameLoop


class Figures:
    steps = row = in_a_row = 0
    step_s = gap_s = 0.0
    sampled_s = None


class Engine:
    """A tls13.Conn whose steps are counted."""

    def __init__(self, conn):
        self._conn = conn

    def __getattr__(self, name):
        return getattr(self._conn, name)

    def step(self):
        begin = time.clock()
        more = self._conn.step()
        Figures.step_s = max(Figures.step_s, time.clock() - begin)
        Figures.steps += 1
        Figures.row += 1
        Figures.in_a_row = max(Figures.in_a_row, Figures.row)
        if not more:  # nothing was computed, or the car must speak first
            Figures.row = 0
        return more


_init, _poll, _status = TlsStage.__init__, Pilot.poll, FrameLoop._status


def init(stage, engine, *others):
    _init(stage, Engine(engine), *others)


def poll(pilot, now):
    before = pilot.due
    _poll(pilot, now)
    Figures.row = 0
    if pilot.due != before:  # it has sampled
        cpu_s = time.clock()
        if Figures.sampled_s is not None:
            Figures.gap_s = max(Figures.gap_s, cpu_s - Figures.sampled_s)
        Figures.sampled_s = cpu_s


def status(link):
    found = (_status(link), Figures.steps, Figures.in_a_row, Figures.step_s * 1000, Figures.gap_s * 1000)
    return "%s steps=%d in_a_row=%d step_cpu_ms=%d pilot_gap_cpu_ms=%d" % found


TlsStage.__init__, Pilot.poll, FrameLoop._status = init, poll, status
sys.exit(main.main(sys.argv[1:]))
