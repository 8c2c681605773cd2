"""host_tools/checks/config_keys.py: misspelt and dead keys and second defaults are found. Host
only."""

from host_tools.checks import config_keys
from tests.lib.mtest import eq

RUNTIMES = ("cpython",)  # a tool of the host

KEYS = ["a_ms", "b_w", "c"]


def messages(source, keys=KEYS):
    return [(line, message) for _, line, message in config_keys.check(keys, {"x.py": source})]


def test_what_is_right_passes():
    eq(messages('def f(self, cfg, dc):\n    return cfg["a_ms"] + self.cfg["b_w" if dc else "c"]\n'), [])
    eq(messages('T = "a_ms"\ndef f(s):\n    return s._cfg["b_w"], s.cfg[T], s.other["d"], s.cfg["c"]\n'), [])


def test_a_misspelt_key():
    found = messages('x = cfg["a_ms"], cfg["b_w"], cfg["c"]\ny = f.cfg["a_msx"]\nz = cfg["c" if dc else "b"]\n')
    eq(found, [(2, "there is no key a_msx in the configuration"), (3, "there is no key b in the configuration")])


def test_a_key_that_nobody_reads():
    eq(messages('x = cfg["a_ms"], cfg["c"]\n'), [(0, "nobody reads b_w")])


def test_a_second_default():
    found = messages('x = cfg.get("a_ms", 3), cfg["b_w"], cfg["c"], other.get("a_ms", 1)\n')
    eq(found, [(1, "a_ms: write cfg[...]; its default stands in config_spec.py")])


def test_the_table_is_read():
    keys = config_keys.known()
    assert len(keys) > 60 and len(set(keys)) == len(keys) and "evse_id" in keys
