"""Configuration: one flat JSON object, one table with everything that may stand in it.

load() gives a dict with every key. An unknown key, a wrong type or a value out of range is a ConfigError that names
the key, the value and what is allowed. The table is a constant: frozen, it costs no RAM, meanings included.
"""

import json

# Kinds. Limits of INT: low..high. Of STR: shortest..longest in characters. Of CHOICE and LIST: the allowed values;
# a LIST is not empty and has no value twice, and its order counts.
INT = "int"
STR = "str"
BOOL = "bool"
CHOICE = "choice"
LIST = "list"

# (key, kind, default, low or choices, high, meaning)
SPEC = (
    # What is offered
    ("evse_id", "str", "DE*MV2*E000001", 1, 255, "EVSE id of the answer to SessionSetup"),
    (
        "services",
        "list",
        ("AC_BPT", "AC", "DC_BPT", "DC"),
        ("AC_BPT", "AC", "DC_BPT", "DC"),
        0,
        "energy services on offer, in order; without BPT only charging",
    ),
    (
        "control",
        "list",
        ("dynamic", "scheduled"),
        ("dynamic", "scheduled"),
        0,
        "control modes on offer; the order of the parameter sets",
    ),
    (
        "setpoint_w",
        "int",
        0,
        -1000000,
        1000000,
        "power set-point at start; positive charges, negative discharges, 0 means none",
    ),
    (
        "stop_after_loops",
        "int",
        0,
        0,
        1000000000,
        "the station ends the session after so many charge loop answers; 0 = never",
    ),
    # AC limits
    ("ac_phases", "choice", 3, (1, 3), 0, "number of connected phases"),
    ("ac_nominal_voltage_v", "int", 230, 50, 500, "line to neutral"),
    ("ac_frequency_mhz", "int", 50000, 45000, 65000, "nominal frequency in millihertz"),
    ("ac_max_charge_w", "int", 11040, 0, 1000000, "all phases together"),
    ("ac_min_charge_w", "int", 0, 0, 1000000, "all phases together"),
    ("ac_max_discharge_w", "int", 11040, 0, 1000000, "AC_BPT, all phases together"),
    ("ac_min_discharge_w", "int", 0, 0, 1000000, "AC_BPT, all phases together"),
    # DC limits
    ("dc_max_charge_w", "int", 50000, 0, 1000000, ""),
    ("dc_min_charge_w", "int", 0, 0, 1000000, ""),
    ("dc_max_charge_ma", "int", 125000, 0, 3000000, ""),
    ("dc_min_charge_ma", "int", 0, 0, 3000000, ""),
    ("dc_max_voltage_mv", "int", 920000, 0, 1500000, ""),
    ("dc_min_voltage_mv", "int", 150000, 0, 1500000, ""),
    ("dc_max_discharge_w", "int", 30000, 0, 1000000, "DC_BPT"),
    ("dc_min_discharge_w", "int", 0, 0, 1000000, "DC_BPT"),
    ("dc_max_discharge_ma", "int", 80000, 0, 3000000, "DC_BPT"),
    ("dc_min_discharge_ma", "int", 0, 0, 3000000, "DC_BPT"),
    ("power_ramp_w_per_s", "int", 20000, 1, 10000000, "how fast the power stage follows a new set-point"),
    (
        "v2x_min_soc",
        "int",
        0,
        0,
        100,
        "no discharge below this state of charge, percent; the car has its own floor too",
    ),
    # Simulated surroundings
    ("eim_delay_ms", "int", 0, 0, 600000, "authorisation by external means takes this long"),
    ("schedule_delay_ms", "int", 0, 0, 600000, "ScheduleExchange answers Ongoing this long"),
    ("cable_check_ms", "int", 500, 0, 600000, "duration of the simulated insulation test"),
    ("meter_id", "str", "MV2-METER-1", 0, 32, "empty = no meter"),
    ("meterinfo_always", "bool", False, 0, 0, "send MeterInfo in every loop answer, not only on request"),
    # Timeouts
    ("sequence_timeout_ms", "int", 60000, 100, 600000, "V2G_SECC_Sequence_Timeout: next request after an answer"),
    (
        "loop_sequence_timeout_ms",
        "int",
        500,
        100,
        60000,
        "the same after a charge loop answer; cars that pace slower need more",
    ),
    ("setup_timeout_ms", "int", 18000, 100, 600000, "V2G_SECC_CommunicationSetup_Timeout: connection to SessionSetup"),
    ("ongoing_timeout_ms", "int", 55000, 100, 600000, "longest Ongoing phase; below the 60 s of the car"),
    ("eim_timeout_ms", "int", 175000, 100, 600000, "longest wait for external authorisation"),
    ("cable_check_timeout_ms", "int", 38000, 100, 600000, "longest cable check"),
    ("precharge_timeout_ms", "int", 6500, 100, 600000, "longest pre-charge"),
    ("contactor_timeout_ms", "int", 1400, 50, 60000, "contactor feedback after the order to close"),
    ("off_timeout_ms", "int", 500, 50, 60000, "current gone after the order to stop"),
    ("tcp_hold_ms", "int", 5000, 0, 60000, "TCP stays open this long after SessionStopRes, for the car to close it"),
    ("terminate_delay_s", "int", 30, 0, 3600, "NotificationMaxDelay of a stop by the station"),
    # Pilot and powerline
    (
        "slac_init_ms",
        "int",
        40000,
        1000,
        50000,
        "TT_EVSE_SLAC_init: 5 % pilot to the first matching request; the standard wants 20000..50000",
    ),
    ("ef_retries", "int", 2, 0, 5, "C_sequ_retry: pilot F pulses that wake a car which does not start matching"),
    ("step_ef_ms", "int", 4000, 4000, 8000, "T_step_EF: length of such a pulse"),
    ("step_x1_ms", "int", 3000, 500, 8000, "T_step_X1: steady pilot between 5 % and the nominal duty"),
    (
        "basic_fallback",
        "bool",
        True,
        0,
        0,
        "AC only: a car without ISO 15118 charges by the pilot alone (IEC 61851); not used while DC is on offer",
    ),
    ("link_setup_ms", "int", 18000, 1000, 60000, "data link to the end of SessionSetup"),
    # Network
    ("tcp_port", "int", 0, 0, 65535, "0 = a random port in 49152..65535; else a port of that range"),
    ("sdp_port", "int", 15118, 1, 65535, "lab switch: cars always ask on 15118"),
    # Dialects: where sources or cars disagree
    (
        "allow_plain",
        "bool",
        True,
        0,
        0,
        "lab switch: sessions without TLS; without it a station that has no TLS serves nobody",
    ),
    ("sap_filter_by_service", "bool", True, 0, 0, "accept a protocol only if a service of it is on offer"),
    ("ac_connector_three_phase", "choice", 2, (2, 3), 0, "value of Connector that means three phases"),
    ("negative_discharge_limits", "bool", False, 0, 0, "send discharge limits with a minus sign"),
    (
        "islanding_param_name",
        "choice",
        "GridCodeIslandingDetectionMethod",
        ("GridCodeIslandingDetectionMethod", "DetectionMethodGridCodeIslanding"),
        0,
        "name of that AC_BPT parameter",
    ),
    ("islanding_method", "choice", 1, (1, 2), 0, "value of the islanding parameter: 1 active, 2 passive"),
    ("send_price_schedule", "choice", "minimal", ("minimal", "never"), 0, "some cars refuse a schedule without prices"),
    ("param_set_id_base", "int", 1, 0, 100, "id of the first parameter set"),
    ("strict_precharge_order", "bool", False, 0, 0, "refuse PreCharge requests after the one that was finished"),
    (
        "lenient_ev_values",
        "bool",
        False,
        0,
        0,
        "lab switch: do not refuse absurd values of simulated cars, nor mind their own energy floor",
    ),
    ("bpt_channel", "choice", 1, (1, 2), 0, "BPTChannel: 1 unified, 2 separated"),
    ("generator_mode", "choice", 1, (1, 2), 0, "GeneratorMode: 1 grid following, 2 grid forming"),
)

