"""host_tools/board/port over a pty: the unix images as boards (tests/lib/pty_station.py), every
case of tests/lib/port_cases.py; and what goes wrong with ports. MICROV2G_TEST_PORT=/dev/ttyACM0
runs the cases on a board instead."""

import os
import pty
import threading

from host_tools.board.port import NoAnswer, PortError, Station, ports
from host_tools.board.port.link import RUNNING, SILENT
from host_tools.lab import LAB
from tests.lib.mtest import raises
from tests.lib.patience import AtLeast
from tests.lib.port_cases import CASES
from tests.lib.pty_station import PtyStation

RUNTIMES = ("cpython",)  # starts processes
WAITS = True
BOARD = os.environ.get("MICROV2G_TEST_PORT")


def all_cases(runtime):
    with PtyStation({**LAB, "services": ["DC_BPT"]}, runtime) as device:
        port = BOARD or device.port
        with Station.open(port) as station:
            station.wait_running()
        for case in CASES:
            try:
                case(port)
            except Exception as error:
                raise AssertionError(f"{case.__name__} on {runtime}: {type(error).__name__}: {error}") from error


def test_cases_on_unix():
    all_cases("unix")


def test_cases_on_unix_32_in_200_kb():
    all_cases("unix32")


def test_a_port_that_is_not_there():
    error = raises(PortError, Station.open, "/dev/nosuch0")
    assert "no such port" in str(error) and "/dev/nosuch0" in str(error)


def test_a_port_that_is_in_use():
    with PtyStation() as device, Station.open(device.port):
        assert "another program" in str(raises(PortError, Station.open, device.port))


def test_silence_says_what_to_check():
    master, slave = pty.openpty()
    with Station.open(os.ttyname(slave)) as station:
        assert station.probe(0.2, 1) == SILENT
        error = str(raises(NoAnswer, station.ask, "status", 0.2, 2))
    assert "asked 2 times" in error and "TX and RX" in error and "115200" in error
    os.close(master)
    os.close(slave)


def test_something_else_at_the_port():
    master, slave = pty.openpty()
    with Station.open(os.ttyname(slave)) as station:
        os.write(master, b"GPS v1\r\n$GPGGA,,,\r\n")
        error = str(raises(NoAnswer, station.ask, "status", 0.2, 1))
    assert "not our console" in error and "$GPGGA" in error
    os.close(master)
    os.close(slave)


class Late:
    """In place of a serial port: a board that answers a request when three more have come behind
    it."""

    in_waiting = 0

    def __init__(self):
        self.asked = []

    def write(self, data):
        self.asked.append(data.strip(b"\x02\r\n").split()[0])

    def read(self, n):
        return self.asked.pop(0) + b" ok\r\n" if len(self.asked) > 3 else b""

    def flush(self):
        pass


def test_a_board_that_is_slow_to_answer_runs_all_the_same():
    """Each question after the first was taken for the only one: a slow board answered for half a
    minute, and was not heard."""
    Station(Late()).wait_running()
    assert Station(Late()).probe(0.1) == RUNNING


def test_patience_for_an_emulated_board():
    class Silent(Late):
        def read(self, n):
            return b""

    saved = os.environ.get("MICROV2G_PATIENCE")
    try:
        os.environ["MICROV2G_PATIENCE"] = "20"
        with AtLeast(190):
            assert Station(Silent()).probe(0.01, 1) == SILENT
    finally:
        os.environ.pop("MICROV2G_PATIENCE")
        if saved is not None:
            os.environ["MICROV2G_PATIENCE"] = saved


def test_a_pulled_cable_is_told_at_once():
    with PtyStation() as device, Station.open(device.port) as station:
        station.wait_running()
        threading.Timer(0.5, device.cut).start()

        def follow():
            for _ in station.stream():
                pass

        assert "pulled" in str(raises(PortError, follow))


def test_answers_through_noise_of_other_output():
    with PtyStation() as device, Station.open(device.port) as station:
        station.wait_running()
        stop = threading.Event()

        def noise():
            while not stop.wait(0.001):
                device.noise(b"noise \xff\r\n")

        thread = threading.Thread(target=noise)
        thread.start()
        try:
            for _ in range(20):  # a line of ours that is torn by noise is asked for again
                assert station.ask("status", 0.5, 10)[0].startswith("charger=")
        finally:
            stop.set()
            thread.join()


def test_the_port_is_found_or_the_choice_is_shown():
    assert ports.choose("/dev/x", []) == "/dev/x"
    assert ports.choose(None, [("/dev/ttyACM0", "Pico")]) == "/dev/ttyACM0"
    assert "no serial port" in str(raises(PortError, ports.choose, None, []))
    error = str(raises(PortError, ports.choose, None, [("/dev/a", "A"), ("/dev/b", "B")]))
    assert "--port /dev/a" in error and "--port /dev/b" in error
