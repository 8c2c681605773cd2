"""What demo and monitor show while a station runs: the live view of a terminal, or lines in a
log."""

import threading
from collections import deque

from host_tools.recordings import oneline
from host_tools.recordings.oneline import find

_LINES = 14
_BAR = 24  # characters to each side of zero
_FULL_W = 25000


class View:
    """Takes records of the station (in its reader's thread) and shows them. `loops`: charge loops
    so far."""

    def __init__(self, plain, title="DC_BPT, Dynamic"):
        self.plain = plain
        self.title = title
        self.loops = 0
        self.pilot = "?"
        self._duty = ""
        self._station = "Unplugged"
        self._lock = threading.Lock()
        self._lines = deque(maxlen=_LINES)
        self._power = None
        self._state = "waiting for the car"
        self._soc = None
        self._told = None
        self._live = None

    def __enter__(self):
        if not self.plain:
            from rich.live import Live

            self._live = Live(self._render(), refresh_per_second=12, transient=False)
            self._live.__enter__()
        return self

    def __exit__(self, *error):
        if self._live:
            self._live.update(self._render())
            self._live.__exit__(*error)

    def refresh(self):
        if self._live:
            self._live.update(self._render())

    def record(self, record):
        with self._lock:
            t = f"{record['t_ms'] / 1000:7.2f}"
            if "dir" in record:
                self._message(t, record)
            elif "power" in record:
                self._power = record["power"]
                if self.plain:
                    self._plain_power(t)
            elif "error" in record:
                self._line(t, " ! ", record["error"], "", "red")
            else:
                self._event(t, record)

    def more(self):
        """Further rows (name, text or rich text) below the facts."""
        return []

    def _event(self, t, record):
        if "pilot" in record:
            self.pilot = record["pilot"]["state"]
            self._duty = f"{record['pilot']['duty_permille'] / 10:g} %{_volts(record['pilot'])}"
        elif "change" in record:
            self._station = record["change"]["to"]
        elif "note" not in record and "attenuation" not in record:
            return
        loud = "change" in record
        self._line(t, " * " if loud else " . ", oneline.event(record), "", "magenta" if loud else "dim")

    def _message(self, t, record):
        name = record["name"] or "?"
        from_car = record["dir"] == "EVCC->SECC"
        self._state = record["state"]
        soc = find(record["json"], "PresentSOC")
        if soc is not None:
            self._soc = soc
        if name.endswith("ChargeLoopReq"):
            self.loops += 1
        quiet = "ChargeLoop" in name and self.loops % 10 != 1
        if not (self.plain and quiet):  # a log needs no more than every tenth loop
            text = oneline.summary(record["json"]) if record["json"] else record.get("decode_error", "")
            self._line(t, "-->" if from_car else "<--", name, text, "blue" if from_car else "green")

    def _line(self, t, arrow, name, text, style):
        if self.plain:
            print(f"{t} {arrow} {name:32} {text}".rstrip(), flush=True)
        else:
            self._lines.append((t, arrow, name, text, style))

    def _plain_power(self, t):
        """A line when the set-point or the sign of the power changes."""
        p = self._power
        told = (p["setpoint_w"], (p["power_w"] > 0) - (p["power_w"] < 0))
        if told != self._told:
            self._told = told
            print(
                f"{t}  ~  power {p['power_w'] / 1000:+.1f} kW, set-point {p['setpoint_w'] / 1000:+.1f} kW", flush=True
            )

    def _render(self):
        from rich.console import Group
        from rich.panel import Panel
        from rich.table import Table
        from rich.text import Text

        with self._lock:
            lines, power, state, soc = list(self._lines), self._power, self._state, self._soc
        table = Table.grid(padding=(0, 1))
        for t, arrow, name, text, style in lines:
            table.add_row(Text(t, "dim"), Text(arrow, style), Text(name, style), Text(text, "dim", overflow="ellipsis"))
        for _ in range(_LINES - len(lines)):
            table.add_row("", "", "", "")
        for column in table.columns:
            column.no_wrap = True
        facts = Table.grid(padding=(0, 2))
        p = power or {"power_w": 0, "setpoint_w": 0, "voltage_mv": 0, "current_ma": 0, "contactor": 0,
                      "energy_charged_wh": 0, "energy_discharged_wh": 0}  # fmt: skip
        facts.add_row("pilot", Text(f"{self.pilot}  {self._duty}", "bold"), "station", Text(self._station, "bold"))
        facts.add_row("session", Text(state, "bold"), "contactor", "closed" if p["contactor"] else "open")
        facts.add_row(
            "output", f"{p['voltage_mv'] / 1000:5.1f} V  {p['current_ma'] / 1000:+7.1f} A",
            "state of charge", "-" if soc is None else f"{soc} %",
        )  # fmt: skip
        facts.add_row(
            "set-point", f"{p['setpoint_w'] / 1000:+.1f} kW",
            "energy", f"{p['energy_charged_wh']} Wh in, {p['energy_discharged_wh']} Wh out",
        )  # fmt: skip
        for name, value in self.more():
            facts.add_row(name, value)
        return Panel(
            Group(facts, _bar(p["power_w"], p["setpoint_w"]), Text(""), table),
            title=self.title,
            title_align="left",
        )


def _volts(pilot):
    """The plateaus of a pilot record, as much as there is of them."""
    known = [f"{mv / 1000:+.1f}" for mv in (pilot["high_mv"], pilot["low_mv"]) if mv is not None]
    return "  " + " / ".join(known) + " V" if known else ""


def _bar(power_w, setpoint_w):
    """Power as a bar to either side of zero, the set-point as a mark."""
    from rich.text import Text

    def cell(w):
        return max(-_BAR, min(_BAR, round(w * _BAR / _FULL_W)))

    length, mark = cell(power_w), cell(setpoint_w)
    text = Text("out of the car ")
    for i in range(-_BAR, _BAR + 1):
        filled = 0 < i <= length or length <= i < 0
        char = "|" if i == mark else "0" if i == 0 else "█" if filled else "·"
        text.append(char, "bold yellow" if i == mark else ("green" if i > 0 else "dark_orange") if filled else "dim")
    text.append(f" into the car   {power_w / 1000:+.1f} kW", "bold")
    return text
