"""The self-test of a board, followed from the host: lines of firmware/app/selftest_cmd.py become
results, questions go to whoever answers them.

A line to a station (SimLine, PortLine) has ask(words) -> lines of the answer, and turn(plug), which
turns a simulated test plug or does nothing.
"""

import queue
import re
import socket
import time

from host_tools.root import RUNTIME

_RESULT = re.compile(r"^(?:selftest )?([a-z0-9-]+)\|(ok|fail|warn|skip|do)\|([^|]*)\|([^|]*)$")
_STATE = re.compile(r"^(?:selftest )?state (running|asking|over) (\d+)$")
_VALUE = re.compile(r"^(\w+)=(\S+)(?: (.+))?$")
_POLL_S = 0.1


class SelftestError(Exception):
    """The test cannot be started or followed; str() says why and what to do."""


def parse(line):
    """One result as a dict: code, step, level, text, what, cause, remedy, values {name: {value,
    unit}}. None if it is none."""
    from firmware.app.selftest_codes import CODES

    found = _RESULT.match(line)
    if not found:
        return None
    code, level, text, values = found.groups()
    # A code that this host does not know, of a newer board: its own words.
    step, _, what, cause, remedy = CODES.get(code, ("?", level, text.rstrip("."), "", ""))
    record = {"code": code, "step": step, "level": level, "text": text, "what": what, "cause": cause, "remedy": remedy}
    record["values"] = {}
    for part in filter(None, values.split(", ")):
        name, value, unit = _VALUE.match(part).groups() if _VALUE.match(part) else (part, "", None)
        record["values"][name] = {"value": int(value) if re.fullmatch(r"-?\d+", value) else value, "unit": unit or ""}
    return record


class SimLine:
    """A station with simulated hardware as a process of this machine. fault: out of
    board.sim_board.FAULTS."""

    def __init__(self, fault="none", runtime=RUNTIME, pp_ohm=1500, socket_config=True):
        from host_tools.station.process import SeccProcess

        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.bind(("127.0.0.1", 0))
            port = sock.getsockname()[1]
        self._fault = fault
        self._pp_ohm = pp_ohm
        self._asked = 0
        self._records = queue.Queue()
        self._secc = SeccProcess(f"sim:{port}", {"ac_socket": socket_config}, runtime, None, self._records.put)

    def __enter__(self):
        from host_tools.station.process import SeccError

        try:
            self._secc.start()
            self._secc.wait_ready(10)
        except SeccError as error:
            self._secc.stop()
            raise SelftestError(str(error)) from None
        try:
            self._request("cp A")
            self._request("plant " + self._fault)
        except BaseException:
            self._secc.stop()
            raise
        time.sleep(0.3)
        return self

    def __exit__(self, *_):
        self._secc.stop()

    def ask(self, words):
        return self._request("selftest " + words)

    def _request(self, command):
        self._asked += 1
        head = "@%d " % self._asked  # a tagged request, firmware/run/operator.py
        self._secc.command(head + command)
        lines = []
        end = time.monotonic() + 10
        while True:
            try:
                record = self._records.get(timeout=max(0.0, end - time.monotonic()))
            except queue.Empty:
                raise SelftestError("the simulated station does not answer") from None
            line = record.get("error", "")  # no record of the trace
            if line == head + "ok":
                return lines
            if line.startswith(head + "error "):
                raise SelftestError(line[len(head) + 6 :])
            if line.startswith(head):
                lines.append(line[len(head) :])

    def turn(self, plug):
        self._request("cp " + plug)
        self._request("pp %d" % (0 if plug == "A" else self._pp_ohm))


class PortLine:
    """A board at a serial port. args: port and baud. From the prompt of the REPL the station is
    started, and stopped again at the end. Raises PortError."""

    def __init__(self, args):
        from host_tools.board.port.errors import NoAnswer
        from host_tools.board.port.link import REPL, SILENT, Station

        self._started = False
        self._station = station = Station.open(args.port, args.baud)
        try:
            found = station.probe()
            if found == SILENT:
                raise NoAnswer(station.silence("info", 2))
            if found == REPL:
                self._started = True
                if not station.run_from_repl("import evse; evse.run()"):
                    station.wait_running(15)
        except BaseException:
            station.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        try:
            if self._started:
                self._station.interrupt()
        finally:
            self._station.close()

    def ask(self, words):
        from host_tools.board.port.errors import Refusal

        # A start that is sent again would be refused because of itself.
        tries = 1 if words.startswith("start") else 3
        try:
            return self._station.ask("selftest " + words, timeout_s=5 if tries == 1 else 2, tries=tries)
        except Refusal as why:
            raise SelftestError(str(why)) from None

    def turn(self, plug):
        pass


def follow(line, words, on_result, answer, limit_s=900.0):
    """Run a test to its end: the list of results. words: options of `selftest start`.
    on_result(record) for each as it comes. answer(record) -> "next", "skip" or "stop" for each
    question; it may take its time. Raises SelftestError."""
    line.ask(" ".join(["start", *words]))
    results = []
    end = time.monotonic() + limit_s
    try:
        while True:
            state = None
            for text in line.ask("results %d" % len(results)):
                record = parse(text)
                if record is not None:
                    results.append(record)
                    on_result(record)
                elif _STATE.match(text):
                    state, count = _STATE.match(text).group(1), int(_STATE.match(text).group(2))
            if state is None:
                raise SelftestError("the station does not know `selftest`: its firmware is older than this tool")
            if count > len(results):
                continue
            if state == "over":
                return results
            if state == "asking":
                said = answer(results[-1])
                if said == "next" and "plug" in results[-1]["values"]:
                    line.turn(results[-1]["values"]["plug"]["value"])
                end = time.monotonic() + limit_s
                line.ask(said if said == "stop" else "%s %d" % (said, len(results)))
            elif time.monotonic() > end:
                raise SelftestError("the test does not end")
            else:
                time.sleep(_POLL_S)
    except BaseException:
        try:
            line.ask("stop")
        except Exception:
            pass  # it is over, or nobody is there
        raise


def verdict(results):
    """(passed, the first failure or None)."""
    first = next((record for record in results if record["level"] == "fail" and record["step"] != "end"), None)
    return bool(results) and results[-1]["code"] == "end", first
