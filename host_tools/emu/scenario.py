"""The sessions of `microv2g emu`: boot, sessions with discharge over TLS, unplug, the same again
for the least free heap, power cuts; and the figures of them."""

import random
from dataclasses import dataclass, field
from pathlib import Path

from host_tools.emu import files, symbols
from host_tools.emu.board import BoardError, EmulatedBoard
from host_tools.emu.observer import Observer
from host_tools.ev import car as phases
from host_tools.ev import options, states
from host_tools.ev import tls as car_tls
from host_tools.lab import LAB
from host_tools.pki import issue, profile

READY = "Ctrl-C stops it."
_BOOT_MS, _SESSION_MS = 10000, 150000
_IDLE_MS = 2000
_HIT = {"erase": "an erasure", "program": "a page being programmed"}
_GAP_MS = 5  # between two looks at the pilot, whatever else goes on; 100 ms is what IEC 61851-1 allows from C to open
_PROFILE_US = 97  # no divisor of the pilot's period
_MOST_FUNCTIONS = 12
CONFIG = {**LAB, "services": ["DC_BPT", "AC_BPT"], "control": ["dynamic", "scheduled"], "setpoint_w": 5000,
          "power_ramp_w_per_s": 30000}  # fmt: skip
# Functions of the image. The last: boards/common/heap_mark around gc_collect().
_WATCHED = (("turn", "alive", False), ("collection", "__wrap_gc_collect", True))
_EVERY_BYTES = 2048  # of allocation, between two collections of the run for the least free heap
_PATIENCE = {"message_timeout_ms": 8000, "loop_timeout_ms": 4000}  # of the car in that run
_SLOW = {"loop_sequence_timeout_ms": 5000}  # of the station
_FAULT_PATIENCE_MS = 30000  # of a car whose station does not begin
_CLOCK_MHZ = 125


@dataclass
class Phase:
    """Figures of one part of a session."""

    name: str
    ms: float
    busy: float  # share of the processor that is not asleep
    handlers: float  # share of it in interrupt handlers
    pilot_gap_ms: float  # longest between two samples of the positive plateau
    longest_handler_us: float
    turn_ms: float | None = None  # longest between two turns of the main loop
    collections: int = 0
    collecting: float = 0.0  # share of the time
    collection_ms: float = 0.0  # the longest
    where: list = field(default_factory=list)  # (function, share of the time), the largest first


@dataclass
class Low:
    """The heap of a run at its fullest, as boards/common/heap_mark has seen it from the boot on."""

    run: str
    free: int  # least bytes behind a collection
    largest: int  # piece of them
    collections: int
    longest_cycles: int


@dataclass
class Session:
    service: str
    measured: bool = True
    ok: bool = False
    why: str = ""
    phases: list = field(default_factory=list)
    messages: list = field(default_factory=list)  # Observer.messages
    causes: list = field(default_factory=list)
    in_wh: float = 0.0
    out_wh: float = 0.0
    handshake_ms: float = 0.0
    heap_free: int = 0
    contactor_closed: bool = False
    heap: str = ""  # behind the session
    loop_heap: str = ""  # in the charge loop


@dataclass
class Outcome:
    """What became of a session on a board with a fault, a second behind its end."""

    service: str
    ok: bool  # in the eyes of the car
    why: str
    driven: bool  # the contactor's coil
    closed: bool  # its main contacts
    station: list  # what the station says about itself


@dataclass
class Result:
    image: str
    boot_ms: float = 0.0
    sessions: list = field(default_factory=list)
    lows: list = field(default_factory=list)  # Low
    stack_free: int | None = None  # bytes of the C stack that the sessions have left, and its size
    stack_size: int = 0
    cuts: list = field(default_factory=list)  # (ms into the write, setting found, ok)
    wrong: list = field(default_factory=list)