# (service that needs the pair or None, lower key, upper key): lower <= upper; upper > 0 if the service is offered.
_PAIRS = (
    (None, "ac_min_charge_w", "ac_max_charge_w"),
    ("AC_BPT", "ac_min_discharge_w", "ac_max_discharge_w"),
    (None, "dc_min_charge_w", "dc_max_charge_w"),
    (None, "dc_min_charge_ma", "dc_max_charge_ma"),
    (None, "dc_min_voltage_mv", "dc_max_voltage_mv"),
    ("DC_BPT", "dc_min_discharge_w", "dc_max_discharge_w"),
    ("DC_BPT", "dc_min_discharge_ma", "dc_max_discharge_ma"),
)

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
    if not isinstance(value, (list, tuple)) or not value:
        return False
    return all([value[i] in low and value[i] not in value[:i] for i in range(len(value))])


def defaults():
    """A new dict with the default of every key; lists are lists."""
    return {row[0]: list(row[2]) if row[1] == LIST else row[2] for row in SPEC}


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
            cfg[key] = list(value) if row[1] == LIST else value
    _cross_check(cfg)
    return cfg


def parse(text):
    """The JSON object in a text, not checked key by key yet; None or empty text is an empty one. Raises ConfigError."""
    if not text:
        return {}
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
    """Yield two lines per key for a person: name and value in cfg, then default, what is allowed, meaning."""
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
    port = cfg["tcp_port"]
    if port and port < _DYNAMIC_PORTS:
        raise ConfigError("tcp_port: %d is not allowed; must be 0 or in %d..65535" % (port, _DYNAMIC_PORTS))
