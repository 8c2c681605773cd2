"""firmware/app/config.py: defaults, and an error that names key, value and range for everything
else."""

from firmware.app import config
from firmware.app.config import BOOL, CHOICE, INT, LIST, SPEC, STR, ConfigError


def error(text):
    try:
        config.load(text)
    except ConfigError as e:
        return str(e)
    raise AssertionError("accepted: " + text)


def test_defaults_are_valid_and_fresh():
    one, two = config.load(None), config.load("")
    assert one == two == config.load("{}") and len(one) == len(SPEC)
    one["services"].append("x")
    assert config.load(None) == two
    for row in SPEC:
        assert config._valid(row, two[row[0]]), row[0]


def test_every_value_of_the_defaults_may_be_written():
    import json

    assert config.load(json.dumps(config.defaults())) == config.defaults()


def test_values_are_taken():
    cfg = config.load('{"setpoint_w": 5000, "services": ["DC"], "meterinfo_always": true, "meter_id": ""}')
    assert cfg["setpoint_w"] == 5000 and cfg["services"] == ["DC"]
    assert cfg["meterinfo_always"] is True and cfg["meter_id"] == ""


def test_unknown_key_is_named_with_near_ones():
    text = error('{"set_point_w": 1}')
    assert '"set_point_w"' in text and "unknown" in text
    assert "setpoint_w" in error('{"setpoint": 1}')


def test_limits_of_every_number():
    import json

    for row in SPEC:
        if row[1] != INT:
            continue
        for value in (row[3] - 1, row[4] + 1, "1", None, True, [1], 1.5):
            text = error(json.dumps({row[0]: value}))
            assert row[0] in text and str(row[3]) in text and str(row[4]) in text, text


def test_limits_of_the_other_kinds():
    for row in SPEC:
        key, kind = row[0], row[1]
        if kind == BOOL:
            bad = ("0", "1", '"true"', "null")
        elif kind == CHOICE:
            bad = ("99", '"nonsense"', "true", "null", "[]")
        elif kind == LIST:
            bad = ("[]", '"AC"', '["nonsense"]', "[1]", "null", "[[]]", "true", '["%s", "%s"]' % (row[3][0], row[3][0]))
        elif kind == STR:
            bad = ('"' + "x" * (row[4] + 1) + '"', "1", "true", "null")
        else:
            continue
        for value in bad:
            assert key in error('{"%s": %s}' % (key, value))
    assert "evse_id" in error('{"evse_id": ""}')


def test_not_json_and_not_an_object():
    for text in ("{", "nonsense", '{"setpoint_w": 1', '{"services": ["AC"]', '{"setpoint_w": 1} x'):
        assert "JSON" in error(text), text
    for text in ("[]", "1", '"x"', "null"):
        assert "object" in error(text)


def test_lower_limits_stay_below_upper_ones():
    for lower, upper in (
        ("ac_min_charge_w", "ac_max_charge_w"),
        ("ac_min_discharge_w", "ac_max_discharge_w"),
        ("dc_min_charge_w", "dc_max_charge_w"),
        ("dc_min_charge_ma", "dc_max_charge_ma"),
        ("dc_min_voltage_mv", "dc_max_voltage_mv"),
        ("dc_min_discharge_w", "dc_max_discharge_w"),
        ("dc_min_discharge_ma", "dc_max_discharge_ma"),
    ):
        text = error('{"%s": 500, "%s": 499}' % (lower, upper))
        assert lower in text and upper in text
        config.load('{"%s": 500, "%s": 500}' % (lower, upper))


def test_bpt_needs_discharge_limits():
    for service, key in (
        ("AC_BPT", "ac_max_discharge_w"),
        ("DC_BPT", "dc_max_discharge_w"),
        ("DC_BPT", "dc_max_discharge_ma"),
    ):
        text = error('{"services": ["%s"], "%s": 0}' % (service, key))
        assert key in text and service in text
        config.load('{"services": ["AC", "DC"], "%s": 0}' % key)


def test_tcp_port_is_dynamic_or_random():
    assert "49152" in error('{"tcp_port": 15118}')
    assert config.load('{"tcp_port": 49152}')["tcp_port"] == 49152


def test_permission_by_an_input_needs_that_input():
    """Without it nothing could ever flow out of the car, and BPT would be on offer (R-LOOP-10)."""
    assert "export=" in error('{"export": "input"}')
    assert "export=" in error('{"export": "input", "inputs": "door=GP2"}')
    assert config.load('{"export": "input", "inputs": "door=GP2 export=GP3"}')["export"] == "input"


def test_every_key_is_described_once():
    keys = [row[0] for row in SPEC]
    assert len(set(keys)) == len(keys)
    lines = list(config.describe(config.load('{"setpoint_w": 77}')))
    assert [line.split()[0] for line in lines[0::2]] == keys
    assert [line for line in lines if line.startswith("setpoint_w ") and line.endswith(" 77")]
    for line in lines[1::2]:
        assert line.startswith("    default ")
