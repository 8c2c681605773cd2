"""firmware/run/console.py: bounded lines in, lines out without waiting."""

import os

from firmware.clock import ticks_add
from firmware.run import console
from firmware.run.console import END, LineReader, StdIn, StdOut, number
from tests.lib.mtest import skip


def test_lines_in_pieces_of_every_size():
    data = b"setpoint -5000\nstop\r\n\n  status \nquit\ntail"
    for size in range(1, len(data) + 1):
        reader, lines = LineReader(), []
        for at in range(0, len(data), size):
            lines += reader.feed(data[at : at + size])
        assert lines == ["setpoint -5000", "stop", "status", "quit"], size


def test_a_line_that_is_too_long_is_one_bad_line():
    reader = LineReader()
    assert reader.feed(b"x" * 100000) == []
    assert len(reader._line) <= 320
    assert reader.feed(b"y\nstatus\n") == ["!", "status"]


def test_what_a_person_types_is_echoed_and_can_be_corrected():
    reader = LineReader(True)
    assert reader.feed(b"statsu\x7f\x08us\r\n") == ["status"]
    assert bytes(reader.echo) == b"statsu\b \b\b \bus\r\n"
    reader.echo = bytearray()
    assert reader.feed(b"half a line\x15stop\x1b[A\x1b[3~\x01\x02\r") == ["stop"]
    assert reader.feed("z\xe4\x7f\x7f\x7fx\r".encode()) == ["x"]
    assert len(reader.echo) <= 200
    assert reader.feed(b"y" * 5000 + b"\r") == ["!"] and len(reader.echo) <= 200


def test_what_a_program_sends_is_not_echoed():
    reader = LineReader(True)
    assert reader.feed(b"sta\x15@7 status\n") == ["@7 status"]
    assert bytes(reader.echo) == b"sta\b \b\b \b\b \b"
    assert LineReader().feed(b"@7 status\n") == ["@7 status"]


def test_a_uart_gets_no_more_than_it_can_send():
    """rp2 says of its UART that it is always writable, and a write waits for room then: chunks by
    the clock."""
    r, w = pipe()
    now = [ticks_add(0, -100)]
    before, console.ticks_ms = console.ticks_ms, lambda: now[0]
    try:
        out = StdOut(w, chunk=20, pause_ms=200, crlf=True)
        assert out.again_ms == 200
        assert out.offer(b"x" * 29 + b"\n") and not out.flush() and not out.offer(b"more\n")
        now[0] = ticks_add(now[0], 199)
        assert not out.flush() and r.read(500) == b"x" * 20
        now[0] = ticks_add(now[0], 1)
        assert out.flush() and r.read(500) == b"x" * 9 + b"\r\n"
    finally:
        console.ticks_ms = before
    r.close()
    w.close()


def test_bytes_that_are_not_text():
    for data in (b"\xff\xfe\n", b"\x80\n", b"\xc3\n"):
        assert LineReader().feed(data) == ["!"]


def test_number():
    assert number("-5000") == -5000 and number("x") is None and number("") is None and number("1.5") is None


def pipe():
    """(read end, write end) as unbuffered streams."""
    if not hasattr(os, "pipe"):
        skip("MicroPython makes no pipes; test_run_session does it with a real process")
    r, w = os.pipe()
    return os.fdopen(r, "rb", 0), os.fdopen(w, "wb", 0)


def test_stdin_gives_what_is_there_and_does_not_wait():
    r, w = pipe()
    stdin = StdIn(r)
    assert stdin.lines() == []
    w.write(b"stop\nsta")
    assert stdin.lines() == ["stop"]
    w.write(b"tus\n" + b"x" * 2000)
    assert stdin.lines() == ["status"]
    w.write(b"\nquit\n")
    got = []
    for _ in range(10):
        got += stdin.lines()
    assert got == ["!", "quit"]
    w.close()
    assert stdin.lines() == [END]
    r.close()


def test_stdout_never_waits_for_a_slow_reader():
    r, w = pipe()
    out = StdOut(w)
    line = b"m" * 9999 + b"\n"
    taken = 0
    while out.offer(line):
        taken += 1
        assert taken < 1000  # a pipe holds 64 kB; a write that waited would hang here
    assert taken >= 2 and not out.flush()
    read = b""
    while len(read) < taken * len(line):
        read += r.read(5000)
        out.flush()
    assert read == line * taken and out.flush()
    r.close()
    w.close()


def test_stdout_that_nobody_reads_any_more_is_given_up():
    r, w = pipe()
    out = StdOut(w)
    r.close()
    assert out.offer(b"hello\n") and out.closed
    assert out.offer(b"more\n")
    w.close()
