"""Answers of a station as values with names."""


def fields(lines):
    """key=value words of lines as a dict; numbers as int."""
    out = {}
    for line in lines:
        for word in line.split() if line.count("=") > 1 else [line]:
            key, found, value = word.partition("=")
            if found:
                out[key] = int(value) if value.lstrip("-").isdigit() else value
    return out


def status(lines):
    """The answer to `status` as a dict: the numbers of states with their names."""
    from drivers.pilot import STATE_NAMES as PILOT
    from firmware.app.plug_steps import STATE_NAMES as CHARGER
    from firmware.session.dialects import state_name
    from firmware.slac.evse import STATE_NAMES as SLAC

    out = fields(lines)
    for key, names, name in (
        ("charger", CHARGER, "station"),
        ("pilot", PILOT, "pilot"),
        ("slac", SLAC, "matching"),
    ):
        number = out.get(key)
        if isinstance(number, int):
            out.pop(key)
            out[name] = names[number] if 0 <= number < len(names) else number
    number = out.get("state")
    if isinstance(number, int):
        out.pop("state")
        out["session_state"] = state_name(number) if state_name(number) != "?" else number
    for key in ("modem", "linked", "session"):
        if key in out:
            out[key] = bool(out[key])
    return out
