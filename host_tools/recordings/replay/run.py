"""Run a recording through the firmware: `replay()`."""

import json
import subprocess
import tempfile
from pathlib import Path

from host_tools.recordings.replay import compare, plan
from host_tools.root import RUNTIME
from host_tools.station.process import Decoder, SeccError, environment, firmware_command

_LIMIT_S = 120


class ReplayError(Exception):
    """The replay could not be done; str() says why."""


def replay(records, config, runtime=RUNTIME, free=compare.FREE):
    """Returns {"sessions", "requests", "compared", "warnings", "differences"}; a difference is a
    dict with t_ms (of the recording), request, answer, path, recorded, replayed. Raises
    ReplayError, plan.PlanError, SeccError."""
    found, warnings = plan.sessions(records)
    answers, notes = _play(found, config, runtime)
    out = {"sessions": len(found), "requests": 0, "compared": 0, "warnings": warnings, "differences": []}
    for number, session in enumerate(found):
        for i, request in enumerate(session.requests):
            out["requests"] += 1
            one = {"session": number + 1, "t_ms": request["t_ms"], "request": request["name"]}
            recorded, played = session.answers[i], answers.get((number, i))
            if recorded is None and played is None:
                continue
            if recorded is None or played is None:
                one.update(
                    answer=(recorded or played)["name"], path="", recorded=_name(recorded), replayed=_name(played)
                )
                one["notes"] = [text for n, text in notes if n == number][-3:]
                out["differences"].append(one)
                continue
            out["compared"] += 1
            for path, was, is_now in compare.differences(recorded["json"], played["json"], free):
                out["differences"].append(
                    {**one, "answer": recorded["name"], "path": path, "recorded": was, "replayed": is_now}
                )
    return out


def _name(answer):
    return None if answer is None else answer["name"]


def _command(runtime, path):
    command = firmware_command(runtime)
    player = str(Path(__file__).with_name("player.py"))
    return [*command[: command.index("-m")], player, path]


def _play(sessions, config, runtime):
    """({(session, request): record of the answer}, [(session, note)])."""
    with tempfile.TemporaryDirectory(prefix="microv2g-replay-") as folder:
        path = Path(folder) / "plan.json"
        path.write_text(json.dumps({"config": config, "sessions": [s.steps for s in sessions]}))
        try:
            done = subprocess.run(
                _command(runtime, str(path)), capture_output=True, text=True, timeout=_LIMIT_S, cwd=folder,
                env=environment(runtime), check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            raise ReplayError(f"the firmware did not come to an end within {_LIMIT_S} s") from None
    answers, notes, decoder = {}, [], Decoder()
    for line in done.stdout.splitlines():
        kind, _, rest = line.partition(" ")
        if kind == "A":
            session, request, _, payload_type, data = rest.split(" ")
            record = decoder.record(f"M 0 tx {payload_type} 0 {data}")
            answers.setdefault((int(session), int(request)), record)
        elif kind == "N":
            session, _, text = rest.split(" ", 2)
            notes.append((int(session), text))
        elif kind == "X":
            raise ReplayError("the player failed: " + rest)
    if done.returncode:
        raise ReplayError(
            f"the firmware ended with status {done.returncode}: {(done.stderr or done.stdout).strip()[-300:]}"
        )
    return answers, notes


__all__ = ("ReplayError", "SeccError", "replay")
