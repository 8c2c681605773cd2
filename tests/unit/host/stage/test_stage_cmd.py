"""`microv2g stage` over pseudo terminals: the responder against the checks, planted faults, parts
that are found and set."""

RUNTIMES = ("cpython",)

import contextlib
import io
import threading

from firmware.clock import ticks_ms
from host_tools.cli import main
from host_tools.commands import stage
from host_tools.stage import check, check_part, find
from host_tools.stage.ends import EndError, Port, Pty
from host_tools.stage.serve import FAULTS, Responder, help_text
from host_tools.stage.serve_parts import PartsResponder
from tests.lib.mtest import eq, raises


@contextlib.contextmanager
def served(make):
    """A responder that turns in a thread; (responder, port of the other side)."""
    pty = Pty()
    responder = make(pty)
    stop = threading.Event()

    def turn():
        while not stop.wait(0.001):
            responder.turn(ticks_ms())

    thread = threading.Thread(target=turn, daemon=True)
    thread.start()
    try:
        yield responder, pty.name
    finally:
        stop.set()
        thread.join()
        pty.close()


def board(fault="none", **more):
    return served(lambda pty: Responder(pty, lambda text: None, fault=fault, **more))


def steps(port, output_mv=0):
    end = Port(port, 115200)
    try:
        return {name: (ok, text) for name, ok, text in check.steps(end, output_mv)}
    finally:
        end.close()


def test_the_reference_responder_passes_its_own_check():
    with board() as (_responder, port):
        found = steps(port, 200000)
    for name in ("hello", "caps", "crc", "lease", "hello again", "readings", "off"):
        assert found[name][0], (name, found)
    assert "150 V to 1000 V" in found["caps"][1] and "measures the car's side" in found["caps"][1]


def test_what_is_wrong_with_a_board_is_said():
    for fault, step, text in (
        ("silent", "hello", "no answer"),
        ("crc", "hello", "no answer"),
        ("version", "hello", "version 2.0; this firmware speaks 1.x"),
    ):
        with board(fault) as (_, port):
            found = steps(port)
        ok, said = found[step]
        assert ok is False and text in said, (fault, found)
    with board(has_out=False) as (_responder, port):
        assert "REFUSED without a measurement on the car's side" in steps(port)["caps"][1]


def test_a_board_whose_lease_does_not_end_is_caught():
    with board() as (responder, port):
        mind = responder.board._mind

        def endless(now):
            responder.board._heard_at = now
            mind(now)

        responder.board._mind = endless
        assert steps(port)["lease"][0] is False


def test_typed_commands():
    said = []
    pty = Pty()
    try:
        responder = Responder(pty, said.append)
        for name, _ in FAULTS:
            assert responder.command(name) and responder.board.fault == name
            assert name in help_text()
        responder.command("battery 400")
        eq(responder.line.car_mv, 400000)
        responder.command("status")
        assert "fault planted" in said[-1]
        responder.command("batery 4")
        assert "is no command" in said[-1]
        eq(responder.command("quit"), False)
    finally:
        pty.close()


def parts(kinds, baud=9600):
    return served(lambda pty: PartsResponder(pty, lambda text: None, kinds, baud, "N"))


def test_parts_are_found_at_their_speed_and_told_apart():
    with parts(["acrel", "eastron", "bender"], 19200) as (_responder, port):
        end = Port(port, 9600)
        found = list(find.scan(end, [9600, 19200], ["N"], [1, 2, 3, 4], lambda text: None))
        end.close()
    eq([(baud, address, kind) for baud, _, address, kind, _ in found],
       [(19200, 1, "acrel"), (19200, 2, "eastron"), (19200, 3, "bender")])  # fmt: skip


def test_an_eastron_gets_another_address_and_speed():
    with parts(["eastron"]) as (responder, port):
        end = Port(port, 9600)
        master = find.Master(end, 9600, "N")
        done = find.set_eastron(master, 2, 9)
        eq((done, responder.slaves["eastron"].address), (["address 9"], 9))
        eq(find.identify(master, 9)[0], "eastron")
        eq(find.identify(master, 2), None)
        eq(find.set_eastron(master, 9, baud=19200), ["19200 baud"])
        eq(find.identify(master, 9), None)
        master.use(19200, "N")
        eq(find.identify(master, 9)[0], "eastron")
        raises(ValueError, find.set_eastron, master, 9, None, 12345)
        responder._plant("exception")
        raises(find.Refused, find.set_eastron, master, 9, 3)
        end.close()


def read(port, kind, address, swapped=False, seconds=2):
    end = Port(port, 9600)
    try:
        return [
            (name, ok, text)
            for name, ok, text in check_part.steps(end, kind, address, 9600, "N", seconds, swapped, print)
        ]
    finally:
        end.close()


def test_a_part_is_read_and_its_sign_and_units_are_said():
    quiet = io.StringIO()
    with parts(["acrel", "eastron"]) as (responder, port), contextlib.redirect_stdout(quiet):
        responder.command("a 20")
        found = {name: (ok, text) for name, ok, text in read(port, "acrel", 1)}
        assert found["sign"][0] and found["units"][0] and "+8000 W" in found["reading"][1], found
        responder.command("a -20")
        found = {name: (ok, text) for name, ok, text in read(port, "acrel", 1)}
        eq(found["sign"][0], False)
        found = {name: (ok, text) for name, ok, text in read(port, "acrel", 1, swapped=True)}
        eq(found["sign"][0], True)
        responder._plant("kilo")
        assert any(ok is False and "not the product" in text for _, ok, text in read(port, "acrel", 1, seconds=6))
        eq(read(port, "eastron", 5)[0][:2], ("answers", False))


def test_arguments_that_are_wrong_are_said():
    def told(*words):
        err = io.StringIO()
        with contextlib.redirect_stderr(err), contextlib.redirect_stdout(io.StringIO()):
            try:
                status = main(["stage", *words])
            except SystemExit as end:
                status = end.code
        return status, err.getvalue()

    status, text = told("serve", "--pty", "--fault", "gremlin")
    assert status == 2 and "there are none, silent" in text
    status, text = told("check", "--port", "/dev/does-not-exist")
    assert status == 1 and "/dev/does-not-exist" in text
    status, text = told("set", "--port", "/dev/null", "--part", "bender")
    assert status == 1 and "19200 baud, parity even, address 3" in text
    status, text = told("find", "--port", "x", "--addresses", "1-x")
    assert status == 2 and "numbers and ranges" in text
    raises(EndError, Port, "/dev/does-not-exist", 9600)
    eq(stage._numbers("1,3,10-12"), [1, 3, 10, 11, 12])
