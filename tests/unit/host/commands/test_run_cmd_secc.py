"""host_tools/commands/secc.py: the command line of the station. Host only."""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile

from host_tools.commands import secc as cmd_secc
from host_tools.root import ROOT
from host_tools.station.process import environment
from tests.lib.patience import LIMIT_S, let_pass

RUNTIMES = ("cpython",)  # starts processes
SDP_PORT = 20000 + os.getpid() % 20000  # several runs at a time on one machine
MAIN = """
import argparse, sys
from host_tools.commands import secc as cmd_secc
parser = argparse.ArgumentParser()
cmd_secc.register(parser.add_subparsers())
args = parser.parse_args()
sys.exit(args.func(args))
"""


def parse(*words):
    parser = argparse.ArgumentParser()
    cmd_secc.register(parser.add_subparsers())
    return parser.parse_args(["secc", *words])


def start(*words):
    command = [sys.executable, "-c", MAIN, "secc", "--runtime", "cpython", *words]
    pipe = subprocess.PIPE
    env = environment("cpython")
    return subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, env=env, text=True, bufsize=1)


def run(*words):
    p = start(*words)
    out, err = p.communicate(timeout=LIMIT_S)
    return p.returncode, out, err


def config_file(folder, **values):
    path = os.path.join(folder, "c.json")
    with open(path, "w") as f:
        json.dump({"sdp_port": SDP_PORT, **values}, f)
    return path


def test_options_have_priority_over_the_file():
    with tempfile.TemporaryDirectory() as folder:
        path = config_file(folder, setpoint_w=1, services=["AC"], meter_id="")
        args = parse("--config", path, "--services", "DC_BPT, DC", "--setpoint", "5000", "--stop-after", "7")
        assert cmd_secc.merged_config(args) == {
            "sdp_port": SDP_PORT,
            "services": ["DC_BPT", "DC"],
            "setpoint_w": 5000,
            "stop_after_loops": 7,
            "meter_id": "",
        }


def test_print_config_shows_every_key_with_its_value():
    code, out, err = run("--print-config", "--setpoint", "-77", "--lab")
    assert code == 0 and err == ""
    assert "\nsetpoint_w " in out and " -77\n" in out and "sequence_timeout_ms" in out and "default" in out


def test_errors_are_one_clear_line_and_status_2():
    with tempfile.TemporaryDirectory() as folder:
        bad = config_file(folder, setpoint_W=1)
        for words, wanted in (
            (("--iface", "lo", "--config", bad), "setpoint_W"),
            (("--iface", "lo", "--config", bad + "x"), "No such file"),
            (("--iface", "lo", "--services", "TEA"), "services"),
            (("--iface", "nosuch0"), "lo"),
            ((), "--iface"),
            (("--iface", "lo", "--trace", folder + "/no/such/t.jsonl"), "t.jsonl"),
        ):
            code, out, err = run(*words)
            assert code == 2 and out == "" and wanted in err and err.count("\n") == 1, (words, code, out, err)


def test_ready_commands_and_quit():
    with tempfile.TemporaryDirectory() as folder:
        p = start("--iface", "lo", "--lab", "--config", config_file(folder))
        assert p.stdout.readline().startswith("READY port=")
        p.stdin.write("setpoint -5000\nstatus\nnonsense\n")
        assert "setpoint_w -5000" in p.stdout.readline()
        assert "setpoint_w=-5000" in p.stdout.readline()
        assert "unknown command" in p.stdout.readline()
        p.stdin.write("quit\n")
        _, err = p.communicate(timeout=LIMIT_S)
        assert p.returncode == 0 and err == "", err


def test_end_of_stdin_does_not_end_the_station_and_a_signal_does():
    for number in (signal.SIGTERM, signal.SIGINT):
        with tempfile.TemporaryDirectory() as folder:
            trace = os.path.join(folder, "t.jsonl")
            p = start("--iface", "lo", "--quiet", "--config", config_file(folder), "--trace", trace)
            assert p.stdout.readline().startswith("READY")
            children = subprocess.run(["pgrep", "-P", str(p.pid)], stdout=subprocess.PIPE, check=False).stdout.split()
            p.stdin.close()
            p.stdin = None
            let_pass(0.3)
            assert p.poll() is None
            p.send_signal(number)
            _, err = p.communicate(timeout=LIMIT_S)
            assert p.returncode == 0 and err == "", err
            for child in children:
                assert not os.path.exists(f"/proc/{int(child)}")
            with open(trace) as f:
                assert "READY" in json.loads(f.readline())["note"]


def test_a_port_in_use_is_a_clear_error():
    with tempfile.TemporaryDirectory() as folder:
        words = ("--iface", "lo", "--config", config_file(folder))
        p = start(*words)
        p.stdout.readline()
        code, out, err = run(*words)
        p.stdin.write("quit\n")
        p.communicate(timeout=LIMIT_S)
        assert code == 2 and str(SDP_PORT) in err and "in use" in err and out == "", err


def test_help_has_examples():
    done = subprocess.run(
        [sys.executable, "-c", MAIN, "secc", "--help"], stdout=subprocess.PIPE, text=True, check=True, cwd=ROOT
    )
    assert "examples:" in done.stdout and "setpoint W" in done.stdout
