"""`microv2g emu --fault`: a session on an emulated board that is wired wrong, and its outcome in words and as
JSON."""

RUNTIMES = ("cpython",)
TIMEOUT_S = 400

import json
import subprocess
import sys

from host_tools.root import ROOT
from tests.lib.mtest import eq, skip

if not (ROOT / "build" / "rpi_pico" / "firmware.uf2").exists():
    skip("no image: make firmware BOARD=rpi_pico")


def emu(*options):
    command = [sys.executable, "-m", "host_tools", "emu", "--no-tls", "--loop-s", "1", *options]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=350)
    return done.returncode, done.stdout, done.stderr


def test_welded_contactor_is_told():
    status, out, err = emu("--fault", "welded", "--service", "DC_BPT", "--json")
    eq(status, 0)
    found = json.loads(out)
    (session,) = found["sessions"]
    assert not session["driven"] and session["closed"], session
    assert [line for line in session["station"] if line.startswith("faults") and "WELDED" in line], session
    assert "station runs" in err, err[-2000:]  # progress goes to stderr


def test_without_a_modem_no_session_begins():
    status, out, _ = emu("--fault", "no_modem", "--service", "AC_BPT")
    eq(status, 0)
    told = out[out.index("AC_BPT with no_modem") :]
    assert "no whole session" in told and "main contacts open" in told and "modem DOWN" in told, told


def test_options_that_contradict_each_other():
    for options, why in (
        (("--fault", "nosuch"), "there are: no_modem"),
        (("--fault", "welded", "--doc", "x.md"), "leave out one"),
        (("--plug", "DC_BPT"), "--pty"),
    ):
        status, out, err = emu(*options)
        eq((status, out), (2, ""))
        assert why in err and err.count("\n") == 1, err
