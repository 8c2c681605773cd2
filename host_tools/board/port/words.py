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
    from firmware.app.charger import STATE_NAMES as CHARGER
    from firmware.session.states import STATE_NAMES as SESSION
    from firmware.slac.evse import STATE_NAMES as SLAC

    out = fields(lines)
    for key, names, name in (
        ("charger", CHARGER, "station"),
        ("pilot", PILOT, "pilot"),
        ("slac", SLAC, "matching"),
        ("state", SESSION, "session_state"),
    ):
        number = out.get(key)
        if isinstance(number, int):
            out.pop(key)
            out[name] = names[number] if 0 <= number < len(names) else number
    for key in ("modem", "linked", "session"):
        if key in out:
            out[key] = bool(out[key])
    return out
