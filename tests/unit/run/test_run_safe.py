"""firmware/run/safe.py: a fault ends one session, with the power off (R-SDP-03, R-ERRORS-09)."""

from firmware.run.safe import Safe, describe
from firmware.trace import ERROR, Trace
from tests.lib.fake_secc import FakePower, FakeSecc


class Rig:
    def __init__(self):
        self.power = FakePower()
        self.trace = Trace(4000)
        self.made = []
        self.safe = Safe(self.make, self.power, self.trace)

    def make(self):
        secc = FakeSecc()
        self.made.append(secc)
        return secc

    def errors(self):
        found = []

        def sink(kind, t_ms, direction, payload_type, state, buf, at, n):
            if kind == ERROR:
                found.append(bytes(buf[at : at + n]).decode())
            return True

        self.trace.drain(sink)
        return found


def calls(safe):
    out = bytearray(9000)
    return {
        "start": lambda: safe.start(0),
        "poll": lambda: safe.poll(0),
        "tx": lambda: safe.tx(out, 0),
        "event": lambda: safe.event(0),
        "request_stop": lambda: safe.request_stop(0),
    }


def test_a_fault_in_any_call_opens_the_contactor_and_asks_to_close_r_errors_09():
    for name in ("start", "poll", "tx", "event", "request_stop"):
        rig = Rig()
        rig.safe.secc.raise_in = name
        rig.power.contactor = 1
        calls(rig.safe)[name]()
        assert rig.power.contactor == 0, name
        assert rig.safe.event(0) == Safe.CLOSE, name
        assert rig.safe.session_over and rig.safe.due is None
        errors = rig.errors()
        assert "test seam in " + name in errors[0] and "fake_secc.py" in errors[0], errors


def test_a_fault_in_rx_and_then_the_next_car_r_errors_09():
    rig = Rig()
    rig.safe.start(0)
    rig.safe.rx(b"!rx", 3, 0)
    assert rig.power.offs >= 1 and rig.safe.event(0) == Safe.CLOSE
    rig.safe.rx(b"hello", 5, 0)  # what a broken machine may not see any more
    rig.safe.poll(0)
    assert rig.made[0].calls == ["start"]
    rig.safe.lost(0)
    assert len(rig.made) == 2 and rig.safe.secc is rig.made[1]
    rig.safe.start(1)
    rig.safe.rx(b"hello", 5, 1)
    out = bytearray(10)
    assert rig.safe.tx(out, 1) == 5 and rig.safe.event(1) == 0 and rig.safe.faults == 1


def test_a_fault_in_lost_leaves_a_new_machine_r_sdp_03():
    rig = Rig()
    rig.safe.secc.raise_in = "lost"
    rig.power.contactor = 1
    rig.safe.lost(0)
    assert rig.power.contactor == 0 and len(rig.made) == 2
    assert rig.safe.event(0) == 0


def test_the_machine_may_turn_its_answer_into_a_failed_one_r_errors_09():
    rig = Rig()
    secc = rig.safe.secc
    secc.fault = lambda now: secc.queue.append(b"FAILED")
    rig.safe.rx(b"!rx", 3, 0)
    out = bytearray(10)
    assert rig.safe.tx(out, 0) == 6 and bytes(out[:6]) == b"FAILED"
    assert rig.safe.event(0) == Safe.CLOSE and rig.power.offs == 2


def test_even_a_power_stage_that_raises_does_not_end_the_station():
    rig = Rig()
    rig.power.raise_in_off = True
    rig.safe.rx(b"!rx", 3, 0)
    assert rig.safe.event(0) == Safe.CLOSE
    assert "power off failed" in rig.errors()[0]


def test_attempt_gives_the_result_or_none():
    rig = Rig()
    assert rig.safe.attempt("sum", 0, lambda a, b: a + b, 1, 2) == 3
    assert rig.safe.attempt("discovery", 0, lambda: [][1]) is None
    assert rig.errors()[0].startswith("discovery: ") and rig.power.offs == 0


def test_keyboard_interrupt_is_not_a_fault():
    def interrupt():
        raise KeyboardInterrupt

    try:
        Rig().safe.attempt("x", 0, interrupt)
    except KeyboardInterrupt:
        return
    raise AssertionError("swallowed")


def test_description_is_bounded_and_one_line():
    try:
        raise ValueError("x" * 5000)
    except ValueError as e:
        text = describe(e)
    assert len(text) <= 600 and "\n" not in text
