"""`microv2g selftest` and what it is made of, and the whole of it with the unix images as the board, as a process and at a serial
port. Real time; about a minute."""

import json
import subprocess
import sys
import types

from firmware.app.selftest_codes import CODES
from host_tools.board import selftest as selftest_run
from host_tools.board.port import link
from host_tools.board.port import words as station_words
from host_tools.commands import selftest as cmd_selftest
from host_tools.gen import selftest_doc
from host_tools.root import ROOT
from tests.lib.mtest import eq, raises
from tests.lib.patience import LIMIT_S, until
from tests.lib.pty_station import PtyStation

RUNTIMES = ("cpython",)  # starts processes
WAITS = True
TIMEOUT_S = 240


def tool(*args, stdin="", status=0):
    done = subprocess.run(
        [sys.executable, "-m", "host_tools", "selftest", *args],
        input=stdin, capture_output=True, text=True, timeout=LIMIT_S, cwd=ROOT,
    )  # fmt: skip
    assert done.returncode == status, (done.returncode, done.stdout, done.stderr)
    return done


def test_a_sound_board_on_the_32_bit_image():
    done = tool("--sim", "--runtime", "unix32", "--yes", "--with-contactor", "--json")
    report = json.loads(done.stdout)
    eq((report["passed"], report["first_failure"]), (True, None))
    codes = [result["code"] for result in report["results"]]
    assert codes.count("spi-clock") == 4 and "close-ok" in codes and "plug-d" in codes
    version = next(result for result in report["results"] if result["code"] == "version-ok")
    eq(version["values"]["version"]["value"], "MAC-QCA7005-1.1.0.730-04-twin")
    up = next(result for result in report["results"] if result["code"] == "cp-ok")["values"]
    eq(up["f"], {"value": -12000, "unit": "mV"})


def test_a_fault_is_shown_with_cause_and_remedy_and_exit_status_1():
    done = tool("--sim", "--fault", "pev", "--skip", status=1)
    assert "fail  role" in done.stdout and "CCoSelection (00F4) 2" in done.stdout, done.stdout
    assert "Begin here: role-pev" in done.stdout


def test_questions_at_the_keyboard():
    done = tool("--sim", "--steps", "cp,plug", stdin="\ns\ns\n\n")
    assert done.stdout.count("Please:") == 4, done.stdout
    assert "state B: 9 V" in done.stdout and "this state was left out" in done.stdout
    done = tool("--sim", "--steps", "cp,plug", stdin="q\n", status=1)
    assert "ended before its time" in done.stdout


def test_wrong_use():
    assert "there are board, contactor, spi" in tool("--steps", "spy", status=2).stderr
    assert "--fault needs --sim" in tool("--fault", "pev", status=2).stderr
    assert "there are none, no-modem" in tool("--sim", "--fault", "rust", status=2).stderr
    assert "swapped" in tool("--fault", "list", "--sim").stdout


