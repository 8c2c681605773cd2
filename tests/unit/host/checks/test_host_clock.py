"""host_tools/checks/host_clock.py: what a busy machine breaks is found, what it cannot break is
not. Host only."""

from host_tools.checks import host_clock
from tests.lib.mtest import eq

RUNTIMES = ("cpython",)  # a tool of the host
NAME = "tests/unit/test_sample.py"

REFUSED = (
    ("assert time.monotonic() < end", "an assert"),
    ("begin = time.time_ns()\nwork()\nassert (time.time_ns() - begin) // 1000 < 100", "an assert"),
    ("begin = ticks_ms()\nwork()\ntook = ticks_diff(ticks_ms(), begin)\nassert took < 50, took", "an assert"),
    ("left = ticks_diff(link.due, ticks_ms())\nassert 0 < left <= 2000", "an assert"),
    ("assert ticks_diff(line.due, ticks_ms()) <= 500", "an assert"),
    ("begin = perf_counter()\neq(int(perf_counter() - begin), 0)", "an assert"),
    ("end = time.monotonic() + 5\nwhile not done and time.monotonic() < end:\n    look()", "waiting"),
    ("end = time.monotonic() + 5\nif time.monotonic() > end:\n    raise ValueError", "waiting"),
    ("time.sleep(0.3)", "a sleep"),
    ("process.communicate(timeout=20)", "a limit of 20 s"),
    ("sock.settimeout(5)", "a limit of 5 s"),
    ("secc.wait_ready(10)", "a limit of 10 s"),
    ("thread.join(1)", "a limit of 1 s"),
)
ALLOWED = (
    "until(lambda: done)",
    "now = ticks_ms()\nmachine.poll(now)\nassert machine.state == 3",
    "now = ticks_ms()\nwhile wire.due is not None:\n    wire.take(now)",
    "machine.due = ticks_add(ticks_ms(), 60)",
    "with AtLeast(60):\n    work()",
    "process.communicate(timeout=LIMIT_S)",
    "car.settimeout(0.05)",
    "w.sleep(3000)",
    "left = 9\nassert left < 10",
    "a = w.now\nassert ticks_diff(w.now, a) >= 500",  # simulated time
    "cpu = time.process_time()\nassert time.process_time() - cpu < 1",
)


def found(source, name=NAME):
    return host_clock.check(name, source)


def test_what_a_busy_machine_breaks_is_found_with_its_line():
    for source, message in REFUSED:
        for text, above in ((source, 0), ("def test_a():\n" + "".join("    %s\n" % s for s in source.splitlines()), 1)):
            said = found(text)
            assert said and message in said[-1][1], (source, said)
            assert 1 + above <= said[0][0] <= len(text.splitlines()), said


def test_what_it_cannot_break_is_allowed():
    for source in ALLOWED:
        eq((source, found(source)), (source, []))


def test_a_name_is_one_of_its_function():
    eq(found("def a():\n    now = ticks_ms()\n    use(now)\n\n\ndef b(now):\n    assert now < 5\n"), [])


def test_peers_of_others_and_the_clocks_own_test():
    eq(found("time.sleep(1)\nend = time.time() + 5\nwhile time.time() < end:\n    pass", "tests/interop/x.py"), [])
    assert found("assert time.time() < 5", "tests/interop/x.py")
    eq(found("assert time.time() < 5", "tests/unit/test_clock.py"), [])
    eq(found("time.sleep(1)", "tests/lib/fake_station.py"), [])  # no test: it stands for something slow
