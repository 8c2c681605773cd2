"""Plays steps (plan.py) to the session machine, in simulated time. Runs in a MicroPython image,
against its frozen firmware.

    micropython player.py PLAN.json     {"config": {...}, "sessions": [[step, ...], ...]}

Prints  A session request t type hex  for each answer,  N session t text  for each note,  X text  for a failure of its own.
"""

import hashlib
import json
import sys
from binascii import hexlify, unhexlify

from codec import v2gtp
from firmware.app import config
from firmware.app.lease import MOST_S, OPERATOR
from firmware.app.power import Power
from firmware.clock import ticks_add, ticks_diff
from firmware.session.secc import Secc
from firmware.stage import words

_GRACE_MS = 100
BASE = ticks_add(0, -300)  # simulated time wraps soon after the start


class Recorded:
    """Power stage and contactor of the recording: they do at once what they are asked, and measure
    what was measured."""

    def __init__(self):
        self.caps = caps = words.Caps()
        caps.kind = words.AC | words.DC
        caps.bidirectional = caps.has_out = caps.has_meter = True
        self.state = words.READY
        self.closed = self.driven = self.wanted = self.verified = self.tripped = False
        self.fault = self.faults = 0
        self.test_result = self._test = 0
        self.insulation_ohm = 1 << 29
        self.mv_in = self.mv_out = self.ma = self.w = self.var = 0
        self.l_mv = self.l_ma = self.l_w = (0, 0, 0)
        self.can_charge_w = self.can_discharge_w = 1 << 29
        self.charged_wh = self.discharged_wh = 0
        self.meter_ok = True
        self.locked = False
        self.due = None

    def age_ms(self, source, now):
        return None

    def start(self, now):
        pass

    def poll(self, now):
        pass

    def beat(self, now):
        pass

    def event(self):
        return 0

    def open(self, now):
        self.closed = False
        self.mv_out = 0  # as below: the discharge of the output is not recorded either

    def off(self, now):
        self.open(now)

    def stop(self, now):
        self.ma = self.w = 0  # or the answer would wait for a ramp that nobody has recorded

    def test(self, mv, ma, now):
        self.closed = True
        self.mv_out = mv  # between two requests nobody has recorded it

    def precharge(self, mv, ma, now):
        self.closed = True

    def close(self, now):
        self.closed = True
        return True

    def dc(self, mv, ma, w, now):
        pass

    def ac(self, l1_ma, l2_ma, l3_ma, var, now):
        pass

    def lock(self, yes, now):
        pass

    def clear(self, now):
        return True


class Notes:
    def __init__(self, number):
        self.number = number

    def note(self, now, text, value=None):
        if value is not None:
            text = "%s %s" % (text, value)
        print("N", self.number, ticks_diff(now, BASE), text)

    error = note

    def message(self, *_):
        pass


class Player:
    def __init__(self, cfg, number, origin):
        self.hw = Recorded()
        self.power = Power(cfg, self.hw, self.hw)
        self.wall_s = 0
        self.id = b"\x01" * 8
        self.number = number
        self.request = -1
        self.asked = False  # a request waits for its answer
        self.origin = origin
        self.secc = Secc(cfg, self.power, self._rand, lambda: self.wall_s, Notes(number))
        self.out = bytearray(4200)

    def _rand(self, n):
        drawn = self.id[:n]
        self.id = bytes([b ^ 0x55 for b in self.id])  # should it be drawn again, it is another one
        return drawn

    def say(self, now):
        n = self.secc.tx(self.out)
        while n:
            self.asked = False
            kind = self.out[2] << 8 | self.out[3]
            text = hexlify(bytes(self.out[v2gtp.HEADER : n])).decode()
            print("A", self.number, self.request, ticks_diff(now, BASE), "%04x" % kind, text)
            n = self.secc.tx(self.out)

    def until(self, now, end):
        """Fire what is due up to `end`; return it."""
        for _ in range(100000):
            due = self.secc.due
            if due is None or ticks_diff(due, end) > 0:
                return end
            if ticks_diff(due, now) > 0:
                now = due
            before = due
            self.secc.poll(now)
            self.say(now)
            if self.secc.due == before:
                now = ticks_add(now, 1)
        raise ValueError("the machine is due for ever")

    def step(self, step, now):
        op = step["op"]
        if op == "start":
            if step["given_up"]:
                self.secc.paused.forget(now, "as recorded")
            if step["vehicle"]:
                # The certificate is not in the recording: one for each name.
                self.secc.start(now, step["vehicle"], hashlib.sha256(step["vehicle"].encode()).digest())
            else:
                self.secc.start(now)
        elif op == "rx":
            self.request += 1
            self.asked = True
            self.told(step)
            data = unhexlify(step["hex"])
            message = bytearray(v2gtp.HEADER) + data
            v2gtp.write_header(message, 0, step["kind"], len(data))
            self.secc.rx(message, len(message), now)
        elif op == "setpoint":
            self.power.lease.give(now, OPERATOR, step["w"], MOST_S)
        elif op == "permit":
            self.power.permit(step["yes"], now)
        elif op == "stop":
            self.secc.request_stop(now)
        elif op == "lost":
            self.secc.lost(now)
        self.say(now)

    def told(self, step):
        hw = self.hw
        self.wall_s = step.get("wall", self.wall_s)
        if "id" in step and not self.secc.established:  # the id is drawn in the set-up
            self.id = unhexlify(step["id"])
        hw.mv_out = step.get("mv", hw.mv_out)
        hw.ma = step.get("ma", hw.ma)
        hw.w = step.get("w", hw.mv_out // 1000 * hw.ma // 1000 if "ma" in step else hw.w)
        hw.test_result = step.get("test", hw.test_result)

    def go_on_after(self, other):
        """What the session before has left paused can be joined here."""
        paused = other.secc.paused
        if paused.due is not None:
            self.secc.paused = paused
            paused.due = ticks_add(paused.due, other.origin - self.origin)

    def run(self, steps):
        now = BASE
        for step in steps:
            then = ticks_add(BASE, step["t"] - self.origin)
            if step["op"] == "lost" and self.asked:
                # The contactor of the recording may have been quicker than a retry of the session
                # is here.
                then = ticks_add(then, _GRACE_MS)
            if ticks_diff(then, now) > 0:
                now = self.until(now, then)
            self.step(step, now)
        self.until(now, ticks_add(now, 2000))
        self.secc.lost(now)


def main():
    with open(sys.argv[1]) as f:
        plan = json.load(f)
    changes = plan["config"]
    changes["lab"] = True  # nothing real is behind it, and a set-point below zero may be its beginning
    if changes.get("export", "no") != "no":
        changes["export"] = "free"  # what was not allowed is not in the recorded set-points
    cfg = config.merge(changes)
    before = None
    for number, steps in enumerate(plan["sessions"]):
        player = Player(cfg, number, steps[0]["t"])
        if before:
            player.go_on_after(before)
        player.run(steps)
        before = player
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Exception as error:
        print("X", type(error).__name__, error)
        sys.exit(1)
