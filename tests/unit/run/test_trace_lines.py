"""firmware/run/trace_lines.py: the lines that host_tools/station/process.py reads."""

from firmware.clock import ticks_add
from firmware.run.trace_lines import TraceLines
from firmware.trace import FROM_CAR, TO_CAR, Trace
from tests.lib.fake_secc import FakePower, Output

START = ticks_add(0, -300)


def rig(size=2000):
    trace, out, power = Trace(size, START), Output(), FakePower()
    return trace, out, power, TraceLines(trace, out, power)


def test_lines():
    trace, out, _, report = rig()
    trace.message(ticks_add(START, 12), FROM_CAR, 0x8001, b"\x80\x00", 0, 2, 0)
    trace.message(ticks_add(START, 13), TO_CAR, 0x8004, b"\xab", 0, 1, 12)
    trace.note(START, "two\nlines", -7)
    trace.error(START, "oh")
    trace.power(START, "1 2 3")
    trace.status(START, "a=1")
    trace.pilot(ticks_add(START, 20), "C", 50, 5996, -12000)
    trace.pilot(ticks_add(START, 21), "A", 1000, 12000, None)
    trace.attenuation(ticks_add(START, 22), b"\x02\xaa\xbb\xcc\xdd\xee", 9, bytearray((17, 255)))
    trace.change(ticks_add(START, 23), 1, 3, "data link up")
    assert report.drain()
    assert out.lines == [
        "M 12 rx 8001 0 8000\n",
        "M 13 tx 8004 12 ab\n",
        "N 0 two lines -7\n",
        "E 0 oh\n",
        "P 0 1 2 3\n",
        "S 0 a=1\n",
        "L 20 C 50 5996 -12000\n",
        "L 21 A 1000 12000 None\n",
        "A 22 02aabbccddee0911ff\n",
        "T 23 1 3 data link up\n",
    ]


def test_losses_become_a_line():
    trace, out, _, report = rig(60)
    for _ in range(9):
        trace.note(START, "sixteen bytes...")
    report.drain()
    trace.note(START, "x")
    report.drain()
    assert out.lines[-2:] == ["D 0 7\n", "N 0 x\n"]


def test_nothing_is_lost_while_the_reader_is_slow():
    trace, out, _, report = rig()
    out.slow = True
    trace.note(START, "a")
    assert not report.drain()
    out.slow = False
    assert report.drain() and out.lines == ["N 0 a\n"]


def test_power_samples_each_250_ms_while_the_contactor_is_closed():
    _, out, power, report = rig()
    for t in range(0, 3000, 10):
        power.contactor = 1 if 1000 <= t < 2000 else 0
        now = ticks_add(START, t)
        if report.due is None or t % 250 == 0 or t == 0:
            report.sample(now, True)
    report.drain()
    times = [int(line.split()[1]) for line in out.lines]
    assert times == [1000, 1250, 1500, 1750, 2000]  # and the one that shows it open
    assert out.lines[0] == "P 1000 0 1 2 3 1 5 6 0 -1\n" and out.lines[-1] == "P 2000 0 1 2 3 0 5 6 0 -1\n"


def test_samples_are_not_closer_than_250_ms():
    _, out, power, report = rig()
    power.contactor = 1
    for t in range(0, 1001, 7):
        report.sample(ticks_add(START, t), True)
    report.drain()
    times = [int(line.split()[1]) for line in out.lines]
    assert len(times) == 4 and all([times[i + 1] - times[i] >= 250 for i in range(3)])


def test_no_timer_without_a_connection():
    _, _, _, report = rig()
    report.sample(START, True)
    assert report.due == ticks_add(START, 250)
    report.sample(ticks_add(START, 250), False)
    assert report.due is None


def test_a_kept_trace_is_streamed_from_when_it_is_asked_for():
    trace, out, power = Trace(200, START, keep=True), Output(), FakePower()
    report = TraceLines(trace, out, power)
    trace.note(START, "before")
    assert report.drain() and out.lines == []
    report.stream(True)
    trace.note(START, "a")
    assert report.drain() and out.lines == ["N 0 a\n"]
    for i in range(30):
        trace.note(START, "n", i)
    while not report.drain():
        pass
    assert out.lines[-1] == "N 0 n 29\n" and [line for line in out.lines if line.startswith("D 0 ")]
    report.stream(False)
    trace.note(START, "after")
    assert report.drain() and out.lines[-1] == "N 0 n 29\n"
    kept = [line.decode() for line in report.kept()]
    assert kept[-1] == "N 0 after" and kept == [line.decode() for line in report.kept()]


def test_reading_a_kept_trace_ends_though_it_goes_on_growing():
    trace = Trace(300, START, keep=True)
    report = TraceLines(trace, Output(), FakePower())
    for i in range(5):
        trace.note(START, "n", i)
    lines = []
    for line in report.kept():
        lines.append(line.decode())
        for _ in range(4):
            trace.note(START, "more")
        assert len(lines) < 20
    assert lines[0] == "N 0 n 0"