class Scenario:
    """image: Path of a UF2 with its ELF beside it. sink(record) gets what happens, as it
    happens."""

    def __init__(self, image, out, sink, seed=1, tls=True, loop_ms=6000, key_log="", faults=None):
        self.image = Path(image)
        self.out = Path(out)
        self.sink = sink
        self.seed = seed
        self.tls = tls
        self.loop_ms = loop_ms
        self.key_log = key_log
        self.faults = faults
        self.result = Result(str(image))
        elf = self.image.with_suffix(".elf")
        self._functions = symbols.functions(elf)
        self._stack = symbols.addresses(elf, ("__StackBottom", "__StackTop"))

    def run(self, services, cuts):
        """Sessions and power cuts of a board that is wired right; a Result."""
        config, certificates = self._setting()
        image = files.station(config, certificates)
        if services:
            self._sessions(image, services)
            self._heap(files.station(dict(config, **_SLOW), certificates), services)
        if cuts:
            self._cuts(image, cuts)
        return self.result

    def run_with_faults(self, services):
        """One session each on a board with `faults`; Outcomes."""
        observer, outcomes = Observer(self.sink), []
        with self._board(files.station(*self._setting()), observer) as board:
            board.until(READY, _BOOT_MS)
            self._note(board, "station runs")
            for service in services:
                session = self._session(board, observer, service, False, {"patience_ms": _FAULT_PATIENCE_MS})
                world, said = board.world, self._status(board)
                outcomes.append(
                    Outcome(service, session.ok, session.why, bool(world.coil), world.contactor.closed, said)
                )
        return outcomes

    def _setting(self):
        """(configuration, folder of certificates or None); the certificates are made."""
        self.out.mkdir(parents=True, exist_ok=True)
        config, certificates = dict(CONFIG, tls="none", allow_plain=True), None
        if self.tls:
            folder = self.out / "pki"
            issue.write_all(folder, issue.make("strict", 2, dict(profile.NAMES)))
            config, certificates = dict(CONFIG, tls="strict"), folder / "device"
        return config, certificates

    # -- sessions

    def _sessions(self, image, services):
        observer = Observer(self.sink)
        with self._board(image, observer) as board:
            for name, function, span in _WATCHED:
                if function in self._functions:
                    board.watch(name, self._functions[function], span)
            board.until(READY, _BOOT_MS)
            self.result.boot_ms = board.ms
            self._note(board, "station runs")
            board.run_ms(500)  # the modem has its key
            for service in services:
                session = self._session(board, observer, service)
                self.result.sessions.append(session)
                self._judge(session)
            self._low(board, "as measured above")
            if self._stack[0]:
                self.result.stack_free, self.result.stack_size = board.stack_free(*self._stack)

    def _heap(self, image, services):
        """All of it again, with so many collections that nothing lives between two of them unseen.
        They take time, so nothing else is measured here."""
        observer = Observer(self.sink)
        with self._board(image, observer) as board:
            board.until(READY, _BOOT_MS)
            self._note(board, "the same again for the least free heap: a collection every %d bytes" % _EVERY_BYTES)
            board.type("import gc; gc.threshold(%d)\r" % _EVERY_BYTES)
            board.run_ms(500)
            for service in services:
                self._judge(self._session(board, observer, service, False, _PATIENCE))
            self._low(board, "a collection every %d bytes" % _EVERY_BYTES)

    def _low(self, board, run):
        found = dict(word.split("=", 1) for word in self._ask(board, "info").split() if "=" in word)
        numbers = [
            int(found.get(name, -1)) for name in ("heap_low", "heap_low_largest", "collections", "collection_us")
        ]
        if min(numbers) < 0:
            self.result.wrong.append("the board does not tell its least free heap")
            return
        self.result.lows.append(Low(run, *numbers[:3], numbers[3] * _CLOCK_MHZ))

    def _session(self, board, observer, service, measured=True, ev=None):
        """One car from plug to unplug; ev: options of it besides."""
        session = Session(service, measured)
        observer.messages.clear()
        observer.causes.clear()
        stage, cfg = None, dict(options.DEFAULTS)
        if self.tls:
            cfg.update(tls_dir=str(self.out / "pki" / "car"), tls_key_log=self.key_log)
            stage = car_tls.stage(cfg, observer)
        self._measure(board, session, "waiting", lambda: board.run_ms(_IDLE_MS))
        car = board.world.plug(
            tls=stage, service=service, duration_ms=self.loop_ms, capacity_wh=400, tls_dir=cfg["tls_dir"],
            **(ev or {}),
        )  # fmt: skip
        board.world.observer = observer
        script = [(0.0, 5000), (0.5, -5000)]
        try:
            for name, done in (
                ("matching", lambda: car.phase >= phases.ADDRESSING),
                ("address, discovery", lambda: car.phase >= phases.CONNECTING),
                ("TCP, TLS handshake" if self.tls else "TCP", lambda: car.phase >= phases.SESSION),
                ("session up to the loop", lambda: car.evcc.state >= states.LOOP),
            ):
                self._measure(
                    board, session, name, lambda done=done: board.until(lambda: done() or car.done, _SESSION_MS)
                )
            self._measure(board, session, "charge loop", lambda: self._loop(board, car, script, session))
            self._measure(board, session, "end", lambda: board.until(lambda: car.done, _SESSION_MS))
        except BoardError as error:
            session.why = str(error)
        for phase in session.phases:
            if phase.name.startswith("TCP"):
                session.handshake_ms = phase.ms
        session.ok = car.ok and not session.why
        session.why = session.why or car.why
        session.messages = list(observer.messages)
        session.causes = list(observer.causes)
        battery = car.evcc.battery
        session.in_wh, session.out_wh = battery.energy_in_wms / 3.6e6, battery.energy_out_wms / 3.6e6
        board.run_ms(1500)
        session.contactor_closed = board.world.contactor.closed
        session.heap = self._ask(board, "heap")
        return session

    def _loop(self, board, car, script, session):
        begin = board.ms
        for part, watts in script:
            at = begin + part * self.loop_ms
            board.until(lambda at=at: board.ms >= at or car.evcc.state != states.LOOP or car.done, _SESSION_MS)
            if car.done:
                return
            self._note(board, "operator: setpoint %d" % watts)
            board.type("@9 setpoint %d\r" % watts)
        found = [word for word in self._ask(board, "info").split() if word.startswith("heap_free=")]
        session.loop_heap = found[0].replace("heap_", "") if found else ""
        board.until(lambda: car.evcc.state != states.LOOP or car.done, _SESSION_MS)

    def _judge(self, session):
        wrong = self.result.wrong
        if not session.ok:
            wrong.append("%s: the session did not end well: %s" % (session.service, session.why))
        if not (session.in_wh > 0 and session.out_wh > 0):
            wrong.append("%s: energy did not flow both ways" % session.service)
        gap_ms = max([phase.pilot_gap_ms for phase in session.phases] or [0])
        if gap_ms > _GAP_MS:
            wrong.append("%s: %.1f ms between two looks at the pilot" % (session.service, gap_ms))
        if session.contactor_closed:
            wrong.append("%s: the contactor is closed at the end" % session.service)

    def _measure(self, board, session, name, run):
        if not session.measured:
            run()
            return
        board.metrics()
        board.profile(self._functions, _PROFILE_US)
        before = board.head
        try:
            run()
        finally:
            after, m = board.head, board.metrics()
            ns = max(1.0, after.ns - before.ns)
            cycles = max(1.0, after.cycles - before.cycles)
            busy = 1 - (after.idle_ns - before.idle_ns) / ns
            phase = Phase(
                name, ns / 1e6, busy, (after.handler_cycles - before.handler_cycles) / cycles * busy,
                m["longest_gap_ns"] / 1e6, m["longest_handler_cycles"] / 125,
            )  # fmt: skip
            watch = m["watch"]
            if "turn" in watch:
                phase.turn_ms = watch["turn"]["longest_ns"] / 1e6
            if "collection" in watch:
                c = watch["collection"]
                phase.collections, phase.collecting = c["count"], c["total_ns"] / ns
                phase.collection_ms = c["longest_ns"] / 1e6
            phase.where = board.profile(self._functions)[:_MOST_FUNCTIONS]
            session.phases.append(phase)

    def _status(self, board):
        """Lines of the station's `status` for a person, and its counters."""
        board.console = ""
        board.type("status\r")
        try:
            text = board.until("\nheap low", 3000)
        except BoardError:
            return ["(no answer)"]
        lines = [line.strip() for line in text.replace("\r", "").split("\n")]
        begin = max([i for i, line in enumerate(lines) if line.startswith("pilot ")] or [0])
        return [*lines[begin:-1], "counters   " + self._ask(board, "counters")]

    def _ask(self, board, command):
        """The lines that the console answers to a command, joined by spaces; "" if it does not."""
        board.console = ""
        board.type("@8 %s\r" % command)
        try:
            text = board.until("@8 ok", 3000) + board.until("\n", 1000)
        except BoardError:
            return ""
        lines = [line.strip()[3:] for line in text.split("\n") if line.startswith("@8 ")]
        return " ".join(line.removeprefix("ok").strip() for line in lines if line != "ok")

    # -- power cuts

    def _cuts(self, image, count):
        """Set a key again and again and let the power go somewhere in it: each start must find the
        old or the new value."""
        dice = random.Random(self.seed)
        with self._board(image, None) as board:
            board.until(READY, _BOOT_MS)
            now = 999
            board.metrics()
            begin = board.ms
            self._ask(board, "config set setpoint_w %d" % now)  # a whole one, to know where the cuts belong
            write_ms = board.ms - begin
            whole = board.metrics()
            operations = max(1, whole["erased"] + whole["programmed"])
            for number in range(count):
                new = 1000 + number
                begin = board.ms
                board.type("@1 config set setpoint_w %d\r" % new)
                if number % 2:  # every other one where it hurts
                    hit = board.power_cut_in(dice.randrange(operations), dice.random())
                else:
                    hit = board.power_cut(dice.uniform(0, 1.1 * write_ms))
                at_ms = board.ms - begin
                found, ok = None, False
                board.power_on()
                try:
                    board.until(READY, _BOOT_MS)
                    found = int(self._ask(board, "config get setpoint_w") or "-1")
                    ok = found in (now, new)
                    now = found
                except (BoardError, ValueError) as error:
                    self.result.wrong.append("power cut %d, %.1f ms into the write: %s" % (number, at_ms, error))
                    self.result.cuts.append((at_ms, found, False))
                    break
                if not ok:
                    self.result.wrong.append("power cut %d: neither the old nor the new value: %s" % (number, found))
                self.result.cuts.append((at_ms, found == new, ok))
                where = ", in %s" % _HIT[hit] if hit else ""
                value = "new" if found == new else "old"
                self._note(board, "power cut %.1f ms into a write%s: %s value found" % (at_ms, where, value))

    # -- inside

    def _board(self, image, observer):
        return EmulatedBoard(self.image, flash=image, faults=self.faults, seed=self.seed, observer=observer)

    def _note(self, board, text):
        self.sink({"t_ms": board.ms, "note": text})
