"""`microv2g exi`: the same answers from this Python and from the codec frozen in both images; errors name the
place."""

import json
import os
import subprocess
import sys

from host_tools.root import ROOT

RUNTIMES = ("cpython",)  # starts processes
TIMEOUT_S = 200

KINDS = ("0x8001", "0x8002", "0x8003", "0x8004")


def exi(action, text, runtime):
    done = subprocess.run(
        [sys.executable, "-m", "host_tools", "exi", action, "--runtime", runtime],
        input=text.encode(),
        capture_output=True,
        cwd=ROOT,
    )
    assert not done.stderr, done.stderr.decode()
    return done.returncode, done.stdout.decode().splitlines()


def corpus(name, most):
    with open(os.path.join(ROOT, "tests/golden/data", name + ".jsonl"), encoding="utf-8") as file:
        for _, line in zip(range(most), file):
            schema, fragment, data, obj = json.loads(line)
            if fragment:
                yield "fragment:" + ("SAP", "CommonMessages", "AC", "DC", "xmldsig")[schema], data, obj
            else:
                yield KINDS[schema] if schema < 4 else "xmldsig", data, obj


def test_both_ways_on_every_runtime():
    rows = [row for name in ("SAP", "AC", "DC", "xmldsig", "CommonMessages") for row in corpus(name, 30)]
    rows += [row for row in corpus("CommonMessages", 600) if row[0].startswith("fragment")]
    for runtime in ("cpython", "unix", "unix32"):
        status, lines = exi("decode", "".join("%s %s\n" % row[:2] for row in rows), runtime)
        assert status == 0 and [json.loads(line) for line in lines] == [row[2] for row in rows]
        status, lines = exi("encode", "".join("%s %s\n" % (row[0], json.dumps(row[2])) for row in rows), runtime)
        assert status == 0 and lines == [row[1] for row in rows]


def test_errors_name_offset_or_path():
    for runtime in ("cpython", "unix32"):
        status, lines = exi("decode", "# comment\n\n0x8001 80400040\n0x8002 8008\n0x9000 1000\n0x8002 xy\n?\n", runtime)
        assert status == 1 and len(lines) == 5
        assert json.loads(lines[0])["supportedAppProtocolRes"]["SchemaID"] == 1
        assert lines[1] == "error: input ends inside the message, at byte 2 bit 0"
        assert all(line.startswith("error: ") for line in lines[2:])
        good = {"SessionStopRes": {"Header": {"SessionID": "0102030405060708", "TimeStamp": 1}, "ResponseCode": "OK"}}
        short = json.loads(json.dumps(good).replace("0102030405060708", "01"))
        del good["SessionStopRes"]["ResponseCode"]
        text = (
            "".join("0x8002 %s\n" % json.dumps(o) for o in (good, short)) + '0x8003 {"SessionStopRes": 1}\n0x8002 {\n'
        )
        status, lines = exi("encode", text, runtime)
        assert status == 1
        assert lines[0] == "error: SessionStopRes/ResponseCode: mandatory element missing or of the wrong type"
        assert lines[1] == "error: SessionStopRes/Header/SessionID: value or length out of the schema's range"
        assert lines[2].startswith("error: ") and lines[3].startswith("error: ")


def test_long_lines():
    """A message of 17 kB with 1024 entries goes through the 32-bit image."""
    kind, data, obj = next(iter(corpus("full_arrays", 1)))
    assert exi("encode", "%s %s\n" % (kind, json.dumps(obj)), "unix32") == (0, [data])
