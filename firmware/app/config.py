"""Configuration: one flat JSON object, checked against one table (config_spec.py).

load() gives a dict with every key. An unknown key, a wrong type or a value out of range is a
ConfigError that names the key, the value and what is allowed.
"""

import json

from firmware.app.config_spec import BOOL, CHOICE, INT, LIST, SPEC, STR, TEXTS

# (service that needs the pair or None, lower key, upper key): lower <= upper; upper > 0 if the
# service is offered (R-CPD-08).
_PAIRS = (
    (None, "ac_min_charge_w", "ac_max_charge_w"),
    ("AC_BPT", "ac_min_discharge_w", "ac_max_discharge_w"),
    (None, "dc_min_charge_w", "dc_max_charge_w"),
    (None, "dc_min_charge_ma", "dc_max_charge_ma"),
    (None, "dc_min_voltage_mv", "dc_max_voltage_mv"),
    ("DC_BPT", "dc_min_discharge_w", "dc_max_discharge_w"),
    ("DC_BPT", "dc_min_discharge_ma", "dc_max_discharge_ma"),
)

_LISTS = (LIST, TEXTS)
_DYNAMIC_PORTS = 49152  # cars check that the announced port is dynamic


class ConfigError(ValueError):
    """str() names the key, the value found and what is allowed."""


def allowed(row):
    """What may stand in a row of SPEC, in words."""
    kind, low, high = row[1], row[3], row[4]
    if kind == INT:
        return "a whole number in %d..%d" % (low, high)
    if kind == STR:
        return "a text of %d to %d characters" % (low, high)
    if kind == BOOL:
        return "true or false"
    if kind == TEXTS:
        return "a list of at most %d texts of 1 to %d characters, each once" % (low, high)
    words = ", ".join([json.dumps(choice) for choice in low])
    return ("one of " if kind == CHOICE else "a list of one or more, each once, of ") + words


def _valid(row, value):
    kind, low, high = row[1], row[3], row[4]
    is_bool = value is True or value is False  # True is an int on CPython, and not on MicroPython: ask first
    if kind == BOOL:
        return is_bool
    if is_bool:
        return False
    if kind == INT:
        return isinstance(value, int) and low <= value <= high
    if kind == STR:
        return isinstance(value, str) and low <= len(value) <= high
    if kind == CHOICE:
        return isinstance(value, (int, str)) and value in low
    if not isinstance(value, (list, tuple)):
        return False
    if kind == TEXTS:
        return len(value) <= low and all(
            [
                isinstance(value[i], str) and 0 < len(value[i]) <= high and value[i] not in value[:i]
                for i in range(len(value))
            ]
        )
    if not value:
        return False
    return all([value[i] in low and value[i] not in value[:i] for i in range(len(value))])


def defaults():
    """A new dict with the default of every key; lists are lists."""
    return {row[0]: list(row[2]) if row[1] in _LISTS else row[2] for row in SPEC}


def merge(changes):
    """Defaults with `changes` (a dict) over them, checked. Raises ConfigError."""
    cfg = defaults()
    for key in changes:
        if key not in cfg:
            raise ConfigError("%s: unknown key%s" % (json.dumps(key), _hint(key)))
    for row in SPEC:
        key = row[0]
        if key in changes:
            value = changes[key]
            if not _valid(row, value):
                raise ConfigError("%s: %s is not allowed; must be %s" % (key, json.dumps(value), allowed(row)))
            cfg[key] = list(value) if row[1] in _LISTS else value
    _cross_check(cfg)
    return cfg


def parse(text):
    """The JSON object in a text, not checked key by key yet; None or empty text is an empty one.
    Raises ConfigError."""
    if not text:
        return {}
    if text[0] == "\ufeff":  # editors of Windows put a byte order mark in front
        text = text[1:]
    try:
        changes = json.loads(text)
    except ValueError as e:
        raise ConfigError("not JSON: %s" % e)
    if not isinstance(changes, dict):
        raise ConfigError('not a JSON object: it must look like {"key": value, ...}')
    if text.rstrip()[-1] != "}":  # MicroPython's parser takes half an object for a whole one: a half written file
        raise ConfigError("not JSON: it ends too early")
    return changes


def load(text):
    """As merge(), from JSON text; None or empty text means all defaults."""
    return merge(parse(text))


def describe(cfg):
    """Yield two lines per key for a person: name and value in cfg, then default, what is allowed,
    meaning."""
    for row in SPEC:
        yield "%-26s %s" % (row[0], json.dumps(cfg[row[0]]))
        yield "    default %s; %s%s" % (json.dumps(row[2]), allowed(row), "; " + row[5] if row[5] else "")


def _hint(key):
    """Near names for a mistyped key: those that share a word of it."""
    words = [word for word in key.split("_") if len(word) > 2]
    near = [row[0] for row in SPEC if [word for word in words if word in row[0]]]
    if not near:
        return ""
    return "; did you mean %s?" % " or ".join(near[:4])


def _cross_check(cfg):
    for service, lower, upper in _PAIRS:
        if cfg[lower] > cfg[upper]:
            raise ConfigError("%s: %d is above %s, which is %d" % (lower, cfg[lower], upper, cfg[upper]))
        if service in cfg["services"] and cfg[upper] <= 0:
            raise ConfigError("%s: must be above 0 while %s is in services" % (upper, service))
    if cfg["authorization"] == "list" and not cfg["authorized"]:
        raise ConfigError("authorized: must not be empty while authorization is list")
    if cfg["setpoint_w"] < 0 and not cfg["lab"]:
        raise ConfigError(
            "setpoint_w: %d is not allowed; below zero a set-point needs an end: "
            "`setpoint W for SECONDS`, or a schedule" % cfg["setpoint_w"]
        )
    if cfg["inputs"]:
        from firmware.app import inputs  # only in memory where there are some

        try:
            inputs.parse(cfg["inputs"])
        except ValueError as error:
            raise ConfigError("inputs: %s" % error)
    if cfg["export"] == "input" and "export=" not in cfg["inputs"]:
        raise ConfigError('export: input needs an input of that name, as inputs "export=GP28"')
    if cfg["socket_lock"] != "none" and not cfg["ac_socket"]:
        raise ConfigError("socket_lock: there is no socket, see ac_socket")
    port = cfg["tcp_port"]
    if port and port < _DYNAMIC_PORTS:
        raise ConfigError("tcp_port: %d is not allowed; must be 0 or in %d..65535" % (port, _DYNAMIC_PORTS))