class FakeLine:
    """A board that says what the test wants. answers: for each `results`."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.asked = []
        self.turned = []

    def ask(self, words):
        self.asked.append(words)
        return self.answers.pop(0) if words.startswith("results") else []

    def turn(self, plug):
        self.turned.append(plug)


def test_follow():
    line = FakeLine(
        ["cp-ok|ok|pilot.|x1=12000 mV", "state running 1"],
        ["do-plug|do|plug in.|plug=B", "state asking 2"],
        ["end|ok|all passed.|ok=1, fail=0, warn=0", "state over 3"],
    )
    seen = []
    results = selftest_run.follow(line, ["close"], seen.append, lambda record: "next")
    eq([r["code"] for r in results], ["cp-ok", "do-plug", "end"])
    eq((line.asked, line.turned), (["start close", "results 0", "results 1", "next 2", "results 2"], ["B"]))
    eq(selftest_run.verdict(results), (True, None))


def test_follow_goes_on_when_an_answer_was_cut():
    line = FakeLine(["state over 2"], ["cp-ok|ok|pilot.|", "end|ok|all.|", "state over 2"])
    eq(len(selftest_run.follow(line, [], lambda record: None, None)), 2)


def test_follow_stops_the_test_when_it_is_interrupted():
    line = FakeLine(["do-close|do|touch nothing.|", "state asking 1"])

    def interrupted(record):
        raise KeyboardInterrupt

    raises(KeyboardInterrupt, selftest_run.follow, line, [], lambda record: None, interrupted)
    eq(line.asked[-1], "stop")


def test_a_board_that_does_not_know_it():
    why = raises(selftest_run.SelftestError, selftest_run.follow, FakeLine([]), [], lambda record: None, None)
    assert "older" in str(why)


def test_parse():
    record = selftest_run.parse("selftest spi-clock|ok|no bit errors at this clock.|clock=1000 kHz, errors=0 bit")
    eq((record["step"], record["values"]["clock"]), ("spi", {"value": 1000, "unit": "kHz"}))
    eq(selftest_run.parse("brand-new|fail|of a newer board.|")["what"], "of a newer board")
    for line in ("", "state over 3", "READY link=sim", "a|b", "cp-ok|great|x|"):
        eq(selftest_run.parse(line), None)


def test_options():
    parser = __import__("argparse").ArgumentParser()
    cmd_selftest.register(parser.add_subparsers())

    def words(*args):
        return cmd_selftest.options(parser.parse_args(["selftest", *args]))

    eq(words(), ["states=BCD"])
    eq(words("--plug", "B", "--with-contactor", "--no-pp"), ["states=B", "close", "nopp"])
    eq(words("--steps", "spi, role", "--pp"), ["states=BCD", "pp", "steps=spi,role"])
    assert "plug" not in words("--plug", "none")[0]


def test_the_page_is_in_step():
    eq(selftest_doc.PATH.read_text(), selftest_doc.text())
    for code in CODES:
        assert "`%s`" % code in selftest_doc.text()


class Rig:
    """Somebody at a simulated board who turns the plug when it is asked for, while the tool talks
    over the serial port."""

    def __init__(self, station, fault):
        self.line = selftest_run.PortLine(types.SimpleNamespace(port=station.port, baud=115200))
        self.station = self.line._station
        self.station.ask("cp A")
        self.station.ask("plant " + fault)
        # The pilot of the new plug has to be seen, or the first question finds the old one.
        until(lambda: station_words.status(self.station.ask("status"))["pilot"] not in ("B", "C", "D"))

    def run(self, *words):
        self.line.turn = self.turn
        with self.line:
            return selftest_run.follow(self.line, list(words), lambda record: None, lambda record: "next", 60)

    def turn(self, plug):
        self.station.ask("cp " + plug)
        self.station.ask("pp %d" % (0 if plug == "A" else 1500))


FIRST = {
    "none": None,
    "no-modem": "spi-no-modem",
    "swapped": "spi-swapped",
    "pev": "role-pev",
    "cp-short": "cp-short",
    "diode": "diode-short",
    "pp-open": "pp-open",
    "welded": "contactor-welded",
    "int-open": "int-open",
}


def test_the_eight_faults_over_a_serial_port():
    """The real pyserial on a pseudo terminal, the 32-bit image behind it: each fault is named; the
    sound board passes."""
    with PtyStation({"ac_socket": True}, "unix32") as station:
        for fault, code in FIRST.items():
            results = Rig(station, fault).run("close")
            passed, first = selftest_run.verdict(results)
            eq((fault, first and first["code"], passed), (fault, code, code is None))


def test_tool_at_the_prompt_of_a_board():
    """At the REPL it starts the station, and stops it again at the end."""
    with PtyStation({}) as station:
        with link.Station.open(station.port) as port:
            port.wait_running()
            assert port.interrupt()
        done = tool("--port", station.port, "--skip", "--steps", "spi,modem,version,role")
        assert "modem is set up as EVSE" in done.stdout, done.stdout
        with link.Station.open(station.port) as port:
            eq(port.probe(), link.REPL)


def test_a_port_where_nobody_answers():
    assert "microv2g selftest: " in tool("--port", "/dev/null", status=1).stderr


def test_typed_at_the_serial_line():
    """A person sees every result as it comes, and answers with a word."""
    with PtyStation({"ac_socket": True}) as station, link.Station.open(station.port) as port:
        port.wait_running()
        port.ask("cp A")
        seen = []
        port.on_line = seen.append

        def said(text):
            until(
                lambda: [line for line in seen if text in line], lambda: seen, lambda: port.ask("heap")
            )  # lets lines come in

        port.send_line("selftest steps=cp,plug")
        said("cp-ok|ok|")
        said("selftest next: it is done")
        port.send_line("selftest skip")
        said("end|ok|")
        port.send_line("selftest skip")
        said("nothing was asked")
