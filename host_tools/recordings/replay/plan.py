"""Records of a station -> steps for player.py.

What the station did not decide comes from the recording: the requests and when they came,
set-points, stops, what the pilot allowed, the name in the vehicle certificate; and what it
measured, when a test had passed, its clock and the session id that it drew. So every field of an
answer can be compared.
"""

from host_tools.recordings.oneline import find, is_rational, rational

_ALLOWING = "CD"  # states of the pilot in which a car may be energised


class PlanError(Exception):
    """There is nothing to replay; str() says why."""


class Session:
    """steps: list of dicts for the player, in order. answers: recorded answers, one per request;
    None where none was recorded."""

    def __init__(self, t_ms):
        self.t_ms = t_ms
        self.steps = []
        self.answers = []
        self.requests = []

    def add(self, t_ms, op, **values):
        self.steps.append({"t": t_ms, "op": op, **values})


def sessions(records):
    """(list of Session, list of warnings). Raises PlanError."""
    out, warnings = [], []
    current = None
    vehicle, permitted, setpoint = None, None, None
    given_up = False  # a paused session, between two connections
    seen_pilot = any("pilot" in r for r in records)
    for i, r in enumerate(records):
        t = r["t_ms"]
        if "dir" in r and r["dir"] == "EVCC->SECC":
            if r["payload_type"] == "0x8001":
                current = Session(t)
                out.append(current)
                if seen_pilot:
                    current.add(t, "permit", yes=bool(permitted))
                if setpoint is not None:
                    current.add(t, "setpoint", w=setpoint)
                current.add(t, "start", vehicle=vehicle, given_up=given_up)
                given_up = False
            if current is None:
                if not warnings:
                    warnings.append("the recording begins inside of a session: its rest is left out")
                continue
            answer = _answer(records, i)
            current.requests.append(r)
            current.answers.append(answer)
            current.add(t, "rx", kind=int(r["payload_type"], 16), hex=r["exi_hex"], **_told(answer))
        elif "pilot" in r:
            permitted = r["pilot"]["state"] in _ALLOWING
            if current is not None:
                current.add(t, "permit", yes=permitted)
        elif "power" in r:
            if r["power"]["setpoint_w"] != setpoint:
                setpoint = r["power"]["setpoint_w"]
                if current is not None:
                    current.add(t, "setpoint", w=setpoint)
        elif "note" in r:
            note = r["note"]
            if note.startswith("tls 1.3") and "vehicle " in note:
                vehicle = note.rsplit("vehicle ", 1)[1]
            elif note.startswith("setpoint_w "):
                setpoint = int(note.split()[1])
                if current is not None:
                    current.add(t, "setpoint", w=setpoint)
            elif note.startswith("paused session given up"):
                given_up = current is None
            elif note == "stop requested" and current is not None:
                current.add(t, "stop")
            elif note.startswith(("disconnected", "connection lost", "tcp closed")):
                if current is not None:
                    current.add(t, "lost")
                current, vehicle = None, None
        elif "error" in r and "records lost" in r["error"]:
            warnings.append(f"{t / 1000:.3f} s: {r['error']}; what follows in that session is left out")
            current = None
    out = [s for s in out if s.requests]
    if not out:
        raise PlanError("no session from its beginning (supportedAppProtocolReq) in this recording")
    return out, warnings


def _answer(records, at):
    """The answer to the request records[at], None if there is none before the next request."""
    for r in records[at + 1 :]:
        if "dir" in r:
            return r if r["dir"] == "SECC->EVCC" else None
    return None


def _told(answer):
    """What the recorded answer tells of clock, session id and measurements."""
    out = {}
    json = answer.get("json") if answer else None
    if not json:
        return out
    name, body = next(iter(json.items()))
    if "Header" in body:
        out["wall"] = body["Header"]["TimeStamp"]
        out["id"] = body["Header"]["SessionID"]
    for key, field, factor in (
        ("mv", "EVSEPresentVoltage", 1000),
        ("ma", "EVSEPresentCurrent", 1000),
        ("w", "EVSEPresentActivePower", 1),
    ):
        value = find(body, field)
        if is_rational(value):
            out[key] = round(rational(value) * factor)
    if name == "DC_CableCheckRes":
        out["test"] = 1 if body.get("EVSEProcessing") == "Finished" else 0
    return out
